"""From an accumulator's values to the integers of the next layer."""

from __future__ import annotations

from typing import Any, Optional, Sequence, Union

import numpy as np

from . import _arrays, _fewbit

_Real = Union[float, Sequence[float], np.ndarray]
_Integer = Union[int, Sequence[int], np.ndarray]


def _reals(given: Optional[Any], name: str, precision: type) -> Any:
    if given is None:
        return None
    found = np.asarray(given)
    if found.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {found.dtype}: expected numbers")
    # A scale in float32, where the policy takes it so, is rounded once from what is given.
    return _one_or_list(found.astype(precision).astype(np.float64), name)


def _integers(given: Optional[Any], name: str, bits: int) -> Any:
    if given is None:
        return None
    found = _arrays.int64(given, name)
    limit = 1 << (bits - 1)
    if found.size and not (-limit <= int(found.min()) and int(found.max()) < limit):
        wrong = int(found.min()) if int(found.min()) < -limit else int(found.max())
        raise ValueError(f"{name} has {wrong}: expected integers of {bits} bits")
    return _one_or_list(found, name)


def _one_or_list(found: np.ndarray, name: str) -> Any:
    if found.ndim > 1:
        raise ValueError(f"{name} has shape {list(found.shape)}: expected one number, or one per channel")
    if found.size == 1:
        return found.reshape(()).item()
    return found.tolist()


def requantize(
    values: Any,
    policy: str,
    to: str,
    *,
    scale: Optional[_Real] = None,
    multiplier: Optional[_Integer] = None,
    shift: Optional[_Integer] = None,
    thresholds: Optional[Any] = None,
    out_scale: int = 1,
    out_bias: Optional[_Real] = None,
    bias: Optional[_Integer] = None,
    zero_point: int = 0,
    overflow: str = "saturate",
    seed: int = 0,
    threads: Optional[int] = None,
) -> np.ndarray:
    """``output = fit(scale(value + bias) + zero_point)`` by the rule of a stack, bit for bit.

    `policy` is ``tosa32``, ``tosa32-double``, ``tosa16``, ``gemmlowp``, ``tflite-single``, ``tflite16``, ``cmsis``,
    ``cmsis-single``, ``ruy``, ``onnx``, ``finn``, ``exact-<rounding>``, ``shift-<rounding>`` or ``thresholds``; those of a
    stack may end in ``-wrap``, ``-saturate`` or ``-refuse``, which says what becomes of an intermediate value beyond 32 bits.

    A real `scale` becomes what the policy works with as its stack derives it; or give `multiplier` and `shift`, `shift`
    alone, or `thresholds` ([T] or [channels, T]), each for all values or one per place of the last axis. `bias` is in units
    of the accumulator; `out_bias` is for ``finn`` and ``thresholds``, `out_scale` for the latter.

    >>> requantize([[10, 10], [-6, 5000]], "gemmlowp", "int8", scale=[0.25, 0.125])
    array([[  3,   1],
           [ -2, 127]], dtype=int8)
    >>> requantize([1 << 40], "tosa32", "int8", multiplier=1 << 30, shift=33)
    Traceback (most recent call last):
        ...
    ValueError: the value at [0] cannot be requantized: the value 1099511627776 is outside of -2147483648 to 2147483647, what `tosa32` takes
    """
    found = _arrays.integers(values, "values")
    found = np.ascontiguousarray(found.astype(np.int32 if found.dtype == np.int32 else np.int64, copy=False))
    policy = _arrays.text(policy, "policy")
    single = np.float32 if policy.split("-")[0] in ("onnx", "finn") else np.float64
    lists = None
    if thresholds is not None:
        array = np.asarray(thresholds)
        if array.ndim not in (1, 2) or array.dtype.kind not in "fiu":
            raise ValueError(f"thresholds have shape {list(array.shape)} and dtype {array.dtype}: expected numbers, [T] or [channels, T]")
        if array.dtype.kind in "iu" and array.size and int(abs(array.astype(object)).max()) > 1 << 53:
            raise ValueError("thresholds of more than 53 bits are no floats")
        lists = np.atleast_2d(array.astype(np.float64)).tolist()
    job = _fewbit.RequantizeJob(
        policy,
        _arrays.text(to, "to"),
        _reals(scale, "scale", single),
        _integers(multiplier, "multiplier", 32),
        _integers(shift, "shift", 32),
        lists,
        int(out_scale),
        _reals(out_bias, "out_bias", single),
        _integers(bias, "bias", 64),
        int(zero_point),
        _arrays.text(overflow, "overflow"),
        _arrays.seed64(seed),
    )
    out = np.empty(found.shape, job.dtype())
    job.run(found, out, _arrays.threads_of(threads))
    return out

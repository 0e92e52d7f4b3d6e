"""Values to codes and back."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from . import _arrays, _fewbit


def _policy(rounding: Optional[str], overflow: Optional[str], axes: dict) -> dict:
    for axis, value in axes.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{axis} is {value!r}: expected the name of a policy, a str")
    return {"rounding": rounding, "overflow": overflow, **axes}


def _out(out: Optional[np.ndarray], source: np.ndarray, dtypes: tuple) -> np.ndarray:
    name, shape = "out", source.shape
    if out is None:
        return np.empty(shape, dtypes[0])
    if not isinstance(out, np.ndarray) or out.dtype not in dtypes:
        names = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise TypeError(f"{name} is {getattr(out, 'dtype', type(out).__name__)}: expected an array of {names}")
    if out.shape != shape:
        raise ValueError(f"{name} has shape {list(out.shape)}: expected {list(shape)}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError(f"{name} must be contiguous and writable")
    if np.may_share_memory(out, source):
        raise ValueError(f"{name} shares memory with the input")
    return out


def _scalar(format: Any) -> str:
    """The name of a format of elements."""
    name = _arrays.text(format, "format")
    if _fewbit.format_kind(name) == "group":
        raise ValueError(f"{name} is a group format: fewbit.quantize makes its codes and scales")
    return name


def cast(
    x: Any,
    format: str,
    *,
    rounding: Optional[str] = None,
    overflow: Optional[str] = None,
    seed: int = 0,
    threads: Optional[int] = None,
    out: Optional[np.ndarray] = None,
    **policy: Optional[str],
) -> np.ndarray:
    """The values that `format` represents: every element rounded once, as float32, or float64 where `x` is that.

    An integer `x`, and a format that reaches beyond float32, give the narrower of float32 and float64 that has all values
    of the format. A group format (``mxfp4``) is quantized along the last axis and dequantized, `quantize` says how.

    `rounding` is ``ties-even`` unless given (``toward-zero``, ``stochastic8`` with `seed`, ...), `overflow` is ``saturate``
    (``special``, ``wrap``, ...); further axes of the policy are keyword arguments: ``preset`` (a stack, such as
    ``ocp-1.0``), ``nan``, ``nan_sign``, ``nan_payload``, ``infinity``, ``zero_sign``, ``subnormal_input``,
    ``subnormal_output``. `out` is written to and returned where it is given.

    >>> cast(np.float32([0.3, 3.1, 500]), "e4m3fn")
    array([3.125e-01, 3.000e+00, 4.480e+02], dtype=float32)
    >>> cast(np.float32([0.3, 3.1, 500]), "e5m2", rounding="up")
    array([3.125e-01, 3.500e+00, 5.120e+02], dtype=float32)
    >>> cast([1.0, float("nan")], "int8")
    Traceback (most recent call last):
        ...
    ValueError: the element at [1] cannot be converted: NaN has no counterpart in int8: choose another NaN policy to allow it
    """
    format = _arrays.text(format, "format")
    seed, threads = _arrays.seed64(seed), _arrays.threads_of(threads)
    if _fewbit.format_kind(format) == "group":
        from ._tensor import Quantizer

        if out is not None:
            raise TypeError(f"out has no meaning for {format}, a group format")
        quantizer = Quantizer(format, seed=seed, rounding=rounding, overflow=overflow, axis=None, set=None, **policy)
        found = quantizer.quantize(x, threads=threads).dequantize(threads=threads)
        return found.astype(np.float64) if np.asarray(x).dtype == np.float64 else found
    numbers = _arrays.numbers(x, "x")
    fits, _ = _fewbit.value_widths(format)
    if numbers.dtype == np.float64 or not fits:
        dtypes: tuple = (np.dtype(np.float64), np.dtype(np.float32))
    else:
        dtypes = (np.dtype(np.float32), np.dtype(np.float64))
    out = _out(out, numbers, dtypes)
    _fewbit.cast(numbers, out, format, _policy(rounding, overflow, policy), seed, threads)
    return out


def encode(
    x: Any,
    format: str,
    *,
    rounding: Optional[str] = None,
    overflow: Optional[str] = None,
    seed: int = 0,
    threads: Optional[int] = None,
    out: Optional[np.ndarray] = None,
    **policy: Optional[str],
) -> np.ndarray:
    """The codes that `format` gives to `x`, as the smallest unsigned type that holds them; arguments as in `cast`.

    The codes are those of ml_dtypes' types, which can view them: ``encode(x, "e4m3fn").view(ml_dtypes.float8_e4m3fn)``.

    >>> encode(np.float32([0.3, -2.6, 100.0]), "e2m1fn")
    array([ 1, 13,  7], dtype=uint8)
    >>> encode([1.0, 2.0], "bf16")
    array([16256, 16384], dtype=uint16)
    """
    format = _scalar(format)
    numbers = _arrays.numbers(x, "x")
    dtype = np.dtype(_arrays.code_dtype(_fewbit.code_bits(format)))
    out = _out(out, numbers, (dtype,))
    policy = _policy(rounding, overflow, policy)
    _fewbit.encode(numbers, out, format, policy, _arrays.seed64(seed), _arrays.threads_of(threads))
    return out


def decode(
    codes: Any, format: str, *, threads: Optional[int] = None, out: Optional[np.ndarray] = None
) -> np.ndarray:
    """The values of codes: float32, or float64 where the format's values need it.

    >>> decode(np.uint8([1, 13, 7]), "e2m1fn")
    array([ 0.5, -3. ,  6. ], dtype=float32)
    >>> decode([16], "e2m1fn")
    Traceback (most recent call last):
        ...
    ValueError: the code 0x10 at [0] is none of e2m1fn, which has 4 bits
    """
    format = _scalar(format)
    found = _arrays.codes(codes, _fewbit.code_bits(format), "codes")
    fits, _ = _fewbit.value_widths(format)
    wide, narrow = np.dtype(np.float64), np.dtype(np.float32)
    out = _out(out, found, (narrow, wide) if fits else (wide,))
    _fewbit.decode(found, out, format, _arrays.threads_of(threads))
    return out

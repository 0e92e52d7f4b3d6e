"""Quantizers and the tensors that they make."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Union

import numpy as np

from . import _arrays, _fewbit

#: ("tensor",), ("channel", axis), ("row",) or ("group", axis, size)
Granularity = Union[str, Tuple[Any, ...]]


def _granularity_json(granularity: Granularity) -> str:
    parts: Tuple[Any, ...] = (granularity,) if isinstance(granularity, str) else tuple(granularity)
    kinds = {"tensor": 1, "row": 1, "channel": 2, "group": 3}
    if not parts or kinds.get(parts[0]) != len(parts):
        raise ValueError(
            f"granularity is {granularity!r}: expected 'tensor', 'row', ('channel', axis) or ('group', axis, size)"
        )
    fields = dict(zip(("axis", "size"), (int(part) for part in parts[1:])))
    return json.dumps({parts[0]: fields} if fields else parts[0])


class QuantTensor:
    """Codes with their scales and zero points: ``value = (decode(code) - zero_point) * scale``.

    >>> q = quantize(np.float32([[1.0, -0.5], [0.25, 1.5]]), "int8")
    >>> q.codes
    array([[ 85, 213],
           [ 21, 127]], dtype=uint8)
    >>> q.ints()
    array([[ 85, -43],
           [ 21, 127]])
    >>> q
    <QuantTensor int8 [2, 2], one scale 0.01171875>
    """

    __slots__ = ("_native",)

    def __init__(
        self,
        codes: Any,
        scale: Any,
        format: str,
        zero_point: Any = None,
        granularity: Granularity = "tensor",
    ) -> None:
        format = _arrays.text(format, "format")
        found = _arrays.codes(codes, _fewbit.code_bits(format), "codes").astype(np.uint32)
        self._native = _fewbit.Tensor(
            found,
            format,
            _arrays.floats(scale, "scale"),
            None if zero_point is None else _arrays.floats(zero_point, "zero_point"),
            _granularity_json(granularity),
        )

    @classmethod
    def _of(cls, native: Any) -> "QuantTensor":
        tensor = cls.__new__(cls)
        tensor._native = native
        return tensor

    @property
    def format(self) -> str:
        """The format of the elements, or of the groups where scales are codes."""
        return self._native.format

    @property
    def element(self) -> str:
        """The format of an element."""
        return self._native.element

    @property
    def shape(self) -> Tuple[int, ...]:
        """The extent of each axis."""
        return tuple(self._native.shape)

    @property
    def codes(self) -> np.ndarray:
        """The codes, in the smallest unsigned type that holds them."""
        return self._native.codes

    @property
    def scale(self) -> np.ndarray:
        """The scales, of the shape that the granularity gives."""
        return self._native.scale

    @property
    def zero_point(self) -> Optional[np.ndarray]:
        """The zero points; None where all are zero."""
        return self._native.zero_point

    @property
    def granularity(self) -> Tuple[Any, ...]:
        """Who shares a scale: ``("tensor",)``, ``("channel", axis)``, ``("row",)`` or ``("group", axis, size)``."""
        found = json.loads(self._native.granularity)
        if isinstance(found, str):
            return (found,)
        ((kind, fields),) = found.items()
        return (kind, *(fields[name] for name in ("axis", "size") if name in fields))

    @property
    def scale_codes(self) -> Optional[np.ndarray]:
        """The codes of the scales of a group format; None where scales are numbers."""
        found = self._native.scale_codes
        return None if found is None else found[1]

    @property
    def scale_format(self) -> Optional[str]:
        """The format of these codes."""
        found = self._native.scale_codes
        return None if found is None else found[0]

    @property
    def outer_scale(self) -> Optional[np.ndarray]:
        """The values of the scales above the scales, where a group format has them."""
        found = self._native.scale_codes
        return None if found is None else found[3]

    def dequantize(self, *, threads: Optional[int] = None) -> np.ndarray:
        """The values, as float32."""
        return self._native.dequantize(_arrays.threads_of(threads))

    def ints(self) -> np.ndarray:
        """The integers that the codes of an integer format are."""
        return self._native.ints()

    def save(self, path: Any) -> None:
        """Writes a `.safetensors` file, which the command line reads; whole, or not at all."""
        target = Path(path)
        partial = target.with_name(target.name + ".part")
        try:
            partial.write_bytes(self._native.to_safetensors())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Any) -> "QuantTensor":
        """Reads what `save`, or the command line, has written."""
        try:
            return cls._of(_fewbit.Tensor.from_safetensors(Path(path).read_bytes()))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def __repr__(self) -> str:
        return f"<QuantTensor {str(self).splitlines()[0]}>"

    def __str__(self) -> str:
        return str(self._native)

    def _repr_html_(self) -> str:
        head, _, rest = str(self).partition("\n")
        return f"<p><b>{escape(head)}</b></p><pre>{escape(rest)}</pre>"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, QuantTensor)
            and self._native.to_safetensors() == other._native.to_safetensors()
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return (_unpickled, (self._native.to_safetensors(),))


def _unpickled(data: bytes) -> QuantTensor:
    return QuantTensor._of(_fewbit.Tensor.from_safetensors(data))


class Quantizer:
    """What turns numbers into codes: a format with one scale for all, a group format, or a preset of Brevitas's.

    ``Quantizer("int8")`` has one scale, of the largest magnitude; ``Quantizer("mxfp4", axis=-1)`` one per group along an
    axis. Policies are keyword arguments as in `fewbit.cast`; for the scales of groups ``scale_rule`` (``floor``, ``rceil``,
    ...), ``scale_arithmetic``, ``scale_rounding``, ``scale_overflow``, ``least_scale``, ``block_maximum``, ``zero_block``,
    ``nan_block`` and ``infinite_block``.

    A name that `fewbit.presets` lists is a whole quantizer, whose fields are changed by `set`, with the names of its
    description or Brevitas's (``bit_width``, ``group_size``).

    >>> Quantizer("Int8WeightPerChannelFloat", set={"bit_width": 4}).quantize([[0.7, -0.35], [14.0, 3.0]]).ints()
    array([[ 7, -4],
           [ 7,  2]])
    >>> Quantizer("int8", axis=1)
    Traceback (most recent call last):
        ...
    ValueError: axis is 1, and int8 has one scale for all elements: groups have an axis, such as those of mxfp4 or mx(int8,f16,32)
    """

    __slots__ = ("_native", "name")

    #: What it was made of: a format or a preset.
    name: str

    def __init__(
        self,
        to: str,
        *,
        axis: Optional[int] = None,
        seed: int = 0,
        set: Optional[Dict[str, Any]] = None,
        **policy: Optional[str],
    ) -> None:
        to = _arrays.text(to, "to")
        self.name = to
        if any(preset.name.lower() == to.lower() for preset in _quantizer_presets()):
            if axis is not None or any(value is not None for value in policy.values()):
                raise TypeError(f"{to} is a whole quantizer: change its fields with set={{...}}")
            fields = [(field, json.dumps(_plain(value))) for field, value in (set or {}).items()]
            if seed:
                fields.append(("seed", json.dumps(_arrays.seed64(seed))))
            self._native = _fewbit.Recipe.of_preset(to, fields)
            return
        if set is not None:
            raise TypeError(f"set changes the fields of a preset, and {to} is none")
        for name, value in policy.items():
            if value is not None and not isinstance(value, str):
                raise TypeError(f"{name} is {value!r}: expected the name of a policy, a str")
        self._native = _fewbit.Recipe.to_format(to, axis, policy, _arrays.seed64(seed))

    @classmethod
    def from_json(cls, text: str) -> "Quantizer":
        """The quantizer that `to_json` describes, as the metadata of the command line's files have it under ``recipe``."""
        quantizer = cls.__new__(cls)
        quantizer._native = _fewbit.Recipe.of_json(text)
        quantizer.name = json.loads(text).get("format", json.loads(text)["kind"])
        return quantizer

    def to_json(self) -> str:
        """Every choice, as JSON text."""
        return self._native.json()

    def quantize(self, x: Any, *, threads: Optional[int] = None) -> QuantTensor:
        """Codes and scales of a tensor of numbers that are float32."""
        return QuantTensor._of(self._native.quantize(_arrays.floats(x, "x"), _arrays.threads_of(threads)))

    def fake_quantize(self, x: Any, *, threads: Optional[int] = None) -> np.ndarray:
        """The values as a simulation on floats has them: those of the codes, but NaN stays NaN and zeros keep signs.

        >>> Quantizer("int8").fake_quantize([1.0, -2.0, -0.001])
        array([ 1., -2., -0.], dtype=float32)
        """
        return self._native.values(_arrays.floats(x, "x"), _arrays.threads_of(threads))

    def __repr__(self) -> str:
        return f"<Quantizer {self.name}>"

    def _repr_html_(self) -> str:
        fields = json.loads(self.to_json())
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value if isinstance(value, str) else json.dumps(value))}</td></tr>"
            for name, value in fields.items()
        )
        return f"<table>{rows}</table>"

    def __reduce__(self) -> Any:
        return (Quantizer.from_json, (self.to_json(),))


def _quantizer_presets() -> Any:
    from ._formats import presets

    return [preset for preset in presets() if preset.kind != "policy"]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        floats = _arrays.floats(value, "a field")
        return {"shape": list(floats.shape), "values": floats.reshape(-1).tolist()} if floats.ndim else floats.item()
    return value.item() if isinstance(value, np.generic) else value


def quantize(
    x: Any,
    to: Any,
    *,
    axis: Optional[int] = None,
    rounding: Optional[str] = None,
    overflow: Optional[str] = None,
    seed: int = 0,
    set: Optional[Dict[str, Any]] = None,
    threads: Optional[int] = None,
    **policy: Optional[str],
) -> QuantTensor:
    """Numbers to codes with scales, by a `Quantizer` or by what makes one: `to` is a format, a group format or a preset.

    >>> q = quantize(np.float32([[12.0, -4.0, 1.0]]), "mxfp4")
    >>> q.scale, q.scale_codes, q.codes
    (array([[2.]], dtype=float32), array([[128]], dtype=uint8), array([[ 7, 12,  1]], dtype=uint8))
    >>> dequantize(q)
    array([[12., -4.,  1.]], dtype=float32)
    """
    if isinstance(to, Quantizer):
        given = {"axis": axis, "rounding": rounding, "overflow": overflow, "set": set, **policy}
        named = [name for name, value in given.items() if value is not None] + (["seed"] if seed else [])
        if named:
            raise TypeError(f"{named[0]} has no meaning beside a Quantizer, which has it")
        return to.quantize(x, threads=threads)
    quantizer = Quantizer(to, axis=axis, seed=seed, set=set, rounding=rounding, overflow=overflow, **policy)
    return quantizer.quantize(x, threads=threads)


def dequantize(tensor: QuantTensor, *, threads: Optional[int] = None) -> np.ndarray:
    """The values of a quantized tensor, as float32."""
    if not isinstance(tensor, QuantTensor):
        raise TypeError(f"expected a QuantTensor, not {type(tensor).__name__}; fewbit.decode takes codes without scales")
    return tensor.dequantize(threads=threads)

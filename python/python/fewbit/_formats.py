"""What formats and presets there are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import List, Optional, Tuple

from . import _fewbit
from ._arrays import text


@dataclass(frozen=True)
class FormatInfo:
    """A format: its codes' width, its extremes, what it has, and its names elsewhere."""

    name: str
    description: str
    bits: int
    signed: bool
    #: The next three are None where the format is no float.
    exponent_bits: Optional[int]
    fraction_bits: Optional[int]
    bias: Optional[int]
    #: The extremes as float64; P3109's and takums' reach further.
    max: float
    min: float
    smallest_positive: float
    smallest_normal: Optional[float]
    has_zero: bool
    has_infinity: bool
    has_nan: bool
    aliases: Tuple[str, ...]
    source: str

    @property
    def __fewbit_name__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class PresetInfo:
    """A named quantizer (of weights, activations, biases, truncations), or the policies of a stack (``policy``)."""

    name: str
    kind: str
    description: str


def formats(*names: str) -> List[FormatInfo]:
    """The formats of the table, or those of these names, custom ones such as ``e3m4b7fn`` and ``fix8.4`` among them.

    >>> e4m3fn = formats("float8_e4m3fn")[0]
    >>> e4m3fn.name, e4m3fn.bits, e4m3fn.max, e4m3fn.has_infinity
    ('e4m3fn', 8, 448.0, False)
    >>> len(formats()) > 40
    True
    """
    if not names:
        return [_info(entry) for entry in json.loads(_fewbit.format_table())]
    return [_info(json.loads(_fewbit.format_entry(text(name, "the format")))) for name in names]


def _info(entry: dict) -> FormatInfo:
    # JSON has no infinities.
    for key in ("max", "min", "smallest_positive"):
        if entry[key] is None:
            entry[key] = {"max": float("inf"), "min": float("-inf"), "smallest_positive": 0.0}[key]
    return FormatInfo(**{**entry, "aliases": tuple(entry["aliases"])})


def presets(kind: Optional[str] = None) -> List[PresetInfo]:
    """The presets of quantizers, under Brevitas's names, and of policies; all, or those of one kind.

    >>> [preset.name for preset in presets("policy")][:2]
    ['ocp-1.0', 'ocp-1.0-nonsaturating']
    """
    found = [PresetInfo(**entry) for entry in json.loads(_fewbit.preset_table())]
    kinds = {preset.kind for preset in found}
    if kind is not None and kind not in kinds:
        raise ValueError(f"kind is {kind!r}: expected one of {', '.join(sorted(kinds))}")
    return [preset for preset in found if kind in (None, preset.kind)]

"""Products through accumulators."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np

from . import _arrays, _fewbit
from ._report import FloatReport, Report, report_of


@dataclass(frozen=True)
class Product:
    """Values, and how they came about.

    `values` is int64 where integers went through integer stages, else float64. `rounded` counts values that are not exact:
    only those of an ``exact`` last register may be.
    """

    values: np.ndarray
    #: None with report="none".
    report: Union[Report, FloatReport, None]
    acc: str
    #: Of the product alone, without reading, checking and packing the operands.
    seconds: float
    #: ``lanes``, or ``reference`` where no vector lane has the accumulator's registers.
    engine: str
    isa: str
    rounded: int = 0

    def __repr__(self) -> str:
        events = "no report" if self.report is None else f"{self.report.events} events"
        return f"<Product {list(self.values.shape)} {self.values.dtype} through {self.acc}: {events}>"

    def _repr_html_(self) -> str:
        from html import escape

        table = "" if self.report is None else self.report._repr_html_()
        return f"<p>{escape(repr(self)[1:-1])}</p>{table}"


#: The formats of NumPy's own types, as the command line has them.
_OWN = {
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "float16": "f16",
    "float32": "f32",
}


class _Operand:
    """An array with what is said about it."""

    def __init__(self, array: Any, name: str, format: Optional[str], scales: Any) -> None:
        from ._tensor import QuantTensor

        self.name = name
        self.scales = scales
        self.scale_format: Optional[str] = None
        self.block: Optional[int] = None
        if isinstance(array, QuantTensor):
            if format is not None or scales is not None:
                raise TypeError(f"{name} is a QuantTensor, which has its own format and scales: leave {name}_format and "
                                f"{name}_scales out")
            self._of_tensor(array)
            return
        self.array = _arrays.native(array, name)
        self.format = None if format is None else _arrays.text(format, f"{name}_format")
        extension = _arrays.extension_format(self.array.dtype)
        if extension is not None:
            self.format = self.format or _fewbit.format_name(extension)
            bits = _fewbit.code_bits(self.format)
            whole = self.array.dtype.name.startswith(("int", "uint"))
            # Small integers are their own values; other types are bit patterns.
            self.array = self.array.astype(np.int8) if whole else _arrays.codes(self.array, bits, name)
            if whole:
                self.array = self.array.astype(np.float64)
        if self.array.dtype.kind == "b":
            self.array = self.array.astype(np.uint8)
        _arrays.axes(self.array, name, 2)

    def _of_tensor(self, tensor: Any) -> None:
        self.format = tensor.element
        self.array = tensor.codes
        _arrays.axes(self.array, self.name, 2)
        if tensor.scale_codes is None:
            return
        axis, block = tensor.granularity[1:]
        along = 1 if self.name == "a" else 0
        if axis != along:
            raise ValueError(
                f"{self.name} has its groups along axis {axis}: those of the products' terms run along axis {along}"
            )
        if tensor.outer_scale is not None and tensor.outer_scale.size > 1:
            raise ValueError(f"{self.name} has outer scales within its rows, which no accumulator takes")
        if tensor.zero_point is not None:
            raise ValueError(f"{self.name} has zero points in its groups, which no accumulator takes")
        self.scales, self.scale_format, self.block = tensor.scale_codes, tensor.scale_format, block

    @property
    def is_integer(self) -> bool:
        """Whether these are integers: by their format, or else to be refused as such."""
        if self.scales is not None:
            return False
        if self.format is None:
            return self.array.dtype.kind in "iu"
        kind = _fewbit.format_name(self.format)
        return kind in ("binary", "ternary") or kind.startswith(("int", "uint"))

    @property
    def can_be_rounded(self) -> bool:
        """Whether its numbers may be others than those of its format."""
        return self.format is not None and not self._are_codes

    @property
    def _are_codes(self) -> bool:
        return self.format is not None and self.array.dtype.kind == "u" and self.array.dtype.itemsize <= 4

    def integers(self, rounding: Optional[str], seed: int) -> np.ndarray:
        """The integers."""
        if self.format is None:
            return _arrays.integers(self.array, self.name)
        return self.numbers(rounding, seed).integers()

    def numbers(self, rounding: Optional[str], seed: int) -> Any:
        """The numbers in their format."""
        format = self.format or _OWN.get(self.array.dtype.name)
        if format is None:
            raise TypeError(
                f"{self.name} has dtype {self.array.dtype}: {self.name}_format says which format its numbers have"
            )
        if self._are_codes:
            return _fewbit.operand_of_codes(self.array, format, self.name)
        values = self.array.astype(np.float64)
        if self.array.dtype.kind in "iu" and not (values.astype(object) == self.array.astype(object)).all():
            raise ValueError(f"{self.name} has integers of more than 53 bits, which no format of an operand has")
        return _fewbit.operand_of_values(values, format, rounding, seed, self.name)


def _scaled(operand: _Operand, numbers: Any, format: Optional[str], block: Optional[int], acc: str) -> Any:
    usual, size = _fewbit.block_scales(acc)
    format, block = operand.scale_format or format or usual, operand.block or block or size
    if block < 1:
        raise ValueError(f"block is {block}: expected at least 1")
    scales = _Operand(operand.scales, f"{operand.name}_scales", format, None)
    rows, k = operand.array.shape if operand.name == "a" else operand.array.shape[::-1]
    expected = (rows, -(-k // block)) if operand.name == "a" else (-(-k // block), rows)
    if scales.array.shape != expected:
        raise ValueError(
            f"{scales.name} has shape {list(scales.array.shape)}: expected {list(expected)}, a scale for every {block} "
            "elements along k"
        )
    return numbers.with_scales(scales.numbers(None, 0), block)


def matmul(
    a: Any,
    b: Any,
    acc: Any,
    *,
    a_format: Optional[str] = None,
    b_format: Optional[str] = None,
    rounding: Optional[str] = None,
    a_scales: Any = None,
    b_scales: Any = None,
    scale_format: Optional[str] = None,
    block: Optional[int] = None,
    init: Any = None,
    seed: int = 0,
    report: str = "full",
    threads: Optional[int] = None,
) -> Product:
    """``C[i, j] = acc(A[i, 0] * B[0, j], A[i, 1] * B[1, j], ...)``: `a` is [M, K], `b` is [K, N].

    Integers go through integer stages with a `Report`; anything else through any stages with a `FloatReport`. An array is
    what its dtype says (int8, float32, ml_dtypes' types, ...) unless `a_format` and `b_format` name a format: then unsigned
    integers are codes, and other numbers must be values of the format or are rounded to it by `rounding`. A `QuantTensor` is
    its codes, with the block scales of a group format; scales that are numbers, outer scales and zero points stay outside.

    `a_scales` [M, K / block] and `b_scales` [K / block, N] are block scales, codes or values of `scale_format` (the
    accumulator's own, else ``e8m0fnu``, for `block` elements, else 32). `init` [M, N] is what the last register starts from.
    `report` is ``none``, ``events`` or ``full``; less costs less.

    >>> product = matmul(np.int8([[100, 100, -50]]), np.int8([[1], [1], [1]]), "int8-sat")
    >>> product.values  # 100, then 200 saturates to 127, then 127 - 50
    array([[77]])
    >>> product.report.stages[0].first
    FirstEvent(row=0, col=0, k=1, value=200)
    >>> matmul([[1.0, 1.0]], [[1.0], [2.0 ** -9]], "bf16", a_format="e4m3fn", b_format="e4m3fn").values
    array([[1.]])
    """
    acc = _arrays.text(acc, "acc")
    seed, threads = _arrays.seed64(seed), _arrays.threads_of(threads)
    left, right = _Operand(a, "a", a_format, a_scales), _Operand(b, "b", b_format, b_scales)
    if (left.scales is None) != (right.scales is None):
        raise ValueError("block scales are those of both operands or of none: a_scales and b_scales")
    if left.scales is None and (scale_format is not None or block is not None):
        raise ValueError("scale_format and block say what a_scales and b_scales are, and there are none")
    if rounding is not None and not left.can_be_rounded and not right.can_be_rounded:
        raise ValueError(
            "rounding has nothing to round: it is for values (not codes) of an operand whose format a_format or b_format "
            "names"
        )
    if left.array.shape[1] != right.array.shape[0]:
        (m, ka), (kb, n) = left.array.shape, right.array.shape
        raise ValueError(f"A is {m}x{ka} and B is {kb}x{n}: the columns of A must equal the rows of B")
    entry = json.loads(_fewbit.accumulator_entry(acc))
    start: Optional[np.ndarray]
    values: np.ndarray
    if entry["is_integer"] and left.is_integer and right.is_integer:
        start = None if init is None else _arrays.int64(init, "init", 2)
        values, told = _fewbit.matmul_int(
            left.integers(rounding, seed), right.integers(rounding, seed), acc, start, report, threads
        )
    else:
        start = None if init is None else _arrays.axes(_arrays.numbers(init, "init").astype(np.float64), "init", 2)
        numbers = [operand.numbers(rounding, seed) for operand in (left, right)]
        if left.scales is not None:
            numbers = [
                _scaled(operand, number, scale_format, block, acc) for operand, number in zip((left, right), numbers)
            ]
        values, told = _fewbit.matmul_any(numbers[0], numbers[1], acc, start, report, seed, threads)
    return _product(values, told)


def _product(values: np.ndarray, told: str) -> Product:
    made = json.loads(told)
    return Product(
        values=values,
        report=report_of(made),
        acc=made["acc"],
        seconds=made["seconds"],
        engine=made["engine"],
        isa=made["isa"],
        rounded=made["rounded"],
    )


def _pair(value: Union[int, Sequence[int]], name: str) -> Tuple[int, int]:
    pair = (value, value) if hasattr(value, "__index__") else tuple(value)  # type: ignore[arg-type]
    if len(pair) != 2 or not all(hasattr(item, "__index__") for item in pair):
        raise ValueError(f"{name} is {value!r}: expected an int, or two for rows and columns")
    if any(int(item) < 0 for item in pair):
        raise ValueError(f"{name} is {value!r}: expected numbers of at least 0")
    return int(pair[0]), int(pair[1])


def conv2d(
    input: Any,
    weights: Any,
    acc: Any,
    *,
    stride: Union[int, Sequence[int]] = 1,
    padding: Union[int, Sequence[Any]] = 0,
    dilation: Union[int, Sequence[int]] = 1,
    groups: int = 1,
    padding_code: int = 0,
    init: Any = None,
    report: str = "full",
    threads: Optional[int] = None,
) -> Product:
    """Convolves codes `input` [N, C, H, W] with `weights` [O, C / groups, U, V], through an accumulator of integer stages.

    Products enter in ascending (channel, row, column) of the kernel. `padding` is a number, two for rows and columns, or two
    pairs (before, after); padded positions enter with `padding_code`, the zero point of the input. `init` is
    [N * O, rows * columns], as outputs are named in reports.

    >>> ones = np.ones((1, 1, 3, 3), dtype=np.int8)
    >>> conv2d(2 * ones, ones, "int8-sat", padding=1).values[0, 0]
    array([[ 8, 12,  8],
           [12, 18, 12],
           [ 8, 12,  8]])
    """
    acc = _arrays.text(acc, "acc")
    pads: Any = padding
    if hasattr(padding, "__index__"):
        pads = [(padding, padding)] * 2
    else:
        pads = [(item, item) if hasattr(item, "__index__") else tuple(item) for item in padding]  # type: ignore[union-attr]
        if len(pads) != 2:
            raise ValueError(f"padding is {padding!r}: expected an int, two, or two pairs (before, after)")
    pads = [_pair(pad, "padding") for pad in pads]
    if not hasattr(groups, "__index__") or int(groups) < 1:
        raise ValueError(f"groups is {groups!r}: expected an int of at least 1")
    values, told = _fewbit.conv2d_int(
        _arrays.axes(_arrays.integers(input, "input"), "input", 4),
        _arrays.axes(_arrays.integers(weights, "weights"), "weights", 4),
        acc,
        _pair(stride, "stride"),
        pads,
        _pair(dilation, "dilation"),
        int(groups),
        int(padding_code),
        None if init is None else _arrays.int64(init, "init", 2),
        report,
        _arrays.threads_of(threads),
    )
    return _product(values, told)

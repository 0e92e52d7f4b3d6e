"""The products of a quantized Brevitas model through an accumulator.

>>> attached = fewbit.brevitas.attach(model, "int16-sat/64,int32-wrap")   # doctest: +SKIP
>>> model(x); print(attached)                                              # doctest: +SKIP
>>> attached.detach()                                                      # doctest: +SKIP

Every linear layer and convolution whose weights and inputs are integers with scales has its `inner_forward_impl` replaced.
With the codes c and zero points z of inputs and weights, and the scales s, an output is

    y = f32((acc(sum c_x c_w) - z_x sum c_w - z_w sum c_x + K z_x z_w) s_x s_w + bias)

in float64 but for the one rounding at its end. Products enter in ascending (channel, row, column) of the kernel; padded
positions enter with the code of zero. Scales, bit widths and gradients stay Brevitas's: a gradient passes straight through
the accumulator.

With ``acc="exact"`` y is the sum of the exact products rounded once. Brevitas sums products of values that were rounded to
float32 already, in float32 and the order of its library; the two are equal where that loses nothing (scales that are powers
of two, sums of at most 24 bits), and otherwise differ by at most (K + 4) 2^-24 times the sum of |x w| and |bias|.

The attributes used are those of Brevitas 0.12.1 and 0.13.4, which are the same.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from types import MethodType
from typing import Any, Callable, Dict, List, Mapping, Optional, Union

import numpy as np
import torch
import torch.nn.functional as F
from brevitas.nn import QuantConv1d, QuantConv2d, QuantLinear
from brevitas.nn.quant_layer import QuantWeightBiasInputOutputLayer
from brevitas.quant_tensor import IntQuantTensor

from . import _extras, _product
from ._accumulator import Accumulator
from ._report import Report, StageReport

__all__ = ["Attached", "LayerReport", "attach"]

#: What a layer's accumulator may be given as.
Choice = Union[str, Accumulator, Mapping[str, Any], Callable[[str, Any], Any]]


@dataclass
class LayerReport:
    """What a layer's accumulator did, in all calls since it was attached or reset.

    `unsupported` says why a layer is left as it was.
    """

    name: str
    kind: str
    acc: Optional[str]
    calls: int = 0
    #: Outputs that were summed.
    outputs: int = 0
    #: Products of one output.
    depth: Optional[int] = None
    #: The events' rows and columns are those of the call that had the first.
    report: Optional[Report] = None
    unsupported: Optional[str] = None

    @property
    def events(self) -> int:
        """Overflow events over all stages."""
        return 0 if self.report is None else self.report.events

    @property
    def overflowed(self) -> float:
        """The share of outputs with at least one event in the stage that had the most."""
        if self.report is None or not self.outputs:
            return 0.0
        return max(stage.outputs for stage in self.report.stages) / self.outputs

    def _add(self, product: _product.Product, depth: int) -> None:
        self.calls += 1
        self.outputs += product.values.size
        self.depth = depth
        if product.report is not None:
            self.report = product.report if self.report is None else _merged(self.report, product.report)


def _merged(one: Report, other: Report) -> Report:
    def least(a: Optional[int], b: Optional[int], of: Callable[[int, int], int]) -> Optional[int]:
        return None if a is None or b is None else of(a, b)

    stages: List[StageReport] = []
    for a, b in zip(one.stages, other.stages):
        histogram: Optional[Dict[int, int]] = None
        if a.histogram is not None and b.histogram is not None:
            widths = sorted(set(a.histogram) | set(b.histogram))
            histogram = {width: a.histogram.get(width, 0) + b.histogram.get(width, 0) for width in widths}
        stages.append(
            StageReport(
                stage=a.stage,
                events=a.events + b.events,
                outputs=a.outputs + b.outputs,
                first=a.first or b.first,
                min=least(a.min, b.min, min),
                max=least(a.max, b.max, max),
                required_bits=least(a.required_bits, b.required_bits, max),
                histogram=histogram,
            )
        )
    return Report(stages)


@dataclass
class _Rule:
    """How one call of `attach` treats layers."""

    report: str
    bias: str
    unquantized: str
    threads: Optional[int]


class Attached:
    """A model whose layers run through accumulators, until `detach`; a context manager that detaches at its end."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model
        #: Per layer, by its name in the model, what its accumulator did.
        self.layers: Dict[str, LayerReport] = {}
        self._patched: List[Any] = []

    def detach(self) -> None:
        """Gives every layer its own `inner_forward_impl` back; what was reported stays."""
        for layer in self._patched:
            layer.__dict__.pop("inner_forward_impl", None)
        self._patched = []

    def reset(self) -> None:
        """Forgets what was reported."""
        for entry in self.layers.values():
            entry.calls, entry.outputs, entry.report = 0, 0, None

    @property
    def events(self) -> int:
        """Overflow events over all layers and stages."""
        return sum(entry.events for entry in self.layers.values())

    def __enter__(self) -> "Attached":
        return self

    def __exit__(self, *_: Any) -> None:
        self.detach()

    def _rows(self) -> List[Dict[str, Any]]:
        rows = []
        for entry in self.layers.values():
            stages = [] if entry.report is None else entry.report.stages
            rows.append(
                {
                    "layer": entry.name,
                    "kind": entry.kind,
                    "acc": entry.unsupported or entry.acc,
                    "calls": entry.calls,
                    "outputs": entry.outputs,
                    "depth": entry.depth,
                    "events": entry.events,
                    "overflowed": round(entry.overflowed, 6),
                    "required bits": ", ".join(str(stage.required_bits) for stage in stages),
                }
            )
        return rows

    def to_frame(self) -> Any:
        """A row per layer, as a pandas DataFrame."""
        return _extras.pandas("to_frame").DataFrame(self._rows()).set_index("layer")

    def plot(self, ax: Any = None) -> Any:
        """Per layer the share of outputs whose exact sums need more than P bits, against P: a matplotlib Axes.

        It is that of the first stage; a dotted line is its register.
        """
        ax = ax if ax is not None else _extras.pyplot("plot").subplots(figsize=(5.5, 3.2), layout="constrained")[1]
        shown = [entry for entry in self.layers.values() if entry.report and entry.report.stages[0].histogram]
        if not shown:
            raise ValueError("there is nothing to plot: run the model, with report='full'")
        most = max(entry.report.stages[0].required_bits or 1 for entry in shown if entry.report)
        least = min(min(entry.report.stages[0].histogram or [1]) for entry in shown if entry.report)
        widths = range(max(1, least - 2), most + 2)
        for entry in shown:
            stage = entry.report.stages[0]  # type: ignore[union-attr]
            shares = [stage.overflowing(bits) / entry.outputs for bits in widths]
            ax.plot(widths, shares, marker=".", label=entry.name)
        bits = Accumulator(shown[0].acc).stages[0].bits
        if bits is not None and bits <= most + 1:
            ax.axvline(bits, color="0.6", linestyle=":", linewidth=1)
        ax.set_xlabel("P, bits")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylabel("share of outputs that need more")
        ax.set_ylim(bottom=0)
        ax.legend()
        return ax

    def __str__(self) -> str:
        rows = self._rows()
        if not rows:
            return "no quantized layer"
        cells = [list(rows[0])] + [[str(value) for value in row.values()] for row in rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in cells)

    def _repr_html_(self) -> str:
        from html import escape

        rows = self._rows()
        head = "".join(f"<th>{escape(name)}</th>" for name in (rows[0] if rows else ()))
        body = "".join("<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row.values()) + "</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def attach(
    model: torch.nn.Module,
    acc: Choice,
    *,
    report: str = "full",
    bias: str = "after",
    unquantized: str = "error",
    threads: Optional[int] = None,
) -> Attached:
    """Runs every quantized linear layer and convolution of a Brevitas model through an accumulator of integer stages.

    `acc` is one for all; or a mapping from names of layers to theirs, with ``*`` and ``?`` for any characters, the first that
    fits, None for a layer that is left as it is; or a function of the name and the layer.

    `bias` says where a layer's bias is added: ``after`` the register, or in the ``register``, which starts from it; the
    latter takes biases that Brevitas quantizes in the scale of the products (``Int32Bias`` and the like). `unquantized` says
    what a layer does whose inputs or weights turn out to be no integers with scales: ``error``, or ``skip``, as it was.
    `report` is as in `fewbit.matmul`.
    """
    for name, given, known in (
        ("bias", bias, ("after", "register")),
        ("unquantized", unquantized, ("error", "skip")),
        ("report", report, ("none", "events", "full")),
    ):
        if given not in known:
            raise ValueError(f"{name} is {given!r}: expected {' or '.join(map(repr, known))}")
    rule = _Rule(report, bias, unquantized, threads)
    attached = Attached(model)
    for name, layer in model.named_modules():
        if not isinstance(layer, QuantWeightBiasInputOutputLayer):
            continue
        chosen = _chosen(acc, name, layer)
        entry = LayerReport(name or "model", type(layer).__name__, None)
        attached.layers[entry.name] = entry
        if chosen is None:
            entry.unsupported = "left as it is"
            continue
        found = Accumulator(chosen)
        if not found.is_integer:
            attached.detach()
            raise ValueError(
                f"{found} has a floating-point stage: the codes of a layer are summed through int<P>-wrap, int<P>-sat and "
                "exact stages"
            )
        entry.acc = str(found)
        if not isinstance(layer, (QuantLinear, QuantConv1d, QuantConv2d)):
            entry.unsupported = f"{entry.kind} is neither QuantLinear nor QuantConv1d nor QuantConv2d"
            if unquantized == "error":
                attached.detach()
                raise ValueError(f"layer {entry.name}: {entry.unsupported}; unquantized='skip' leaves it as it is")
            continue
        if "inner_forward_impl" in layer.__dict__:
            attached.detach()
            raise ValueError(f"layer {entry.name} runs through an accumulator already: detach it first")
        layer.inner_forward_impl = MethodType(_inner(entry, rule), layer)
        attached._patched.append(layer)
    return attached


def _chosen(acc: Choice, name: str, layer: Any) -> Any:
    if isinstance(acc, (str, Accumulator)):
        return acc
    if isinstance(acc, Mapping):
        fitting = [value for pattern, value in acc.items() if fnmatch.fnmatchcase(name, pattern)]
        return fitting[0] if fitting else None
    if callable(acc):
        return acc(name, layer)
    raise TypeError(f"acc is {acc!r}: expected an accumulator, a mapping from names of layers, or a function")


class _Unsupported(Exception):
    pass


def _inner(entry: LayerReport, rule: _Rule) -> Callable[..., Any]:
    def inner_forward_impl(self: Any, x: Any, quant_weight: Any, quant_bias: Any) -> Any:
        # Brevitas's own: what the output is beside its values, and how gradients flow.
        whole = type(self).inner_forward_impl(self, x, quant_weight, quant_bias)
        try:
            found = _forward(self, x, quant_weight, quant_bias, entry, rule)
        except _Unsupported as reason:
            entry.unsupported = str(reason)
            if rule.unquantized == "skip":
                return whole
            raise ValueError(
                f"layer {entry.name}: {reason}; unquantized='skip' leaves such layers as they are"
            ) from None
        value = whole.value if isinstance(whole, IntQuantTensor) else whole
        # Forward ours, backward theirs. Not `value + (found - value)`, which rounds.
        result = _StraightThrough.apply(value, found.to(value))
        return whole.set(value=result) if isinstance(whole, IntQuantTensor) else result

    return inner_forward_impl


class _StraightThrough(torch.autograd.Function):
    """Another value in place of one, with the gradient of the one."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, instead: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return instead.view_as(value)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # noqa: D102
        return grads[0], None


@dataclass
class _Codes:
    """Codes, and the scale and the zero point of each index of the leading axes (or one of each for all)."""

    codes: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray


def _codes(tensor: Any, what: str, leading: int) -> _Codes:
    """The codes of a tensor whose scale may vary along so many leading axes: those that are not summed over."""
    if not isinstance(tensor, IntQuantTensor):
        raise _Unsupported(f"its {what} is a {type(tensor).__name__}, no integers with scales")
    codes = tensor.int(float_datatype=False).detach().cpu().numpy()
    parts = []
    for name, part in (("scale", tensor.scale), ("zero point", tensor.zero_point)):
        array = part.detach().cpu().to(torch.float64).numpy()
        if array.size == 1:
            parts.append(array.reshape(1))
            continue
        fits = array.ndim == codes.ndim and set(array.shape[leading:]) <= {1}
        if not fits or any(extent not in (1, size) for extent, size in zip(array.shape, codes.shape)):
            raise _Unsupported(
                f"its {what} of shape {list(codes.shape)} has a {name} of shape {list(array.shape)}, which varies along what "
                "is summed"
            )
        parts.append(np.broadcast_to(array.reshape(array.shape[:leading]), codes.shape[:leading]).reshape(-1))
    scale, zero_point = parts
    if not (zero_point == np.rint(zero_point)).all():
        raise _Unsupported(f"its {what} has zero points that are no whole numbers")
    return _Codes(codes, scale, zero_point.astype(np.int64))


def _forward(layer: Any, x: Any, weight: Any, bias: Any, entry: LayerReport, rule: _Rule) -> torch.Tensor:
    weights = _codes(weight, "weight", 1)
    if isinstance(layer, QuantLinear):
        inputs = _codes(x, "input", x.dim() - 1)
        return torch.from_numpy(_linear(inputs, weights, bias, entry, rule))
    batched = x.dim() == weights.codes.ndim
    inputs = _codes(x, "input", 1 if batched else 0)
    if not batched:
        inputs.codes = inputs.codes[None]
    found = torch.from_numpy(_convolution(layer, inputs, weights, bias, entry, rule))
    return found if batched else found[0]


def _bias(bias: Any, outputs: int) -> Optional[np.ndarray]:
    if bias is None:
        return None
    value = bias.value if hasattr(bias, "value") else bias
    return value.detach().cpu().to(torch.float64).numpy().reshape(outputs)


def _start(bias: Any, scale: np.ndarray, outputs: int) -> np.ndarray:
    """The bias in units of the products, one for each scale and output."""
    if not isinstance(bias, IntQuantTensor):
        raise _Unsupported("its bias is no integer with a scale, so that no register can start from it (bias='register')")
    units = bias.value.detach().cpu().to(torch.float64).numpy().reshape(1, outputs) / scale
    codes = np.rint(units)
    # A value is a code times a float32 scale, rounded to float32; the products' scale is exact here.
    if not (np.abs(codes - units) <= np.abs(codes) * 2.0**-22 + 2.0**-22).all():
        raise _Unsupported("its bias has another scale than its products, so that no register can start from it (bias='register')")
    return codes.astype(np.int64)


def _linear(inputs: _Codes, weights: _Codes, bias: Any, entry: LayerReport, rule: _Rule) -> np.ndarray:
    outputs, depth = weights.codes.shape
    codes = inputs.codes.reshape(-1, depth)
    scale = inputs.scale[:, None] * weights.scale[None, :]
    init = None
    if rule.bias == "register" and bias is not None:
        init = np.broadcast_to(_start(bias, scale, outputs), (len(codes), outputs))
    product = _product.matmul(
        codes, np.ascontiguousarray(weights.codes.T), entry.acc, init=init, report=rule.report, threads=rule.threads
    )
    entry._add(product, depth)
    sums = product.values
    of_weights = weights.codes.astype(np.int64).sum(axis=1)
    of_inputs = codes.astype(np.int64).sum(axis=1)
    zx, zw = inputs.zero_point[:, None], weights.zero_point[None, :]
    corrected = sums - zx * of_weights[None, :] - zw * of_inputs[:, None] + depth * zx * zw
    y = corrected * scale
    if init is None and bias is not None:
        y = y + _bias(bias, outputs)[None, :]  # type: ignore[index]
    return y.astype(np.float32).reshape(*inputs.codes.shape[:-1], outputs)


def _convolution(
    layer: Any, inputs: _Codes, weights: _Codes, bias: Any, entry: LayerReport, rule: _Rule
) -> np.ndarray:
    x, w = inputs.codes, weights.codes
    one_axis = x.ndim == 3
    zero_points = inputs.zero_point
    pads = _padding(layer, x.shape[2:], w.shape[2:])
    if layer.padding_mode != "zeros":
        flat = [pad for pair in reversed(pads) for pad in pair]
        # Codes are small whole numbers, which float64 carries.
        x = F.pad(torch.from_numpy(x.astype(np.float64)), flat, mode=layer.padding_mode).numpy().astype(x.dtype)
        pads = [(0, 0)] * len(pads)
    options = {"stride": layer.stride, "dilation": layer.dilation}
    if one_axis:
        x, w = x[:, :, None, :], w[:, :, None, :]
        pads = [(0, 0), *pads]
        options = {name: (1, *value) for name, value in options.items()}
    images, outputs = len(x), len(w)
    depth = int(np.prod(w.shape[1:]))

    def convolve(codes: np.ndarray, by: np.ndarray, padding_code: int, **more: Any) -> _product.Product:
        return _product.conv2d(
            codes, by, padding=pads, groups=layer.groups, padding_code=padding_code, threads=rule.threads, **options, **more
        )

    def per_image(of: np.ndarray) -> np.ndarray:
        return np.broadcast_to(of, images).reshape(images, 1, 1, 1)

    scale = np.broadcast_to(inputs.scale, images)[:, None] * np.broadcast_to(weights.scale, outputs)[None, :]
    if len(set(zero_points.tolist())) > 1:
        raise _Unsupported("its images have zero points of their own, and its padding has one code")
    zero = int(zero_points[0])
    init = None
    if rule.bias == "register" and bias is not None:
        rows, cols = _extent(x.shape[2:], w.shape[2:], pads, options)
        start = _start(bias, scale, outputs).reshape(images * outputs, 1)
        init = np.broadcast_to(start, (images * outputs, rows * cols))
    # The padding's code may lie outside the codes' own type.
    kind = np.result_type(x.dtype, np.min_scalar_type(zero))
    x = x.astype(kind)
    product = convolve(x, w, zero, acc=entry.acc, init=init, report=rule.report)
    entry._add(product, depth)
    sums = product.values
    of_weights = w.reshape(outputs, -1).astype(np.int64).sum(axis=1).reshape(1, -1, 1, 1)
    zw = np.broadcast_to(weights.zero_point, outputs).reshape(1, -1, 1, 1)
    corrected = sums - zero * of_weights + depth * zero * zw
    if zw.any():
        of_inputs = convolve(x, np.ones_like(w, dtype=np.int8), zero, acc="exact", report="none").values
        corrected = corrected - zw * of_inputs
    y = corrected * scale[:, :, None, None]
    if init is None and bias is not None:
        y = y + _bias(bias, outputs).reshape(1, -1, 1, 1)  # type: ignore[union-attr]
    y = y.astype(np.float32)
    return y[:, :, 0, :] if one_axis else y


def _padding(layer: Any, sizes: Any, kernel: Any) -> List[Any]:
    """(before, after) of each axis."""
    if getattr(layer, "is_same_padded_strided", False):
        pads = []
        for size, width, stride, dilation in zip(sizes, kernel, layer.stride, layer.dilation):
            count = -(-size // stride)
            total = max((count - 1) * stride + (width - 1) * dilation + 1 - size, 0)
            pads.append((total // 2, total - total // 2))
        return pads
    # PyTorch's own list, which has the last axis first and knows of `same`.
    flat = layer._reversed_padding_repeated_twice
    return [(flat[2 * i], flat[2 * i + 1]) for i in reversed(range(len(flat) // 2))]


def _extent(sizes: Any, kernel: Any, pads: Any, options: Any) -> List[int]:
    """Rows and columns of the output."""
    axes = zip(sizes, kernel, pads, options["stride"], options["dilation"])
    return [(size + sum(pad) - (width - 1) * dilation - 1) // stride + 1 for size, width, pad, stride, dilation in axes]

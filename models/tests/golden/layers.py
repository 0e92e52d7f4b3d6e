"""Layers of Brevitas, their outputs, codes and scales: writes layers.safetensors.gz.

Versions: brevitas 0.12.1, torch 2.8.0 (CPU, one thread), numpy 1.26.4, Python 3.11.
Command:  python models/tests/golden/layers.py models/tests/golden/layers.safetensors.gz

The file's metadata has one entry, "cases": a list of {name, kind, attrs, quantizers, tensors}, the last from a tensor's name in the
case to its name in the file. A quantizer is the name of a preset and fields that are changed in it, in fewbit's spelling. Activations
have constant scales and zero points, so nothing is calibrated; weights have the scales of their statistics.
"""
import gzip
import json
import struct
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F

warnings.filterwarnings("ignore")
import brevitas.nn as qnn
import brevitas.quant as bq
from brevitas.core.zero_point import ParameterZeroPoint
from brevitas.inject.enum import ScalingImplType
from brevitas.quant.experimental import float_quant_ocp, mx_quant_ocp
from brevitas.quant_tensor import QuantTensor
from brevitas_examples.common.generative import quantizers as generative  # noqa: F401  (checks the install)

torch.set_num_threads(1)
torch.manual_seed(12)
CASES, TENSORS, STORED = [], {}, {}


def preset(name):
    for module in (bq.scaled_int, bq.fixed_point, bq.shifted_scaled_int, bq.binary, bq.ternary, float_quant_ocp,
                   mx_quant_ocp):
        if hasattr(module, name):
            return getattr(module, name)
    raise KeyError(name)


class Q:
    """A preset with changes, as Brevitas's class and as fewbit's recipe."""

    def __init__(self, name, reach=None, bits=None, offset=None, **changes):
        fields, self.set = {}, []
        if bits is not None:
            fields["bit_width"] = bits
            self.set.append(["bit_width", bits])
        if reach is not None:  # what the largest code stands for
            fields.update(scaling_impl_type=ScalingImplType.CONST, scaling_init=float(np.float32(reach)))
            self.set.append(["scale.source", {"constant": float(np.float32(reach))}])
        if offset is not None:  # the magnitude of the least value
            fields.update(zero_point_impl=ParameterZeroPoint, zero_point_init=float(np.float32(offset)))
            self.set.append(["zero_point.shifted.source", {"offset": float(np.float32(offset))}])
        fields.update(changes)
        self.name, self.cls = name, type(name, (preset(name),), fields)

    def recipe(self):
        return {"preset": self.name, "set": self.set}


def cls(q):
    return None if q is None else q.cls


def keep(case, name, array):
    array = np.ascontiguousarray(array)
    content = (array.dtype, array.shape, array.tobytes())
    CASES[case]["tensors"][name] = STORED.setdefault(content, len(STORED))
    TENSORS[str(STORED[content])] = array


def integers(array):
    array = np.asarray(array)
    rounded = np.rint(array)
    assert np.abs(array - rounded).max(initial=0) < 0.2
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= rounded.min(initial=0) and rounded.max(initial=0) <= np.iinfo(kind).max:
            return rounded.astype(kind)
    raise ValueError("codes of more than 32 bits")


def keep_value(case, name, value):
    """Values; codes, scale and zero point of a QuantTensor that has them per tensor or per channel."""
    if not isinstance(value, QuantTensor):
        keep(case, name, value.detach().numpy().astype(np.float32))
        return
    values, of_values = value.value.detach(), lambda: keep(case, name, values.numpy().astype(np.float32))
    if "Groupwise" in type(value).__name__:
        return of_values()
    scale = value.scale.detach()
    keep(case, name + ".scale", scale.numpy().astype(np.float32).reshape(-1))
    if not hasattr(value, "bit_width"):
        return of_values()
    zero = value.zero_point.detach()
    codes = torch.round(values / scale + zero)
    keep(case, name + ".codes", integers(codes.numpy()))
    keep(case, name + ".zero", zero.numpy().astype(np.float32).reshape(-1))
    keep(case, name + ".bits", np.array([int(value.bit_width.item())], np.int8))
    if not torch.equal((codes - zero) * scale, values):  # values that are those of their codes are left out
        of_values()


def case(name, kind, attrs, quantizers, inputs, outputs):
    number = len(CASES)
    quantizers = {field: q.recipe() for field, q in quantizers.items() if q is not None}
    CASES.append({"name": name, "kind": kind, "attrs": attrs, "quantizers": quantizers, "tensors": {}})
    for field, array in inputs.items():
        if array is not None:
            keep(number, field, array.detach().numpy() if isinstance(array, torch.Tensor) else array)
    for field, value in outputs.items():
        if value is not None:
            keep_value(number, field, value)


def data(shape, what="random", scale=1.0):
    """Random numbers, or ends, ties, zeros of both signs and tiny ones."""
    count = int(np.prod(shape))
    if what == "random":
        return (torch.randn(shape) * scale).float()
    special = torch.tensor([0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 2.5, 127.5, -128.5, 1e-30, -1e-30, 3.0, 1e4, -1e4, 0.0625, 1 / 3])
    return (special[torch.arange(count) * 7 % 16] * scale / 64).reshape(shape).float()


# 1. Quantizers of weights, and sets of four.
WEIGHTS = [
    None, Q("Int8WeightPerTensorFloat"), Q("Int8WeightPerChannelFloat"), Q("Int8WeightPerChannelFloat", bits=4),
    Q("Int8WeightPerTensorFixedPoint"), Q("Int8WeightPerChannelFixedPoint"), Q("ShiftedUint8WeightPerTensorFloat"),
    Q("ShiftedUint8WeightPerChannelFloat"), Q("Fp8e4m3OCPWeightPerTensorFloat"),
    Q("Fp8e5m2OCPWeightPerChannelFloat"), Q("SignedBinaryWeightPerTensorConst"), Q("SignedTernaryWeightPerTensorConst"),
]
INPUTS = [
    Q("Int8ActPerTensorFloat", reach=2.7), Q("Uint8ActPerTensorFloat", reach=3.1), Q("Int8ActPerTensorFloat", reach=1.9, bits=4),
    Q("Int8ActPerTensorFixedPoint", reach=2.7), Q("ShiftedUint8ActPerTensorFloat", reach=4.4, offset=1.7),
    Q("Fp8e4m3OCPActPerTensorFloat", reach=3.3),
]
I8, U8, I4, FIX, SHIFT, FP8 = INPUTS
INT32 = Q("Int32Bias")
OUTPUT = Q("Int8ActPerTensorFloat", reach=6.2)
W8, W8C, W4C, WFIX = WEIGHTS[1], WEIGHTS[2], WEIGHTS[3], WEIGHTS[4]
SETS = [(w, None, None, None) for w in WEIGHTS]
SETS += [(W8, INT32, i, None) for i in (I8, U8, I4, FIX)]
SETS += [(W8C, INT32, I8, None), (W4C, INT32, U8, OUTPUT), (W8, None, SHIFT, None), (W8, INT32, SHIFT, OUTPUT)]
SETS += [(WFIX, Q("Int8BiasPerTensorFixedPointInternalScaling"), FIX, Q("Int8ActPerTensorFixedPoint", reach=6.0))]
SETS += [(W8, Q("Int8BiasPerTensorFloatInternalScaling"), I8, None), (W8C, Q("Int8Bias"), I8, OUTPUT)]
SETS += [(WEIGHTS[8], None, FP8, None), (WEIGHTS[9], None, FP8, Q("Fp8e5m2OCPActPerTensorFloat", reach=7.0))]
INT16 = Q("Int16Bias")
SETS += [(WEIGHTS[6], INT32, U8, Q("ShiftedUint8ActPerTensorFloat", reach=9.0, offset=4.0))]
SETS += [(W8, INT16, I8, None), (W4C, INT16, U8, None)]


def weighted(kind, make, x, sets, attrs):
    for number, (w, b, i, o) in enumerate(sets):
        layer = make(weight_quant=cls(w), bias_quant=cls(b), input_quant=cls(i), output_quant=cls(o),
                     return_quant_tensor=False).eval()
        with torch.no_grad():
            if number % 3 == 1:  # weights at the ends and on ties
                layer.weight.copy_(data(layer.weight.shape, "adversarial", 2.0).clamp(-3, 3))
            if layer.bias is not None:
                layer.bias.copy_(torch.linspace(-0.7, 0.9, layer.bias.numel()))
            both = i is not None and w is not None
            layer.return_quant_tensor = o is not None or (both and all("Int" in q.name or "Uint" in q.name for q in (i, w)))
            layer.return_quant_tensor &= not (o is None and any("Shifted" in q.name for q in (i, w) if q))
            # Sums with a bias that is not in their scale get zero points that are no whole numbers: their codes are left out.
            layer.return_quant_tensor &= o is not None or layer.bias is None or b in (INT32, INT16)
            # So do those of a convolution with scales of channels: [O] and [1, O, 1, 1] are compared as they broadcast.
            layer.return_quant_tensor &= o is not None or not ("conv" in kind and layer.bias is not None and w in (W8C, W4C))
            y = layer(x)
            weight, inner = layer.quant_weight(), layer.input_quant(x)
            bias = None if layer.bias is None else layer.bias_quant(layer.bias, inner, weight)
        case(f"{kind} {[q and (q.name, q.set) for q in (w, b, i, o)]}", kind, attrs,
             {"weight": w, "bias": b, "input": i, "output": o},
             {"x": x, "weight": layer.weight, "bias": layer.bias},
             {"y": y, "q_weight": weight, "q_input": inner if i is not None else None,
              "q_bias": bias if b is not None else None})


# 2. Layers with weights.
weighted("linear", lambda **k: qnn.QuantLinear(12, 5, bias=True, **k), data((4, 12)), SETS, {})
weighted("linear", lambda **k: qnn.QuantLinear(9, 3, bias=True, **k), data((2, 2, 9), "adversarial", 1.5), SETS[12:], {})
GROUPS = [(Q("MXFloat8e4m3Weight"), None, Q("MXFloat8e4m3Act"), None), (Q("MXInt8Weight"), None, Q("MXInt8Act"), None),
          (Q("MXFloat8e4m3Weight"), None, None, None)]
weighted("linear", lambda **k: qnn.QuantLinear(64, 3, bias=True, **k), data((2, 64)), GROUPS, {})
weighted("linear", lambda **k: qnn.QuantLinear(64, 2, bias=True, **k), data((2, 64), "adversarial", 1.5), GROUPS, {})
weighted("conv", lambda **k: qnn.QuantConv1d(3, 4, 3, stride=2, padding=1, bias=True, **k), data((2, 3, 9)), SETS[12:22],
         {"strides": [2], "pads": [1, 1]})
weighted("conv", lambda **k: qnn.QuantConv2d(2, 4, 3, padding=1, bias=True, **k), data((1, 2, 5, 5)), SETS,
         {"pads": [1, 1, 1, 1]})
weighted("conv", lambda **k: qnn.QuantConv2d(4, 4, (3, 2), stride=(2, 1), dilation=(1, 2), groups=2, bias=False, **k),
         data((1, 4, 6, 5), "adversarial", 1.5), SETS[12:22], {"strides": [2, 1], "dilations": [1, 2], "groups": 2})
weighted("conv", lambda **k: qnn.QuantConv3d(2, 2, 2, padding=(0, 1, 0), bias=True, **k), data((1, 2, 3, 3, 3)), SETS[12:20],
         {"pads": [0, 1, 0, 0, 1, 0]})
TRANSPOSED = [s for s in SETS if s[0] not in (WEIGHTS[9],)]
weighted("conv_transpose", lambda **k: qnn.QuantConvTranspose1d(3, 4, 3, stride=2, padding=1, output_padding=1, **k),
         data((2, 3, 5)), TRANSPOSED[12:20], {"strides": [2], "pads": [1, 1], "output_padding": [1]})
weighted("conv_transpose", lambda **k: qnn.QuantConvTranspose2d(3, 2, (3, 2), stride=(1, 2), padding=(2, 0), **k),
         data((1, 3, 4, 3)), TRANSPOSED, {"strides": [1, 2], "pads": [2, 0, 2, 0]})
weighted("conv_transpose", lambda **k: qnn.QuantConvTranspose2d(4, 4, 2, stride=2, dilation=2, groups=2, bias=False, **k),
         data((1, 4, 3, 3), "adversarial", 1.5), [(W8, None, I8, None), (WFIX, None, FIX, OUTPUT), (W8, None, SHIFT, OUTPUT)],
         {"strides": [2, 2], "dilations": [2, 2], "groups": 2})
weighted("conv_transpose", lambda **k: qnn.QuantConvTranspose3d(2, 2, 2, stride=2, **k), data((1, 2, 2, 2, 2)),
         [(W8, INT32, I8, None), (W8C, INT32, U8, OUTPUT)], {"strides": [2, 2, 2]})
for i in (I8, SHIFT):
    for w, b, o in ((W8, None, None), (W8C, None, OUTPUT), (WFIX, INT32, OUTPUT)):
        layer = qnn.QuantScaleBias(3, True, weight_quant=cls(w), bias_quant=cls(b), input_quant=cls(i),
                                   output_quant=cls(o), return_quant_tensor=False).eval()
        if i is SHIFT and b is None:
            continue  # a product of codes with zero points is refused
        layer.weight.data, layer.bias.data = torch.tensor([0.7, -1.3, 0.01]), torch.tensor([0.2, -0.4, 3.0])
        x = data((2, 3, 2, 2))
        if i is SHIFT:
            layer.input_quant = torch.nn.Identity()
            x = qnn.QuantIdentity(cls(FIX), return_quant_tensor=True).eval()(x)
        with torch.no_grad():
            y = layer(x)
        plain = x.value if isinstance(x, QuantTensor) else x
        case(f"scale_bias {w.name} {i.name}", "scale_bias", {},
             {"weight": w, "bias": b, "input": FIX if i is SHIFT else i, "output": o},
             {"x": plain, "weight": layer.weight, "bias": layer.bias}, {"y": y})

# 3. Tables, joins, activations.
for q in (None, W8, Q("Int8WeightPerTensorFloat", bits=3), WFIX, WEIGHTS[6], WEIGHTS[8]):  # scales of channels are refused
    layer = qnn.QuantEmbedding(7, 4, weight_quant=cls(q)).eval()
    layer.return_quant_tensor = q not in (None, WEIGHTS[8])
    indices = torch.tensor([[0, 6, 3], [3, 1, 0]])
    with torch.no_grad():
        case(f"embedding {q and q.name}", "embedding", {}, {"weight": q},
             {"x": indices.numpy().astype(np.int32), "weight": layer.weight}, {"y": layer(indices)})
JOINS = [(I8, None), (I8, OUTPUT), (U8, None), (FIX, OUTPUT), (SHIFT, None), (SHIFT, OUTPUT), (FP8, None), (None, OUTPUT),
         (I4, Q("ShiftedUint8ActPerTensorFloat", reach=5.0, offset=2.0))]
for what in ("random", "adversarial"):
    for i, o in JOINS:
        a, b = data((2, 3, 2), what, 2.0), data((2, 3, 2))
        add = qnn.QuantEltwiseAdd(cls(i), cls(o), return_quant_tensor=o is not None or (i is not None and i is not FP8)).eval()
        # QuantCat.forward of 0.12.1 calls QuantTensor.cat, which there is not: its parts are called in its order.
        parts = qnn.QuantCat(cls(i), cls(o), return_quant_tensor=True).eval()
        cat = lambda tensors, dim: parts.output_quant(torch.cat([parts.input_quant(t) for t in tensors], dim))
        with torch.no_grad():
            case(f"add {i and i.name} {o and o.name}", "add", {}, {"input": i, "output": o}, {"x": a, "z": b}, {"y": add(a, b)})
            if i is FP8:
                continue  # FloatQuantTensor.cat fails where there are no codes of infinity
            case(f"cat {i and i.name} {o and o.name}", "cat", {"axis": 1}, {"input": i, "output": o}, {"x": a, "z": b},
                 {"y": cat([a, b], dim=1)})
ACTS = [("identity", qnn.QuantIdentity, INPUTS), ("relu", qnn.QuantReLU, INPUTS),
        ("sigmoid", qnn.QuantSigmoid, [None, Q("Uint8ActPerTensorFloat", reach=1.0), Q("Uint8ActPerTensorFixedPoint", reach=1.0)]),
        ("tanh", qnn.QuantTanh, [None, Q("Int8ActPerTensorFloat", reach=1.0), Q("Fp8e4m3OCPActPerTensorFloat", reach=1.0)])]
for kind, layer, quantizers in ACTS:
    for q in quantizers:
        for what in ("random", "adversarial"):
            x = data((3, 16), what, 3.0)
            with torch.no_grad():
                y = layer(cls(q), return_quant_tensor=q is not None).eval()(x)
            case(f"{kind} {q and q.name} {what}", "activation", {"function": kind}, {"output": q}, {"x": x}, {"y": y})
for function, torch_function in (("gelu", F.gelu), ("silu", F.silu)):
    x = data((3, 16), "random", 3.0)
    with torch.no_grad():
        y = qnn.QuantIdentity(cls(I8), return_quant_tensor=True).eval()(torch_function(x))
    case(f"{function}", "activation", {"function": function}, {"output": I8}, {"x": x}, {"y": y})
x = data((3, 16), "random", 3.0)
with torch.no_grad():
    y = qnn.QuantHardTanh(cls(I8), min_val=-1.0, max_val=0.7, return_quant_tensor=True).eval()(x)
case("hard_tanh", "activation", {"function": "hard_tanh", "min": -1.0, "max": 0.7}, {"output": I8}, {"x": x}, {"y": y})

# 4. What takes codes: pools, upsampling, accumulators, activations without a quantizer.
for q in (I8, U8, I4, FIX, SHIFT, FP8):
    for what in ("random", "adversarial"):
        x = data((1, 2, 6, 6), what, 2.0)
        codes = qnn.QuantIdentity(cls(q), return_quant_tensor=True).eval()(x)
        run = lambda name, kind, attrs, f: case(f"{name} {q.name} {what}", kind, attrs, {"input": q}, {"x": x}, {"y": f(codes)})
        with torch.no_grad():
            run("max_pool", "max_pool", {"kernel": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 0]},
                lambda v: F.max_pool2d(v, (3, 2), 2, (1, 0)))
            run("nearest", "upsample", {"mode": "nearest", "factor": [2.0, 1.5]},
                lambda v: qnn.QuantUpsample(scale_factor=(2.0, 1.5), mode="nearest")(v))
            if q is FP8:
                continue
            run("relu", "activation_on_codes", {"function": "relu"}, lambda v: qnn.QuantReLU(None, return_quant_tensor=True)(v))
            run("bilinear", "upsample", {"mode": "bilinear", "factor": [2.0, 2.0]},
                lambda v: qnn.QuantUpsample(scale_factor=2.0, mode="bilinear")(v))
            run("bilinear size", "upsample", {"mode": "bilinear", "size": [9, 7]},
                lambda v: qnn.QuantUpsample(size=(9, 7), mode="bilinear")(v))
            run("corners", "upsample", {"mode": "corners", "size": [11, 8]},
                lambda v: qnn.QuantUpsamplingBilinear2d(size=(11, 8))(v))
            for trunc in ("RoundTo8bit", "TruncTo8bit"):
                for bits in (8, 3):
                    t = Q(trunc, bits=bits)
                    t.set = [["bits", bits]]
                    f = qnn.TruncAvgPool2d(2, trunc_quant=t.cls).eval()
                    g = qnn.TruncAdaptiveAvgPool2d(3, trunc_quant=t.cls).eval()
                    case(f"avg_pool {q.name} {trunc} {bits} {what}", "avg_pool", {"kernel": [2, 2]}, {"input": q, "trunc": t},
                         {"x": x}, {"y": f(codes)})
                    case(f"adaptive {q.name} {trunc} {bits} {what}", "adaptive", {"output": [3, 3]}, {"input": q, "trunc": t},
                         {"x": x}, {"y": g(codes)})
    if q in (FP8, SHIFT):
        continue
    for trunc, bits in (("RoundTo8bit", 8), ("TruncTo8bit", 8), ("RoundTo8bit", 5)):
        for w in (W8, W8C):
            t = Q(trunc, bits=bits)
            t.set = [["bits", bits]]
            x = data((3, 10), "random", 2.0)
            layer = qnn.QuantLinear(10, 4, bias=False, weight_quant=w.cls, input_quant=q.cls, return_quant_tensor=True).eval()
            with torch.no_grad():
                # TruncQuantAccumulator of 0.12.1 cannot be made (Module.__init__ is not called): a pool's quantizer is the same.
                y = qnn.TruncAvgPool2d(1, trunc_quant=t.cls).eval().trunc_quant(layer(x))
            case(f"trunc {q.name} {w.name} {trunc} {bits}", "trunc", {}, {"input": q, "weight": w, "trunc": t},
                 {"x": x, "weight": layer.weight}, {"y": y})

# 5. Recurrent layers.
IO, ACC = Q("Int8ActPerTensorFloat", reach=1.3), Q("Int8ActPerTensorFloat", reach=4.1)
SIG, TANH, CELL = Q("Uint8ActPerTensorFloat", reach=1.0), Q("Int8ActPerTensorFloat", reach=1.0), Q("Int8ActPerTensorFloat", reach=2.3)
FIO, FACC = Q("Int8ActPerTensorFixedPoint", reach=1.0), Q("Int8ActPerTensorFixedPoint", reach=4.0)
FSIG, FTANH, FCELL = Q("Uint8ActPerTensorFixedPoint", reach=1.0), Q("Int8ActPerTensorFixedPoint", reach=1.0), Q("Int8ActPerTensorFixedPoint", reach=2.0)


def gate(prefix, params, out):
    out[prefix + "input"], out[prefix + "hidden"] = params.input_weight.weight, params.hidden_weight.weight
    if params.bias is not None:
        out[prefix + "bias"] = params.bias


def states(shape):
    return None if shape is None else torch.randn(shape) * 0.5


for options in (dict(), dict(num_layers=2), dict(bidirectional=True, batch_first=True), dict(nonlinearity="relu", bias=False),
                dict(num_layers=2, bidirectional=True), dict(bidirectional=True, shared_input_hidden_weights=True),
                dict(bidirectional=True, hx=True)):
    for w, b, io, acc in ((W8, INT32, IO, ACC), (W4C, INT32, FIO, FACC), (WFIX, None, IO, None)):
        options = dict(options)
        given = options.pop("hx", False)
        layer = qnn.QuantRNN(4, 3, weight_quant=cls(w), bias_quant=cls(b), io_quant=cls(io), gate_acc_quant=cls(acc), **options).eval()
        x = data((2, 5, 4) if options.get("batch_first") else (5, 2, 4))
        hx = torch.randn(2, 2, 3) if given else None
        inputs = {"x": x, "hx": hx}
        for l, directions in enumerate(layer.layers):
            for d, direction in enumerate(directions):
                gate(f"{l}.{d}.gate.", direction.gate_params, inputs)
        with torch.no_grad():
            y, h = layer(x, hx)
        case(f"rnn {options} {w.name} {given}", "rnn", options, {"weight": w, "bias": b, "io": io, "gate_acc": acc}, inputs, {"y": y, "h": h})
        if given:
            options["hx"] = True
LSTMS = (dict(), dict(num_layers=2, batch_first=True), dict(bidirectional=True), dict(coupled_input_forget_gates=True),
         dict(bidirectional=True, shared_input_hidden_weights=True),
         dict(shared_intra_layer_weight_quant=True, shared_intra_layer_gate_acc_quant=True),
         dict(bidirectional=True, coupled_input_forget_gates=True, shared_input_hidden_weights=True, bias=False),
         dict(bidirectional=True, coupled_input_forget_gates=True, shared_input_hidden_weights=True, shared_intra_layer_weight_quant=True),
         dict(bidirectional=True, shared_input_hidden_weights=True, shared_intra_layer_weight_quant=True),
         dict(num_layers=2, bidirectional=True, hx=True))
for options in LSTMS:
    for w, b, io, acc, sig, tanh, cell in ((W8, INT32, IO, ACC, SIG, TANH, CELL), (W4C, INT32, FIO, FACC, FSIG, FTANH, FCELL),
                                           (W8, None, IO, ACC, SIG, TANH, CELL)):
        options = dict(options)
        given = options.pop("hx", False)
        layer = qnn.QuantLSTM(4, 3, weight_quant=cls(w), bias_quant=cls(b), io_quant=cls(io), gate_acc_quant=cls(acc),
                              sigmoid_quant=cls(sig), tanh_quant=cls(tanh), cell_state_quant=cls(cell), **options).eval()
        x = data((2, 4, 4) if options.get("batch_first") else (4, 2, 4))
        hx, cx = (torch.randn(4, 2, 3), torch.randn(4, 2, 3)) if given else (None, None)
        inputs = {"x": x, "hx": hx, "cx": cx}
        for l, directions in enumerate(layer.layers):
            for d, direction in enumerate(directions):
                for g in ("input", "forget", "cell", "output"):
                    params = getattr(direction, f"{g}_gate_params")
                    if params is not None:
                        gate(f"{l}.{d}.{g}.", params, inputs)
        with torch.no_grad():
            y, (h, c) = layer(x, hx, cx)
        case(f"lstm {options} {w.name} {given}", "lstm", options,
             {"weight": w, "bias": b, "io": io, "gate_acc": acc, "sigmoid": sig, "tanh": tanh, "cell_state": cell},
             inputs, {"y": y, "h": h, "c": c})
        if given:
            options["hx"] = True

# 6. Attention.
AQ, AW, SM = Q("Int8ActPerTensorFloat", reach=2.2), Q("Uint8ActPerTensorFloat", reach=1.0), Q("Int8ActPerTensorFloat", reach=4.0)
ATTENTION = [dict(q_scaled=AQ, k_transposed=I8, v=I8, attn_output_weights=AW),
             dict(q_scaled=AQ, k_transposed=I8, v=I8, attn_output_weights=AW, softmax_input=SM),
             dict(q_scaled=FIX, k_transposed=FIX, v=FIX, attn_output_weights=Q("Uint8ActPerTensorFixedPoint", reach=1.0)),
             dict(q_scaled=FP8, k_transposed=FP8, v=FP8, attn_output_weights=AW), dict()]
NAMES = ("q_scaled", "k_transposed", "v", "attn_output_weights", "softmax_input")
for quantizers in ATTENTION:
    for mask in (None, "causal", "allowed", "added"):
        for output in (None, OUTPUT):
            k = {f"{name}_quant": cls(quantizers.get(name)) for name in NAMES}
            layer = qnn.QuantScaledDotProductAttention(sdpa_output_quant=cls(output), **k).eval()
            q, key, v = data((2, 4, 8)), data((2, 5 if mask != "causal" else 4, 8)), data((2, 5 if mask != "causal" else 4, 3))
            extra = {"allowed": torch.rand(4, 5) > 0.3, "added": torch.randn(2, 4, 5)}.get(mask)
            if mask == "allowed":
                extra[:, 0] = True
            with torch.no_grad():
                y = layer(q, key, v, attn_mask=extra, is_causal=mask == "causal")
            case(f"sdpa {mask} {[(n, q.name) for n, q in quantizers.items()]} {output and output.name}", "sdpa", {"mask": mask},
                 dict(quantizers, sdpa_output=output),
                 {"q": q, "k": key, "v": v, "mask": None if extra is None else extra.numpy().astype(np.float32)}, {"y": y})
MHA_IN = (I8, W8, INT32)
for quantizers in ATTENTION[:4]:
    for packed, batch_first, mask, padding, output in ((True, False, None, False, None), (True, True, "forbidden", False, OUTPUT),
                                                       (False, False, "added", True, None), (False, True, None, True, OUTPUT),
                                                       (True, False, "forbidden", True, None)):
        k = {f"{name}_quant": cls(quantizers.get(name)) for name in NAMES}
        layer = qnn.QuantMultiheadAttention(
            8, 2, packed_in_proj=packed, batch_first=batch_first, kdim=None if packed else 6, vdim=None if packed else 6,  # keys and values of different lengths are refused
            in_proj_input_quant=cls(I8), in_proj_weight_quant=cls(W8), in_proj_bias_quant=cls(INT32),
            out_proj_input_quant=cls(I8), out_proj_weight_quant=cls(W8C), out_proj_bias_quant=cls(INT32),
            out_proj_output_quant=cls(output), **k).eval()
        steps, keys = 3, 3 if packed else 4
        lay = (lambda t, e: data((2, t, e))) if batch_first else (lambda t, e: data((t, 2, e)))
        q = lay(steps, 8)
        key, v = (q, q) if packed else (lay(keys, 6), lay(keys, 6))
        m = {"forbidden": torch.rand(steps, keys) > 0.7, "added": torch.randn(4, steps, keys)}.get(mask)
        if mask == "forbidden":
            m[:, 0] = False
        pad = None
        if padding:
            pad = torch.rand(2, keys) > 0.6
            pad[:, 0] = False
        inputs = {"q": q, "k": key, "v": v, "mask": None if m is None else m.numpy().astype(np.float32),
                  "ignored": None if pad is None else pad.numpy().astype(np.float32)}
        for name in ("in_proj", "q_proj", "k_proj", "v_proj", "out_proj"):
            part = getattr(layer, name)
            if part is not None:
                part.bias.data = torch.linspace(-0.3, 0.4, part.bias.numel())
                inputs[name + ".weight"], inputs[name + ".bias"] = part.weight, part.bias
        with torch.no_grad():
            y, weights = layer(q.clone() if not packed else q, key, v, key_padding_mask=pad, attn_mask=m)
        inputs = {name: (t.rename(None) if isinstance(t, torch.Tensor) else t) for name, t in inputs.items()}
        case(f"mha packed={packed} {mask} {padding} {output and output.name}", "mha",
             {"mask": mask, "batch_first": batch_first, "heads": 2},
             dict(quantizers, in_input=I8, in_weight=W8, in_bias=INT32, out_input=I8, out_weight=W8C, out_bias=INT32, output=output),
             inputs, {"y": y.rename(None), "weights": weights.rename(None)})

# 7. The file.
KINDS = {np.dtype(np.float32): "F32", np.dtype(np.int8): "I8", np.dtype(np.int16): "I16", np.dtype(np.int32): "I32"}
header, body = {"__metadata__": {"cases": json.dumps(CASES, separators=(",", ":"))}}, b""
for name, array in sorted(TENSORS.items(), key=lambda item: -item[1].dtype.itemsize):
    raw = array.tobytes()
    header[name] = {"dtype": KINDS[array.dtype], "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(raw)]}
    body += raw
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
packed = gzip.compress(struct.pack("<Q", len(text)) + text + body, 9, mtime=0)
with open(sys.argv[1], "wb") as file:
    file.write(packed)
kinds = sorted({c["kind"] for c in CASES})
print({k: sum(c["kind"] == k for c in CASES) for k in kinds}, len(CASES), "cases", len(packed), "bytes")

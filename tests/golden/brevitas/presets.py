"""Every quantizer of Brevitas 0.12.1 by name, and running one on a tensor.

`run(case, x)` gives what Brevitas computes: values, scale, zero point, bit width. A case names a class and what is
changed in it. Weights go through `QuantLinear` or `QuantConv2d`, activations through `QuantIdentity`, which collects one
batch in training mode and is then asked in evaluation mode. Torch uses one thread, so sums have one order.
"""

import warnings

import numpy as np
import torch
from brevitas import nn as qnn
from brevitas.core.quant.int import RescalingIntQuant
from brevitas.core.restrict_val import FloatRestrictValue, QuantRestrictValue
from brevitas.inject import this, value
import brevitas.quant.binary as binary
import brevitas.quant.experimental.float as fp
import brevitas.quant.experimental.float_quant_fnuz as fnuz
import brevitas.quant.experimental.float_quant_ocp as ocp
import brevitas.quant.experimental.mx_quant_ocp as mx
import brevitas.quant.fixed_point as fixed
import brevitas.quant.none as none
import brevitas.quant.scaled_int as scaled
import brevitas.quant.shifted_scaled_int as shifted
import brevitas.quant.ternary as ternary
from brevitas.quant_tensor import IntQuantTensor
import brevitas_examples.common.generative.quantizers as examples

warnings.simplefilter("ignore")
torch.set_num_threads(1)

class Scales(scaled.Int8WeightPerTensorFloat):
    """Six unsigned bits for scales."""
    bit_width = 6
    signed = False
    narrow_range = False
    module = (this << 1).module
    tracked_parameter_list = (this << 1).tracked_parameter_list
    rescaling_int_quant = RescalingIntQuant


class QuantizedScales(scaled.Int8WeightPerChannelFloat):
    """Int4 with the largest magnitudes of the channels quantized by `Scales`."""
    bit_width = 4
    scaling_quant = Scales
    restrict_scaling_impl = QuantRestrictValue
    restrict_threshold_impl = FloatRestrictValue
    scale_dequantized_shape = None

    @value
    def restrict_value_float_to_int_impl():
        return this.scaling_quant.rescaling_int_quant


NESTED = {"QuantizedScales": QuantizedScales}
MODULES = [binary, ternary, none, fixed, scaled, shifted, fp, ocp, fnuz, mx, examples]
NOT_PRESETS = ("Mixin", "Base", "Solver")


def find(name):
    if name in NESTED:
        return NESTED[name]
    for module in MODULES:
        if hasattr(module, name):
            return getattr(module, name)
    raise KeyError(name)


def names():
    """The names of all classes that are presets, with the module that defines each."""
    found = {}
    for module in MODULES:
        for name, value in vars(module).items():
            if isinstance(value, type) and value.__module__ == module.__name__ and not any(
                    part in name for part in NOT_PRESETS):
                found[name] = module.__name__
    return found


def is_weight(name):
    return "Weight" in name


def is_bias(name):
    return "Bias" in name


def is_trunc(name):
    return name in ("TruncTo8bit", "RoundTo8bit", "ShiftRoundSaturateTo8bit")


def layer_for(x, weight_quant, bias_quant=None, input_quant=None, **kwargs):
    bias = bias_quant is not None
    if x.dim() == 2:
        return qnn.QuantLinear(
            x.shape[1], x.shape[0], bias, weight_quant=weight_quant, bias_quant=bias_quant,
            input_quant=input_quant, **kwargs)
    return qnn.QuantConv2d(
        x.shape[1], x.shape[0], tuple(x.shape[2:]), bias=bias, weight_quant=weight_quant,
        bias_quant=bias_quant, input_quant=input_quant, **kwargs)


def parts(q):
    """Values, scale, zero point and bit width of what a proxy returned."""
    if isinstance(q, torch.Tensor):
        return q, None, None, None
    scale = q.scale_ if hasattr(q, "scale_") else q.scale
    zero_point = q.zero_point_ if hasattr(q, "zero_point_") else q.zero_point
    if hasattr(q, "exponent_bit_width"):
        bits = int(q.exponent_bit_width + q.mantissa_bit_width) + int(q.signed)
    else:
        bits = int(q.bit_width)
    return q.value, scale, zero_point, bits


def run(name, x, changes=None, given=None):
    """What the class `name` with `changes` makes of `x`; `given` is what else it needs."""
    changes, given = dict(changes or {}), dict(given or {})
    cls = find(given.pop("class", name))
    x = torch.from_numpy(np.ascontiguousarray(x))
    with torch.no_grad():
        if is_trunc(name):
            return run_trunc(cls, x, changes, given)
        if is_bias(name):
            return run_bias(cls, name, x, changes, given)
        if is_weight(name):
            cls = cls.let(**changes) if changes else cls
            accumulator = "Accumulator" in name
            layer = layer_for(x, cls)
            layer.weight.data = x.clone()
            if hasattr(layer.weight_quant, "init_tensor_quant"):
                layer.weight_quant.init_tensor_quant()
            layer.eval()
            if accumulator:
                input = IntQuantTensor(
                    torch.zeros(1, x.shape[1]), torch.tensor(1.0), torch.tensor(0.0),
                    torch.tensor(float(given["input_bits"])), given["input_signed"], False)
                return parts(layer.quant_weight(quant_input=input))
            return parts(layer.quant_weight())
        cls = cls.let(**changes) if changes else cls
        if name.startswith("None"):
            return x, None, None, None
        layer = qnn.QuantIdentity(act_quant=cls, return_quant_tensor=True)
        layer.train()
        layer(x.clone())
        layer.eval()
        return parts(layer(x.clone()))


def run_bias(cls, name, x, changes, given):
    cls = cls.let(**changes) if changes else cls
    layer = qnn.QuantLinear(3, x.shape[0], True, weight_quant=scaled.Int8WeightPerChannelFloat, bias_quant=cls)
    layer.bias.data = x.clone()
    layer.bias_quant.init_tensor_quant()
    layer.eval()
    if name.startswith(("IntBias", "Int8Bias", "Int16Bias", "Int24Bias", "Int32Bias")) and "Internal" not in name:
        scale = torch.tensor(given["input_scale"]) * torch.tensor(given["weight_scale"])
        y, scale, zero_point, bits = layer.bias_quant.tensor_quant(x, scale)
        return y, scale, zero_point, int(bits)
    return parts(layer.bias_quant(layer.bias, None, None)) if name != "NoneBiasQuant" else (x, None, None, None)


def run_trunc(cls, x, changes, given):
    cls = cls.let(**changes) if changes else cls
    tensor = lambda v: torch.tensor(float(v))
    trunc = cls.tensor_quant
    args = (tensor(given["input_scale"]), tensor(given["input_zero_point"]), tensor(given["input_bits"]),
            torch.tensor(bool(given["input_signed"])))
    trunc.train()
    trunc(x, *args)
    trunc.eval()
    y, scale, zero_point, bits = trunc(x, *args)
    return y, scale, zero_point, int(bits)


def needed(name, x):
    """What a class must be given beside the tensor: changes for Brevitas, and facts for `run`."""
    changes, given = {}, {}
    grouped = "Group" in name or name.startswith(("MX", "ShiftedMX"))
    if grouped and "Act" in name:
        changes["group_dim"] = -1
    if grouped and not name.startswith(("MX", "ShiftedMX")) and name != "ShiftedUint8WeightPerGroupFloatHQO":
        changes["group_size"] = 32
    if "PerRow" in name:
        changes["dynamic_scaling_broadcastable_fn"] = lambda s, shape: s.view(*shape[:-1], 1)
        changes.update(stats_reduce_dim=1, permute_dims=None)
    if name.startswith(("FpOCP", "FpFNUZ")):
        changes.update(bit_width=8, exponent_bit_width=3, mantissa_bit_width=4)
    if "MinMaxInit" in name:
        changes.update(min_val=-0.75, max_val=0.5)
    elif "MaxInit" in name:
        changes.update(max_val=0.75)
    if name in ("ShiftedUint8ActPerTensorFloatMSE", "ShiftedUint8ActPerTensorFixedPointMSE"):
        changes.update(dtype=torch.float32, device=torch.device("cpu"))
    if name == "IntBias":
        changes["bit_width"] = 32
    if is_bias(name):
        given = {"input_scale": 0.03, "weight_scale": 0.007}
    if is_trunc(name):
        given = {"input_scale": 0.01, "input_zero_point": 0.0, "input_bits": 16, "input_signed": True}
    if "Accumulator" in name:
        given = {"input_bits": 8, "input_signed": False}
    if "Channel" in name and "2d" in name:
        changes["per_channel_broadcastable_shape"] = (1, x.shape[1], 1, 1)
    return changes, given


def sets(name):
    """The same for `fewbit`: fields that make its preset what `needed` asks of Brevitas."""
    fields = {}
    if "Group" in name and "GroupFloatHQO" not in name and not name.startswith(("MX", "ShiftedMX")):
        fields["group_size"] = 32
    if name.startswith("FpOCP"):
        fields["format"] = "e3m4fin"
    if name.startswith("FpFNUZ"):
        fields["format"] = "e3m4fnuz"
    if "MaxInit" in name:
        fields["scaling_const"] = 0.75
    if is_bias(name) and "Internal" not in name and "None" not in name:
        fields.update(input_scale=0.03, weight_scale=0.007)
    if is_trunc(name):
        fields.update(input_scale=0.01, input_zero_point=0.0, input_bits=16, input_signed=True)
    if "Accumulator" in name:
        fields.update(input_bits=8, input_signed=False)
    return fields


def derived():
    """MX formats that Brevitas has through keyword arguments: a name here, a class and changes there."""
    found = {}
    for e, m in [(5, 2), (3, 2), (2, 3), (2, 1)]:
        widths = {"bit_width": 1 + e + m, "exponent_bit_width": e, "mantissa_bit_width": m}
        for kind in ["Weight", "WeightMSE", "Act"]:
            found[f"MXFloat{1 + e + m}e{e}m{m}{kind}"] = (f"MXFloat8e4m3{kind}", widths)
    return found

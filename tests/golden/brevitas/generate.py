"""Writes presets.jsonl: what Brevitas 0.12.1 makes of small tensors, every preset and many options.

Run as `python tests/golden/brevitas/generate.py` with the packages of requirements.txt. f32 numbers are written as their
bits in hexadecimal, 8 digits each. A case that Brevitas cannot compute has the beginning of its error.
"""

import json
import pathlib
import platform

import brevitas
import numpy as np
import torch
from brevitas.core.function_wrapper import CeilSte, FloorSte, RoundSte
from brevitas.quant.base import MSESymmetricScaleSubInjector

from presets import derived, is_bias, is_trunc, is_weight, names, needed, run, sets

F32 = np.float32


def heavy(rng, shape, scale=0.1):
    return (rng.standard_t(3, shape) * scale).astype(F32)


def tail():
    """A tensor for which half-quadratic optimisation at 6 bits ends with a larger squared error than it began with."""
    rng = np.random.default_rng(0)
    return [rng.standard_t(2 + t % 4, (1, 64)).astype(F32) for t in range(11)][10]


def inputs():
    rng = np.random.default_rng(20261126)
    w = heavy(rng, (5, 40))
    w[0, :6] = [0.5, -0.25, np.nextafter(F32(4), F32(0)), 2.0, -2.5, 1e-3]
    w[1] = 0
    w[2] = -np.abs(w[2]) - F32(0.05)
    w[3] *= F32(1e-11)
    special = heavy(rng, (3, 36))
    special[0, 3] = np.nan
    special[1, 35] = np.inf
    return {
        "w": w,
        "conv": heavy(rng, (4, 3, 3, 2)),
        "special": special,
        "image": heavy(rng, (2, 3, 3, 4), 1.0),
        "sequence": heavy(rng, (2, 3, 11), 1.0),
        "tail": tail(),
        "bias": heavy(rng, (17,), 0.01),
        "ints": (np.round(heavy(rng, (3, 20), 40.0)) * F32(0.01)).astype(F32),
    }


def inputs_of(name):
    if is_bias(name):
        return ["bias"]
    if is_trunc(name):
        return ["ints"]
    if "2d" in name:
        return ["image"]
    if "1d" in name:
        return ["sequence"]
    if "Accumulator" in name:
        return ["w", "conv"]
    if is_weight(name):
        return ["w", "conv", "special"]
    return ["w", "special"]


def options():
    """Presets with something changed: name, changes for Brevitas, fields for fewbit, inputs."""
    channel, tensor = "Int8WeightPerChannelFloat", "Int8WeightPerTensorFloat"
    statistic = lambda text: {"scale.source.statistic": text}
    for bits in [2, 3, 4, 16, 24]:
        yield channel, {"bit_width": bits}, {"bit_width": bits}, ["w"]
    yield channel, {"narrow_range": False}, {"narrow_range": False}, ["w"]
    yield channel, {"signed": False}, {"signed": False}, ["w"]
    yield "Uint8ActPerTensorFloat", {"narrow_range": True}, {"narrow_range": True}, ["w"]
    for mode in ["ROUND", "FLOOR", "CEIL", "ROUND_TO_ZERO", "DPU"]:
        for name in [channel, "Int8ActPerTensorFixedPoint", "Fp8e4m3WeightPerTensorFloat"]:
            yield name, {"float_to_int_impl_type": mode.lower()}, {"float_to_int_impl_type": mode}, ["w", "ints"]
    for name in [channel, tensor]:
        yield name, {"scaling_stats_op": "ave"}, statistic("abs-mean"), ["w", "conv"]
        sigma = {"scaling_stats_op": "mean_sigma_std", "sigma": 3.0}
        yield name, sigma, statistic({"mean-sigma": {"sigma": 3.0}}), ["w", "conv"]
        high = {"scaling_stats_op": "percentile", "high_percentile_q": 90.0}
        yield name, high, statistic({"abs-percentile": {"high": 90.0}}), ["w", "conv"]
        yield name, {"restrict_scaling_type": "log_fp"}, {
            "scale.restriction": "log-float", "scale.threshold_restriction": "log-float"}, ["w", "conv"]
        he = {"scaling_impl_type": "he", "scaling_min_val": None}
        yield name, he, {"scale.source": "he", "scale.floor": "none"}, ["w", "conv"]
        yield name, {"scaling_min_val": 1e-4}, {"scaling_min_val": 1e-4}, ["w"]
    yield tensor, {"scaling_stats_op": "max_ave"}, statistic({"mean-of-maxima": {"axis": 0}}), ["w", "conv"]
    for impl, text in [(FloorSte, "down"), (RoundSte, "ties-even"), (CeilSte, "up")]:
        restriction = {"scale.restriction.power-of-two": text, "scale.threshold_restriction.power-of-two": text}
        yield "Int8WeightPerChannelFixedPoint", {"restrict_value_float_to_int_impl": impl}, restriction, ["w", "conv"]
    for impl, text in [(RoundSte, "ties-even"), (CeilSte, "up")]:
        # The threshold has an injector of its own, which floors.
        restriction = {"scale.restriction.power-of-two": text}
        yield "MXFloat8e4m3Weight", {"restrict_value_float_to_int_impl": impl}, restriction, ["w"]
        yield "MXInt8Weight", {"restrict_value_float_to_int_impl": impl}, restriction, ["w"]
    for size in [1, 7, 16, 64]:
        for name in ["MXInt8Weight", "MXFloat8e4m3Weight", "ShiftedMXUInt8Weight", "MXInt8WeightMSE"]:
            yield name, {"group_size": size}, {"group_size": size}, ["w"]
        yield "ShiftedUint8WeightGroupQuantFloat", {"group_size": size}, {"group_size": size}, ["w", "conv"]
    for name in ["MXInt8Weight", "MXInt8WeightMSE"]:
        yield name, {"group_dim": 0, "group_size": 2}, {"group_dim": 0, "group_size": 2}, ["w", "conv"]
        yield name, {"group_size": 2}, {"group_size": 2}, ["conv"]
    for name in ["ShiftedUint8WeightPerChannelFloat", "ShiftedUint8ActPerTensorFloat"]:
        yield name, {"quantize_zero_point": False}, {"zero_point.shifted.rounding": "float"}, ["w"]
        yield name, {"bit_width": 4}, {"bit_width": 4}, ["w"]
    dynamic = {"group_dim": -1, "group_size": 32, "quantize_zero_point": False}
    yield "ShiftedUint8DynamicActPerGroupFloat", dynamic, {
        "group_size": 32, "zero_point.shifted.rounding": "float"}, ["w"]
    fibonacci = MSESymmetricScaleSubInjector.let(mse_search_method="fibonacci")
    for name in ["Int8WeightPerChannelFloatMSE", "Int8WeightPerTensorFloatMSE"]:
        yield name, {"mse_scale": fibonacci}, {"mse_search_method": "fibonacci"}, ["w", "conv"]
        yield name, {"bit_width": 4}, {"bit_width": 4}, ["w", "conv"]
        yield name, {"bit_width": 4, "mse_scale": fibonacci}, {"bit_width": 4, "mse_search_method": "fibonacci"}, ["w"]
    for name in ["Int8WeightPerChannelFloatHQO", "ShiftedUint8WeightPerChannelFloatHQO"]:
        yield name, {"bit_width": 4}, {"bit_width": 4}, ["w"]
    for name in ["Int8WeightPerTensorFloatHQO", "Int8WeightPerTensorFloatMSE", "Int8WeightNormL2PerChannelFixedPoint"]:
        yield name, {"bit_width": 6}, {"bit_width": 6}, ["tail"]
    for name in ["Fp8e4m3OCPWeight", "Fp8e5m2OCPWeight", "Fp8e4m3OCPWeightPerTensorFloat"]:
        yield name, {"saturating": False}, {"overflow": "special"}, ["w", "special"]
    for e, m in [(1, 2), (2, 0), (5, 10), (3, 3)]:
        widths = {"bit_width": 1 + e + m, "exponent_bit_width": e, "mantissa_bit_width": m}
        yield "Fp8e4m3WeightPerTensorFloat", widths, {"format": f"e{e}m{m}fin"}, ["w"]
    unsigned = {"bit_width": 8, "exponent_bit_width": 4, "mantissa_bit_width": 4, "signed": False}
    yield "Fp8e4m3WeightPerTensorFloat", unsigned, {"format": "e4m4finu"}, ["w"]
    yield "Fp8e4m3WeightPerTensorFloat", {"exponent_bias": 10}, {"format": "e4m3b10fin"}, ["w"]
    for threshold in [0.5, 1.25]:
        ternary = {"quant_type": "ternary", "threshold": threshold}
        yield "SignedTernaryWeightPerTensorConst", ternary, {"format": "ternary", "dead_zone": threshold}, ["w", "special"]


def bits(x):
    return np.ascontiguousarray(x.detach().to(torch.float32).numpy()).astype("<f4").view("<u4")


def text(x):
    return "".join(f"{word:08x}" for word in bits(x).ravel())


def case(name, arrays, input, changes, given, fields, cls=None):
    line = {"preset": name, "input": input}
    if fields:
        line["set"] = fields
    try:
        values, scale, zero_point, width = run(name, arrays[input], changes, {**given, **({"class": cls} if cls else {})})
    except Exception as error:  # whatever Brevitas raises is the result
        line["error"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:100]
        return line
    line["values"] = text(values)
    if scale is not None:
        line["scale"] = text(scale)
        line["zero_point"] = text(zero_point)
        line["bits"] = width
    return line


def main():
    arrays = inputs()
    header = {
        "generator": "tests/golden/brevitas/generate.py",
        "brevitas": brevitas.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
    lines = [header]
    lines += [{"name": n, "shape": list(x.shape), "bits": text(torch.from_numpy(x))} for n, x in arrays.items()]
    for name in names():
        for input in inputs_of(name):
            changes, given = needed(name, arrays[input])
            lines.append(case(name, arrays, input, changes, given, sets(name)))
    for name, (cls, widths) in derived().items():
        for input in inputs_of(name):
            changes, given = needed(name, arrays[input])
            lines.append(case(name, arrays, input, {**changes, **widths}, given, sets(name), cls))
    for name, changes, fields, which in options():
        for input in which:
            base, given = needed(name, arrays[input])
            lines.append(case(name, arrays, input, {**base, **changes}, given, {**sets(name), **fields}))
    for name, fields in [("TruncTo8bit", {"input_bits": 12}), ("RoundTo8bit", {"input_zero_point": 100.0, "input_signed": False}),
                         ("ShiftRoundSaturateTo8bit", {"input_bits": 20}), ("ShiftRoundSaturateTo8bit", {"input_bits": 6})]:
        changes, given = needed(name, arrays["ints"])
        lines.append(case(name, arrays, "ints", changes, {**given, **fields}, {**sets(name), **fields}))
    for bits_ in [4, 6]:
        for signed in [False, True]:
            for p in [12, 16]:
                for name in ["Int8AccumulatorAwareWeightQuant", "Int8AccumulatorAwareZeroCenterWeightQuant"]:
                    fields = {"input_bits": bits_, "input_signed": signed, "accumulator_bit_width": p}
                    given = {"input_bits": bits_, "input_signed": signed}
                    lines.append(case(name, arrays, "w", {"accumulator_bit_width": p}, given, fields))
    nested = {
        "format": "uint6", "granularity": "tensor", "policy": {},
        "scale": {"source": {"statistic": "abs-max"}, "restriction": "float", "threshold_restriction": "float",
                  "threshold": "largest", "floor": {"statistic": 1e-10}},
    }
    fields = {"bit_width": 4, "scale.restriction": {"quantized": nested}}
    for input in ["w", "conv"]:
        lines.append(case("Int8WeightPerChannelFloat", arrays, input, {}, {}, fields, "QuantizedScales"))
    path = pathlib.Path(__file__).parent / "presets.jsonl"
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    print(f"{len(lines)} lines, {path.stat().st_size} bytes, {sum('error' in l for l in lines)} errors")


main()

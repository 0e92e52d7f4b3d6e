"""A layer whose accumulator A2GPTQ promises and does not keep: writes a2gptq.onnx and a2gptq.safetensors.gz.

Versions: brevitas 0.12.1, torch 2.8.0 (CPU, one thread), numpy 1.26.4, onnx 1.23.2, onnxoptimizer 0.4.2, Python 3.11.
Command:  python models/tests/golden/a2gptq.py models/tests/golden

One linear layer, 256 inputs and 32 outputs, signed 8-bit codes on both sides. Its weights are chosen by A2GPTQ
(brevitas_examples/common/axe.py) so that every sum of products fits 16 bits, whatever the inputs. Rows of the result exceed
them: A2GPTQ adds up the codes as trunc(q / s), and for some codes k the quotient fl(fl(k * s) / s) is a little smaller than k in
magnitude, so one step of the code is not counted. The scales are parameters, frozen at the first forward; with scales taken from
the weights at every forward (printed, not written) they follow the weights that A2GPTQ shrinks, and the codes grow.

a2gptq.safetensors.gz: `x`, 64 inputs; `witness`, an input on the grid of the input's codes with which the worst row reaches its
extreme sum. The layer calibrates on its own inputs, which are not written.
"""
import gzip
import pathlib
import struct
import sys
import warnings
from functools import partial

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

warnings.filterwarnings("ignore")
import brevitas.nn as qnn
from brevitas.export import export_qonnx
from brevitas.graph.calibrate import calibration_mode
from brevitas.graph.gptq import gptq_mode
from brevitas.inject.enum import ScalingImplType
from brevitas.quant.scaled_int import Int8ActPerTensorFloat, Int8WeightPerChannelFloat
from brevitas_examples.common import axe

torch.set_num_threads(1)
axe.tqdm = lambda steps, **_: steps
SEED, OUTPUTS, INPUTS, PROMISED = 12, 32, 256, 16
LOW, HIGH = -128, 127  # the input's codes
LEAST, MOST = -(2 ** (PROMISED - 1)), 2 ** (PROMISED - 1) - 1  # the register


def optimize(scales):
    """The layer after A2GPTQ, as the flow of brevitas_examples applies it."""
    random = np.random.default_rng(SEED)
    weights = (random.standard_normal((OUTPUTS, INPUTS)) * 0.1).astype(np.float32)
    samples = torch.from_numpy(random.standard_normal((512, INPUTS)).astype(np.float32))
    layer = qnn.QuantLinear(INPUTS, OUTPUTS, bias=False, weight_quant=Int8WeightPerChannelFloat,
                            input_quant=Int8ActPerTensorFloat, weight_scaling_impl_type=scales)
    layer.weight.data.copy_(torch.from_numpy(weights))
    model = torch.nn.Sequential(layer).eval()
    method = partial(axe.A2GPTQ, max_accumulator_bit_width=PROMISED, max_accumulator_tile_size=None)
    with torch.no_grad():
        with calibration_mode(model):
            model(samples)
        model(samples)
        with gptq_mode(model, use_quant_activations=True, create_weight_orig=False, gptq_class=method) as gptq:
            for _ in range(gptq.num_layers):
                gptq.model(samples)
                gptq.update()
    return model


def codes_of(model):
    with torch.no_grad():
        weight = model[0].quant_weight()
    return torch.round(weight.value / weight.scale).numpy().astype(np.int64)


def worst(codes):
    """The greatest and the least sum of each row over all inputs."""
    positive, negative = np.maximum(codes, 0).sum(1), np.minimum(codes, 0).sum(1)
    return HIGH * positive + LOW * negative, LOW * positive + HIGH * negative


def tell(name, codes):
    greatest, least = worst(codes)
    beyond = (greatest > MOST) | (least < LEAST)
    print(f"{name}: {beyond.sum()} of {OUTPUTS} rows beyond [{LEAST}, {MOST}], sums {least.min()} to {greatest.max()}")


def quantizers(path):
    """What the file says: codes of the weights, and the input's scale; every parameter of a Quant node is a constant."""
    graph = onnx.load(path).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    constants |= {n.output[0]: numpy_helper.to_array(helper.get_node_attr_value(n, "value")) for n in graph.node if n.op_type == "Constant"}
    quants = [n for n in graph.node if n.op_type == "Quant"]
    of_input = next(n for n in quants if n.input[0] == graph.input[0].name)
    of_weight = next(n for n in quants if n.input[0] in constants)
    assert len(quants) == 2
    scale, zero, bits = (constants[i] for i in of_input.input[1:])
    assert (zero, bits, helper.get_node_attr_value(of_input, "narrow")) == (0, 8, 0)
    weight, scales, zeros, weight_bits = (constants[i] for i in of_weight.input)
    assert (zeros, weight_bits, helper.get_node_attr_value(of_weight, "narrow")) == (0, 8, 1)
    assert all(a.dtype == np.float32 for a in (scale, weight, scales)) and scales.shape == (OUTPUTS, 1)
    return np.clip(np.rint(weight / scales), -127, 127).astype(np.int64), scale


def export(model, path):
    export_qonnx(model, args=torch.zeros(1, INPUTS), export_path=str(path), dynamo=False, input_names=["input"],
                 output_names=["output"], dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
    proto = onnx.load(path)
    proto.graph.doc_string = ""
    for node in proto.graph.node:
        node.doc_string = ""
    onnx.save(proto, path)


def write(path, arrays):
    header, body = "", b""
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array, np.float32).tobytes()
        shape = ",".join(map(str, array.shape))
        header += f'{"," if body else ""}"{name}":{{"dtype":"F32","shape":[{shape}],"data_offsets":[{len(body)},{len(body) + len(raw)}]}}'
        body += raw
    text = ("{" + header + "}").encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(gzip.compress(struct.pack("<Q", len(text)) + text + body, 9, mtime=0))


folder = pathlib.Path(sys.argv[1])
model = optimize(ScalingImplType.PARAMETER_FROM_STATS)
tell("frozen scales", codes_of(model))
tell("scales from the weights", codes_of(optimize(ScalingImplType.STATS)))
file = folder / "a2gptq.onnx"
export(model, file)

codes, scale = quantizers(file)
assert np.array_equal(codes, codes_of(model))
greatest, least = worst(codes)
down = (LEAST - least).max() > (greatest - MOST).max()
row = int(least.argmin() if down else greatest.argmax())
positive = LOW if down else HIGH
inputs = np.where(codes[row] >= 0, positive, -1 - positive)
witness = (inputs.astype(np.float32) * scale).reshape(1, INPUTS)
seen = np.clip(np.rint(witness / scale), LOW, HIGH).astype(np.int64)
total = [sum(int(a) * int(b) for a, b in zip(seen[0], line)) for line in codes]
assert np.array_equal(seen[0], inputs) and total[row] == (least if down else greatest)[row]
assert not LEAST <= total[row] <= MOST
print(f"witness: row {row}, sum {total[row]}, {LEAST - total[row] if down else total[row] - MOST} beyond")
x = (np.round(np.random.default_rng(SEED + 1).standard_normal((64, INPUTS)) * 32) / 32).astype(np.float32)
write(folder / "a2gptq.safetensors.gz", {"witness": witness, "x": x})
print(*(f"{p.name} {p.stat().st_size} bytes" for p in (file, folder / "a2gptq.safetensors.gz")), sep=", ")

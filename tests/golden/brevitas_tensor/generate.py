"""Writes growth.txt and operations.jsonl beside this file: what Brevitas 0.12.1 does with quantized tensors.

    pip install torch==2.8.0 brevitas==0.12.1
    python tests/golden/brevitas_tensor/generate.py

growth.txt has one operation a line, `<operation> <operands> = <type>`; types are u8, s4 and so on, as Brevitas states
them, and shapes are joined by commas. operations.jsonl has whole operations on small tensors: operands as integers with
type and scale (hexadecimal f32), and of the result the integers, the type and the scale. Nothing is taken from fewbit.
"""

import json
import pathlib
import struct

import torch
import torch.nn.functional as F

import brevitas
from brevitas.quant_tensor import IntQuantTensor
from brevitas.quant_tensor.int_torch_handler import FN_ACC_BITWIDTH_MAPPING

assert brevitas.__version__ == "0.12.1", brevitas.__version__
HERE = pathlib.Path(__file__).parent
GENERATOR = torch.Generator().manual_seed(20250828)


def name(bits, signed):
    return f"{'s' if signed else 'u'}{int(bits)}"


def tensor(bits, signed, shape=(1,), scale=0.5):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    ints = torch.randint(low, high, shape, generator=GENERATOR).double()
    scale = torch.tensor(scale, dtype=torch.float32)
    value = (ints * scale.double()).float()
    return ints, IntQuantTensor(
        value, scale, torch.tensor(0.0), torch.tensor(float(bits)), signed, False)


def smallest(bits, signed):
    """Values do not matter to the types; these two are in all of them, and one bit must have two."""
    value = torch.tensor([-0.5 if signed else 0.5, 0.0])
    return IntQuantTensor(
        value, torch.tensor(0.5), torch.tensor(0.0), torch.tensor(float(bits)), signed, False)


def types(widths):
    return [(bits, signed) for bits in widths for signed in (False, True)]


def growth():
    widths = [1, 2, 3, 4, 5, 8, 9, 12, 16, 23, 24, 25, 32]
    for a in types(widths):
        zero = smallest(*a)
        for operation, result in (("neg", -zero), ("abs", abs(zero))):
            yield f"{operation} {name(*a)} = {name(result.bit_width, result.signed)}"
        for elements in (1, 2, 3, 4, 9, 16, 49, 64, 100, 1024, 50176):
            bits = FN_ACC_BITWIDTH_MAPPING[F.avg_pool2d](zero.bit_width, elements)
            yield f"avg {name(*a)} {elements} = {name(bits, a[1])}"
        for b in types(widths):
            other = smallest(*b)
            results = (("add", zero + other), ("sub", zero - other), ("mul", zero * other))
            for operation, result in results:
                yield f"{operation} {name(*a)} {name(*b)} = {name(result.bit_width, result.signed)}"
    depths = [1, 2, 3, 7, 64, 127, 128, 129, 576, 1024, 4096, 4097, 11008, 16513, 65537, 4227266]
    for bits in (1, 2, 4, 5, 8, 12, 16):
        for weight in (1, 2, 3, 4, 8, 16):
            a, b = torch.tensor(float(bits)), torch.tensor(float(weight))
            for depth in depths:
                result = FN_ACC_BITWIDTH_MAPPING[F.linear](a, b, (10, depth))
                yield f"dot u{bits} s{weight} {depth} = {name(result, True)}"
            for shape in ((16, 64, 3, 3), (64, 16, 3, 3), (8, 3, 7, 7), (64, 16, 3), (4, 5, 2, 3, 4), (32, 1, 3, 3)):
                result = FN_ACC_BITWIDTH_MAPPING[F.conv2d](a, b, shape)
                shape_name = ",".join(map(str, shape))
                yield f"conv u{bits} s{weight} {shape_name} = {name(result, True)}"
                for stride in (1, 2, 4):
                    strides = (stride,) * (len(shape) - 2)
                    result = FN_ACC_BITWIDTH_MAPPING[F.conv_transpose2d](a, b, shape, stride=strides)
                    stride_name = ",".join(map(str, strides))
                    yield f"convt u{bits} s{weight} {shape_name} {stride_name} = {name(result, True)}"


def hexadecimal(x):
    return struct.pack(">f", float(x)).hex()


def operand(ints, quant):
    return {
        "type": name(quant.bit_width, quant.signed),
        "shape": list(ints.shape),
        "ints": [int(i) for i in ints.flatten()],
        "scale": hexadecimal(quant.scale),
    }


def result(quant):
    scale = quant.scale.double()
    ints = (quant.value.double() / scale).round()
    return {
        "type": name(quant.bit_width, quant.signed),
        "shape": list(ints.shape),
        "ints": [int(i) for i in ints.flatten()],
        "scale": [hexadecimal(s) for s in scale.flatten().float()],
    }


def operations():
    for (bits, signed), (other, other_signed) in [
            ((4, True), (4, True)), ((8, False), (4, True)), ((3, False), (8, True)), ((8, True), (8, True)),
            ((5, False), (2, True)), ((8, False), (8, False))]:
        for scale, other_scale in [(0.5, 0.5), (0.1, 0.1), (0.0078125, 0.0078125)]:
            a_ints, a = tensor(bits, signed, (3, 4), scale)
            b_ints, b = tensor(other, other_signed, (3, 4), other_scale)
            yield "add", [operand(a_ints, a), operand(b_ints, b)], result(a + b)
            yield "sub", [operand(a_ints, a), operand(b_ints, b)], result(a - b)
        for scale, other_scale in [(0.5, 0.25), (0.1, 0.3), (0.007, 1.7)]:
            a_ints, a = tensor(bits, signed, (3, 4), scale)
            b_ints, b = tensor(other, other_signed, (3, 4), other_scale)
            yield "mul", [operand(a_ints, a), operand(b_ints, b)], result(a * b)
            w_ints, w = tensor(other, other_signed, (5, 4), other_scale)
            yield "linear", [operand(a_ints, a), operand(w_ints, w)], result(F.linear(a, w))
            x_ints, x = tensor(bits, signed, (1, 2, 6, 6), scale)
            pooled = F.avg_pool2d(x, 2, 2, 0, False, True, None)
            yield "avg 2", [operand(x_ints, x)], result(pooled)
            yield "max 2", [operand(x_ints, x)], result(F.max_pool2d(x, 2))
            yield "relu", [operand(x_ints, x)], result(F.relu(x))


def main():
    header = f"brevitas {brevitas.__version__}, torch {torch.__version__}; tests/golden/brevitas_tensor/generate.py"
    (HERE / "growth.txt").write_text("\n".join([f"# {header}", *growth()]) + "\n")
    lines = [json.dumps({"generator": header})]
    for operation, operands, answer in operations():
        lines.append(json.dumps({"operation": operation, "operands": operands, "result": answer}))
    (HERE / "operations.jsonl").write_text("\n".join(lines) + "\n")


main()

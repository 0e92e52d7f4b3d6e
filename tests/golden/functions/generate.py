"""Writes what LiteRT's reference kernels make of integers: softmax, and the functions that it looks up in tables.

Run as `python tests/golden/functions/generate.py` with the packages of tests/golden/functions/requirements.txt. Each model
is one operator, built here; the operator resolver is BUILTIN_REF where that has it. One JSON object per line: the first says how it came
about, each other has the operator, the scales as bits of float32, zero points, types, the inputs (a row of a softmax after
the other) and the outputs. Functions have every 8-bit input; every 16-bit one is in a checksum, and some are shown.
"""

import datetime
import importlib.metadata
import json
import pathlib
import zlib

import flatbuffers
import numpy as np
import tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(20261128)
TYPES = {"int8": tflite.TensorType.INT8, "uint8": tflite.TensorType.UINT8, "int16": tflite.TensorType.INT16}
OPERATORS = {
    "softmax": tflite.BuiltinOperator.SOFTMAX,
    "sigmoid": tflite.BuiltinOperator.LOGISTIC,
    "tanh": tflite.BuiltinOperator.TANH,
    "elu": tflite.BuiltinOperator.ELU,
    "gelu": tflite.BuiltinOperator.GELU,
    "gelu-tanh": tflite.BuiltinOperator.GELU,
    "exp": tflite.BuiltinOperator.EXP,
    "log": tflite.BuiltinOperator.LOG,
    "rsqrt": tflite.BuiltinOperator.RSQRT,
}


def tensor(builder, name, shape, kind, scale, zero):
    text = builder.CreateString(name)
    tflite.QuantizationParametersStartScaleVector(builder, 1)
    builder.PrependFloat32(scale)
    scales = builder.EndVector()
    tflite.QuantizationParametersStartZeroPointVector(builder, 1)
    builder.PrependInt64(zero)
    zeros = builder.EndVector()
    tflite.QuantizationParametersStart(builder)
    tflite.QuantizationParametersAddScale(builder, scales)
    tflite.QuantizationParametersAddZeroPoint(builder, zeros)
    quantization = tflite.QuantizationParametersEnd(builder)
    tflite.TensorStartShapeVector(builder, len(shape))
    for size in reversed(shape):
        builder.PrependInt32(size)
    dims = builder.EndVector()
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, dims)
    tflite.TensorAddType(builder, TYPES[kind])
    tflite.TensorAddBuffer(builder, 0)
    tflite.TensorAddName(builder, text)
    tflite.TensorAddQuantization(builder, quantization)
    return tflite.TensorEnd(builder)


def ints(builder, start, values):
    start(builder, len(values))
    for value in reversed(values):
        builder.PrependInt32(value)
    return builder.EndVector()


def tables(builder, start, offsets):
    start(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def model(operator, version, shape, x, y, beta):
    b = flatbuffers.Builder(1024)
    code = OPERATORS[operator]
    tensors = [tensor(b, "x", shape, *x), tensor(b, "y", shape, *y)]
    tensors = tables(b, tflite.SubGraphStartTensorsVector, tensors)
    options, kind = None, tflite.BuiltinOptions.NONE
    if operator == "softmax":
        tflite.SoftmaxOptionsStart(b)
        tflite.SoftmaxOptionsAddBeta(b, beta)
        options, kind = tflite.SoftmaxOptionsEnd(b), tflite.BuiltinOptions.SoftmaxOptions
    if operator.startswith("gelu"):
        tflite.GeluOptionsStart(b)
        tflite.GeluOptionsAddApproximate(b, operator == "gelu-tanh")
        options, kind = tflite.GeluOptionsEnd(b), tflite.BuiltinOptions.GeluOptions
    ins, outs = ints(b, tflite.OperatorStartInputsVector, [0]), ints(b, tflite.OperatorStartOutputsVector, [1])
    tflite.OperatorStart(b)
    tflite.OperatorAddOpcodeIndex(b, 0)
    tflite.OperatorAddInputs(b, ins)
    tflite.OperatorAddOutputs(b, outs)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(b, kind)
        tflite.OperatorAddBuiltinOptions(b, options)
    operators = tables(b, tflite.SubGraphStartOperatorsVector, [tflite.OperatorEnd(b)])
    ins, outs = ints(b, tflite.SubGraphStartInputsVector, [0]), ints(b, tflite.SubGraphStartOutputsVector, [1])
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, tensors)
    tflite.SubGraphAddInputs(b, ins)
    tflite.SubGraphAddOutputs(b, outs)
    tflite.SubGraphAddOperators(b, operators)
    subgraphs = tables(b, tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(b)])
    tflite.OperatorCodeStart(b)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(code, 127))
    tflite.OperatorCodeAddBuiltinCode(b, code)
    tflite.OperatorCodeAddVersion(b, version)
    codes = tables(b, tflite.ModelStartOperatorCodesVector, [tflite.OperatorCodeEnd(b)])
    tflite.BufferStart(b)
    buffers = tables(b, tflite.ModelStartBuffersVector, [tflite.BufferEnd(b)])
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddOperatorCodes(b, codes)
    tflite.ModelAddSubgraphs(b, subgraphs)
    tflite.ModelAddBuffers(b, buffers)
    b.Finish(tflite.ModelEnd(b), b"TFL3")
    return bytes(b.Output())


def run(operator, values, x, y, beta=1.0):
    # The newest version that the kernels have.
    for version in [3, 2, 1]:
        content = model(operator, version, values.shape, x, y, beta)
        try:
            interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver(operator))
            break
        except ValueError:
            if version == 1:
                raise
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def resolver(operator):
    # ELU is not among the reference kernels; its table is the same.
    optimized = operator == "elu"
    return OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if optimized else OpResolverType.BUILTIN_REF


def bits(x):
    return int(np.float32(x).view(np.uint32))


def line(operator, values, x, y, beta=1.0):
    found = run(operator, values, x, y, beta)
    result = {
        "operator": operator,
        "from": x[0], "from_scale": bits(x[1]), "from_zero": x[2],
        "to": y[0], "to_scale": bits(y[1]), "to_zero": y[2],
    }
    if operator == "softmax":
        return result | {
            "beta": bits(beta), "columns": values.shape[-1],
            "inputs": values.ravel().tolist(), "outputs": found.ravel().tolist(),
        }
    if x[0] == "int16":
        shown = np.append(np.arange(0, len(values), 97), len(values) - 1)
        crc32 = zlib.crc32(found.astype("<i2").tobytes())
        return result | {"first": int(values[0]), "crc32": crc32, "inputs": values[shown].tolist(), "outputs": found[shown].tolist()}
    return result | {"outputs": found.ravel().tolist()}


def softmaxes():
    for kind, to, zero in [("int8", "int8", -128), ("int8", "int16", -32768), ("uint8", "uint8", 0)]:
        unit = 2.0**-16 if to == "int16" else 2.0**-8
        info = np.iinfo(kind)
        for scale, beta in [(0.0625, 1.0), (0.1, 1.0), (0.0123, 1.0), (0.7, 1.0), (0.05, 2.5), (3.0, 1.0), (0.001, 0.5)]:
            for columns in [1, 2, 10, 333]:
                rows = RNG.integers(info.min, info.max, (2, columns), kind, endpoint=True)
                rows[0] = rows[0] // 4
                yield line("softmax", rows, (kind, scale, 0), (to, unit, zero), beta)
    for scale in [2.0**-11, 0.001, 0.0003]:
        for columns in [1, 2, 10, 333]:
            rows = RNG.integers(-32768, 32767, (2, columns), np.int16, endpoint=True)
            rows[0] = rows[0] // 8
            yield line("softmax", rows, ("int16", scale, 0), ("int16", 2.0**-15, 0))


def functions():
    eight = {k: np.arange(np.iinfo(k).min, np.iinfo(k).max + 1).astype(k) for k in ["int8", "uint8"]}
    sixteen = np.arange(-32768, 32768).astype(np.int16)
    for scale, zero in [(0.0625, 0), (0.047, -7), (0.2, 30), (0.013, 128 - 1)]:
        yield line("sigmoid", eight["int8"], ("int8", scale, zero), ("int8", 1 / 256, -128))
        yield line("tanh", eight["int8"], ("int8", scale, zero), ("int8", 1 / 128, 0))
        for operator in ["elu", "gelu", "gelu-tanh"]:
            yield line(operator, eight["int8"], ("int8", scale, zero), ("int8", scale * 1.1, zero - 3))
        yield line("exp", eight["int8"], ("int8", scale, zero), ("int8", 0.02, -128))
        yield line("log", eight["int8"], ("int8", scale, zero), ("int8", 0.05, 11))
    yield line("sigmoid", eight["uint8"], ("uint8", 0.05, 120), ("uint8", 1 / 256, 0))
    yield line("tanh", eight["uint8"], ("uint8", 0.03, 128), ("uint8", 1 / 128, 128))
    yield line("gelu", eight["uint8"], ("uint8", 0.04, 100), ("uint8", 0.05, 10))
    for scale in [2.0**-12, 0.0003, 0.00011]:
        yield line("exp", sixteen, ("int16", scale, 0), ("int16", 0.0007, 0))
        yield line("log", sixteen, ("int16", scale, 0), ("int16", 0.0004, 0))
        # The operator refuses others.
        yield line("rsqrt", sixteen[32769:], ("int16", scale, 0), ("int16", 0.003, 0))


def lines():
    packages = {p: importlib.metadata.version(p) for p in ["ai-edge-litert", "tflite", "flatbuffers", "numpy"]}
    yield {"generator": "tests/golden/functions/generate.py", **packages, "date": datetime.date.today().isoformat()}
    yield from softmaxes()
    yield from functions()


text = "".join(json.dumps(line) + "\n" for line in lines())
(HERE / "litert.jsonl").write_text(text)

"""Writes what ONNX Runtime's QLinearMatMul makes of accumulators' values.

Run as `python tests/golden/requantize/generate.py` with the packages of tests/golden/requirements.txt. Graph
optimisation is off, so that the operator runs as the model has it. One JSON object per line: the first says how it came
about, each other has the scales as bits of float32, the zero point and type of the output, the exact sums of products
(less the zero points of both operands) and the outputs.
"""

import datetime
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(20261128)


def run(a, b, scales, zeros, y_type):
    names = ["a_scale", "a_zero", "b_scale", "b_zero", "y_scale", "y_zero"]
    values = [scales[0], zeros[0], scales[1], zeros[1], scales[2], zeros[2]]
    constants = [numpy_helper.from_array(np.asarray(v), n) for n, v in zip(names, values)]
    node = helper.make_node("QLinearMatMul", ["a", *names[:2], "b", *names[2:]], ["y"])
    kinds = {np.dtype(np.int8): TensorProto.INT8, np.dtype(np.uint8): TensorProto.UINT8}
    graph = helper.make_graph(
        [node],
        "requantize",
        [
            helper.make_tensor_value_info("a", kinds[a.dtype], a.shape),
            helper.make_tensor_value_info("b", kinds[b.dtype], b.shape),
        ],
        [helper.make_tensor_value_info("y", kinds[np.dtype(y_type)], (a.shape[0], b.shape[1]))],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, {"a": a, "b": b})[0]


def bits(x):
    return [int(v) for v in np.atleast_1d(np.asarray(x, np.float32)).view(np.uint32)]


def lines():
    packages = {p.__name__: p.__version__ for p in (onnx, onnxruntime, np)}
    yield {"generator": "tests/golden/requantize/generate.py", **packages, "date": datetime.date.today().isoformat()}
    for kind in ["random", "ties", "large", "channels"]:
        for a_type, y_type in [(np.uint8, np.uint8), (np.int8, np.int8), (np.uint8, np.uint8), (np.int8, np.int8)]:
            info = np.iinfo(a_type)
            k, n = (2048, 12) if kind == "large" else (24, 24)
            a = RNG.integers(info.min, info.max, (6, k), a_type, endpoint=True)
            b = RNG.integers(-128, 127, (k, n), np.int8, endpoint=True)
            if kind == "large":
                a[:3], b[:, ::2] = info.max, 127
                b[:, 1::4] = -128
            zeros = [a_type(RNG.integers(info.min, info.max)), np.int8(0), y_type(RNG.integers(np.iinfo(y_type).min, np.iinfo(y_type).max))]
            sums = (a.astype(np.int64) - int(zeros[0])) @ b.astype(np.int64)
            if kind == "ties":
                # A power of two: half of the sums, of the odd multiples of half a unit, are ties.
                scales = [np.float32(0.25), np.float32(2.0**-3), np.float32(2.0 ** RNG.integers(1, 4))]
            else:
                spread = float(np.abs(sums).max()) / float(RNG.uniform(60, 300))
                scales = [np.float32(RNG.uniform(0.001, 0.1)), np.float32(RNG.uniform(0.001, 0.1)), None]
                scales[2] = np.float32(float(scales[0]) * float(scales[1]) * spread)
            if kind == "channels":
                scales[1] = (scales[1] * RNG.uniform(0.2, 2.0, n)).astype(np.float32)
                zeros[1] = np.zeros(n, np.int8)
            y = run(a, b, scales, zeros, y_type)
            yield {
                "kind": kind,
                "a_scale": bits(scales[0]),
                "b_scale": bits(scales[1]),
                "y_scale": bits(scales[2]),
                "zero_point": int(zeros[2]),
                "to": np.dtype(y_type).name,
                "sums": [int(v) for v in sums.ravel()],
                "outputs": [int(v) for v in y.ravel()],
            }


text = "".join(json.dumps(line) + "\n" for line in lines())
(HERE / "onnxruntime.jsonl").write_text(text)

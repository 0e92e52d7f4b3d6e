"""Writes recurrent_network.onnx, recurrent_network.quantized.onnx and recurrent_network.safetensors, kept compressed (gzip -9n): a
small detector of voices, built as Silero's is, what the command line makes of it at eight bits, and what ONNX Runtime computes of both.

    python recurrent_network.py FOLDER        writes recurrent_network.onnx, calibration.npz, data.npz into FOLDER; then
    fewbit ptq FOLDER/recurrent_network.onnx --calibration FOLDER/calibration.npz --data FOLDER/data.npz --out FOLDER/q \\
        --weight-quant-granularity per_channel
    python recurrent_network.py FOLDER more   writes recurrent_network.quantized.onnx and recurrent_network.safetensors into FOLDER, from
                                              what is in FOLDER/q

Written with onnx 1.23.2, onnxruntime 1.32.0, numpy 1.26.4, safetensors; graph optimizations off. The branches of an If (a rate of
16000, or any other) each have two convolutions, another If that looks at a shape, a bidirectional LSTM over seven steps with initial
states, a GRU and a linear layer. Weights are random, with a fixed seed.
"""
import sys
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

HIDDEN, CHANNELS, STEPS = 6, 8, 7


def branch(name, rng):
    nodes, constants = [], []

    def constant(what, array):
        constants.append(nh.from_array(array, f"{name}.{what}"))
        return f"{name}.{what}"

    def weights(what, *shape):
        return constant(what, (rng.standard_normal(shape) * 1.5 / np.sqrt(np.prod(shape[1:]))).astype(np.float32))

    def add(op, inputs, outputs, **attributes):
        outputs = [f"{name}.{o}" for o in outputs]
        nodes.append(h.make_node(op, inputs, outputs, name=f"{name}.{op}.{len(nodes)}", **attributes))
        return outputs

    x = add("Conv", ["x", weights("w0", CHANNELS, 2, 3), weights("b0", CHANNELS)], ["conv0"], pads=[1, 1])
    x = add("Relu", x, ["relu0"])
    x = add("Conv", [x[0], weights("w1", CHANNELS, CHANNELS, 3), weights("b1", CHANNELS)], ["conv1"], pads=[1, 1])
    [x] = add("Relu", x, ["relu1"])
    [shape] = add("Shape", [x], ["shape"])
    [rank] = add("Size", [shape], ["rank"])
    [three] = add("Equal", [rank, constant("three", np.array(3))], ["has_three"])
    order = h.make_node("Transpose", [x], [f"{name}.steps"], name=f"{name}.order", perm=[2, 0, 1])
    same = h.make_node("Identity", [x], [f"{name}.steps"], name=f"{name}.same")
    graphs = [h.make_graph([n], f"{name}.g{i}", [], [h.make_tensor_value_info(f"{name}.steps", T.FLOAT, None)])
              for i, n in enumerate((order, same))]
    [x] = add("If", [three], ["sequence"], then_branch=graphs[0], else_branch=graphs[1])
    states = [add("Gather", ["state", constant(f"at{i}", np.array(i))], [f"state{i}"], axis=0)[0] for i in range(2)]
    rows = 4 * HIDDEN
    [y, last, cell] = add(
        "LSTM", [x, weights("lw", 2, rows, CHANNELS), weights("lr", 2, rows, HIDDEN), weights("lb", 2, 2 * rows), "", *states],
        ["y", "last", "cell"], hidden_size=HIDDEN, direction="bidirectional")
    [y] = add("Transpose", [y], ["turned"], perm=[0, 2, 1, 3])
    [y] = add("Reshape", [y, constant("flat", np.array([0, 0, 2 * HIDDEN]))], ["wide_states"])
    rows = 3 * HIDDEN
    [_, y] = add("GRU", [y, weights("gw", 1, rows, 2 * HIDDEN), weights("gr", 1, rows, HIDDEN), weights("gb", 1, 2 * rows)],
                 ["all", "end"], hidden_size=HIDDEN, linear_before_reset=1)
    [y] = add("Squeeze", [y, constant("first", np.array([0]))], ["features"])
    [y] = add("Gemm", [y, weights("hw", 3, HIDDEN), weights("hb", 3)], ["output"], transB=1)
    outputs = [h.make_tensor_value_info(y, T.FLOAT, None), h.make_tensor_value_info(last, T.FLOAT, None)]
    # Constants as nodes, so that weights are what a branch computes.
    first = [h.make_node("Constant", [], [c.name], name=f"{c.name}.constant", value=c) for c in constants]
    return h.make_graph(first + nodes, name, [], outputs)


def model():
    rng = np.random.default_rng(11)
    node = [
        h.make_node("Equal", ["rate", "rate.wanted"], ["wide"], name="wide"),
        h.make_node("If", ["wide"], ["output", "last"], name="If_0", then_branch=branch("wide", rng),
                    else_branch=branch("narrow", rng)),
    ]
    value = h.make_tensor_value_info
    graph = h.make_graph(
        node, "recurrent_network",
        [value("x", T.FLOAT, ["batch", 2, STEPS]), value("state", T.FLOAT, [2, 2, "batch", HIDDEN]), value("rate", T.INT64, [])],
        [value("output", T.FLOAT, ["batch", 3]), value("last", T.FLOAT, [2, "batch", HIDDEN])],
        [nh.from_array(np.array(16000), "rate.wanted")])
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def run(path, inputs):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(path, options)
    wanted = {i.name for i in session.get_inputs()}
    return session.run(["output", "last"], {k: v for k, v in inputs.items() if k in wanted})


def main(folder, more):
    path = f"{folder}/recurrent_network.onnx"
    rng = np.random.default_rng(3)
    x = rng.standard_normal((96, 2, STEPS)).astype(np.float32)
    state = np.tanh(rng.standard_normal((2, 2, 96, HIDDEN))).astype(np.float32)
    if not more:
        onnx.save(model(), path)
        for name, part in (("calibration", slice(0, 64)), ("data", slice(64, None))):
            np.savez(f"{folder}/{name}.npz", x=x[part], state=np.ascontiguousarray(state[:, :, part]), rate=np.array(16000))
        return
    import shutil
    from safetensors.numpy import save_file
    quantized = f"{folder}/recurrent_network.quantized.onnx"
    shutil.copy(f"{folder}/q/model.onnx", quantized)
    inputs = {"x": x[64:], "state": np.ascontiguousarray(state[:, :, 64:]), "rate": np.array(16000)}
    arrays = {"x": inputs["x"], "state": inputs["state"]}
    for name, file in (("float", path), ("quantized", quantized)):
        arrays[f"{name}.output"], arrays[f"{name}.last"] = run(file, inputs)
    save_file(arrays, f"{folder}/recurrent_network.safetensors")


main(sys.argv[1], len(sys.argv) > 2)

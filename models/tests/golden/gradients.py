"""Writes gradients.bin.gz: small models of the operators that gradients go through, with what torch's autograd computes.

Run as `python models/tests/golden/gradients.py` with torch 2.8.0, onnx 1.23.2 and numpy, on one CPU thread. Everything is computed
in float64 from the float32 inputs. Beside the inputs of a model there is `seed`, the gradient by its output; the expected outputs are
the gradients by its inputs, `d:NAME`.
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

import bundle

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(20261129)
CASES = []


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def case(name, op, inputs, f, ints=(), outputs=1, opset=21, **attributes):
    """A node of floats `inputs`, then integer initializers `ints`; `f` is the same in torch, of the floats."""
    names = [f"x{i}" for i in range(len(inputs))]
    constants = [numpy_helper.from_array(np.asarray(value, np.int64), f"c{i}") for i, value in enumerate(ints)]
    places = names + [constant.name for constant in constants]
    results = ["y"] if outputs == 1 else [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, places, results, name=name, **attributes)
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
    found = f(*tensors)
    found = [found] if outputs == 1 else list(found)
    seeds = [normal(*y.shape) for y in found]
    sum((y * torch.tensor(seed, dtype=torch.float64)).sum() for y, seed in zip(found, seeds)).backward()
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in zip(names, inputs)]
    results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, y.shape) for n, y in zip(results, found)]
    graph = helper.make_graph([node], name, infos, results, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    given = dict(zip(names, inputs)) | {f"seed{i}": seed for i, seed in enumerate(seeds)}
    gradients = {f"d:{n}": x.grad.numpy().astype(np.float32) for n, x in zip(names, tensors) if x.grad is not None}
    CASES.append((name, model, given, gradients))


# Products.
case("matmul", "MatMul", [normal(3, 4), normal(4, 5)], torch.matmul)
case("matmul_batch", "MatMul", [normal(2, 3, 4), normal(2, 4, 5)], torch.matmul)
case("matmul_shared", "MatMul", [normal(2, 3, 3, 4), normal(4, 5)], torch.matmul)
case("matmul_broadcast", "MatMul", [normal(2, 1, 3, 4), normal(3, 4, 2)], torch.matmul)
case("matmul_row", "MatMul", [normal(4), normal(4, 5)], torch.matmul)
for a in (0, 1):
    for b in (0, 1):
        x, w = normal(3, 4), normal(4, 5)
        case(f"gemm_{a}{b}", "Gemm", [x.T.copy() if a else x, w.T.copy() if b else w, normal(5)],
             lambda x, w, c, a=a, b=b: 0.5 * (x.T if a else x) @ (w.T if b else w) + 2 * c, transA=a, transB=b, alpha=0.5, beta=2.0)

# Convolutions.
case("conv", "Conv", [normal(2, 3, 7, 6), normal(4, 3, 3, 3), normal(4)],
     lambda x, w, b: F.conv2d(x, w, b, padding=1), pads=[1, 1, 1, 1])
case("conv_stride", "Conv", [normal(2, 4, 9, 8), normal(6, 2, 3, 2), normal(6)],
     lambda x, w, b: F.conv2d(F.pad(x, (1, 0, 0, 2)), w, b, stride=(2, 3), dilation=(1, 2), groups=2),
     pads=[0, 1, 2, 0], strides=[2, 3], dilations=[1, 2], group=2)
case("conv_depthwise", "Conv", [normal(3, 5, 6, 6), normal(5, 1, 3, 3)],
     lambda x, w: F.conv2d(x, w, padding=1, groups=5), pads=[1, 1, 1, 1], group=5)
case("conv_1d", "Conv", [normal(2, 3, 10), normal(4, 3, 4)], lambda x, w: F.conv1d(x, w, stride=2), strides=[2])
case("conv_many_images", "Conv", [normal(19, 2, 4, 4), normal(3, 2, 2, 2)], F.conv2d)

# Arithmetic with broadcast.
for name, f in [("Add", torch.add), ("Sub", torch.sub), ("Mul", torch.mul)]:
    case(name.lower(), name, [normal(2, 3, 4), normal(3, 1)], f)
    case(f"{name.lower()}_outer", name, [normal(4, 1), normal(1, 5)], f)
case("div", "Div", [normal(2, 3, 4), np.abs(normal(3, 1)) + 0.5], torch.div)
case("pow", "Pow", [np.abs(normal(3, 4)) + 0.5, normal(4)], torch.pow)
case("pow_square", "Pow", [normal(3, 4), np.full((1,), 2, np.float32)], torch.pow)

# Functions of one number.
case("relu", "Relu", [normal(5, 5)], F.relu)
case("leaky_relu", "LeakyRelu", [normal(5, 5)], lambda x: F.leaky_relu(x, 0.1), alpha=0.1)
case("sigmoid", "Sigmoid", [normal(5, 5)], torch.sigmoid)
case("tanh", "Tanh", [normal(5, 5)], torch.tanh)
case("erf", "Erf", [normal(5, 5)], torch.erf)
case("gelu", "Gelu", [normal(5, 5)], F.gelu)
case("gelu_tanh", "Gelu", [normal(5, 5)], lambda x: F.gelu(x, approximate="tanh"), approximate="tanh")
case("hard_sigmoid", "HardSigmoid", [3 * normal(5, 5)], F.hardsigmoid, alpha=1 / 6, beta=0.5)
case("hard_swish", "HardSwish", [3 * normal(5, 5)], F.hardswish)
case("swish", "Swish", [normal(5, 5)], lambda x: x * torch.sigmoid(1.5 * x), opset=24, alpha=1.5)
case("softplus", "Softplus", [normal(5, 5)], F.softplus)
case("sqrt", "Sqrt", [np.abs(normal(5, 5)) + 0.5], torch.sqrt)
case("exp", "Exp", [normal(5, 5)], torch.exp)
case("log", "Log", [np.abs(normal(5, 5)) + 0.5], torch.log)
case("neg", "Neg", [normal(5, 5)], torch.neg)
case("abs", "Abs", [normal(5, 5)], torch.abs)
case("reciprocal", "Reciprocal", [np.abs(normal(5, 5)) + 0.5], torch.reciprocal)
case("sin", "Sin", [normal(5, 5)], torch.sin)
case("cos", "Cos", [normal(5, 5)], torch.cos)
case("softmax", "Softmax", [normal(2, 4, 3)], lambda x: F.softmax(x, 1), axis=1)
case("softmax_last", "Softmax", [normal(2, 4, 3)], lambda x: F.softmax(x, -1), axis=-1)
case("log_softmax", "LogSoftmax", [normal(2, 4, 3)], lambda x: F.log_softmax(x, -1), axis=-1)

# Norms.
case("layer_norm", "LayerNormalization", [normal(3, 4, 8), normal(8), normal(8)],
     lambda x, w, b: F.layer_norm(x, (8,), w, b, 1e-3), axis=-1, epsilon=1e-3)
case("layer_norm_two_axes", "LayerNormalization", [normal(3, 4, 5), normal(4, 5)],
     lambda x, w: F.layer_norm(x, (4, 5), w, None, 1e-3), axis=1, epsilon=1e-3)
case("rms_norm", "RMSNormalization", [normal(3, 4, 8), normal(8)],
     lambda x, w: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-3) * w, opset=23, axis=-1, epsilon=1e-3)


def attention(q, k, v, heads, own, causal, scale):
    b, n, _ = q.shape
    split = lambda x, h: x.reshape(b, n, h, -1).transpose(1, 2)
    q, k, v = split(q, heads), split(k, own), split(v, own)
    k, v = (x.repeat_interleave(heads // own, 1) for x in (k, v))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale)
    return y.transpose(1, 2).reshape(b, n, -1)


case("attention_causal", "Attention", [normal(2, 5, 12), normal(2, 5, 6), normal(2, 5, 10)],
     lambda q, k, v: attention(q, k, v, 4, 2, True, None), opset=23, is_causal=1, q_num_heads=4, kv_num_heads=2)
case("attention_scale", "Attention", [normal(1, 4, 6), normal(1, 4, 6), normal(1, 4, 6)],
     lambda q, k, v: attention(q, k, v, 2, 2, False, 0.7), opset=23, scale=0.7, q_num_heads=2, kv_num_heads=2)
case("attention_axes", "Attention", [normal(2, 2, 4, 3), normal(2, 2, 4, 3), normal(2, 2, 4, 5)],
     lambda q, k, v: F.scaled_dot_product_attention(q, k, v), opset=23)


def rotated(x, cos, sin, heads):
    b, n, w = x.shape
    x = x.reshape(b, n, heads, w // heads)
    first, second = x.chunk(2, -1)
    cos, sin = cos[:, :, None, :], sin[:, :, None, :]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1).reshape(b, n, w)


ANGLES = normal(2, 3, 2)
case("rotary", "RotaryEmbedding", [normal(2, 3, 12), np.cos(ANGLES), np.sin(ANGLES)],
     lambda x, cos, sin: rotated(x, cos.detach(), sin.detach(), 3), opset=23, num_heads=3)

# Pools and reductions.
case("max_pool", "MaxPool", [normal(2, 3, 7, 6)], lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0)),
     kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 0])
case("max_pool_dilated", "MaxPool", [normal(1, 2, 7, 7)], lambda x: F.max_pool2d(x, 2, 1, dilation=3),
     kernel_shape=[2, 2], dilations=[3, 3])
case("average_pool", "AveragePool", [normal(2, 3, 7, 6)],
     lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0), count_include_pad=False),
     kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 0])
case("average_pool_padding", "AveragePool", [normal(2, 3, 7, 6)],
     lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0), count_include_pad=True),
     kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 0], count_include_pad=1)
case("global_average_pool", "GlobalAveragePool", [normal(2, 3, 4, 5)], lambda x: x.mean((2, 3), keepdim=True))
case("global_max_pool", "GlobalMaxPool", [normal(2, 3, 4, 5)], lambda x: x.amax((2, 3), keepdim=True))
case("reduce_mean", "ReduceMean", [normal(2, 3, 4)], lambda x: x.mean((0, 2), keepdim=True), ints=[[0, -1]])
case("reduce_mean_flat", "ReduceMean", [normal(2, 3, 4)], lambda x: x.mean(1), ints=[[1]], keepdims=0)
case("reduce_sum_all", "ReduceSum", [normal(2, 3)], lambda x: x.sum(), keepdims=0)

# What only moves elements.
case("reshape", "Reshape", [normal(2, 6)], lambda x: x.reshape(3, 4), ints=[[3, -1]])
case("flatten", "Flatten", [normal(2, 3, 4)], lambda x: x.reshape(2, 12), axis=1)
case("squeeze", "Squeeze", [normal(2, 1, 4)], lambda x: x.squeeze(1), ints=[[1]])
case("unsqueeze", "Unsqueeze", [normal(2, 4)], lambda x: x.unsqueeze(1), ints=[[1]])
case("transpose", "Transpose", [normal(2, 3, 4)], lambda x: x.permute(2, 0, 1), perm=[2, 0, 1])
case("concat", "Concat", [normal(2, 3), normal(2, 1), normal(2, 2)], lambda *x: torch.cat(x, 1), axis=1)
case("split", "Split", [normal(2, 5)], lambda x: x.split([2, 3], 1), ints=[[2, 3]], outputs=2, axis=1)
case("slice", "Slice", [normal(5, 6)], lambda x: x[1:4, 0:6:2], ints=[[1, 0], [4, 6], [0, 1], [1, 2]])
case("gather", "Gather", [normal(5, 3)], lambda x: x[[0, 2, 2, 4]], ints=[[0, 2, 2, -1]])
case("expand", "Expand", [normal(3, 1)], lambda x: x.expand(2, 3, 4), ints=[[2, 3, 4]])
case("tile", "Tile", [normal(2, 3)], lambda x: x.repeat(2, 3), ints=[[2, 3]])
case("pad", "Pad", [normal(2, 3)], lambda x: F.pad(x, (1, 2, 0, 1)), ints=[[0, 1, 1, 2]])
case("pad_reflect", "Pad", [normal(3, 4)], lambda x: F.pad(x[None], (1, 2), mode="reflect")[0], ints=[[0, 1, 0, 2]], mode="reflect")


def norm_statistics():
    """BatchNormalization, whose mean and variance are inputs without gradients."""
    x, w, b = normal(2, 3, 4, 4), normal(3), normal(3)
    mean, variance = normal(3), np.abs(normal(3)) + 0.5
    node = helper.make_node("BatchNormalization", ["x0", "x1", "x2", "m", "v"], ["y"], name="batch_norm", epsilon=1e-3)
    given = {"x0": x, "x1": w, "x2": b}
    tensors = {n: torch.tensor(a, dtype=torch.float64, requires_grad=True) for n, a in given.items()}
    y = F.batch_norm(tensors["x0"], torch.tensor(mean).double(), torch.tensor(variance).double(), tensors["x1"],
                     tensors["x2"], eps=1e-3)
    seed = normal(*y.shape)
    (y * torch.tensor(seed).double()).sum().backward()
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape) for n, a in given.items()]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, y.shape)
    constants = [numpy_helper.from_array(mean, "m"), numpy_helper.from_array(variance, "v")]
    graph = helper.make_graph([node], "batch_norm", infos, [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    gradients = {f"d:{n}": t.grad.numpy().astype(np.float32) for n, t in tensors.items()}
    CASES.append(("batch_norm", model, given | {"seed0": seed}, gradients))


norm_statistics()

# Transposed convolutions.
case("conv_transpose", "ConvTranspose", [normal(2, 3, 4, 5), normal(3, 4, 4, 4), normal(4)],
     lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1), pads=[1, 1, 1, 1], strides=[2, 2])
case("conv_transpose_groups", "ConvTranspose", [normal(3, 4, 5, 4), normal(4, 3, 3, 2), normal(6)],
     lambda x, w, b: F.conv_transpose2d(x, w, b, stride=(3, 2), groups=2, dilation=(1, 2), output_padding=(2, 1))[:, :, 1:, :-2],
     pads=[1, 0, 0, 2], strides=[3, 2], dilations=[1, 2], group=2, output_padding=[2, 1])
case("conv_transpose_depthwise", "ConvTranspose", [normal(2, 5, 3, 3), normal(5, 1, 3, 3)],
     lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, groups=5), pads=[1, 1, 1, 1], strides=[2, 2], group=5)
case("conv_transpose_1d", "ConvTranspose", [normal(19, 3, 6), normal(3, 2, 4)], lambda x, w: F.conv_transpose1d(x, w, stride=3), strides=[3])


def step(op, gates, h, c, r, b, reset_after):
    """The states behind a step, from W x + b of all gates in ONNX's order."""
    size = h.shape[-1]
    if op == "RNN":
        return torch.tanh(gates + h @ r.T + b), None
    if op == "LSTM":
        i, o, f, g = (gates + h @ r.T + b).split(size, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    zr, n = gates[..., : 2 * size], gates[..., 2 * size :]
    z, k = torch.sigmoid(zr + h @ r[: 2 * size].T + b[: 2 * size]).split(size, -1)
    last, own = r[2 * size :], b[2 * size :]
    n = torch.tanh(n + (k * (h @ last.T + own) if reset_after else (k * h) @ last.T + own))
    return (1 - z) * n + z * h, None


def recurrent(op, direction, reset_after=1):
    """A recurrent node with constant weights, by its sequence and its first states."""
    steps, batch, inputs, size = 5, 2, 3, 4
    ways = 2 if direction == "bidirectional" else 1
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[op] * size
    name = f"{op.lower()}_{direction}_{reset_after}"
    w, r, b = normal(ways, gates, inputs), normal(ways, gates, size), normal(ways, 2 * gates)
    given = {"x": normal(steps, batch, inputs), "h": normal(ways, batch, size)}
    if op == "LSTM":
        given["c"] = normal(ways, batch, size)
    tensors = {n: torch.tensor(a, dtype=torch.float64, requires_grad=True) for n, a in given.items()}
    w64, r64, b64 = (torch.tensor(a, dtype=torch.float64) for a in (w, r, b))
    sequences, lasts, cells = [], [], []
    for way in range(ways):
        h, c = tensors["h"][way], tensors["c"][way] if op == "LSTM" else None
        backward = direction == "reverse" or way == 1
        found = [None] * steps
        for at in reversed(range(steps)) if backward else range(steps):
            h, c = step(op, tensors["x"][at] @ w64[way].T + b64[way, :gates], h, c, r64[way], b64[way, gates:], reset_after)
            found[at] = h
        sequences.append(torch.stack(found))
        lasts.append(h)
        cells.append(c)
    outputs = {"y": torch.stack(sequences, 1), "y_h": torch.stack(lasts)}
    if op == "LSTM":
        outputs["y_c"] = torch.stack(cells)
    seeds = [normal(*y.shape) for y in outputs.values()]
    sum((y * torch.tensor(seed).double()).sum() for y, seed in zip(outputs.values(), seeds)).backward()
    attributes = {"hidden_size": size, "direction": direction} | ({"linear_before_reset": reset_after} if op == "GRU" else {})
    node = helper.make_node(op, ["x", "W", "R", "B", "", "h"] + ["c"] * (op == "LSTM"), list(outputs), name=name, **attributes)
    info = lambda n, a: helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape)
    constants = [numpy_helper.from_array(a, n) for n, a in (("W", w), ("R", r), ("B", b))]
    graph = helper.make_graph([node], name, [info(n, a) for n, a in given.items()], [info(n, y) for n, y in outputs.items()], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    gradients = {f"d:{n}": t.grad.numpy().astype(np.float32) for n, t in tensors.items()}
    CASES.append((name, model, given | {f"seed{i}": seed for i, seed in enumerate(seeds)}, gradients))


# Recurrent nodes: their loops, forward, backward, and both.
recurrent("LSTM", "forward")
recurrent("LSTM", "reverse")
recurrent("LSTM", "bidirectional")
recurrent("GRU", "forward")
recurrent("GRU", "bidirectional", 0)
recurrent("RNN", "reverse")
bundle.write(HERE / "gradients.bin.gz", CASES)
print(len(CASES), "cases")

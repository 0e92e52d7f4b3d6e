"""Writes the bundles of this folder: small models of every operator, with what ONNX Runtime computes.

Run as `python models/tests/golden/generate.py` with onnx 1.23.2, onnxruntime 1.32.0, qonnx 1.0.0 and numpy; graph
optimisations are off, and one thread computes. QONNX's operators are computed by qonnx. With a folder as the argument, it
writes FOLDER/networks.bin.gz instead: every `.onnx` file below that folder on random inputs.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

import bundle

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(20261129)
F32 = np.float32


def normal(*shape):
    """Normal numbers in steps of 1/32, which compress well."""
    return (np.round(RNG.standard_normal(shape) * 32) / 32).astype(F32)


def ints(low, high, *shape, dtype=np.int64):
    return RNG.integers(low, high, shape).astype(dtype)


def hard(*shape):
    """Normal numbers, and the special ones among them."""
    x = normal(*shape) * 3
    flat = x.reshape(-1)
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5, 1e-40, 3e38, -3e38]
    flat[: min(len(special), flat.size)] = special[: flat.size]
    return x


def session(model):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


def model_of(nodes, inputs, outputs, initializers, opset, domains=()):
    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(v, n) for n, v in initializers.items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, v) for d, v in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=min(13, helper.find_min_ir_version_for(imports[:1])))


class Family:
    """Cases of one file."""

    def __init__(self, name):
        self.name, self.cases, self.failed = name, [], []

    def add(self, op, inputs, outputs=1, opset=21, fixed=(), **attributes):
        """A model of one node. Inputs whose places are in `fixed` are initializers; None is left out."""
        names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
        given = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs) if x is not None and i not in fixed}
        stored = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs) if x is not None and i in fixed}
        made = [f"y{i}" for i in range(outputs)] if isinstance(outputs, int) else outputs
        node = helper.make_node(op, names, made, **attributes)
        label = f"{op} {opset} {attributes} {[None if x is None else list(np.shape(x)) for x in inputs]}"
        self.run(label, model_of([node], given, [m for m in made if m], stored, opset), given)

    def run(self, label, model, inputs):
        try:
            runner = session(model)
            names = [o.name for o in runner.get_outputs()]
            outputs = dict(zip(names, runner.run(names, inputs)))
        except Exception as error:
            self.failed.append(f"{label}: {str(error)[:160]}")
            return
        self.cases.append((f"{label} #{len(self.cases)}", model, inputs, outputs))

    def write(self):
        bundle.write(HERE / f"{self.name}.bin.gz", self.cases)
        print(self.name, len(self.cases), "cases", (HERE / f"{self.name}.bin.gz").stat().st_size, "bytes")
        for line in self.failed:
            print("  ORT refuses", line)


def convolutions():
    f = Family("convolutions")
    for group in (1, 2, 4):
        for kernel, size, strides, dilations, pads in [
            ([3], [9], [1], [1], [1, 1]), ([4], [11], [2], [2], [0, 3]),
            ([3, 3], [7, 8], [1, 1], [1, 1], [1, 1, 1, 1]), ([1, 1], [5, 5], [1, 1], [1, 1], [0, 0, 0, 0]),
            ([1, 1], [5, 6], [2, 3], [1, 1], [0, 0, 0, 0]), ([2, 5], [9, 12], [2, 3], [2, 1], [0, 4, 1, 2]),
            ([2, 3, 1], [4, 5, 3], [1, 2, 1], [1, 1, 1], [1, 1, 0, 0, 1, 0]),
        ]:
            x, w = normal(2, 4, *size), normal(4, 4 // group, *kernel)
            f.add("Conv", [x, w, normal(4)], group=group, strides=strides, dilations=dilations, pads=pads, kernel_shape=kernel)
            f.add("Conv", [x[:1], w], group=group, strides=strides, dilations=dilations, pads=pads)
            wt = normal(4, 4 // group, *kernel)
            f.add("ConvTranspose", [x[:1], wt, normal(4)], group=group, strides=strides, dilations=dilations, kernel_shape=kernel)
            if len(size) == 2:
                f.add("ConvTranspose", [x[:1, :, :4, :4].copy(), wt], group=group, strides=[3, 2], output_padding=[2, 1], pads=[1, 0, 0, 1])
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        f.add("Conv", [normal(1, 3, 7, 8), normal(4, 3, 3, 4)], auto_pad=auto, strides=[2, 3])
        f.add("MaxPool", [normal(1, 3, 7, 8)], auto_pad=auto, strides=[2, 3], kernel_shape=[3, 4])
        f.add("AveragePool", [normal(1, 3, 7, 8)], auto_pad=auto, strides=[2, 3], kernel_shape=[3, 4])
        f.add("ConvTranspose", [normal(1, 3, 5, 4), normal(3, 2, 3, 3)], auto_pad=auto, strides=[2, 2])
    f.add("ConvTranspose", [normal(1, 3, 5, 4), normal(3, 2, 3, 3)], output_shape=[10, 9], strides=[2, 2])
    for stride in ([1, 1], [2, 1], [3, 2]):
        f.add("Conv", [normal(2, 6, 9, 10), normal(6, 1, 3, 3), normal(6)], group=6, strides=stride, pads=[1, 2, 0, 1])
        f.add("Conv", [normal(2, 6, 9, 10), normal(6, 1, 3, 2)], group=6, strides=stride, dilations=[2, 3], pads=[0, 1, 2, 3])
    f.add("Conv", [normal(2, 6, 11), normal(6, 1, 4)], group=6, strides=[2], pads=[3, 1])
    f.add("Conv", [normal(2, 3, 9, 11), normal(17, 3, 3, 3), normal(17)], pads=[1, 1, 1, 1])
    for ceil in (0, 1):
        for kernel, size, strides, pads in [([2], [9], [2], [0, 0]), ([3, 3], [8, 9], [2, 2], [1, 1, 1, 1]), ([2, 3], [5, 7], [3, 2], [1, 0, 0, 2]), ([2, 2, 2], [5, 4, 3], [2, 1, 2], [0, 1, 0, 1, 0, 1])]:
            f.add("MaxPool", [normal(2, 2, *size)], kernel_shape=kernel, strides=strides, pads=pads, ceil_mode=ceil, opset=22)
            for count in (0, 1):
                f.add("AveragePool", [normal(2, 2, *size)], kernel_shape=kernel, strides=strides, pads=pads, ceil_mode=ceil, count_include_pad=count, opset=22)
    f.add("MaxPool", [normal(1, 2, 9, 9)], kernel_shape=[2, 3], dilations=[3, 2])
    f.add("AveragePool", [normal(1, 2, 9, 9)], kernel_shape=[2, 3], dilations=[3, 2], pads=[1, 1, 1, 1])
    f.add("MaxPool", [ints(-128, 128, 1, 2, 6, 6, dtype=np.int8)], kernel_shape=[2, 2])
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        f.add(op, [normal(2, 3, 5, 7)])
        f.add(op, [normal(2, 3, 33)])
    f.write()


def elementwise():
    f = Family("elementwise")
    for op in ("Relu Sigmoid Tanh Erf Softplus Softsign Neg Abs Sqrt Reciprocal Exp Log Floor Ceil Round Sign Sin Cos Tan Atan "
               "HardSwish Elu Selu Celu LeakyRelu ThresholdedRelu HardSigmoid IsNaN IsInf Mish Identity").split():
        f.add(op, [hard(3, 7)], opset=22)
        f.add(op, [normal(0, 3)], opset=22)
    f.add("Gelu", [normal(40)], opset=20)
    f.add("Gelu", [normal(40)], opset=20, approximate="tanh")
    f.add("LeakyRelu", [normal(20)], alpha=0.3)
    f.add("Elu", [normal(20)], alpha=0.3)
    f.add("HardSigmoid", [normal(20)], alpha=0.3, beta=0.1)
    f.add("PRelu", [normal(2, 3, 4), normal(3, 1)])
    f.add("PRelu", [normal(2, 3, 4), normal(1)])
    for op in ("Neg", "Abs", "Sign", "Relu"):
        for dtype in (np.int64, np.int32, np.int8):
            f.add(op, [ints(-100, 100, 9, dtype=dtype)])
    f.add("Not", [ints(0, 2, 5, dtype=bool)])
    shapes = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), ()), ((), (2, 3)), ((2, 3, 4), (3, 1)), ((3, 1), (2, 3, 4)), ((4,), (2, 3, 4)),
              ((2, 1, 4), (1, 3, 1)), ((5, 1, 3, 1), (2, 1, 4)), ((0, 3), (1, 3)), ((1,), (1,)), ((1, 1), (3,))]
    for op in ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max"):
        for a, b in shapes:
            f.add(op, [normal(*a), np.abs(normal(*b)) if op == "Pow" else normal(*b)])
        f.add(op, [hard(12), hard(12)[::-1].copy()])
        for dtype in (np.int64, np.int32):
            f.add(op, [ints(1, 9, 4, 5, dtype=dtype), ints(1, 5, 5, dtype=dtype)])
    for op in ("Min", "Max", "Sum", "Mean"):
        f.add(op, [normal(2, 3), normal(3), normal(2, 1)])
    for op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
        f.add(op, [hard(12), np.concatenate([hard(6), hard(6)])])
        f.add(op, [ints(-2, 3, 3, 4), ints(-2, 3, 4)])
    for op in ("And", "Or", "Xor"):
        f.add(op, [ints(0, 2, 3, 4, dtype=bool), ints(0, 2, 4, dtype=bool)])
    for mode in (0, 1):
        f.add("Mod", [ints(-9, 9, 20, dtype=np.int64), ints(1, 5, 20)], fmod=mode)
        f.add("Mod", [ints(-9, 9, 20, dtype=np.int64), -ints(1, 5, 20)], fmod=mode)
    f.add("Mod", [normal(20), normal(20)], fmod=1)
    f.add("Where", [ints(0, 2, 3, 1, dtype=bool), normal(4), normal(2, 3, 1)])
    f.add("Where", [ints(0, 2, 3, dtype=bool), ints(0, 9, 3), ints(0, 9, 1)])
    f.add("Clip", [hard(12), F32(-1), F32(2)])
    f.add("Clip", [normal(12), None, F32(0.5)])
    f.add("Clip", [ints(-9, 9, 12, dtype=np.int8), np.int8(-3), np.int8(4)])
    f.add("Clip", [normal(12)], opset=6 + 4, min=-0.5, max=0.25)
    for to in (TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL, TensorProto.UINT8, TensorProto.INT8):
        f.add("Cast", [(normal(12) * 5).astype(F32)] if to != TensorProto.UINT8 else [np.abs(normal(12) * 5)], to=to)
        f.add("Cast", [ints(0, 100, 12)], to=to)
        f.add("Cast", [ints(0, 2, 12, dtype=bool)], to=to)
    f.add("CastLike", [normal(5) * 4, ints(0, 3, 1)])
    f.add("CumSum", [normal(3, 4), np.int64(1)])
    f.add("CumSum", [ints(0, 9, 3, 4), np.int64(-2)], exclusive=1, reverse=1)
    f.write()


def products():
    f = Family("products")
    for a, b in [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (3, 4, 2)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((0, 4), (4, 5)), ((1, 70), (70, 40)), ((65, 33), (33, 47)), ((2, 4), (3, 4, 2))]:
        f.add("MatMul", [normal(*a), normal(*b)])
    for ta in (0, 1):
        for tb in (0, 1):
            a, b = normal(4, 3) if ta else normal(3, 4), normal(5, 4) if tb else normal(4, 5)
            f.add("Gemm", [a, b, normal(5)], transA=ta, transB=tb)
            f.add("Gemm", [a, b, normal(3, 1)], transA=ta, transB=tb, alpha=0.5, beta=2.0)
            f.add("Gemm", [a, b], transA=ta, transB=tb)
    f.add("Gemm", [normal(1, 50), normal(20, 50), normal(20)], transB=1)
    for equation, shapes in [("ij,jk->ik", [(2, 3), (3, 4)]), ("bij,bjk->bik", [(2, 2, 3), (2, 3, 4)]), ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("...ij,...jk->...ik", [(2, 1, 2, 3), (4, 3, 2)]), ("ij->ji", [(2, 3)]), ("ijk->k", [(2, 3, 4)]), ("i,j->ij", [(2,), (3,)]), ("bhid,bhjd->bhij", [(1, 2, 3, 4), (1, 2, 5, 4)])]:
        f.add("Einsum", [normal(*s) for s in shapes], equation=equation)
    for signed in (np.uint8, np.int8):
        low, high = (0, 256) if signed == np.uint8 else (-128, 128)
        f.add("MatMulInteger", [ints(0, 256, 3, 7, dtype=np.uint8), ints(low, high, 7, 5, dtype=signed), np.uint8(3), signed(2)], opset=10)
        f.add("ConvInteger", [ints(0, 256, 1, 2, 5, 6, dtype=np.uint8), ints(0, 256, 4, 2, 3, 3, dtype=np.uint8), np.uint8(7), np.uint8(1)], opset=10, pads=[1, 1, 1, 0])
        f.add("QLinearMatMul", [ints(0, 256, 3, 7, dtype=np.uint8), F32(0.02), np.uint8(120), ints(low, high, 7, 5, dtype=signed), F32(0.013), signed(2), F32(0.071), np.uint8(100)])
        f.add("QLinearConv", [ints(0, 256, 1, 4, 5, 6, dtype=np.uint8), F32(0.02), np.uint8(120), ints(-128, 128, 4, 2, 3, 3, dtype=np.int8), (np.abs(normal(4)) * 0.01 + 0.001), np.zeros(4, np.int8), F32(0.05), np.uint8(128), ints(-900, 900, 4, dtype=np.int32)], group=2, pads=[0, 1, 2, 1], fixed=(1, 2, 3, 4, 5, 6, 7, 8))
    f.write()


def normalization():
    f = Family("normalization")
    for shape in ((2, 3, 2, 5), (4, 3), (2, 3, 6)):
        f.add("BatchNormalization", [normal(*shape), normal(3), normal(3), normal(3), np.abs(normal(3))], opset=15)
    f.add("BatchNormalization", [normal(2, 3, 4), normal(3), normal(3), normal(3), np.abs(normal(3))], opset=15, epsilon=0.1)
    f.add("InstanceNormalization", [normal(2, 3, 4, 5), normal(3), normal(3)], epsilon=0.01)
    f.add("GroupNormalization", [normal(2, 6, 4, 5), normal(6), normal(6)], num_groups=3)
    for axis in (-1, 1, 2, 0):
        shape = (2, 3, 4)
        own = shape[axis:]
        f.add("LayerNormalization", [normal(*shape), normal(*own), normal(*own)], axis=axis, outputs=3, opset=17)
        f.add("LayerNormalization", [normal(*shape), normal(*own)], axis=axis, opset=17, epsilon=0.1)
        f.add("RMSNormalization", [normal(*shape), normal(*own)], axis=axis, opset=23)
    f.add("LpNormalization", [normal(3, 4)], axis=0, p=1)
    f.add("LpNormalization", [normal(3, 4)], axis=-1, p=2)
    f.add("MeanVarianceNormalization", [normal(2, 3, 4, 5)], axes=[0, 2, 3])
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        for axis in (-1, 0, 1):
            f.add(op, [normal(3, 4, 5)], axis=axis)
            f.add(op, [normal(3, 4, 5)], axis=axis, opset=11)
        f.add(op, [normal(3, 4)], opset=11)
        f.add(op, [normal(3, 70) * 50])
    for op in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceLogSum"):
        for axes in ([0], [-1], [0, 2], [1, 0, 2], []):
            for keep in (0, 1):
                f.add(op, [np.abs(normal(3, 4, 5)), np.array(axes, np.int64)], keepdims=keep, opset=18, fixed=(1,))
        f.add(op, [np.abs(normal(3, 4))], opset=18)
        f.add(op, [np.abs(normal(3, 4)), np.array([], np.int64)], opset=18, noop_with_empty_axes=1)
        if op != "ReduceSum":
            f.add(op, [np.abs(normal(3, 4))], opset=13, axes=[1])
    for op in ("ReduceSum", "ReduceMax", "ReduceProd"):
        f.add(op, [ints(-4, 5, 3, 4), np.array([1])], opset=18)
    for op in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            f.add(op, [ints(0, 3, 4, 6).astype(F32)], axis=1, select_last_index=last)
            f.add(op, [ints(0, 3, 4, 6, 2).astype(F32)], axis=-2, keepdims=0, select_last_index=last)
    for largest in (0, 1):
        f.add("TopK", [normal(3, 7), np.array([3])], outputs=2, largest=largest)
        f.add("TopK", [ints(0, 3, 5, 4).astype(F32), np.array([2])], outputs=2, largest=largest, axis=0)
    f.write()


def movement():
    f = Family("movement")
    x = normal(2, 3, 4)
    f.add("Concat", [x, normal(2, 1, 4), normal(2, 0, 4)], axis=1)
    f.add("Concat", [ints(0, 9, 3), ints(0, 9, 2)], axis=-1)
    f.add("Split", [normal(2, 7), np.array([3, 4])], outputs=2, axis=1)
    f.add("Split", [normal(2, 7)], outputs=3, axis=-1, num_outputs=3)
    f.add("Split", [normal(2, 6)], outputs=3, axis=1, opset=13)
    f.add("Split", [normal(2, 6)], outputs=2, axis=1, opset=11, split=[2, 4])
    for starts, ends, axes, steps in [([0, 1], [2, 3], [0, 1], [1, 1]), ([-3], [2**62], [-1], [1]), ([3], [-99], [2], [-2]), ([5], [9], [0], [1]), ([-1, 0], [-2**62, 99], [1, 2], [-1, 3])]:
        f.add("Slice", [x, np.array(starts), np.array(ends), np.array(axes), np.array(steps)])
    f.add("Slice", [x], opset=9, starts=[0, 1], ends=[1, -1], axes=[0, 2])
    f.add("Gather", [x, np.array([[0, -1], [1, 2]])], axis=1)
    f.add("Gather", [ints(0, 9, 5, dtype=np.int32), np.int64(-2)])
    f.add("GatherElements", [normal(3, 4), ints(-3, 3, 2, 4)], axis=0)
    f.add("GatherND", [x, np.array([[0, 1], [1, -1]])])
    f.add("GatherND", [x, np.array([[0], [-1]])], batch_dims=1)
    f.add("ScatterND", [normal(4, 3), np.array([[1], [-1]]), normal(2, 3)])
    f.add("ScatterND", [normal(4, 3), np.array([[1, 2], [1, 2]]), normal(2)], reduction="add")
    f.add("ScatterElements", [normal(3, 4), ints(-3, 3, 2, 4), normal(2, 4)], axis=0, reduction="max")
    f.add("ScatterElements", [normal(3, 5), np.array([[1, 3]]), normal(1, 2)], axis=1)
    f.add("Reshape", [x, np.array([0, -1])])
    f.add("Reshape", [normal(0, 3), np.array([3, 0])], allowzero=1)
    for axis in (0, 1, 3, -1):
        f.add("Flatten", [x], axis=axis)
    f.add("Transpose", [x])
    f.add("Transpose", [x], perm=[1, 2, 0])
    f.add("Squeeze", [normal(1, 3, 1), np.array([0, -1])])
    f.add("Squeeze", [normal(1, 3, 1)])
    f.add("Squeeze", [normal(1, 3, 1)], opset=11, axes=[2])
    f.add("Unsqueeze", [x, np.array([0, -1])])
    f.add("Unsqueeze", [x], opset=11, axes=[1, 3])
    f.add("Expand", [normal(3, 1), np.array([2, 1, 4])])
    f.add("Tile", [normal(2, 3), np.array([2, 3])])
    for mode in ("constant", "reflect", "edge", "wrap"):
        f.add("Pad", [normal(3, 4), np.array([1, 2, 2, 0])], mode=mode, opset=19)
        f.add("Pad", [normal(3, 4), np.array([1, 1]), None, np.array([-1])], mode=mode, opset=19)
    f.add("Pad", [normal(3, 4), np.array([-1, 2, 0, -1]), F32(7)])
    f.add("Pad", [normal(3, 4)], opset=9, pads=[0, 1, 2, 0], value=2.5)
    f.add("Range", [np.int64(3), np.int64(-5), np.int64(-2)])
    f.add("Range", [F32(0), F32(1), F32(0.3)])
    f.add("Shape", [x])
    f.add("Shape", [x], start=-2, end=3)
    f.add("Size", [x])
    f.add("ConstantOfShape", [np.array([2, 0, 3])], value=numpy_helper.from_array(np.array([7], np.int64)))
    f.add("OneHot", [np.array([[0, 2], [-1, 5]]), np.int64(4), np.array([0.5, 3], F32)], axis=1)
    f.add("Trilu", [normal(2, 4, 5), np.int64(1)], upper=1)
    f.add("Trilu", [normal(4, 5), np.int64(-1)], upper=0)
    f.add("NonZero", [ints(0, 2, 3, 4)])
    f.add("Dropout", [x], opset=13)
    f.add("DepthToSpace", [normal(1, 8, 2, 3)], blocksize=2)
    f.add("DepthToSpace", [normal(1, 8, 2, 3)], blocksize=2, mode="CRD")
    f.add("SpaceToDepth", [normal(1, 2, 4, 6)], blocksize=2)
    for mode in ("nearest", "linear", "cubic"):
        for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"):
            f.add("Resize", [normal(1, 2, 4, 5), None, np.array([1, 1, 1.7, 2.3], F32)], mode=mode, coordinate_transformation_mode=coordinates, opset=19, fixed=(2,))
            f.add("Resize", [normal(1, 2, 7, 5), None, None, np.array([1, 2, 3, 8])], mode=mode, coordinate_transformation_mode=coordinates, opset=19, fixed=(3,))
    for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        f.add("Resize", [normal(1, 1, 5), None, np.array([1, 1, 2.5], F32)], nearest_mode=nearest, fixed=(2,))
    f.add("Resize", [normal(1, 1, 8, 8), None, None, np.array([1, 1, 3, 3])], mode="linear", antialias=1, opset=19, fixed=(3,))
    f.add("Resize", [normal(1, 1, 8, 8), None, np.array([1, 1, 0.4, 1.5], F32)], mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5, fixed=(2,))
    f.add("Upsample", [normal(1, 1, 2, 3), np.array([1, 1, 2, 3], F32)], opset=9, mode="nearest", fixed=(1,))
    f.add("Upsample", [normal(1, 1, 2, 3), np.array([1, 1, 2, 3], F32)], opset=9, mode="linear", fixed=(1,))
    f.write()


def recurrent():
    f = Family("recurrent")
    for op, gates, outputs in (("RNN", 1, 2), ("GRU", 3, 2), ("LSTM", 4, 3)):
        for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            n, length, width, hidden = 2, 4, 3, 5
            w, r, b = normal(count, gates * hidden, width), normal(count, gates * hidden, hidden), normal(count, 2 * gates * hidden)
            x, lens, h = normal(length, n, width), np.array([4, 2], np.int32), normal(count, n, hidden)
            more = [normal(count, n, hidden), normal(count, 3 * hidden)] if op == "LSTM" else []
            f.add(op, [x, w, r], outputs=outputs, hidden_size=hidden, direction=direction)
            f.add(op, [x, w, r, b, lens, h, *more], outputs=outputs, hidden_size=hidden, direction=direction)
            f.add(op, [x, w, r, b, None, h], outputs=outputs, hidden_size=hidden, direction=direction)
            f.add(op, [x, w, r, b], outputs=outputs, hidden_size=hidden, direction=direction, clip=0.5)
            if op == "GRU":
                f.add(op, [x, w, r, b, lens, h], outputs=outputs, hidden_size=hidden, direction=direction, linear_before_reset=1)
    f.write()


def quantization():
    f = Family("quantization")
    x = (normal(4, 6) * 40).astype(F32)
    x.reshape(-1)[:8] = [0.5, 1.5, 2.5, -0.5, -1.5, 1e9, -1e9, 0]
    for dtype in (np.uint8, np.int8, np.uint16, np.int16):
        f.add("QuantizeLinear", [x, F32(1), dtype(3)])
        f.add("QuantizeLinear", [x, np.abs(normal(6)) + F32(0.1), ints(0, 9, 6, dtype=dtype)], axis=-1)
        f.add("QuantizeLinear", [x, np.abs(normal(4, 2)) + F32(0.1), ints(0, 9, 4, 2, dtype=dtype)], axis=1, block_size=3)
        info = np.iinfo(dtype)
        q = ints(info.min, info.max + 1, 4, 6, dtype=dtype)
        f.add("DequantizeLinear", [q, F32(0.3), dtype(3)])
        f.add("DequantizeLinear", [q, normal(4), ints(0, 9, 4, dtype=dtype)], axis=0)
        f.add("DequantizeLinear", [q, normal(2, 6), ints(0, 9, 2, 6, dtype=dtype)], axis=0, block_size=2)
    f.add("DequantizeLinear", [ints(-900, 900, 4, 6, dtype=np.int32), F32(0.3)])
    f.add("QuantizeLinear", [x, F32(1)])
    f.add("DynamicQuantizeLinear", [x[:, 2:].copy()], outputs=3, opset=11)
    f.add("DynamicQuantizeLinear", [np.abs(normal(9))], outputs=3, opset=11)
    for kind in (TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2, TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT8E4M3FNUZ, TensorProto.FLOAT8E5M2FNUZ):
        zero = helper.make_tensor("zero", kind, [], [0])
        nodes = [helper.make_node("QuantizeLinear", ["x", "s", "zero"], ["q"]), helper.make_node("DequantizeLinear", ["q", "s", "zero"], ["y"])]
        graph = helper.make_graph(nodes, "case", [helper.make_tensor_value_info("x", 1, x.shape)], [helper.make_tensor_value_info("y", 1, x.shape)], [zero, numpy_helper.from_array(F32(0.7), "s")])
        f.run(f"Q and DQ {kind}", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), {"x": x})
        codes = helper.make_tensor("q", kind, [4, 4], np.arange(16) - (8 if kind == TensorProto.INT4 else 0) if kind in (TensorProto.INT4, TensorProto.UINT4) else np.arange(0, 256, 16).astype(np.uint8).tobytes(), raw=kind not in (TensorProto.INT4, TensorProto.UINT4))
        node = helper.make_node("DequantizeLinear", ["q", "s"], ["y"])
        graph = helper.make_graph([node], "case", [helper.make_tensor_value_info("s", 1, [])], [helper.make_tensor_value_info("y", 1, [4, 4])], [codes])
        f.run(f"DQ of codes {kind}", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), {"s": np.array(0.5, F32)})
    f.write()


def qonnx():
    from qonnx.custom_op.general.bipolar_quant import binary_quant
    from qonnx.custom_op.general.floatquant import float_quant
    from qonnx.custom_op.general.intquant import int_quant
    from qonnx.custom_op.general.multithreshold import multithreshold
    from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

    f = Family("qonnx")
    domain = "qonnx.custom_op.general"

    def add(op, inputs, expected, version=2, **attributes):
        names = [f"x{i}" for i in range(len(inputs))]
        given = {name: np.asarray(x, F32) for name, x in zip(names, inputs)}
        node = helper.make_node(op, names, ["y0"], domain=domain, **attributes)
        model = model_of([node], given, ["y0"], {}, 21, [(domain, version)])
        f.cases.append((f"{op} {attributes} #{len(f.cases)}", model, given, {"y0": np.asarray(expected, F32)}))

    x = (normal(3, 8) * 6).astype(F32)
    x.reshape(-1)[:12] = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0, -0.25, 100, -100, 0.75, 3.25]
    modes = ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "HALF_EVEN"]
    for mode in modes:
        for signed, narrow, bits in ((1, 0, 4), (1, 1, 4), (0, 0, 3), (0, 1, 3), (1, 0, 1)):
            scale, zero = np.asarray([[0.5], [1], [0.3]], F32), np.asarray(0 if signed else 2, F32)
            add("Quant" if bits != 3 else "IntQuant", [x, scale, zero, F32(bits)], int_quant(x, scale, zero, np.asarray(bits, F32), signed, narrow, mode), signed=signed, narrow=narrow, rounding_mode=mode)
        grid = np.round(x * 4) / F32(4)
        arguments = [grid, F32(0.25), F32(0), F32(8)]
        add("Trunc", [*arguments, F32(4)], trunc_v1(*map(np.asarray, arguments), np.asarray(4, F32), mode), version=1, rounding_mode=mode)
        add("Trunc", [*arguments, F32(1), F32(4)], trunc_v2(*map(np.asarray, arguments), 0, 1, np.asarray(1, F32), np.asarray(4, F32), mode), rounding_mode=mode, signed=1, narrow=0)
        for e, m, bias, largest in ((4, 3, 7, 448), (5, 2, 15, 57344), (2, 1, 1, 6), (3, 0, 3, 1e9)):
            options = [np.asarray(v, F32) for v in (0.5, e, m, bias)]
            with np.errstate(all="ignore"):
                add("FloatQuant", [x, *options, largest], float_quant(x, *options, max_val=np.asarray(largest, F32), rounding_mode=mode), has_inf=0, has_nan=0, has_subnormal=1, saturation=1, rounding_mode=mode)
                if mode == "ROUND":
                    add("FloatQuant", [x, *options, largest], float_quant(x, *options, max_val=np.asarray(largest, F32), has_inf=True, saturation=False), has_inf=1, has_nan=0, has_subnormal=1, saturation=0, rounding_mode=mode)
                    add("FloatQuant", [x, *options, largest], float_quant(x, *options, max_val=np.asarray(largest, F32), has_nan=True, saturation=False), has_inf=0, has_nan=1, has_subnormal=1, saturation=0, rounding_mode=mode)
    add("BipolarQuant", [x, F32(0.3)], binary_quant(x, F32(0.3)))
    thresholds = np.sort(normal(4, 7), axis=1)
    for shape in ((2, 4), (2, 4, 3, 5)):
        v = normal(*shape)
        add("MultiThreshold", [v, thresholds], multithreshold(v, thresholds, 0.5, -1), out_dtype="INT4", out_scale=0.5, out_bias=-1.0)
        add("MultiThreshold", [v, thresholds[:1]], multithreshold(v, thresholds[:1]), out_dtype="UINT3")
    v = normal(2, 3, 5, 4)
    add("MultiThreshold", [v, thresholds], multithreshold(v, thresholds, channels_last=True), out_dtype="UINT3", data_layout="NHWC")
    f.write()


def networks(folder):
    cases = []
    for path in sorted(pathlib.Path(folder).glob("**/*.onnx")):
        model = onnx.load(path)
        runner = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        inputs = {}
        for info in runner.get_inputs():
            shape = [d if isinstance(d, int) else 1 for d in info.shape]
            if "int64" in info.type:
                inputs[info.name] = np.full(shape, 16000, np.int64)
            elif "int32" in info.type:
                inputs[info.name] = RNG.integers(0, 256, shape).astype(np.int32)
            else:
                kind = np.float16 if "float16" in info.type else F32
                # Silero's networks take windows of 512 samples, and 64 of context before them.
                shape = [576 if info.name == "input" and i == len(shape) - 1 and not isinstance(info.shape[i], int) else d for i, d in enumerate(shape)]
                if info.name == "state":
                    shape = [2, *shape[1:]]
                inputs[info.name] = (RNG.standard_normal(shape) * 0.1).astype(kind)
        names = [o.name for o in runner.get_outputs()]
        try:
            outputs = dict(zip(names, runner.run(names, inputs)))
        except Exception as error:
            print("  ORT refuses", path.name, str(error)[:300], {k: v.shape for k, v in inputs.items()})
            continue
        cases.append((path.name, model, inputs, outputs))
        print(path.name, {k: v.shape for k, v in inputs.items()}, {k: v.shape for k, v in outputs.items()})
    bundle.write(pathlib.Path(folder) / "networks.bin.gz", cases)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        networks(sys.argv[1])
    else:
        for family in (convolutions, elementwise, products, normalization, movement, recurrent, quantization, qonnx):
            family()

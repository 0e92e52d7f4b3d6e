"""A bundle of cases: models with inputs and expected outputs, in one compressed file.

Each case is a name, a model, and a second model whose initializers are the inputs (`in:NAME`) and the expected outputs
(`out:NAME`), so that the reader of models reads them too. Lengths are little-endian 32-bit integers.
"""

import gzip
import struct

import numpy as np
import onnx
from onnx import helper, numpy_helper


def data(inputs, outputs):
    """The second model."""
    tensors = []
    for kind, named in (("in", inputs), ("out", outputs)):
        for name, value in named.items():
            if isinstance(value, onnx.TensorProto):
                tensor = onnx.TensorProto()
                tensor.CopyFrom(value)
            else:
                tensor = numpy_helper.from_array(np.asarray(value))
            tensor.name = f"{kind}:{name}"
            tensors.append(tensor)
    infos = [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in tensors]
    graph = helper.make_graph([], "data", [], infos, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def write(path, cases):
    """Cases: name, model, inputs by name, outputs by name."""
    with gzip.GzipFile(path, "wb", 9, mtime=0) as file:
        for name, model, inputs, outputs in cases:
            for part in (name.encode(), model.SerializeToString(), data(inputs, outputs).SerializeToString()):
                file.write(struct.pack("<I", len(part)))
                file.write(part)

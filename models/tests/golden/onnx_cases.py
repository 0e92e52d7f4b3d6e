"""Writes a bundle of the node and operator test cases of the PyPI package onnx 1.23.2, with their published outputs.

Run as `python models/tests/golden/onnx_cases.py FOLDER` with onnx 1.23.2; it writes FOLDER/onnx_cases.bin.gz, which
`models/tests/onnx/operators.rs` reads where FEWBIT_MODELS_DATA is FOLDER.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases

from bundle import write


def tensor(value):
    return isinstance(value, (np.ndarray, np.generic, TensorProto))


def cases():
    for case in sorted(collect_testcases(), key=lambda case: case.name):
        if case.model is None or not case.data_sets:
            continue
        inputs, outputs = case.data_sets[0]
        model = case.model
        if not all(tensor(value) for value in [*inputs, *outputs]):
            continue
        strings = [np.asarray(v).dtype.kind for v in [*inputs, *outputs] if not isinstance(v, TensorProto)]
        if any(kind in "OUSc" for kind in strings):
            continue
        names = [value.name for value in model.graph.input]
        yield case.name, model, dict(zip(names, inputs)), dict(zip([o.name for o in model.graph.output], outputs))
    root = pathlib.Path(onnx.__path__[0]) / "backend" / "test" / "data"
    for folder in sorted([*root.glob("pytorch-*/*"), *root.glob("simple/*")]):
        model = onnx.load(folder / "model.onnx")
        read = lambda kind: [
            TensorProto.FromString(path.read_bytes())
            for path in sorted(folder.glob(f"test_data_set_0/{kind}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
        ]
        try:
            inputs, outputs = read("input"), read("output")
        except Exception:
            continue
        given = {value.name for value in model.graph.initializer}
        names = [value.name for value in model.graph.input if value.name not in given]
        if len(names) != len(inputs) or any(t.data_type == TensorProto.STRING for t in [*inputs, *outputs]):
            continue
        yield folder.name, model, dict(zip(names, inputs)), dict(zip([o.name for o in model.graph.output], outputs))


if __name__ == "__main__":
    all_cases = list(cases())
    write(pathlib.Path(sys.argv[1]) / "onnx_cases.bin.gz", all_cases)
    print(len(all_cases), "cases")

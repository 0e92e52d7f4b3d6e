"""Runs quantized blocks and whole models of operator set 23 (QCDQ) in ONNX Runtime, optimisations off, and compares with ours.

A float that ONNX Runtime sums in another order may lie on the other side of a quantizer's tie: so most numbers agree to 1e-5 of the
greatest, and all of them to a step of a quantizer.

Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, Python 3.11.
Command:  FEWBIT_LANGUAGE_QCDQ=FOLDER cargo test -p fewbit-models --test language block
          python models/tests/golden/language_qcdq.py FOLDER
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime


def main(root):
    failed = not os.listdir(root)
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        path = os.path.join(folder, "model.onnx")
        onnx.checker.check_model(path, full_check=True)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

        def array(value):
            kind = {"tensor(float)": np.float32, "tensor(int64)": np.int64}[value.type]
            with open(os.path.join(folder, value.name + ".json")) as file:
                shape = json.load(file)
            return np.fromfile(os.path.join(folder, value.name + ".bin"), kind).reshape(shape)

        found = session.run(None, {value.name: array(value) for value in session.get_inputs()})
        for value, theirs in zip(session.get_outputs(), found):
            ours = array(value)
            apart = np.abs(ours - theirs) / np.abs(ours).max()
            near = (apart < 1e-5).mean()
            print(f"{name} {value.name}: greatest difference {apart.max():.1e}, {near:.2%} within 1e-5")
            failed |= not (near > 0.9 and apart.max() < 0.05)
    if failed:
        sys.exit("too far apart")


main(sys.argv[1])

"""Runs the graphs of the golden language models in ONNX Runtime: logits within 1e-4 of ours, whole and with the cache.

Versions: onnxruntime 1.32.0, onnx 1.23.2, safetensors 0.8.0, numpy 1.26.4, Python 3.11.
Command:  FEWBIT_LANGUAGE_ONNX=FOLDER cargo test -p fewbit-models --test language graphs
          python models/tests/golden/language_onnx.py FOLDER
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file


def session(path):
    onnx.checker.check_model(path, full_check=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def main(root):
    worst = 0.0
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        expected = load_file(os.path.join(folder, "expected.safetensors"))
        ids = expected["input_ids"]
        ours = np.fromfile(os.path.join(folder, "logits.bin"), np.float32).reshape(expected["logits"].shape)
        whole = session(os.path.join(folder, "model.onnx"))
        found = whole.run(None, {"input_ids": ids})[0]
        apart = [np.abs(found - ours).max()]
        cached = session(os.path.join(folder, "cached.onnx"))
        caches = [value for value in cached.get_inputs() if value.name.startswith("past_key_values")]
        cache = {value.name: np.zeros((len(ids), value.shape[1], 0, value.shape[3]), np.float32) for value in caches}
        for start, end in ((0, 9), (9, 10), (10, ids.shape[1])):
            keep = np.array([end - start - 1, 0], np.int64)
            found, *presents = cached.run(None, {"input_ids": ids[:, start:end], "logits_to_keep": keep, **cache})
            cache = dict(zip(cache, presents))
            apart.append(np.abs(found - ours[:, [end - 1, start]]).max())
        print(f"{name}: {max(apart):.1e}")
        worst = max(worst, *apart)
    if not worst < 1e-4:
        sys.exit("more than 1e-4 apart")


main(sys.argv[1])

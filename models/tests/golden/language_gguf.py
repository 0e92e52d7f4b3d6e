"""Reads GGUF files that `to_gguf` has written with the PyPI package `gguf`: every tensor has our values, to the last bit.

Versions: gguf 0.19.0, numpy 2.4.6, Python 3.11.
Command:  FEWBIT_LANGUAGE_GGUF=FOLDER cargo test -p fewbit-models --test language gguf
          python models/tests/golden/language_gguf.py FOLDER
"""
import os
import sys

import gguf
import numpy as np


def main(root):
    tensors = wrong = 0
    kinds = {}
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        reader = gguf.GGUFReader(os.path.join(folder, "model.gguf"))
        for tensor in reader.tensors:
            ours = np.fromfile(os.path.join(folder, tensor.name + ".bin"), np.float32)
            theirs = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(-1)
            tensors += 1
            kinds[tensor.tensor_type.name] = kinds.get(tensor.tensor_type.name, 0) + 1
            # Of a zero ggml keeps no sign in some types.
            if ours.shape != theirs.shape or not np.array_equal(ours, theirs):
                wrong += 1
                print(f"{name}: {tensor.name} ({tensor.tensor_type.name}) differs")
    print(f"{tensors} tensors, {wrong} differ: {kinds}")
    if wrong or not tensors:
        sys.exit(1)


main(sys.argv[1])

"""Writes the golden file of HiF4 from the reference code of its authors, which is on no package registry.

    python tests/golden/hifloat4.py hifx.py > tests/golden/formats/hifloat4.txt

`hifx.py` is `quant_cy_npu/base/QFunc/hifx.py` of quant_cy_npu ("HIFxV14"; read at commit 98efdedd of the repository that has
it as quant/quant_cy_npu). It quantizes and gives values back. A line has 64 f32 inputs, then their 64 values, as bits.
"""

import datetime
import pathlib
import platform
import sys
import types

import numpy as np
import torch


def reference():
    source = pathlib.Path(sys.argv[1]).read_text().replace("from ..QType import QType", "QType = object")
    module = types.ModuleType("hifx")
    exec(compile(source, sys.argv[1], "exec"), module.__dict__)
    four_bits = types.SimpleNamespace(exp_bits=0, man_bits=3)
    return lambda x: module.quant_hifx(torch.from_numpy(x), four_bits, -1).numpy()


def blocks(rng):
    """Magnitudes that turn the scale, its two levels of exponent bits, or an element, and the f32 beside them."""
    rows = []
    for _ in range(160):
        top = 2.0 ** rng.integers(-58, 24) * rng.choice([1, 1.25, 1.5, 1.75, 1.875, 7 / 4, rng.uniform(1, 2)])
        parts = rng.choice([1 / 7, 2 / 7, 4 / 7, 1, 1 / 28, 1 / 56, 3 / 56, 0.3, 0.01, 0], 64) * rng.choice([1, 0.5, 0.25], 64)
        parts[rng.integers(0, 64)] = 1
        # Some eights and fours are much smaller than the others.
        parts *= np.repeat(rng.choice([1, 1, 0.5, 0.25, 0.1], 8), 8) * np.repeat(rng.choice([1, 1, 0.5, 0.3], 16), 4)
        row = (top * parts * rng.choice([1, -1], 64)).astype(np.float32)
        step = rng.choice([0, 0, 1, -1], 64)
        row = np.where(step == 1, np.nextafter(row, np.float32(np.inf)), row)
        rows.append(np.where(step == -1, np.nextafter(row, np.float32(0)), row))
    bits = rng.integers(0, 2**32, (40, 64), dtype=np.uint64).astype(np.uint32)
    random = bits.view(np.float32)
    rows.extend(np.where(np.isfinite(random), random, np.float32(1)))
    rows.append(np.zeros(64, np.float32))
    rows.append(np.full(64, np.float32(-3e38)))
    return np.array(rows, np.float32)


def words(row):
    return " ".join(f"{int(b):08x}" for b in np.asarray(row, np.float32).view(np.uint32))


if __name__ == "__main__":
    x = blocks(np.random.default_rng(28))
    values = reference()(x)
    print(f"# quant_cy_npu HIFxV14; torch {torch.__version__}; Python {platform.python_version()}; {datetime.date.today()}")
    print("# python tests/golden/hifloat4.py hifx.py")
    print("[hif4]")
    for row, value in zip(x, values):
        print(words(row), words(value))

"""Writes the golden file of Four Over Six from its authors' package.

    SKIP_CUDA_BUILD=1 pip install --no-deps --no-build-isolation fouroversix==1.0.5   # beside torch 2.8.0 and setuptools 80
    python tests/golden/four_over_six.py > tests/golden/formats/fouroversix.txt

Its reference in PyTorch is run, on the CPU. A section is a scale rule; its first line is the largest magnitude of the tensor; a
line has the 16 inputs of a block, the code of its scale and the codes of its elements.
"""

import datetime
import importlib.metadata
import importlib.util
import platform
import sys
import types

import numpy as np
import torch


def package(name, paths):
    """A package whose own `__init__`, which wants more than its reference does, is left out."""
    module = types.ModuleType(name)
    module.__path__ = paths
    sys.modules[name] = module


root = importlib.util.find_spec("fouroversix").submodule_search_locations[0]
package("fouroversix", [root])
package("fouroversix.quantize", [f"{root}/quantize"])
package("fouroversix.quantize.pytorch", [f"{root}/quantize/pytorch"])
from fouroversix.quantize.pytorch.reference import quantize_to_fp4  # noqa: E402
from fouroversix.utils import ScaleRule  # noqa: E402


def blocks(rng, base):
    """Blocks of many sizes; values near the elements of e2m1fn and between them, in units of 4 and of 6."""
    rows = []
    for _ in range(40):
        top = 2.0**base * rng.uniform(0.5, 1) * 2.0 ** -rng.integers(0, 14)
        grid = rng.choice([0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 2.5, 3.5, 4.5, 5.5], 16) / rng.choice([4, 6])
        parts = np.where(rng.integers(0, 2, 16) == 0, np.minimum(grid, 1), rng.uniform(-1, 1, 16))
        parts[rng.integers(0, 16)] = 1
        rows.append(top * parts * rng.choice([1, -1], 16))
    rows.append(np.zeros(16))
    return np.array(rows, np.float32)


def words(row):
    return " ".join(f"{int(b):08x}" for b in np.asarray(row, np.float32).view(np.uint32))


if __name__ == "__main__":
    rng = np.random.default_rng(29)
    versions = f"fouroversix {importlib.metadata.version('fouroversix')}; torch {torch.__version__}"
    print(f"# {versions}; Python {platform.python_version()}; {datetime.date.today()}")
    print("# python tests/golden/four_over_six.py")
    for rule in ScaleRule:
        for base in [-50, -2, 0, 3, 40]:
            x = blocks(rng, base)
            packed, scales, amax = quantize_to_fp4(
                torch.from_numpy(x), scale_rule=rule, use_blackwell_scale_layout=False
            )
            packed = packed.numpy()
            codes = np.stack([packed & 15, packed >> 4], -1).reshape(x.shape)
            print(f"[{rule.value}]")
            print(f"{int(amax.numpy().view(np.uint32)):08x}")
            for row, scale, code in zip(x, scales.view(torch.uint8).numpy(), codes):
                print(words(row), f"{int(scale):02x}", "".join(f"{int(c):02x}" for c in code))

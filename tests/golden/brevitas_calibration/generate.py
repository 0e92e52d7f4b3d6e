"""Writes averages.jsonl beside this file: the activation statistics that Brevitas 0.12.1 collects over batches.

    pip install torch==2.8.0 brevitas==0.12.1
    python tests/golden/brevitas_calibration/generate.py

One line per case: statistic, its percentile if any, momentum (null for the cumulative mean of the calibration mode), the
batches as hexadecimal f32, and the buffer of brevitas.core.scaling.ParameterFromRuntimeStatsScaling after each of them.
Nothing is taken from fewbit.
"""

import json
import pathlib
import struct

import torch

import brevitas
from brevitas.core.scaling import ParameterFromRuntimeStatsScaling
from brevitas.core.stats import AbsMax, AbsMinMax, AbsPercentile, PercentileInterval

assert brevitas.__version__ == "0.12.1", brevitas.__version__
GENERATOR = torch.Generator().manual_seed(20250829)


def hexadecimal(x):
    return "".join(struct.pack(">f", v).hex() for v in x.flatten().tolist())


def main():
    header = f"brevitas {brevitas.__version__}, torch {torch.__version__}; tests/golden/brevitas_calibration/generate.py"
    lines = [json.dumps({"generator": header})]
    statistics = [
        ("absmax", None, lambda: AbsMax()),
        ("percentile", 90.0, lambda: AbsPercentile(90.0, None)),
        ("minmax", None, lambda: AbsMinMax()),
        ("interval", [5.0, 95.0], lambda: PercentileInterval(5.0, 95.0, None)),
    ]
    for name, percentile, statistic in statistics:
        for momentum in (None, 0.1, 0.5, 1.0):
            module = ParameterFromRuntimeStatsScaling(
                300, statistic(), scaling_stats_momentum=momentum, scaling_shape=())
            module.train()
            batches, buffers = [], []
            for i in range(12):
                x = torch.randn(40 + i, generator=GENERATOR) * 3.0 ** (i % 5)
                module(x)
                batches.append(hexadecimal(x))
                buffers.append(hexadecimal(module.buffer))
            lines.append(json.dumps({
                "statistic": name, "percentile": percentile, "momentum": momentum, "batches": batches,
                "buffers": buffers}))
    (pathlib.Path(__file__).parent / "averages.jsonl").write_text("\n".join(lines) + "\n")


main()

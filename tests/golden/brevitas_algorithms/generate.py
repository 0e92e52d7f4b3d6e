"""Writes errors.csv: the relative output errors that Brevitas's algorithms leave, on their calibration samples and on others.

    pip install brevitas==0.12.1 torch==2.8.0 numpy==1.26.4
    python tests/golden/brevitas_algorithms/generate.py

Weights are quantized per channel with scales max|w| / 2^(bits-1). `error` is |X W^T - X~ Q^T| / |X W^T| on the calibration
samples, `held_out` on as many others. Nothing is taken from fewbit.
"""

import datetime
import importlib.metadata
import pathlib

import layers
import solvers
import torch

OUTPUTS, INPUTS, SAMPLES = 64, 128, 640
SEEDS = (1, 2)


def main():
    torch.set_num_threads(2)
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("brevitas", "torch", "numpy"))
    lines = [
        f"# {versions}; {datetime.date.today().isoformat()}",
        "# python tests/golden/brevitas_algorithms/generate.py",
        "inputs,seed,bits,algorithm,order,acc_bits,tile,error,held_out",
    ]
    for seed in SEEDS:
        w = layers.weights(seed, OUTPUTS, INPUTS)
        for kind, make, act_scale in (("signed", layers.inputs, None), ("uint8", layers.unsigned_inputs, 1 / 32)):
            x, xq = make(seed, 0, SAMPLES, INPUTS)
            other = make(seed, 1, SAMPLES, INPUTS)
            for bits in (4, 3):
                cases = [(name, order, None, None) for name in ("rtn", "gptq", "gpfq", "qronos") for order in (False, True)]
                if kind == "uint8":
                    axe = [(14, None), (17, None), (12, 32), (14, 64)]
                    cases = [(n, o, p, t) for n in ("gptq", "gpfq") for o in (False, True) for p, t in axe]
                for name, order, acc_bits, tile in cases:
                    if name == "rtn" and order:
                        continue
                    q, _, _ = solvers.solve(name, w, x, xq, bits, order, act_scale, acc_bits, tile)
                    error = layers.relative_error(x, xq, w, q)
                    held_out = layers.relative_error(*other, w, q)
                    text = "descending" if order else "natural"
                    lines.append(
                        f"{kind},{seed},{bits},{name},{text},{acc_bits or ''},{tile or ''},{error:.6f},{held_out:.6f}"
                    )
                    print(lines[-1])
    (pathlib.Path(__file__).parent / "errors.csv").write_text("\n".join(lines) + "\n")


main()

"""What the matrix products of PyTorch compute on an H100, against chains of fewbit's accumulators.

    python library.py --fewbit fewbit

Prints, per product, the share of outputs that equal the accumulator's in every bit. A library may choose another
instruction or split K for other shapes and versions; this says what it did for these.
"""

import argparse
import subprocess
import tempfile

import numpy as np
import torch

FAST = "preset:h100-wgmma-fp8"
PROMOTED = "aligned13-rz:e8m13-rz*32/128,f32-rne"
SHAPES = [(256, 256), (1024, 512)]
DEPTHS = [32, 64, 128, 256, 512, 1024, 4096]


def fewbit(program, folder, a, b, formats, acc):
    np.save(f"{folder}/a.npy", a)
    np.save(f"{folder}/b.npy", b)
    command = [program, "matmul", f"{folder}/a.npy", f"{folder}/b.npy", "--a", formats[0], "--b", formats[1]]
    command += ["--acc", acc, "--out", f"{folder}/d.npy", "--detail", "none"]
    subprocess.run(command, check=True, capture_output=True)
    return torch.from_numpy(np.load(f"{folder}/d.npy"))


def report(label, product, expected):
    share = (product == expected.to(product.dtype)).double().mean().item()
    print(f"{label:60} {100 * share:.4f} % equal", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fewbit", required=True)
    program = parser.parse_args().fewbit
    generator = torch.Generator().manual_seed(1)
    print(torch.__version__, torch.version.cuda, torch.cuda.get_device_name())
    one = torch.ones((), device="cuda")
    with tempfile.TemporaryDirectory() as folder:
        for m, n in SHAPES:
            for k in DEPTHS:
                left, right = (torch.randn(rows, k, generator=generator) for rows in (m, n))
                a, b = left.to(torch.float8_e4m3fn), right.to(torch.float8_e4m3fn)
                codes = a.view(torch.uint8).numpy(), b.view(torch.uint8).numpy().T.copy()
                for fast, acc in ((True, FAST), (False, PROMOTED)):
                    expected = fewbit(program, folder, *codes, ("e4m3fn", "e4m3fn"), acc)
                    product = torch._scaled_mm(
                        a.cuda(), b.cuda().t(), scale_a=one, scale_b=one, out_dtype=torch.float32, use_fast_accum=fast
                    ).cpu()
                    report(f"{m}x{k}x{n} e4m3fn use_fast_accum={fast} {acc}", product, expected)
                for dtype, name in ((torch.bfloat16, "bf16"), (torch.float16, "f16")):
                    a, b = left.to(dtype), right.t().contiguous().to(dtype)
                    codes = a.view(torch.uint16).numpy(), b.view(torch.uint16).numpy()
                    acc = f"preset:h100-wgmma-{name}"
                    expected = fewbit(program, folder, *codes, (name, name), acc)
                    product = torch.mm(a.cuda(), b.cuda(), out_dtype=torch.float32).cpu()
                    report(f"{m}x{k}x{n} {name} {acc}", product, expected)


if __name__ == "__main__":
    main()

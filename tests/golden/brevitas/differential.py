"""Compares `fewbit quantize` with Brevitas 0.12.1 on tensors that no golden file has: every preset, bit for bit.

Run as `python tests/golden/brevitas/differential.py target/release/fewbit [SEED]`. Prints one line per difference, then
the counts; exit code 1 where a difference is not on the list of `docs/brevitas.md`.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
from safetensors.numpy import load_file

from presets import derived, is_bias, is_trunc, is_weight, names, needed, run, sets

F32 = np.float32
DOCS = pathlib.Path(__file__).parents[3] / "docs" / "brevitas.md"


def tensors(seed):
    rng = np.random.default_rng(seed)
    normal = lambda *shape: (rng.standard_normal(shape) * 0.05).astype(F32)
    heavy = lambda *shape: (rng.standard_t(2, shape) * 0.02).astype(F32)
    sparse = heavy(16, 100) * (rng.random((16, 100)) < 0.2)
    powers = (2.0 ** rng.integers(-20, 20, (12, 48)) * (1 - rng.integers(0, 3, (12, 48)) * 2.0 ** -24)).astype(F32)
    return {
        "normal": normal(24, 96),
        "heavy": heavy(17, 133),
        "wide": heavy(2, 3000),
        "column": normal(65, 1),
        "sparse": sparse.astype(F32),
        "powers": powers * rng.choice([-1, 1], powers.shape).astype(F32),
        "shifted": (np.abs(heavy(9, 80)) * -1 - F32(0.01)).astype(F32),
        "conv": normal(8, 6, 3, 3),
        "depthwise": heavy(12, 1, 3, 3),
        "one": normal(5, 40, 1, 1),
        "large": (normal(20, 64) * F32(300)).astype(F32),
    }


def images(seed):
    rng = np.random.default_rng(seed + 1)
    return {"image": (rng.standard_t(3, (3, 5, 7, 6))).astype(F32)}


def sequences(seed):
    rng = np.random.default_rng(seed + 2)
    return {"sequence": (rng.standard_t(3, (3, 5, 29))).astype(F32)}


def of(name, seed):
    rng = np.random.default_rng(seed + 3)
    if is_bias(name):
        return {"bias": (rng.standard_normal(50) * 0.02).astype(F32)}
    if is_trunc(name):
        return {"ints": (rng.integers(-30000, 30000, (7, 33)) * 0.01).astype(F32)}
    if "2d" in name:
        return images(seed)
    if "1d" in name:
        return sequences(seed)
    if "Accumulator" in name:
        return {n: x for n, x in tensors(seed).items()}
    return tensors(seed)


def ours(binary, folder, name, x, fields):
    np.save(folder / "x.npy", x)
    args = [binary, "quantize", "--preset", name, "x.npy", "q.safetensors"]
    for key, value in fields.items():
        args += ["--set", f"{key}={json.dumps(value)}"]
    done = subprocess.run(args, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return load_file(folder / "q.safetensors")


def differs(a, b):
    a, b = np.asarray(a, F32).ravel(), np.asarray(b, F32).ravel()
    if a.size != b.size:
        if 1 not in (a.size, b.size):
            return f"{a.size} numbers, expected {b.size}"
        a, b = np.broadcast_arrays(a, b)
    wrong = (a.view(np.uint32) if a.flags.c_contiguous else np.ascontiguousarray(a).view(np.uint32)) != (
        np.ascontiguousarray(b).view(np.uint32))
    wrong &= ~(np.isnan(a) & np.isnan(b))
    if not wrong.any():
        return None
    at = int(np.argmax(wrong))
    return f"{int(wrong.sum())} of {a.size}, at {at} {a[at]!r}, expected {b[at]!r}"


def main():
    binary = os.path.abspath(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    listed = set(re.findall(r"^\| `(\w+)`", DOCS.read_text(), re.M)) if DOCS.exists() else set()
    everything = {name: (None, {}) for name in names()}
    everything.update(derived())
    equal, different, refused, unlisted = 0, {}, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, (cls, widths) in everything.items():
            if only not in name:
                continue
            for label, x in of(name, seed).items():
                changes, given = needed(name, x)
                if cls:
                    given["class"] = cls
                try:
                    values, scale, zero_point, bits = run(name, x, {**changes, **widths}, given)
                except Exception:
                    refused += 1
                    continue
                q = ours(binary, folder, name, x, sets(name))
                found = differs(q["values"], values.detach().numpy())
                if scale is not None and not found:
                    found = differs(q["scale"], scale.detach().numpy()) or differs(q["zero_point"], zero_point.detach().numpy())
                    if int(q["bit_width"]) != bits:
                        found = f"{int(q['bit_width'])} bits, expected {bits}"
                if found:
                    different[f"{name} {label}"] = found
                    unlisted += name not in listed
                    print(f"{name} {label} {list(x.shape)}: {found}", flush=True)
                else:
                    equal += 1
    print(f"{equal} equal, {len(different)} different ({unlisted} not on the list), {refused} that Brevitas cannot compute")
    return 1 if unlisted else 0


sys.exit(main())

"""What the dot-product instructions of an H100 compute, against fewbit's presets; writes tests/golden/h100.jsonl.

    nvcc -gencode=arch=compute_90a,code=sm_90a -O2 -shared -Xcompiler -fPIC -o units.so units.cu
    python units.py --library ./units.so --fewbit fewbit --golden ../h100.jsonl

Random operands of several kinds go through the chip and through `fewbit matmul --acc preset:...`; every output is
compared. Prints one line per instruction and kind. The golden file has the first rows and columns of each case, in the
format of mma_sim.jsonl; its values are the chip's, nothing in it is taken from fewbit. Exit code 1 if anything differs.
"""

import argparse
import ctypes
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

SIZE, CHAIN = 256, 2
# name: (code bits, exponent bits, fraction bits)
FORMATS = {
    "f16": (16, 5, 10),
    "bf16": (16, 8, 7),
    "tf32": (32, 8, 23),
    "f32": (32, 8, 23),
    "e4m3fn": (8, 4, 3),
    "e5m2": (8, 5, 2),
}
CODES = {8: np.uint8, 16: np.uint16, 32: np.uint32}
PRESETS = {"f16": "f16", "bf16": "bf16", "tf32": "tf32", "e4m3fn": "fp8", "e5m2": "fp8"}


def codes(rng, name, kind, shape):
    """Codes of a kind; finite ones unless the kind is special."""
    bits, e, m = FORMATS[name]
    top, middle = (1 << e) - 1, (1 << e) // 2 - 1

    def near(spread):
        return np.clip(middle + rng.integers(-spread, spread + 1, shape), 0, top - 1)

    field = {
        "plain": lambda: near(2),
        "wide": lambda: rng.integers(0, top, shape),
        "cancel": lambda: near(1),
        "subnormal": lambda: rng.integers(0, 2, shape),
        # Products around 2^-150, below all that f32 has, where the format reaches that far.
        "deep": lambda: np.clip(middle - 75 + rng.integers(-4, 5, shape), 0, top - 1),
        "special": lambda: np.where(rng.integers(0, 16, shape) == 0, top, rng.integers(0, top, shape)),
    }[kind]()
    fraction = rng.integers(0, 1 << m, shape)
    if kind == "special":
        fraction = np.where(rng.integers(0, 2, shape) == 0, 0, fraction)
    sign = rng.integers(0, 2, shape)
    code = (sign << (bits - 1)) | (field << m) | fraction
    zero = rng.integers(0, {"subnormal": 3, "special": 6}.get(kind, 12), shape) == 0
    code = np.where(zero, sign << (bits - 1), code)
    if name == "e4m3fn" and kind != "special":
        code = np.where(code & 0x7F == 0x7F, code - 1, code)
    if name == "tf32":
        code &= 0xFFFFE000
    return code.astype(CODES[bits])


def start(rng, name, kind, shape):
    """What the register starts from."""
    if kind == "deep":
        bits = FORMATS[name][0]
        small = np.maximum(rng.integers(-9, 4, shape), 0)
        return np.where(rng.integers(0, 2, shape) == 0, small, small | (1 << (bits - 1))).astype(CODES[bits])
    return codes(rng, name, kind, shape)


def operands(rng, fa, fb, kind, k):
    a, b = codes(rng, fa, kind, (SIZE, k)), codes(rng, fb, kind, (k, SIZE))
    if kind == "cancel":
        # The second half of k repeats the first with the other sign, apart from one row.
        half = k // 2
        a[:, half : 2 * half] = a[:, :half] ^ CODES[FORMATS[fa][0]](1 << (FORMATS[fa][0] - 1))
        b[half : 2 * half] = b[:half]
        b[k - 1] = rng.permutation(b[k - 1])
    return a, b


def on_chip(library, index, a, b, c):
    d = np.empty_like(c)
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b.T)
    chunks = a.shape[1] * a.itemsize // 32
    address = lambda array: array.ctypes.data_as(ctypes.c_void_p)
    fault = library.unit_run(index, address(a), address(b), address(c), address(d), SIZE, SIZE, chunks)
    if fault:
        sys.exit(f"CUDA error {fault}")
    return d


def values(code, name):
    return code.view({16: np.float16, 32: np.float32}[FORMATS[name][0]])


class Fewbit:
    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)

    def matmul(self, a, b, c, formats, acc):
        path = lambda name: str(self.folder / name)
        for name, array, form in (("a.npy", a, formats[0]), ("b.npy", b, formats[1])):
            np.save(path(name), array.view(np.float32) if form == "tf32" else array)
        np.save(path("c.npy"), values(c, formats[2]).astype(np.float32))
        command = [self.program, "matmul", path("a.npy"), path("b.npy"), "--a", formats[0], "--b", formats[1]]
        command += ["--acc", acc, "--init", path("c.npy"), "--out", path("d.npy"), "--detail", "none"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr}")
        return np.load(path("d.npy")).astype(np.float64)


def differences(found, expected):
    """Zeros have no sign and NaNs no payload."""
    return ~((found == expected) | (np.isnan(found) & np.isnan(expected)))


def hexes(codes_, bits):
    return "".join(f"{int(v):0{bits // 4}x}" for v in codes_.flatten())


def device():
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--fewbit", required=True)
    parser.add_argument("--golden", required=True)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    library = ctypes.CDLL(options.library)
    library.unit_name.restype = ctypes.c_char_p
    header = {
        "generator": "tests/golden/h100/units.py, units.cu",
        "device": device(),
        "nvcc": subprocess.run(["nvcc", "--version"], capture_output=True, text=True).stdout.strip().splitlines()[-1],
        "date": datetime.date.today().isoformat(),
    }
    lines, wrong, outputs = [json.dumps(header)], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        fewbit = Fewbit(options.fewbit, folder)
        index = 0
        while (name := library.unit_name(index)) is not None:
            kind_of, fa, fb, fc = name.decode().split()
            preset = f"h100-{kind_of}-{PRESETS[fa]}" + ("-f16" if fc == "f16" else "")
            acc = f"preset:{preset}"
            k = CHAIN * 32 * 8 // FORMATS[fa][0]
            for kind in ["plain", "wide", "cancel", "subnormal", "deep", "special"]:
                bad = 0
                for turn in range(options.rounds):
                    rng = np.random.default_rng([index, turn, len(kind)])
                    a, b = operands(rng, fa, fb, kind, k)
                    c = start(rng, fc, kind, (SIZE, SIZE))
                    d = on_chip(library, index, a, b, c)
                    found = fewbit.matmul(a, b, c, (fa, fb, fc), acc)
                    expected = values(d, fc).astype(np.float64)
                    differ = differences(found, expected)
                    bad += int(differ.sum())
                    outputs += differ.size
                    if differ.any() and turn == 0:
                        for i, j in list(zip(*np.nonzero(differ)))[:3]:
                            start_value = values(c, fc)[i, j]
                            print(f"    ({i},{j}) from {float(start_value).hex()}: {float(found[i, j]).hex()}, chip {float(expected[i, j]).hex()}")
                    if turn == 0:
                        # What an addend of zero does is seen in few outputs.
                        rows, cols = (16, 16) if kind == "deep" and FORMATS[fa][1] == 8 else (2, 3)
                        case = {"preset": preset, "kind": kind, "shape": [rows, k, cols], "formats": [fa, fb, fc]}
                        case |= {"a": hexes(a[:rows], FORMATS[fa][0]), "b": hexes(b[:, :cols], FORMATS[fb][0])}
                        case |= {"c": hexes(c[:rows, :cols], FORMATS[fc][0])}
                        case |= {"d": hexes(d[:rows, :cols], FORMATS[fc][0])}
                        lines.append(json.dumps(case))
                wrong += bad
                print(f"{name.decode():26} {acc:26} {kind:10} {bad} of {options.rounds * SIZE * SIZE} outputs differ", flush=True)
            index += 1
    pathlib.Path(options.golden).write_text("\n".join(lines) + "\n")
    print(f"{wrong} of {outputs} outputs differ on {header['device']}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

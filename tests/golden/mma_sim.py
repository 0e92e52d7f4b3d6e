"""Writes tests/golden/mma_sim.jsonl: what MMA-Sim says the units of fewbit's presets compute.

    pip install torch mmasim==2.1.1      # or: PYTHONPATH=<unpacked wheel>
    python tests/golden/mma_sim.py > tests/golden/mma_sim.jsonl

One line per case: preset, kind of operands, shape, and hexadecimal codes of A [M,K], B [K,N], C [M,N] (f32, or f16
where the unit accumulates in f16), block scales [M,K/block] and [K/block,N], and D [M,N] in C's format.
tf32 operands are f32 codes. The values of D are MMA-Sim's; nothing is taken from fewbit.
"""

import datetime
import json
import sys
import types

import torch

# It compiles C on import, and only the f64 and f32 units need it.
sys.modules["mmasim.arithmetic.fma"] = types.ModuleType("fma")

from mmasim.amd.sim import MFMA
from mmasim.nv_ptx import sim

M, N = 2, 3
GENERATOR = torch.Generator().manual_seed(20250828)

# name: (code bits, exponent bits, fraction bits, torch dtype or None, has infinities, NaN codes)
FORMATS = {
    "f16": (16, 5, 10, torch.float16),
    "bf16": (16, 8, 7, torch.bfloat16),
    "tf32": (32, 8, 23, torch.float32),
    "f32": (32, 8, 23, torch.float32),
    "e4m3fn": (8, 4, 3, torch.float8_e4m3fn),
    "e5m2": (8, 5, 2, torch.float8_e5m2),
    "e4m3fnuz": (8, 4, 3, torch.float8_e4m3fnuz),
    "e5m2fnuz": (8, 5, 2, torch.float8_e5m2fnuz),
    "e2m3fn": (6, 2, 3, None),
    "e3m2fn": (6, 3, 2, None),
    "e2m1fn": (4, 2, 1, None),
    "e8m0fnu": (8, 8, 0, torch.float8_e8m0fnu),
    "e4m3fnu": (7, 4, 3, torch.float8_e4m3fn),
}

INT = {8: torch.uint8, 16: torch.int16, 32: torch.int32}


def uniform(low, high, shape):
    """Integers in [low, high)."""
    return torch.randint(low, high, shape, generator=GENERATOR, dtype=torch.int64)


def codes(name, kind, shape):
    """Codes of a kind; finite ones unless the kind is special."""
    bits, e, m, _ = FORMATS[name]
    if name in ("e8m0fnu", "e4m3fnu"):
        middle = 127 if name == "e8m0fnu" else 56
        spread = {"subnormal": (0, 24), "special": (middle - 3, 1 << bits)}.get(kind, (middle - 12, middle + 13))
        return uniform(*spread, shape)
    signless = bits - 1
    top = (1 << e) - 1
    field = {
        "plain": lambda: (top // 2) + uniform(-2, 3, shape).clamp(max=top // 2),
        "wide": lambda: uniform(0, top, shape),
        "cancel": lambda: (top // 2) + uniform(-1, 2, shape),
        "subnormal": lambda: uniform(0, 2, shape),
        "special": lambda: torch.where(uniform(0, 8, shape) == 0, torch.tensor(top), uniform(0, top, shape)),
    }[kind]()
    fraction = uniform(0, 1 << m, shape)
    if kind == "special":
        fraction = torch.where(uniform(0, 2, shape) == 0, torch.tensor(0), fraction)
    sign = uniform(0, 2, shape)
    code = (sign << signless) | (field.clamp(0, top) << m) | fraction
    zero = uniform(0, {"subnormal": 3, "special": 6}.get(kind, 12), shape) == 0
    code = torch.where(zero, sign << signless, code)
    if kind != "special":
        # Where all-ones is NaN, and for -0 of the formats whose NaN it is.
        if name == "e4m3fn":
            code = torch.where((code & 0x7F) == 0x7F, code - 1, code)
        if name.endswith("fnuz"):
            code = torch.where(code == 0x80, torch.tensor(0), code)
    if name == "tf32":
        code &= 0xFFFFE000
    return code


def cancel(a, b, name):
    """Makes the second half of k repeat the first with the other sign, one element apart."""
    k = a.shape[1]
    half = k // 2
    sign = 1 << (FORMATS[name][0] - 1)
    a[:, half : 2 * half] = a[:, :half] ^ sign
    b[half : 2 * half] = b[:half]
    b[k - 1] = codes_like(b[k - 1])
    if name.endswith("fnuz"):
        a[a == 0x80] = 0


def codes_like(row):
    return row[torch.randperm(row.numel(), generator=GENERATOR)]


def tensor(code, name):
    bits, _, _, dtype = FORMATS[name]
    if dtype is None:
        # MMA-Sim keeps FP6 in bits 5:0 and FP4 in bits 5:2 of a byte.
        return (code << (6 - bits)).to(torch.uint8)
    width = 8 if bits < 8 else bits
    signed = torch.where(code >= 1 << (width - 1), code - (1 << width), code) if width > 8 else code
    return signed.to(INT[width]).view(dtype)


def packed(code):
    """FP4 pairs, the earlier element in the high half."""
    return (code[..., 0::2] << 4 | code[..., 1::2]).to(torch.uint8)


def hexes(t, bits):
    digits = (bits + 3) // 4
    return "".join(f"{int(v) & ((1 << bits) - 1):0{digits}x}" for v in t.flatten())


def wide(row):
    return row.expand(M, N, -1) if row.dim() == 1 else row


def run(unit, a, b, c, formats, scales, block, width, packing):
    """Chains the unit's instruction over k."""
    left = a[:, None, :].expand(-1, N, -1)
    right = b.T[None, :, :].expand(M, -1, -1)
    if scales is None:
        return unit.dpa(tensor(left, formats[0]), tensor(right, formats[1]), c)
    sa, sb, scale = scales
    sa = sa[:, None, :].expand(-1, N, -1)
    sb = sb.T[None, :, :].expand(M, -1, -1)
    for k in range(0, a.shape[1], width):
        x, y = left[..., k : k + width], right[..., k : k + width]
        blocks = slice(k // block, (k + width) // block)
        x, y = (packed(x), packed(y)) if packing else (tensor(x, formats[0]), tensor(y, formats[1]))
        if packing:
            from mmasim.arithmetic.helper import unpack_uint8_to_fp4

            x, y = unpack_uint8_to_fp4(x), unpack_uint8_to_fp4(y)
        alpha = tensor(sa[..., blocks].contiguous(), scale)
        beta = tensor(sb[..., blocks].contiguous(), scale)
        c = unit.dpa(x, y, c, alpha, beta)
    return c


def mma(arch, name):
    return sim.MMA(arch, name)


# preset: (unit, operand formats to pair up, c format, width, (scale format, block), packed)
def presets():
    fp8 = [("e4m3fn", "e4m3fn", "e4m3", "e4m3"), ("e5m2", "e4m3fn", "e5m2", "e4m3")]
    rows = []

    def row(preset, make, pairs, c, width, scale=None, packing=False):
        rows.append((preset, make, pairs, c, width, scale, packing))

    f16 = [("f16", "f16", "f16", "f16")]
    bf16 = [("bf16", "bf16", "bf16", "bf16")]
    tf32 = [("tf32", "tf32", "tf32", "tf32")]
    row("v100-f16", lambda *_: mma("Volta", "m8n8k4.f32.f16.f16.f32"), f16, "f32", 4)
    row("v100-f16-f16", lambda *_: mma("Volta", "m8n8k4.f16.f16.f16.f16"), f16, "f16", 4)
    row("turing-f16", lambda *_: mma("Turing", "m16n8k8.f32.f16.f16.f32"), f16, "f32", 8)
    row("turing-f16-f16", lambda *_: mma("Turing", "m16n8k8.f16.f16.f16.f16"), f16, "f16", 8)
    for preset, arch, w in (("a100", "Ampere", 8), ("ada", "Ada Lovelace", 8), ("h100-mma", "Hopper", 16)):
        row(f"{preset}-f16", lambda *_, arch=arch: mma(arch, "m16n8k16.f32.f16.f16.f32"), f16, "f32", w)
        row(f"{preset}-f16-f16", lambda *_, arch=arch: mma(arch, "m16n8k16.f16.f16.f16.f16"), f16, "f16", w)
        row(f"{preset}-bf16", lambda *_, arch=arch: mma(arch, "m16n8k16.f32.bf16.bf16.f32"), bf16, "f32", w)
        row(f"{preset}-tf32", lambda *_, arch=arch: mma(arch, "m16n8k8.f32.tf32.tf32.f32"), tf32, "f32", w // 2)
    for c in ("f32", "f16"):
        suffix = "" if c == "f32" else "-f16"
        ada = lambda a, b, c=c: mma("Ada Lovelace", f"m16n8k32.{c}.{a}.{b}.{c}")
        row(f"ada-fp8{suffix}", ada, fp8, c, 16)
        wgmma = lambda a, b, c=c: sim.WGMMA("Hopper", f"m64n8k32.{c}.{a}.{b}")
        row(f"h100-wgmma-fp8{suffix}", wgmma, fp8, c, 32)
        wgmma = lambda a, b, c=c: sim.WGMMA("Hopper", f"m64n8k16.{c}.{a}.{b}")
        row(f"h100-wgmma-f16{suffix}", wgmma, f16, c, 16)
        tc = lambda a, b, c=c: sim.TCGen05MMA("Blackwell", f"m64n8k16.kind::f16.{c}.{a}.{b}")
        row(f"blackwell-f16{suffix}", tc, f16, c, 16)
        f8f6f4 = fp8 + [("e2m3fn", "e3m2fn", "e2m3", "e3m2"), ("e5m2", "e2m1fn", "e5m2", "e2m1")]
        tc = lambda a, b, c=c: sim.TCGen05MMA("Blackwell", f"m64n8k32.kind::f8f6f4.{c}.{a}.{b}")
        row(f"blackwell-fp8{suffix}", tc, f8f6f4, c, 32)
    row("h100-wgmma-bf16", lambda a, b: sim.WGMMA("Hopper", f"m64n8k16.f32.{a}.{b}"), bf16, "f32", 16)
    row("h100-wgmma-tf32", lambda a, b: sim.WGMMA("Hopper", f"m64n8k8.f32.{a}.{b}"), tf32, "f32", 8)
    tc = lambda a, b: sim.TCGen05MMA("Blackwell", f"m64n8k16.kind::f16.f32.{a}.{b}")
    row("blackwell-bf16", tc, bf16, "f32", 16)
    tc = lambda a, b: sim.TCGen05MMA("Blackwell", f"m64n8k8.kind::tf32.f32.{a}.{b}")
    row("blackwell-tf32", tc, tf32, "f32", 8)
    mx = lambda a, b: sim.TCGen05MMABlockScale(
        "Blackwell", f"m128n8k32.kind::mxf8f6f4.block32.f32.{a}.{b}.ue8m0"
    )
    row("blackwell-mxfp8", mx, fp8 + [("e2m3fn", "e2m1fn", "e2m3", "e2m1")], "f32", 32, ("e8m0fnu", 32))
    fp4 = [("e2m1fn", "e2m1fn", "e2m1", "e2m1")]
    mx = lambda a, b: sim.TCGen05MMABlockScale("Blackwell", f"m128n8k64.kind::mxf4.block32.f32.{a}.{b}.ue8m0")
    row("blackwell-mxfp4", mx, fp4, "f32", 64, ("e8m0fnu", 32), True)
    nv = lambda a, b: sim.TCGen05MMABlockScale(
        "Blackwell", f"m128n8k64.kind::mxf4nvf4.block16.f32.{a}.{b}.ue4m3"
    )
    row("blackwell-nvfp4", nv, fp4, "f32", 64, ("e4m3fnu", 16), True)
    row("cdna1-f16", lambda *_: MFMA("CDNA1", "f32_16x16x16f16"), f16, "f32", 4)
    row("cdna1-bf16", lambda *_: MFMA("CDNA1", "f32_16x16x8bf16"), bf16, "f32", 2)
    row("cdna2-f16", lambda *_: MFMA("CDNA2", "f32_16x16x16f16"), f16, "f32", 4)
    row("cdna2-bf16", lambda *_: MFMA("CDNA2", "f32_16x16x8bf16"), bf16, "f32", 2)
    row("cdna2-bf16-1k", lambda *_: MFMA("CDNA2", "f32_16x16x16bf16_1k"), bf16, "f32", 4)
    row("cdna3-f16", lambda *_: MFMA("CDNA3", "f32_16x16x16_f16"), f16, "f32", 8)
    row("cdna3-bf16", lambda *_: MFMA("CDNA3", "f32_16x16x16_bf16"), bf16, "f32", 8)
    row("cdna3-xf32", lambda *_: MFMA("CDNA3", "f32_16x16x8_xf32"), tf32, "f32", 4)
    fnuz = [("e4m3fnuz", "e5m2fnuz", "fp8", "bf8")]
    row("cdna3-fp8", lambda a, b: MFMA("CDNA3", f"f32_16x16x32_{a}_{b}"), fnuz, "f32", 16)
    return rows


def main():
    header = {
        "generator": "tests/golden/mma_sim.py",
        "mmasim": "2.1.1",
        "torch": torch.__version__,
        "date": datetime.date.today().isoformat(),
    }
    print(json.dumps(header))
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for preset, make, pairs, c_format, width, scale, packing in presets():
        for fa, fb, ptx_a, ptx_b in pairs:
            unit = make(ptx_a, ptx_b)
            for kind in ["plain", "wide", "cancel", "subnormal", "special"] * repeats:
                k = 2 * width
                a, b = codes(fa, kind, (M, k)), codes(fb, kind, (k, N))
                if kind == "cancel":
                    cancel(a, b, fa)
                c = codes(c_format, kind, (M, N))
                scales = None
                if scale:
                    name, block = scale
                    scales = codes(name, kind, (M, k // block)), codes(name, kind, (k // block, N)), name
                block = scale[1] if scale else 1
                d = run(unit, a, b, tensor(c, c_format), (fa, fb), scales, block, width, packing)
                bits = FORMATS[c_format][0]
                d = d.contiguous().view(INT[bits])
                case = {"preset": preset, "kind": kind, "shape": [M, k, N], "formats": [fa, fb, c_format]}
                case |= {"a": hexes(a, FORMATS[fa][0]), "b": hexes(b, FORMATS[fb][0])}
                case |= {"c": hexes(c, bits), "d": hexes(d, bits)}
                if scale:
                    case["scales"] = [hexes(s, 8) for s in scales[:2]]
                print(json.dumps(case))


if __name__ == "__main__":
    main()

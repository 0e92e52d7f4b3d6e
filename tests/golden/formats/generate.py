"""Writes the golden files of formats and groups from other people's implementations.

Run as `python tests/golden/formats/generate.py` with the packages of tests/golden/requirements.txt. Inputs are chosen
here, independently of fewbit: of every format its values, the midpoints between neighbours, the f32 next to each of
these, the special values, and random bit patterns. One line per case; bits in hexadecimal.
"""

import datetime
import importlib.metadata
import pathlib
import platform
import warnings

import en_dtypes
import gfloat
import gguf
import ml_dtypes
import numpy as np
import torch
from gfloat.formats import format_info_p3109
from gfloat.types import Domain, RoundMode, Signedness
from torchao.prototype.mx_formats.mx_tensor import (
    DTYPE_FP6_E2M3,
    DTYPE_FP6_E3M2,
    ScaleCalculationMode,
    to_mx,
)
from torchao.prototype.mx_formats.kernels import unpack_uint4
from torchao.prototype.mx_formats.nvfp4_tensor import nvfp4_quantize, per_tensor_amax_to_scale

warnings.simplefilter("ignore")
np.seterr(all="ignore")
HERE = pathlib.Path(__file__).parent
SPECIAL_BITS = [
    0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF, 0x7F800000, 0xFF800000, 0, 0x80000000,
    1, 0x80000001, 0x7F7FFFFF, 0xFF7FFFFF, 0x00800000, 0x007FFFFF, 0x00400000, 0x00400001, 0x3F800000, 0xBF800000,
]


def write(name, packages, lines):
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)
    header = [
        f"# {versions}; Python {platform.python_version()}; {datetime.date.today().isoformat()}",
        "# python tests/golden/formats/generate.py",
    ]
    (HERE / name).write_text("\n".join(header + lines) + "\n")
    print(name, len(lines))


def f32(bits):
    return np.array(bits, np.uint32).view(np.float32)


def bits_of(x):
    return np.asarray(x, np.float32).view(np.uint32)


def inputs(values, rng, most=700):
    """f32 inputs around the given finite values of a format, in ascending order of bits."""
    v = np.unique(np.abs(np.asarray(values, np.float64)))
    if len(v) > most:
        ends = np.concatenate([v[: most // 6], v[-most // 6 :], rng.choice(v, most - 2 * (most // 6), replace=False)])
        low = np.unique(ends)
        following = v[np.minimum(np.searchsorted(v, low) + 1, len(v) - 1)]
    else:
        low, following = v[:-1], v[1:]
    end = [v[-1] + (v[-1] - v[-2]) / 2, v[-1] + (v[-1] - v[-2]), 1.5 * v[-1], 2 * v[-1], 4 * v[-1]]
    points = np.concatenate([v[:1] / 2, low, (low + following) / 2, end]).astype(np.float32)
    points = points[np.isfinite(points)]
    points = np.concatenate([points, np.nextafter(points, np.float32(np.inf)), np.nextafter(points, np.float32(0))])
    signs = rng.integers(0, 2, len(points)).astype(np.uint32) << np.uint32(31)
    random = rng.integers(0, 2**32, 200, dtype=np.uint64).astype(np.uint32)
    return f32(np.unique(np.concatenate([bits_of(points) | signs, random, np.array(SPECIAL_BITS, np.uint32)])))


def cast_lines(name, x, codes):
    return [f"[{name}]"] + [f"{int(b):08x} {int(c):x}" for b, c in zip(bits_of(x), codes)]


def codes_of(dtype, bits):
    return np.arange(2**bits, dtype=np.uint8 if bits <= 8 else np.uint16).view(dtype).astype(np.float64)


def finite(values):
    return values[np.isfinite(values)]


def write_ml_dtypes():
    rng = np.random.default_rng(20)
    formats = {
        "e4m3fn": (ml_dtypes.float8_e4m3fn, 8), "e5m2": (ml_dtypes.float8_e5m2, 8), "e4m3": (ml_dtypes.float8_e4m3, 8),
        "e3m4": (ml_dtypes.float8_e3m4, 8), "e4m3fnuz": (ml_dtypes.float8_e4m3fnuz, 8),
        "e5m2fnuz": (ml_dtypes.float8_e5m2fnuz, 8), "e4m3b11fnuz": (ml_dtypes.float8_e4m3b11fnuz, 8),
        "e2m3fn": (ml_dtypes.float6_e2m3fn, 6), "e3m2fn": (ml_dtypes.float6_e3m2fn, 6),
        "e2m1fn": (ml_dtypes.float4_e2m1fn, 4), "e8m0fnu": (ml_dtypes.float8_e8m0fnu, 8),
        "bf16": (ml_dtypes.bfloat16, 16), "f16": (np.float16, 16),
    }
    lines = []
    for name, (dtype, bits) in formats.items():
        x = inputs(finite(codes_of(dtype, bits)), rng)
        codes = x.astype(dtype).view(np.uint8 if bits <= 8 else np.uint16)
        lines += cast_lines(name, x, codes)
    for name, dtype in {
        "int2": ml_dtypes.int2, "int4": ml_dtypes.int4, "uint2": ml_dtypes.uint2, "uint4": ml_dtypes.uint4,
    }.items():
        x = integer_inputs(rng)
        lines += cast_lines(name, x, x.astype(dtype).view(np.uint8) & (2 ** int(name[-1]) - 1))
    write("ml_dtypes.txt", ["ml_dtypes", "numpy"], lines)


def write_en_dtypes():
    """HiF8: the value of every code, and casts from f32."""
    rng = np.random.default_rng(27)
    values = codes_of(en_dtypes.hifloat8, 8)
    lines = ["[hif8 values]", " ".join("nan" if np.isnan(v) else f"{int(bits_of(v)):x}" for v in values)]
    # Where it is infinite, the next value would be.
    x = inputs(np.append(finite(values), 1.5 * 2.0**15), rng)
    write("en_dtypes.txt", ["en_dtypes", "numpy"], lines + cast_lines("hif8", x, x.astype(en_dtypes.hifloat8).view(np.uint8)))


def integer_inputs(rng):
    """f32 inputs around the multiples of one half up to 40, larger ones, and the special values."""
    x = np.arange(0, 40, 0.5, np.float32)
    x = np.concatenate([x, np.nextafter(x, np.float32(np.inf)), np.nextafter(x, np.float32(-1))])
    x = np.concatenate([x, (rng.random(100) * 2.0 ** rng.integers(0, 40, 100)).astype(np.float32)])
    return f32(np.unique(np.concatenate([bits_of(x), bits_of(-x), np.array(SPECIAL_BITS, np.uint32)])))


def write_torch():
    rng = np.random.default_rng(21)
    formats = {
        "e4m3fn": (torch.float8_e4m3fn, ml_dtypes.float8_e4m3fn, 8), "e5m2": (torch.float8_e5m2, ml_dtypes.float8_e5m2, 8),
        "e4m3fnuz": (torch.float8_e4m3fnuz, ml_dtypes.float8_e4m3fnuz, 8),
        "e5m2fnuz": (torch.float8_e5m2fnuz, ml_dtypes.float8_e5m2fnuz, 8),
        "e8m0fnu": (torch.float8_e8m0fnu, ml_dtypes.float8_e8m0fnu, 8),
        "bf16": (torch.bfloat16, ml_dtypes.bfloat16, 16), "f16": (torch.float16, np.float16, 16),
    }
    lines = []
    for name, (dtype, twin, bits) in formats.items():
        x = inputs(finite(codes_of(twin, bits)), rng)
        whole = torch.uint8 if bits <= 8 else torch.uint16
        lines += cast_lines(name, x, torch.from_numpy(x).to(dtype).view(whole).numpy())
    for name, dtype in {"int8": torch.int8, "uint8": torch.uint8}.items():
        x = integer_inputs(rng)
        # Beyond i32 the result depends on the processor's instructions.
        x = x[np.abs(x) < 2**31]
        lines += cast_lines(name, x, torch.from_numpy(x).to(dtype).view(torch.uint8).numpy())
    write("torch.txt", ["torch"], lines)


GFLOAT_MODES = {
    "toward-zero": RoundMode.TowardZero, "down": RoundMode.TowardNegative, "up": RoundMode.TowardPositive,
    "ties-even": RoundMode.TiesToEven, "ties-away": RoundMode.TiesToAway, "stochastic5": RoundMode.StochasticFastest,
    "stochastic-middle5": RoundMode.StochasticFast, "stochastic-nearest5": RoundMode.Stochastic,
    "stochastic-odd5": RoundMode.StochasticOdd,
}


def gfloat_values(fi):
    return np.array([gfloat.decode_float(fi, code).fval for code in range(2**fi.k)])


def write_gfloat():
    rng = np.random.default_rng(22)
    from gfloat import formats as g

    infos = {
        "e4m3fn": g.format_info_ocp_e4m3, "e5m2": g.format_info_ocp_e5m2, "e3m2fn": g.format_info_ocp_e3m2,
        "e2m3fn": g.format_info_ocp_e2m3, "e2m1fn": g.format_info_ocp_e2m1, "e8m0fnu": g.format_info_ocp_e8m0,
    }
    for k, p, s, d in [
        (3, 2, "s", "f"), (4, 2, "s", "f"), (5, 1, "s", "e"), (5, 3, "u", "e"), (6, 3, "s", "e"), (6, 6, "u", "f"),
        (8, 1, "u", "f"), (8, 3, "s", "e"), (8, 4, "s", "e"), (8, 4, "s", "f"), (8, 5, "u", "e"),
    ]:
        infos[f"binary{k}p{p}{s}{d}"] = p3109(k, p, s, d)
    lines = []
    for name, fi in infos.items():
        values = gfloat_values(fi)
        x = inputs(finite(values), rng, most=120)
        # gfloat's round_float gives values outside the format for negative inputs of unsigned formats.
        x = x if fi.is_signed else x[~np.signbit(x)]
        x = x[rng.permutation(len(x))[:80]]
        for mode_name, mode in GFLOAT_MODES.items():
            for sat, overflow in [(True, "saturate"), (False, "ieee")]:
                lines.append(f"[{name} {mode_name} {overflow}]")
                for value in x:
                    random = int(rng.integers(0, 32))
                    try:
                        rounded = gfloat.round_float(fi, float(value), mode, sat, random, 5)
                        code = f"{gfloat.encode_float(fi, rounded):x}"
                    except ValueError:
                        # gfloat refuses what the format has no special value for.
                        code = "-"
                    lines.append(f"{int(bits_of(value)):08x} {random:x} {code}")
    write("gfloat.txt", ["gfloat", "numpy"], lines)


def write_gfloat_wide():
    """16-bit formats in every mode, and every P3109 format of up to 8 bits, and some of up to 16, to nearest even."""
    rng = np.random.default_rng(24)
    from gfloat import formats as g

    lines = []

    def section(name, fi, mode_name, sat, x):
        lines.append(f"[{name} {mode_name} {'saturate' if sat else 'ieee'}]")
        for value in x if fi.is_signed else np.abs(x):
            random = int(rng.integers(0, 32))
            try:
                rounded = gfloat.round_float(fi, float(value), GFLOAT_MODES[mode_name], sat, random, 5)
                code = f"{gfloat.encode_float(fi, rounded):x}"
            except ValueError:
                code = "-"
            lines.append(f"{int(bits_of(value)):08x} {random:x} {code}")

    def around(fi, count):
        """f32 inputs at values of the format, between two, and next to these."""
        codes = rng.choice(2 ** (fi.k - fi.signBits) - 2, count, replace=False)
        ends = [1, 2, 2 ** (fi.k - fi.signBits) - 3]
        values = np.array([gfloat.decode_float(fi, int(c)).fval for c in [*codes, *ends]])
        following = np.array([gfloat.decode_float(fi, int(c) + 1).fval for c in [*codes, *ends]])
        part = rng.choice([0, 0.25, 0.5, 0.5, 0.75], len(values))
        x = np.where(np.isfinite(following), values + (following - values) * part, values * 1.5)
        x = x.astype(np.float32)
        x = rng.choice([x, np.nextafter(x, np.float32(np.inf)), np.nextafter(x, np.float32(0))], axis=0)
        return np.where(rng.random(len(x)) < 0.5, -x, x).astype(np.float32)

    for name, fi in {"bf16": g.format_info_bfloat16, "f16": g.format_info_binary16}.items():
        for mode_name in GFLOAT_MODES:
            for sat in [True, False]:
                section(name, fi, mode_name, sat, np.append(around(fi, 60), f32([0x7F800000, 0x80000000, 0x7F7FFFFF])))
    for k in [*range(3, 9), 10, 12, 14, 16]:
        for s in "su":
            for p in range(1, k if s == "s" else k + 1):
                # Beyond 8 bits, formats within the range of f32 whose precision it exceeds.
                exponent_bits = k - p + (s == "u")
                if k > 8 and not 3 <= exponent_bits <= 7:
                    continue
                for d in "ef":
                    fi = p3109(k, p, s, d)
                    x = around(fi, min(12, 2 ** (k - (s == "s")) - 3))
                    section(f"binary{k}p{p}{s}{d}", fi, "ties-even", bool(rng.integers(0, 2)), x)
    write("gfloat_wide.txt", ["gfloat", "numpy"], lines)


def p3109(k, p, s, d):
    signedness = Signedness.Signed if s == "s" else Signedness.Unsigned
    return format_info_p3109(k, p, signedness, Domain.Extended if d == "e" else Domain.Finite)


def write_p3109_values():
    lines = []
    for k in range(3, 9):
        for s in "su":
            for p in range(1, k if s == "s" else k + 1):
                for d in "ef":
                    values = gfloat_values(p3109(k, p, s, d))
                    narrow = values.astype(np.float32)
                    assert np.array_equal(narrow.astype(np.float64), values, equal_nan=True)
                    lines.append(f"[binary{k}p{p}{s}{d}]")
                    lines.append(" ".join("nan" if np.isnan(v) else f"{int(bits_of(v)):x}" for v in narrow))
    write("gfloat_p3109_values.txt", ["gfloat", "numpy"], lines)


MX_ELEMENTS = {
    "e4m3fn": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2, "e3m2fn": DTYPE_FP6_E3M2, "e2m3fn": DTYPE_FP6_E2M3,
    "e2m1fn": torch.float4_e2m1fn_x2,
}


def write_torchao():
    rng = np.random.default_rng(23)
    tops = [448.0, 57344.0, 28.0, 7.5, 6.0, 1.0, 1.25, 1.5, 1.75, 1.875, 1.9375, 1.96875]
    exponents = [-149, -140, -135, -134, -131, -128, -127, -126, -125, -100, -9, -1, 0, 1, 7, 60, 118, 119, 126, 127]
    amax = np.array([t * 2.0**e for t in tops for e in exponents], np.float64).astype(np.float32)
    amax = amax[np.isfinite(amax)]
    amax = np.concatenate([amax, np.nextafter(amax, np.float32(np.inf)), np.nextafter(amax, np.float32(0))])
    random = rng.integers(0, 0x7F800000, 300, dtype=np.uint64).astype(np.uint32)
    amax = f32(np.unique(np.concatenate([bits_of(amax), random, np.array([0, 0x7F800000, 0x7FC00000], np.uint32)])))
    blocks = torch.zeros(len(amax), 32)
    blocks[:, 5] = torch.from_numpy(amax)
    lines = []
    for name, dtype in MX_ELEMENTS.items():
        for mode in ScaleCalculationMode:
            scale, _ = to_mx(blocks, dtype, 32, mode)
            codes = scale.view(torch.uint8).flatten().numpy()
            lines += cast_lines(f"{name} {mode.name.lower()}", amax, codes)
    write("torchao_scales.txt", ["torchao", "torch"], lines)


def blocks(rng, count, size, exponents, specials=True):
    """Blocks whose largest magnitudes lie where scale rules turn, with ties of narrow formats among the others."""
    tops = np.array([448, 57344, 28, 7.5, 6, 1, 1.25, 1.5, 1.75, 1.875, 1.9375, 1.96875, 127, 8, 15])
    rows = []
    for _ in range(count):
        top = np.float32(rng.choice(tops) * 2.0 ** int(rng.choice(exponents)))
        top = np.nextafter(top, np.float32(rng.choice([0, 1, np.inf]))) if rng.integers(3) else top
        power = 2.0 ** np.floor(np.log2(np.float64(top)))
        grid = power * rng.integers(-32, 33, size) / 32 * 2.0 ** -rng.integers(0, 8, size)
        spread = np.float64(top) * rng.uniform(-1, 1, size) * 2.0 ** -rng.integers(0, 20, size)
        row = np.where(rng.integers(0, 2, size) == 0, grid, spread).astype(np.float32)
        row[rng.integers(0, size, size // 8)] = rng.choice([0.0, -0.0])
        row = np.where(np.abs(row) > top, np.float32(0), row)
        row[rng.integers(0, size)] = top * rng.choice(np.float32([-1, 1]))
        rows.append(row)
    if specials:
        rows.append(np.zeros(size, np.float32))
        for value in [np.nan, np.inf, -np.inf]:
            row = rows[int(rng.integers(0, count))].copy()
            row[int(rng.integers(0, size))] = value
            rows.append(row)
    return np.array(rows, np.float32)


def words(row):
    return " ".join(f"{int(b):08x}" for b in bits_of(row))


def octets(row):
    return "".join(f"{int(b):02x}" for b in row)


def write_torchao_blocks():
    rng = np.random.default_rng(24)
    x = blocks(rng, 120, 32, [-140, -134, -128, -126, -120, -30, -9, -1, 0, 1, 7, 40, 100, 112])
    lines = ["[blocks]"] + [words(row) for row in x]
    for name, dtype in MX_ELEMENTS.items():
        for mode in ScaleCalculationMode:
            scale, data = to_mx(torch.from_numpy(x), dtype, 32, mode)
            data = unpack_uint4(data) if name == "e2m1fn" else data
            codes = data.view(torch.uint8).reshape(x.shape).numpy()
            lines.append(f"[{name} {mode.name.lower()}]")
            scales = scale.view(torch.uint8).flatten().numpy()
            lines += [f"{int(s):02x} {octets(row)}" for s, row in zip(scales, codes)]
    write("torchao_blocks.txt", ["torchao", "torch"], lines)


def write_torchao_nvfp4():
    rng = np.random.default_rng(25)
    lines = []
    for spread in [4, 12, 40]:
        for base in [-60, -3, 0, 5, 50]:
            x = blocks(rng, 24, 16, np.arange(base - spread, base + 1), specials=False)
            x = np.concatenate([x, np.zeros((1, 16), np.float32)])
            data = torch.from_numpy(x)
            tensor_scale = per_tensor_amax_to_scale(data.abs().max())
            for outer in [tensor_scale, None]:
                scales, packed = nvfp4_quantize(data, 16, outer)
                title = "nvfp4" if outer is not None else "mx(e2m1fn,e4m3fn,16)"
                lines.append(f"[{title}]")
                lines.append("-" if outer is None else f"{int(bits_of(outer.numpy())):08x}")
                codes = unpack_uint4(packed).reshape(x.shape).numpy()
                scales = scales.view(torch.uint8).flatten().numpy()
                lines += [f"{words(r)} {int(s):02x} {octets(c)}" for r, s, c in zip(x, scales, codes)]
    write("torchao_nvfp4.txt", ["torchao", "torch"], lines)


def write_gguf():
    rng = np.random.default_rng(26)
    types = gguf.GGMLQuantizationType
    lines = []
    for kind in [types.Q4_0, types.Q4_1, types.Q8_0, types.MXFP4, types.TQ2_0]:
        size, _ = gguf.GGML_QUANT_SIZES[kind]
        count = 80 if size == 32 else 8
        # Scales down to where 1 / scale is infinite, and up to where f16 is.
        x = blocks(rng, count, size, [-140, -136, -130, -126, -24, -16, -9, -1, 0, 1, 7, 12, 20, 40, 100], specials=False)
        opposite = x[: count // 4].copy()
        for row in opposite:
            # The largest magnitude with both signs.
            row[rng.permutation(size)[:2]] = np.float32(np.abs(row).max()) * np.float32([1, -1])
        shifted = x[count // 4 : count // 2] + np.float32(3)
        x = np.concatenate([x, opposite, shifted, np.zeros((1, size), np.float32), np.full((1, size), -1.5, np.float32)])
        data = gguf.quants.quantize(x, kind).reshape(len(x), -1)
        values = gguf.quants.dequantize(data, kind).reshape(len(x), -1)
        lines.append(f"[{kind.name.lower()}]")
        lines += [f"{words(r)} {octets(b)} {words(v)}" for r, b, v in zip(x, data, values)]
    write("gguf.txt", ["gguf", "numpy"], lines)


if __name__ == "__main__":
    write_ml_dtypes()
    write_en_dtypes()
    write_torch()
    write_gfloat()
    write_gfloat_wide()
    write_p3109_values()
    write_torchao()
    write_torchao_blocks()
    write_torchao_nvfp4()
    write_gguf()

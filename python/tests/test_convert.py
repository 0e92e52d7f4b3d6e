"""Codes against ml_dtypes, and what holds for casts."""

import numpy as np
import pytest

import fewbit

ml_dtypes = pytest.importorskip("ml_dtypes")

#: Its float types; ml_dtypes overflows to infinity, else to NaN, else to the largest value.
FLOATS = [
    name
    for name in dir(ml_dtypes)
    if name.startswith(("float", "bfloat"))
    and isinstance(getattr(ml_dtypes, name), type)
    and name not in ("finfo", "float8_e8m0fnu")
]


def every_half():
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)


def random_floats(rng):
    bits = rng.integers(0, 1 << 32, 200_000, dtype=np.uint32).view(np.float32)
    near = (rng.standard_normal(200_000) * np.exp2(rng.integers(-20, 20, 200_000))).astype(np.float32)
    return np.concatenate([bits, near, -near])


def test_all_of_its_types_are_there():
    assert {"bfloat16", "float8_e4m3fn", "float8_e5m2fnuz", "float6_e2m3fn", "float4_e2m1fn"} <= set(FLOATS)


@pytest.mark.parametrize("name", FLOATS)
def test_codes_are_those_of_ml_dtypes(rng, name):
    dtype = getattr(ml_dtypes, name)
    x = np.concatenate([every_half(), random_floats(rng)])
    with np.errstate(all="ignore"):
        theirs = x.astype(dtype)
    codes = fewbit.encode(x, name, preset="ml_dtypes-0.5")
    ours = codes.view(dtype)
    assert ours.dtype == theirs.dtype
    nan = np.isnan(theirs.astype(np.float32))
    if name.endswith("u"):
        # No sign: a negative value that rounds to zero is NaN there; zero here, as any value that rounds to one.
        vanishes = (x < 0) & (codes == 0)
        assert vanishes.any() and nan[vanishes].all()
        codes, theirs, ours, nan = (a[~vanishes] for a in (codes, theirs, ours, nan))
    np.testing.assert_array_equal(np.isnan(fewbit.decode(codes, name)), nan)
    np.testing.assert_array_equal(codes[~nan], theirs.view(codes.dtype)[~nan])
    # And back: every value of ours is the one that they have.
    np.testing.assert_array_equal(
        fewbit.decode(codes, name)[~nan].view(np.uint32), ours.astype(np.float32)[~nan].view(np.uint32)
    )


@pytest.mark.parametrize("name", ["int4", "uint4", "int2", "uint2"])
def test_small_integers(name):
    dtype = getattr(ml_dtypes, name)
    info = ml_dtypes.iinfo(dtype)
    x = np.arange(info.min, info.max + 1, dtype=np.int64)
    codes = fewbit.encode(x, name)
    np.testing.assert_array_equal(fewbit.decode(codes, name), x)
    np.testing.assert_array_equal(fewbit.encode(x.astype(dtype), name), codes)


def test_the_oracle_objects():
    x = every_half()
    codes = fewbit.encode(x, "e4m3fn", preset="ml_dtypes-0.5", rounding="up")
    with np.errstate(all="ignore"):
        theirs = x.astype(ml_dtypes.float8_e4m3fn).view(np.uint8)
    assert (codes != theirs).sum() > 1000


@pytest.mark.parametrize("format", ["e4m3fn", "int8", "fix8.4", "posit8", "f16", "tf32", "binary8p3se", "e2m1fn"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_cast_is_encode_and_decode(rng, format, dtype):
    x = rng.standard_normal(20_001).astype(dtype) * 30
    for rounding in ("ties-even", "toward-zero", "stochastic8"):
        codes = fewbit.encode(x, format, rounding=rounding, seed=5)
        values = fewbit.cast(x, format, rounding=rounding, seed=5)
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, fewbit.decode(codes, format))


def test_doubles_are_rounded_once():
    # A tie of f16 that lies a little above its middle: rounding to float32 first would make it one.
    x = np.float64([1 + 2.0**-11 + 2.0**-40])
    assert fewbit.cast(x, "f16")[0] == 1 + 2.0**-10
    assert fewbit.cast(x.astype(np.float32), "f16")[0] == 1.0


def test_every_threads_and_strides(rng):
    x = rng.standard_normal((300, 500)).astype(np.float32)
    one = fewbit.cast(x, "e4m3fn", rounding="stochastic8", seed=3, threads=1)
    for threads in (2, 8, None):
        np.testing.assert_array_equal(fewbit.cast(x, "e4m3fn", rounding="stochastic8", seed=3, threads=threads), one)
    np.testing.assert_array_equal(fewbit.cast(x.T[::2, ::-3], "e4m3fn"), fewbit.cast(x, "e4m3fn").T[::2, ::-3])
    np.testing.assert_array_equal(fewbit.cast(x.astype(">f4"), "e4m3fn"), fewbit.cast(x, "e4m3fn"))


def test_shapes_and_out():
    assert fewbit.cast(np.zeros((0, 3), np.float32), "e4m3fn").shape == (0, 3)
    assert fewbit.encode(np.float32(3.1), "e4m3fn").shape == ()
    out = np.empty((2, 2), np.float32)
    assert fewbit.cast([[1, 2], [3, 4]], "int8", out=out) is out
    np.testing.assert_array_equal(out, [[1, 2], [3, 4]])


def test_integers_of_64_bits():
    x = np.array([2**53 + 1, -(2**62)], dtype=np.int64)
    np.testing.assert_array_equal(fewbit.cast(x, "f32", rounding="up"), np.float32([2**53 + 2**30, -(2**62)]))


def test_groups_are_quantized_along_the_last_axis(rng):
    x = rng.standard_normal((3, 70)).astype(np.float32)
    np.testing.assert_array_equal(fewbit.cast(x, "mxfp4"), fewbit.quantize(x, "mxfp4").dequantize())
    q = fewbit.quantize(x, "nvfp4", preset="torchao-0.13-nvfp4")
    assert q.outer_scale is not None and q.scale_format == "e4m3fn" and q.scale_codes.shape == (3, 5)

"""Requantization against statements of the stacks' rules in Python integers."""

import fractions

import numpy as np
import pytest

import fewbit
import oracles


def values(rng):
    edges = [0, 1, -1, 2**31 - 1, -(2**31), 2**30, -(2**30)]
    return np.concatenate([edges, rng.integers(-(2**31), 2**31, 500), rng.integers(-1000, 1000, 500)])


@pytest.mark.parametrize("policy", ["tosa32", "tosa32-double"])
@pytest.mark.parametrize("multiplier,shift", [(1 << 30, 33), (1518500250, 40), (2**31 - 1, 62), (12345, 32), (2**30 + 1, 31)])
def test_tosa(rng, policy, multiplier, shift):
    x = values(rng)
    # The specification takes values of less than 2^(shift - 1), and results of 32 bits.
    scaled = [oracles.apply_scale_32(int(v), multiplier, shift, policy.endswith("double")) for v in x]
    keep = [i for i, v in enumerate(x) if -(2 ** (shift - 1)) <= v < 2 ** (shift - 1) and -(2**31) <= scaled[i] < 2**31]
    assert len(keep) > 500
    for to, zero_point in [("int8", 3), ("int16", -7), ("uint8", 128)]:
        low, high = (0, 255) if to == "uint8" else (-(2 ** (int(to[3:]) - 1)), 2 ** (int(to[3:]) - 1) - 1)
        expected = [min(max(scaled[i] + zero_point, low), high) for i in keep]
        found = fewbit.requantize(x[keep], policy, to, multiplier=multiplier, shift=shift, zero_point=zero_point)
        assert found.dtype == to
        np.testing.assert_array_equal(found, expected)


def test_the_oracle_objects(rng):
    x = rng.integers(-(2**29), 2**29, 500)
    single = [oracles.apply_scale_32(int(v), 1 << 30, 36, False) for v in x]
    double = [oracles.apply_scale_32(int(v), 1 << 30, 36, True) for v in x]
    assert single != double


def test_exact_scales_are_rounded_once(rng):
    x = rng.integers(-(2**40), 2**40, 500)
    scale = 0.1
    expected = [round(fractions.Fraction(scale) * int(v)) for v in x]  # ties to even
    found = fewbit.requantize(x, "exact-ties-even", "int32", scale=scale, overflow="wrap")
    np.testing.assert_array_equal(found, [(e + 2**31) % 2**32 - 2**31 for e in expected])


def test_channels_are_the_last_axis():
    x = np.arange(-12, 12).reshape(2, 3, 4) * 100
    by_channel = fewbit.requantize(x, "onnx", "int8", scale=[0.5, 0.25, 0.1, 1.0], bias=[1, 2, 3, 4])
    for channel, (scale, bias) in enumerate(zip([0.5, 0.25, 0.1, 1.0], [1, 2, 3, 4])):
        alone = fewbit.requantize(x[..., channel], "onnx", "int8", scale=scale, bias=bias)
        np.testing.assert_array_equal(by_channel[..., channel], alone)
        expected = np.clip(np.rint((x[..., channel] + bias).astype(np.float32) * np.float32(scale)), -128, 127)
        np.testing.assert_array_equal(alone, expected)


def test_thresholds_and_shifts():
    np.testing.assert_array_equal(
        fewbit.requantize([[-5, 0, 3], [10, 2, 1]], "thresholds", "uint4", thresholds=[[-6, -5], [0, 1], [2, 4]]),
        [[2, 1, 1], [2, 2, 0]],
    )
    x = np.arange(-64, 64)
    np.testing.assert_array_equal(
        fewbit.requantize(x, "shift-ties-up", "int8", shift=3), np.floor(x / 8 + 0.5).astype(int)
    )


def test_refusals():
    with pytest.raises(ValueError, match="give scale, or multiplier and shift"):
        fewbit.requantize([1], "gemmlowp", "int8")
    with pytest.raises(ValueError, match="is no integer format"):
        fewbit.requantize([1], "gemmlowp", "e4m3fn", scale=0.5)
    with pytest.raises(ValueError, match="2 channels .* shape"):
        fewbit.requantize([1, 2, 3], "gemmlowp", "int8", scale=[0.5, 0.25])
    with pytest.raises(ValueError, match="gemmlowpp"):
        fewbit.requantize([1], "gemmlowpp", "int8", scale=0.5)
    with pytest.raises(ValueError, match="out_bias has no meaning"):
        fewbit.requantize([1], "gemmlowp", "int8", scale=0.5, out_bias=1)
    with pytest.raises(TypeError, match="float64"):
        fewbit.requantize([1.5], "gemmlowp", "int8", scale=0.5)

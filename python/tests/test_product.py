"""Products against loops over Python integers."""

import numpy as np
import pytest

import fewbit
import oracles
from oracles import Stage

CASES = {
    "int16-sat": [Stage(16, "sat")],
    "int16-wrap": [Stage(16, "wrap")],
    "int18-sat": [Stage(18, "sat")],
    "exact": [Stage()],
    "int20-sat*8": [Stage(20, "sat", width=8)],
    "exact/8,int14-sat": [Stage(count=8), Stage(14, "sat")],
    "int12-wrap/16,int14-sat": [Stage(12, "wrap", count=16), Stage(14, "sat")],
    "int15-sat/7,int16-wrap*3/2,int17-sat": [
        Stage(15, "sat", count=7),
        Stage(16, "wrap", width=3, count=2),
        Stage(17, "sat"),
    ],
}


def operands(rng, kind, m=3, k=75, n=4):
    """Full range, extremes, and sums that rise and cancel."""
    if kind == "random":
        return rng.integers(-128, 128, (m, k), dtype=np.int8), rng.integers(-128, 128, (k, n), dtype=np.int8)
    if kind == "extremes":
        return rng.choice(np.int8([-128, 127]), (m, k)), rng.choice(np.int8([-128, 127]), (k, n))
    a = np.full((m, k), 127, dtype=np.int8)
    b = np.where(np.arange(k)[:, None] < k // 2, 127, -128).astype(np.int8)
    return a, np.repeat(b, n, axis=1)


@pytest.mark.parametrize("kind", ["random", "extremes", "rising"])
@pytest.mark.parametrize("acc", CASES)
def test_matmul_is_the_loop(rng, acc, kind):
    a, b = operands(rng, kind)
    expected, report = oracles.matmul(CASES[acc], a, b)
    product = fewbit.matmul(a, b, acc)
    np.testing.assert_array_equal(product.values, expected)
    for found, stage in zip(product.report.stages, report):
        assert (found.events, found.outputs, found.min, found.max) == tuple(
            stage[name] for name in ("events", "outputs", "min", "max")
        )
        first = found.first and (found.first.row, found.first.col, found.first.k, found.first.value)
        assert first == stage["first"]
    assert product.report.events == sum(stage["events"] for stage in report)


def test_the_oracle_objects():
    a = np.full((1, 3), 100, dtype=np.int8)
    ones = np.ones((3, 1), dtype=np.int8)
    wrong, _ = oracles.matmul([Stage(9, "sat")], a, ones)
    assert wrong[0, 0] == 255 != fewbit.matmul(a, ones, "int8-sat").values[0, 0] == 127


def test_required_bits_are_those_of_the_exact_sums(rng):
    a, b = operands(rng, "random")
    sums = np.cumsum(a[:, :, None].astype(np.int64) * b[None].astype(np.int64), axis=1)
    needed = [[(int(x) if x >= 0 else ~int(x)).bit_length() + 1 for x in sums[i, :, j]] for i in range(3) for j in range(4)]
    widths = [max(bits) for bits in needed]
    stage = fewbit.matmul(a, b, "int8-sat").report.stages[0]
    assert stage.required_bits == max(widths)
    assert stage.histogram == {bits: widths.count(bits) for bits in set(widths)}
    assert [stage.overflowing(bits) for bits in range(8, 24)] == [sum(w > bits for w in widths) for bits in range(8, 24)]


@pytest.mark.parametrize("dtypes", [("int8", "uint8"), ("uint16", "int16"), ("int32", "uint32"), ("int64", "bool")])
def test_every_type_and_stride(rng, dtypes):
    a = rng.integers(0, 2, (6, 40)).astype(dtypes[0])[::2, ::-2]
    b = np.asfortranarray(rng.integers(0, 2, (20, 5)).astype(dtypes[1]))
    expected = a.astype(object) @ b.astype(object)
    np.testing.assert_array_equal(fewbit.matmul(a, b, "exact").values, expected.astype(np.int64))


def test_initial_values(rng):
    a, b = operands(rng, "random", k=5)
    init = rng.integers(-30000, 30000, (3, 4))
    widened = np.concatenate([np.ones((3, 1), np.int64), a], axis=1)
    for row in range(3):
        for col in range(4):
            products = [int(init[row, col]) * int(widened[row, 0])] + [int(x) * int(y) for x, y in zip(a[row], b[:, col])]
            value, _ = oracles.through([Stage(16, "sat")], products)
            found = fewbit.matmul(a[row : row + 1], b[:, col : col + 1], "int16-sat", init=init[row : row + 1, col : col + 1])
            assert found.values[0, 0] == value


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "padding": 1},
        {"padding": 2},
        {"stride": (1, 2), "padding": ((2, 0), (0, 1)), "dilation": (2, 1), "padding_code": 3},
        {"groups": 2, "padding": (1, 2)},
        {"groups": 4, "dilation": 2},
    ],
)
def test_conv2d_is_the_loop(rng, options):
    groups = options.get("groups", 1)
    x = rng.integers(0, 256, (2, 4, 6, 7), dtype=np.uint8)
    w = rng.integers(-128, 128, (4, 4 // groups, 3, 2), dtype=np.int8)

    def pair(value):
        return (value, value) if isinstance(value, int) else tuple(value)

    padding = [pair(item) for item in pair(options.get("padding", 0))]
    expected, events = oracles.conv2d(
        [Stage(16, "sat", count=5), Stage(17, "wrap")],
        x,
        w,
        stride=pair(options.get("stride", 1)),
        padding=padding,
        dilation=pair(options.get("dilation", 1)),
        groups=groups,
        padding_code=options.get("padding_code", 0),
    )
    product = fewbit.conv2d(x, w, "int16-sat/5,int17-wrap", **options)
    np.testing.assert_array_equal(product.values, expected)
    assert product.report.events == events > 0


def test_float_registers_round_at_every_product(rng):
    a = rng.standard_normal((4, 50)).astype(np.float16)
    b = rng.standard_normal((50, 3)).astype(np.float16)
    expected = np.zeros((4, 3), np.float16)
    for k in range(50):
        # Products have 22 bits, and with a half they are exact in float64 here; so this is one rounding, to half.
        expected = (expected.astype(np.float64) + np.outer(a[:, k].astype(np.float64), b[k])).astype(np.float16)
    product = fewbit.matmul(a, b, "e5m10-rne")
    np.testing.assert_array_equal(product.values, expected.astype(np.float64))
    stage = product.report.stages[0]
    assert stage.steps == 600 and stage.inexact > 500 and stage.events == 0 and product.engine == "lanes"


def test_codes_values_and_extension_types_are_one(rng):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    a = rng.standard_normal((3, 64)).astype(np.float32)
    b = rng.standard_normal((64, 2)).astype(np.float32)
    codes = fewbit.encode(a, "e4m3fn"), fewbit.encode(b, "e5m2")
    by_codes = fewbit.matmul(*codes, "f32", a_format="e4m3fn", b_format="e5m2")
    by_values = fewbit.matmul(fewbit.cast(a, "e4m3fn"), fewbit.cast(b, "e5m2"), "f32", a_format="e4m3fn", b_format="e5m2")
    rounded = fewbit.matmul(a, b, "f32", a_format="e4m3fn", b_format="e5m2", rounding="ties-even")
    typed = fewbit.matmul(codes[0].view(ml_dtypes.float8_e4m3fn), codes[1].view(ml_dtypes.float8_e5m2), "f32")
    for other in (by_values, rounded, typed):
        np.testing.assert_array_equal(by_codes.values, other.values)


def test_group_tensors_bring_their_block_scales(rng):
    a, b = rng.standard_normal((3, 64)), rng.standard_normal((64, 2))
    qa = fewbit.quantize(a.astype(np.float32), "mxfp4")
    qb = fewbit.quantize(b.astype(np.float32), "mxfp4", axis=0)
    product = fewbit.matmul(qa, qb, "exact")
    expected = qa.dequantize().astype(np.float64) @ qb.dequantize().astype(np.float64)
    np.testing.assert_array_equal(product.values, expected)  # a few bits each: float64 is exact
    by_hand = fewbit.matmul(
        qa.codes, qb.codes, "exact", a_format="e2m1fn", b_format="e2m1fn", a_scales=qa.scale_codes, b_scales=qb.scale_codes
    )
    np.testing.assert_array_equal(by_hand.values, expected)
    with pytest.raises(ValueError, match="groups along axis 1"):
        fewbit.matmul(qa, fewbit.quantize(b.astype(np.float32), "mxfp4"), "exact")


def test_empty_products():
    assert fewbit.matmul(np.zeros((0, 3), np.int8), np.zeros((3, 2), np.int8), "int8-sat").values.shape == (0, 2)
    np.testing.assert_array_equal(fewbit.matmul(np.zeros((2, 0), np.int8), np.zeros((0, 2), np.int8), "int8-sat").values, 0)


def test_reports_and_threads_do_not_change_values(rng):
    a, b = operands(rng, "random", m=40, n=50)
    products = [
        fewbit.matmul(a, b, "int14-sat/16,int16-wrap", report=report, threads=threads)
        for report in ("none", "events", "full")
        for threads in (1, 2, 8)
    ]
    for product in products:
        np.testing.assert_array_equal(product.values, products[0].values)
    assert products[0].report is None
    events, full = products[3].report, products[6].report
    assert [s.events for s in events.stages] == [s.events for s in full.stages]
    assert events.stages[0].required_bits is None and full.stages[0].required_bits > 14
    assert products[7].report == products[8].report == full

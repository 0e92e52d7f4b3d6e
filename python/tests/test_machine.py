"""Machines against products."""

import copy

import numpy as np
import pytest

import fewbit


def products(rng, k=61):
    a = rng.integers(-128, 128, (2, k), dtype=np.int8)
    b = rng.integers(-128, 128, (k, 3), dtype=np.int8)
    return a, b


@pytest.mark.parametrize("acc", ["int16-sat", "int14-wrap", "int12-wrap/16,int14-sat", "int15-sat*4%2", "exact/8,int14-sat"])
def test_a_machine_is_the_product(rng, acc):
    a, b = products(rng)
    whole = fewbit.matmul(a, b, acc)
    events = 0
    for i in range(2):
        for j in range(3):
            alone = fewbit.matmul(a[i : i + 1], b[:, j : j + 1], acc)
            mac = fewbit.Machine(acc)
            steps = [step for x, y in zip(a[i], b[:, j]) for step in mac.push(int(x) * int(y))]
            drained = fewbit.Machine(acc)
            drained.push_group(a[i].astype(np.int64) * b[:, j])
            assert mac.stages == drained.stages and mac.value == drained.value
            steps += mac.drain_steps()
            assert mac.value == whole.values[i, j] == drained.drain()
            assert mac.report == alone.report == drained.report
            assert sum(step.event for step in steps) == mac.events == alone.report.events
            assert steps[-1].after == mac.value
            events += mac.events
    assert events == whole.report.events > 0


@pytest.mark.parametrize("acc", ["f16", "bf16/4,f32", "aligned13-rz:e8m13-rz*32/128,f32", "preset:h100-wgmma-fp8"])
def test_a_machine_of_codes_is_the_product(rng, acc):
    a = fewbit.encode(rng.standard_normal((1, 96)) * 4, "e4m3fn")
    b = fewbit.encode(rng.standard_normal((96, 1)) * 4, "e4m3fn")
    product = fewbit.matmul(a, b, acc, a_format="e4m3fn", b_format="e4m3fn")
    mac = fewbit.Machine(acc, a="e4m3fn", b="e4m3fn")
    for x, y in zip(a[0], b[:, 0]):
        mac.push_codes(int(x), int(y))
    assert mac.drain() == product.values[0, 0]
    assert mac.report == product.report
    many = fewbit.Machine(acc, a="e4m3fn", b="e4m3fn")
    many.push_codes(a[0], b[:, 0])
    assert many.drain() == product.values[0, 0]


def test_integers_as_codes():
    mac = fewbit.Machine("int16-sat", a="int8", b="uint8")
    step = mac.push_codes(0x80, 0xFF)[0]
    assert (step.input, step.after, mac.value) == (-128 * 255, -32640, -32640)
    assert isinstance(mac.value, int)


def test_scaled_codes():
    mac = fewbit.Machine("f32", a="e2m1fn", b="e2m1fn", a_scale="e8m0fnu", b_scale="e8m0fnu")
    mac.push_codes(0b0111, 0b0010, 128, 126)  # 6 * 1, times 2 * 0.5
    assert mac.value == 6.0
    with pytest.raises(ValueError, match="2 scale"):
        mac.push_codes(0, 0)


def test_stages_reset_and_copies():
    mac = fewbit.Accumulator("int8-sat*4/8,int16-wrap").machine()
    mac.push_group([100, 100])
    inner, outer = mac.stages
    assert (inner.register, inner.pending, inner.waiting, inner.taken, outer.register) == (0, 200, 2, 2, 0)
    other = copy.deepcopy(mac)
    assert mac.drain() == 127 and other.value == 0
    mac.reset(-5)
    assert (mac.value, mac.events, other.events) == (-5, 0, 0)
    big = fewbit.Machine("exact")
    big.push(1 << 100)
    assert big.value == 1 << 100


@pytest.mark.parametrize("acc", ["int16-sat", "int12-wrap/16,int14-sat", "int40-sat"])
def test_an_array_is_a_product(rng, acc):
    a, b = products(rng)
    product = fewbit.matmul(a, b, acc)
    tile = fewbit.MachineArray(acc, 2, 3)
    tile.push_matmul(a[:, :30], b[:30])
    for k in range(30, 60):
        tile.push_outer(a[:, k], b[k])
    tile.push_products(np.outer(a[:, 60].astype(int), b[60]))
    np.testing.assert_array_equal(tile.drain(), product.values)
    for stage, report in enumerate(product.report.stages):
        assert tile.events(stage).sum() == report.events
    tile.reset([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(tile.values, [[1, 2, 3], [4, 5, 6]])
    assert tile.events().sum() == 0


def test_an_array_wants_its_shape():
    tile = fewbit.MachineArray("int16-sat", 2, 3)
    with pytest.raises(ValueError, match="2 factors of columns .* takes 3"):
        tile.push_outer([1, 2], [1, 2])
    with pytest.raises(ValueError, match="shape"):
        tile.push_products(np.zeros((3, 2), int))
    with pytest.raises(ValueError, match="stage is 1"):
        tile.events(1)
    with pytest.raises(ValueError, match="32 bits"):
        tile.push_outer([1 << 40, 0], [1, 1, 1])

"""Packing, comparison, the scoreboard; and the example under Icarus Verilog."""

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest

import fewbit
from fewbit.cocotb import Compare, Scoreboard, Unknown, pack, random_generator, random_seed, unpack


def test_packing_round_trips(rng):
    for width in (1, 4, 8, 13, 64):
        codes = [int(x) for x in rng.integers(0, 1 << min(width, 62), 9)]
        word = pack(codes, width)
        assert unpack(word, width, 9) == codes and word & ((1 << width) - 1) == codes[0]
        assert unpack(format(word, f"0{9 * width}b"), width, 9) == codes
    assert unpack("z1x0", 1, 4) == [0, Unknown("X"), 1, Unknown("Z")]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: pack([256], 8), "256"),
        (lambda: pack([-129], 8), "-129"),
        (lambda: unpack(1 << 16, 8, 2), "0x10000"),
        (lambda: unpack("01", 8, 2), "2 bits"),
        (lambda: unpack("0123", 1, 4), "0123"),
        (lambda: unpack(None, 8, 1), "None"),
        (lambda: Compare("f16", nan="loud"), "loud"),
        (lambda: Compare("f16", ulp=-1), "-1"),
        (lambda: Scoreboard("f16", width=8), "16 bits"),
        (lambda: Scoreboard("int8", lanes=2).expect([1]), "1 codes"),
        (lambda: Scoreboard("int8").expect("0000000X"), "X"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_ulps_count_codes(rng):
    for format in ("e4m3fn", "int8", "uint4", "posit8", "e2m1fn"):
        info = fewbit.formats(format)[0]
        codes = np.arange(1 << info.bits, dtype=np.uint8)
        values = fewbit.decode(codes, format)
        order = sorted({v for v in values.tolist() if v == v})
        place = {v: i for i, v in enumerate(order)}
        compare = Compare(format, ulp=3, zero_sign="any")
        for a, b in rng.integers(0, 1 << info.bits, (2000, 2)):
            x, y = values[a], values[b]
            if x != x or y != y:
                continue
            assert (compare(int(a), int(b)) is None) == (abs(place[x] - place[y]) <= 3), (format, a, b)


def test_nans_and_zeros():
    quiet, other, loud = 0x7E00, 0xFE01, 0x7C01
    assert Compare("f16")(quiet, other)[0] == "nan"
    assert Compare("f16", nan="quiet")(quiet, other) is None and Compare("f16", nan="quiet")(quiet, loud)[0] == "nan"
    assert Compare("f16", nan="any")(quiet, loud) is None and Compare("f16", nan="any")(quiet, 0x3C00)[0] == "nan"
    assert Compare("f16")(0x0000, 0x8000)[0] == "zero-sign" and Compare("f16", zero_sign="any")(0, 0x8000) is None
    assert Compare("f16", ulp=5)(0x7BFF, 0x7C00)[0] == "value"  # infinity is not one more


def test_a_board_that_checked_nothing_is_not_clean():
    board = Scoreboard("int8")
    with pytest.raises(AssertionError, match="nothing was compared"):
        board.assert_clean()
    board.expect([5])
    with pytest.raises(AssertionError, match="1 word.s. that never came"):
        board.assert_clean()
    board.observe(5)
    board.assert_clean()
    board.observe(5)
    with pytest.raises(AssertionError, match="unexpected"):
        board.assert_clean()
    assert board.counts == {"unexpected": 1}


def test_unknown_bits_are_their_own_kind():
    board = Scoreboard("int8", lanes=2, width=10)
    board.check([-1 & 0xFF, 3], "0000000011" + "00Z1111111")
    assert board.counts == {"unknown": 1} and board.mismatches[0].found == Unknown("00Z1111111")
    board.check([1, 3], pack([1, 0x103], 10))  # bits above the format
    assert board.counts == {"unknown": 1, "value": 1}


def test_the_seed_is_in_the_report(monkeypatch):
    monkeypatch.setenv("COCOTB_RANDOM_SEED", "77")
    assert random_seed() == 77 and "COCOTB_RANDOM_SEED=77" in Scoreboard("int8").report()
    assert random_generator().integers(1 << 40) == np.random.default_rng([77, 0]).integers(1 << 40)


EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "cocotb"


@pytest.mark.parametrize("fault", [0, 1, 2])
def test_the_example_under_icarus(tmp_path, monkeypatch, fault):
    pytest.importorskip("cocotb")
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    runner = get_runner("icarus")
    runner.build(
        sources=[EXAMPLE / "sat_mac.v"], hdl_toplevel="sat_mac", parameters={"FAULT": fault}, build_dir=tmp_path, always=True
    )
    monkeypatch.syspath_prepend(EXAMPLE)  # which the simulator's Python is given
    log = tmp_path / "log.txt"
    results = tmp_path / "results.xml"
    # A bench that fails ends the runner by SystemExit from cocotb 2.1 on.
    with contextlib.suppress(SystemExit):
        runner.test(
            test_module="sat_mac_bench",
            hdl_toplevel="sat_mac",
            build_dir=tmp_path,
            test_dir=tmp_path,
            seed=12345,
            results_xml=str(results),
            log_file=log,
        )
    told = log.read_text()
    assert get_results(results) == (1, int(fault != 0)), told
    assert "COCOTB_RANDOM_SEED=12345 repeats the run" in told
    if fault == 0:
        assert "1600 lanes of int18 compared in 400 word(s), 0 mismatch(es)" in told
    elif fault == 1:
        # A sum below -2^17 that comes back at the other end.
        assert "value: word" in told and "unknown:" not in told
    else:
        assert "unknown: word 0, lane 1 (step 0)" in told and "value:" not in told

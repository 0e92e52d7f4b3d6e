"""Reports as text, tables and pictures; what is picklable; what there is."""

import pickle

import numpy as np
import pytest

import fewbit


@pytest.fixture
def product(rng):
    return fewbit.matmul(rng.integers(-128, 128, (6, 40), np.int8), rng.integers(-128, 128, (40, 5), np.int8), "int12-sat/8,int16-wrap")


@pytest.fixture
def float_product(rng):
    a = rng.standard_normal((3, 32)).astype(np.float16)
    return fewbit.matmul(a, a.T, "f16")


def test_text_and_html(product, float_product):
    lines = str(product.report).splitlines()
    assert lines[0].split()[:3] == ["stage", "events", "outputs"] and len(lines) == 3
    assert "int12-sat/8" in product._repr_html_() and repr(product).startswith("<Product [6, 5] int64 through int12-sat/8,int16-wrap:")
    assert "absorbed" in str(float_product.report) and "<table>" in float_product._repr_html_()
    events = fewbit.matmul(np.int8([[1]]), np.int8([[1]]), "int8-sat", report="events").report
    assert str(events).split() == ["stage", "events", "outputs", "first"][:3] + ["int8-sat", "0", "0"]


def test_reports_are_values(product, float_product):
    for found in (product, float_product):
        assert pickle.loads(pickle.dumps(found)).report == found.report


def test_frames(product, float_product):
    pytest.importorskip("pandas")
    frame = product.report.to_frame()
    assert list(frame.index) == ["int12-sat/8", "int16-wrap"] and frame["events"].sum() == product.report.events
    assert frame.loc["int12-sat/8", "first_k"] == product.report.stages[0].first.k
    assert float_product.report.to_frame()["steps"].iloc[0] == 9 * 32
    assert len(fewbit.bounds([[1, 2], [3, 4]], "uint4", "int8-sat/1,int9-sat").to_frame()) == 4
    assert len(fewbit.sweep([np.ones((1, 4))], np.ones((2, 4)), bits="8..9", constraint="none").to_frame()) == 6
    assert len(fewbit.layer(np.ones((2, 4)), np.ones((3, 4)), algorithm=["rtn", "gptq"]).to_frame()) == 2


def test_pictures(product, float_product):
    pytest.importorskip("matplotlib").use("Agg")
    axes = product.report.plot()
    drawn = axes.lines[0].get_ydata()
    stage = product.report.stages[0]
    assert drawn[0] == sum(stage.histogram.values()) and drawn[-1] == 0 and len(axes.lines) == 4
    float_product.report.plot()
    fewbit.bounds([[1, 2], [3, 4]], "uint4", "int8-sat").plot()
    fewbit.sweep([np.ones((1, 4))], np.ones((2, 4)), bits="8..9", constraint="none").plot()
    fewbit.layer(np.ones((2, 4)), np.ones((3, 4))).plot()
    with pytest.raises(ValueError, match="report='full'"):
        fewbit.matmul(np.int8([[1]]), np.int8([[1]]), "int8-sat", report="events").report.plot()


def test_what_there_is():
    names = [info.name for info in fewbit.formats()]
    assert {"e4m3fn", "bf16", "int8", "posit16"} <= set(names) and len(set(names)) == len(names)
    for info in fewbit.formats():
        assert fewbit.formats(info.name) == [info] and str(info) == info.name
        assert fewbit.cast([1.0], info)[0] in (1.0, 0.0, 2.0, 0.5) or info.bits < 4 or not info.has_zero
    assert fewbit.formats("E4M3FN", "float8_e4m3fn")[0] == fewbit.formats("float8_e4m3fn")[0]
    assert {preset.kind for preset in fewbit.presets()} == {"weight", "activation", "bias", "truncation", "policy"}
    with pytest.raises(ValueError, match="weights"):
        fewbit.presets("weights")
    acc = fewbit.Accumulator("int20-sat*8")
    assert pickle.loads(pickle.dumps(acc)) == acc and len({acc, fewbit.Accumulator("int20-sat*8")}) == 1
    assert fewbit.matmul(np.int8([[1]]), np.int8([[1]]), acc).acc == "int20-sat*8"

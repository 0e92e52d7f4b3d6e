"""Bounds, layers, sweeps, tensors: that Python hands over what it is given and gives back what came."""

import itertools
import pickle

import numpy as np
import pytest

import fewbit


def test_bounds_are_the_worst_of_all_inputs(rng):
    weights = rng.integers(-3, 4, (4, 3))
    found = fewbit.bounds(weights, input_range=(-2, 3), acc="int5-sat", witness=True)
    for row, bound in zip(weights, found.rows):
        sums = [
            np.cumsum([0, *(w * x for w, x in zip(row, inputs))]) for inputs in itertools.product(range(-2, 4), repeat=3)
        ]
        assert bound[0].min == min(s.min() for s in sums) and bound[0].max == max(s.max() for s in sums)
        assert bound[0].fits == (bound[0].min >= -16 and bound[0].max <= 15)
    # The witness overflows a register one bit too narrow, and not the one that is needed.
    for row, bound, witness in zip(weights, found.rows, found.witness):
        bits = bound[0].required_bits
        if bits > 2:
            assert fewbit.matmul(row[None], witness[:, None], f"int{bits - 1}-sat").report.events > 0
        assert fewbit.matmul(row[None], witness[:, None], f"int{max(bits, 2)}-sat").report.events == 0
    per_input = fewbit.bounds(weights, input_range=[[0, 1], [0, 0], [-1, 0]])
    assert per_input.rows[0][0].max == max(weights[0, 0], 0) + max(-weights[0, 2], 0)
    biased = fewbit.bounds([[1]], "uint2", "int8-sat", bias=[100])
    assert (biased.rows[0][0].min, biased.rows[0][0].max) == (100, 103)


def test_a_layer_that_cannot_overflow(rng):
    weights = rng.standard_normal((8, 32)).astype(np.float32)
    inputs = np.maximum(rng.standard_normal((100, 32)), 0).astype(np.float32)
    found = fewbit.layer(weights, inputs, algorithm=["rtn", "gptq"], acts="uint8", acc="int14-sat", constraint="axe")
    assert [c.algorithm for c in found.candidates] == ["rtn", "gptq"] and found.best in found.candidates
    for candidate in found.candidates:
        assert candidate.guaranteed and candidate.events == 0 and candidate.tensor.format == "int4"
        np.testing.assert_array_equal(candidate.tensor.dequantize(), candidate.values)
        # The bounds of its codes say the same.
        assert fewbit.bounds(candidate.tensor.ints(), "uint8", "int14-sat").guaranteed
        error = np.linalg.norm(inputs @ weights.T - inputs @ candidate.values.T) / np.linalg.norm(inputs @ weights.T)
        assert candidate.relative_error == pytest.approx(error, rel=1e-4)
    loose = fewbit.layer(weights, inputs, algorithm="rtn", acts="uint8", acc="int10-sat", constraint="none").best
    assert loose.events > 0 and not loose.guaranteed


def test_a_layer_refuses_what_has_no_meaning(rng):
    w, x = np.ones((2, 4), np.float32), np.ones((3, 4), np.float32)
    with pytest.raises(ValueError, match="acts"):
        fewbit.layer(w, x, acc="int16-sat")
    with pytest.raises(ValueError, match="damping has no meaning for rtn"):
        fewbit.layer(w, x, algorithm="rtn", damping=0.1)
    with pytest.raises(ValueError, match="gptqq"):
        fewbit.layer(w, x, algorithm="gptqq")
    with pytest.raises(ValueError, match="the weights are 2x4 and the inputs 3x5"):
        fewbit.layer(w, np.ones((3, 5), np.float32))


def test_a_sweep(rng):
    layers = [(rng.standard_normal((16, 8)), rng.standard_normal(16)), rng.standard_normal((3, 16))]
    layers = [tuple(x.astype(np.float32) for x in item) if isinstance(item, tuple) else item.astype(np.float32) for item in layers]
    inputs = rng.random((60, 8)).astype(np.float32)
    hidden = np.maximum(inputs @ layers[0][0].T + layers[0][1], 0)
    labels = (hidden @ layers[1].T).argmax(axis=1)
    found = fewbit.sweep(layers, inputs, labels=labels, acc="int{P}-sat", bits="6..16", constraint=("none", "axe"))
    assert found.float_accuracy == 1.0 and len(found.points) == 22
    assert all(point.overflow_share == 0 and point.guaranteed for point in found.points if point.constraint == "axe")
    plain = [point for point in found.points if point.constraint == "none"]
    assert plain[0].overflow_share > 0.5 and plain[-1].sqnr_db is None and plain[-1].accuracy == found.exact_accuracy


def test_tensors_travel(rng, tmp_path):
    x = rng.standard_normal((4, 40)).astype(np.float32)
    for to, options in [
        ("int8", {}),
        ("mxfp4", {}),
        ("nvfp4", {"preset": "torchao-0.13-nvfp4"}),
        ("mx(uint4,f16,16,zero-point)", {"axis": 0}),
        ("Int8WeightPerChannelFloat", {"set": {"bit_width": 4}}),
    ]:
        quantizer = fewbit.Quantizer(to, **options)
        q = quantizer.quantize(x)
        q.save(tmp_path / "q.safetensors")
        assert fewbit.QuantTensor.load(tmp_path / "q.safetensors") == q == pickle.loads(pickle.dumps(q))
        assert fewbit.Quantizer.from_json(quantizer.to_json()).quantize(x) == q == pickle.loads(pickle.dumps(quantizer)).quantize(x)
        assert q.codes.shape == x.shape and np.abs(fewbit.dequantize(q) - x).max() < 0.6
        assert q._repr_html_().startswith("<p><b>") and repr(q).startswith("<QuantTensor")
    assert [path.name for path in tmp_path.iterdir()] == ["q.safetensors"]
    (tmp_path / "q.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="q.safetensors"):
        fewbit.QuantTensor.load(tmp_path / "q.safetensors")


def test_a_tensor_of_parts():
    q = fewbit.QuantTensor([[1, 255], [2, 3]], [[0.5], [2.0]], "int8", granularity=("channel", 0))
    np.testing.assert_array_equal(q.dequantize(), [[0.5, -0.5], [4, 6]])
    assert q.granularity == ("channel", 0)
    with pytest.raises(ValueError, match="shape"):
        fewbit.QuantTensor([[1, 2]], [1.0, 2.0, 3.0], "int8", granularity=("channel", 0))
    with pytest.raises(ValueError, match="granularity"):
        fewbit.QuantTensor([[1, 2]], 1.0, "int8", granularity=("column", 0))


def test_groups_have_policies(rng):
    x = rng.standard_normal((2, 64)).astype(np.float32)
    floor, up = (fewbit.quantize(x, "mxfp4", scale_rule=rule) for rule in ("floor", "ceil"))
    assert (up.scale >= floor.scale).all() and (up.scale > floor.scale).any()
    with pytest.raises(ValueError, match="scale_rounding has no meaning for mxfp4"):
        fewbit.quantize(x, "mxfp4", scale_rounding="up")
    with pytest.raises(TypeError, match="scale_rule is a policy for the scales of groups"):
        fewbit.quantize(x, "int8", scale_rule="ceil")
    with pytest.raises(TypeError, match="unexpected argument 'roundings'"):
        fewbit.quantize(x, "mxfp4", roundings="up")

"""Brevitas models through accumulators."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

import brevitas.nn as qnn  # noqa: E402
from brevitas.quant import (  # noqa: E402
    Int8ActPerTensorFixedPoint,
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFixedPoint,
    Int32Bias,
    ShiftedUint8ActPerTensorFloat,
    ShiftedUint8WeightPerTensorFloat,
    Uint8ActPerTensorFloat,
)

import fewbit  # noqa: E402
import fewbit.brevitas  # noqa: E402


class Network(torch.nn.Module):
    """A small CNN: two convolutions (the second in groups), pooling, two linear layers."""

    def __init__(self, weight=Int8WeightPerChannelFloat, act=Uint8ActPerTensorFloat, first=Int8ActPerTensorFloat, bits=4):
        super().__init__()
        self.enter = qnn.QuantIdentity(act_quant=first, return_quant_tensor=True)
        self.conv1 = qnn.QuantConv2d(1, 8, 3, padding=1, weight_quant=weight, weight_bit_width=bits)
        self.relu1 = qnn.QuantReLU(act_quant=act, return_quant_tensor=True)
        self.conv2 = qnn.QuantConv2d(8, 8, 3, stride=2, padding=1, groups=2, weight_quant=weight, weight_bit_width=bits, bias=False)
        self.relu2 = qnn.QuantReLU(act_quant=act, return_quant_tensor=True)
        self.fc1 = qnn.QuantLinear(8 * 16, 32, weight_quant=weight, weight_bit_width=bits)
        self.relu3 = qnn.QuantReLU(act_quant=act, return_quant_tensor=True)
        self.fc2 = qnn.QuantLinear(32, 3, weight_quant=weight, weight_bit_width=bits)

    def forward(self, x):
        x = self.relu1(self.conv1(self.enter(x)))
        x = self.relu2(self.conv2(x))
        x = x.flatten(1) if not hasattr(x, "value") else x.set(value=x.value.flatten(1))
        return self.fc2(self.relu3(self.fc1(x)))


def problem(samples, seed):
    """Images of 8 x 8: horizontal, vertical or diagonal stripes under noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (samples,), generator=generator)
    i, j = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    stripes = torch.stack([(i % 4 < 2), (j % 4 < 2), ((i + j) % 4 < 2)]).float()
    images = stripes[labels] + 0.8 * torch.randn((samples, 8, 8), generator=generator)
    return images[:, None], labels


def trained(**options):
    torch.manual_seed(1)
    model = Network(**options)
    images, labels = problem(512, 0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()
    for step in range(60):
        rows = slice(64 * (step % 8), 64 * (step % 8) + 64)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def model():
    return trained()


def accuracy(model, images, labels):
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).float().mean())


def layers_apart(layer, x):
    """A layer's own outputs and those through an exact accumulator, and the bound of their difference."""
    with torch.no_grad():
        theirs = layer(x)
        with fewbit.brevitas.attach(layer, "exact"):
            ours = layer(x)
        quant_x = layer.input_quant(layer.unpack_input(x))
        w = layer.quant_weight(quant_x)
        bias = torch.zeros(1) if layer.bias is None else layer.bias
        absolute = type(layer).inner_forward_impl(layer, quant_x.value.abs(), w.value.abs(), bias.abs() if layer.bias is not None else None)
        depth = w.value[0].numel()

    def plain(y):
        return (y.value if hasattr(y, "value") else y).double()

    return plain(theirs), plain(ours), (depth + 4) * 2.0**-24 * absolute.double()


def test_it_learns(model):
    assert accuracy(model, *problem(256, 1)) > 0.95


def test_an_exact_accumulator_is_brevitas_to_the_order_of_sums(model):
    images, _ = problem(64, 2)
    x = model.enter(images)
    with torch.no_grad():
        for layer, after in [(model.conv1, model.relu1), (model.conv2, model.relu2)]:
            theirs, ours, bound = layers_apart(layer, x)
            assert ((theirs - ours).abs() <= bound).all() and ours.abs().max() > 0.1
            x = after(layer(x))
        x = x.set(value=x.value.flatten(1))
        theirs, ours, bound = layers_apart(model.fc1, x)
        assert ((theirs - ours).abs() <= bound).all()
        whole = model(images)
        with fewbit.brevitas.attach(model, "exact") as attached:
            found = model(images)
        # Between layers a code may turn at a tie.
        assert (found - whole).abs().max() < 0.05 * whole.abs().max()
        assert attached.events == 0
        torch.testing.assert_close(model(images), whole, rtol=0, atol=0)  # detached


def test_with_powers_of_two_it_is_equality():
    options = {"weight": Int8WeightPerTensorFixedPoint, "act": Int8ActPerTensorFixedPoint, "first": Int8ActPerTensorFixedPoint}
    model = trained(**options)
    for layer in (model.conv1, model.fc1, model.fc2):
        # A bias that the sums' grid has, so that nothing is lost anywhere.
        layer.bias.data = torch.round(layer.bias.data * 256) / 256
    images, labels = problem(256, 3)
    with torch.no_grad():
        whole = model(images)
        for acc in ("exact", "int32-wrap", "int24-sat/16,int32-wrap"):
            with fewbit.brevitas.attach(model, acc):
                torch.testing.assert_close(model(images), whole, rtol=0, atol=0)
        with fewbit.brevitas.attach(model, "int9-sat"):
            assert (model(images) != whole).any()


def test_events_and_accuracy_against_the_width(model):
    images, labels = problem(256, 1)
    whole = accuracy(model, images, labels)
    events, found = {}, {}
    for bits in range(6, 21, 2):
        with fewbit.brevitas.attach(model, f"int{bits}-wrap") as attached:
            found[bits], events[bits] = accuracy(model, images, labels), attached.events
    with fewbit.brevitas.attach(model, "exact") as attached:
        accuracy(model, images, labels)
    needed = max(entry.report.stages[0].required_bits for entry in attached.layers.values())
    assert all(events[bits] > 0 for bits in events if bits < needed)
    assert all(events[bits] == 0 for bits in events if bits >= needed) and needed <= 20
    assert found[20] == pytest.approx(whole, abs=0.01) and found[6] < 0.7 < found[20]
    assert sorted(events.values(), reverse=True) == list(events.values())


def test_the_report_of_a_layer(model):
    images, labels = problem(32, 1)
    with fewbit.brevitas.attach(model, {"conv*": "int10-sat/9,int14-wrap", "fc2": "int12-sat"}) as attached:
        accuracy(model, images, labels)
        accuracy(model, images, labels)
    conv1, conv2, fc1, fc2 = attached.layers.values()
    assert (conv1.calls, conv1.outputs, conv1.depth) == (2, 2 * 32 * 8 * 64, 9)
    assert (conv2.outputs, conv2.depth, fc2.outputs, fc2.acc) == (2 * 32 * 8 * 16, 36, 2 * 32 * 3, "int12-sat")
    assert fc1.unsupported == "left as it is" and fc1.calls == 0
    assert [stage.stage for stage in conv1.report.stages] == ["int10-sat/9", "int14-wrap"]
    # The same codes through fewbit alone.
    x = model.enter(images)
    weight = model.conv1.quant_weight()
    alone = fewbit.conv2d(x.int().numpy(), weight.int().numpy(), "int10-sat/9,int14-wrap", padding=1)
    assert conv1.report.stages[0].events == 2 * alone.report.stages[0].events > 0
    assert conv1.report.stages[0].first == alone.report.stages[0].first
    assert "conv1" in str(attached) and attached._repr_html_().startswith("<table>")
    attached.reset()
    assert attached.events == 0


def build(layer, act=Int8ActPerTensorFloat, **options):
    torch.manual_seed(3)
    made = layer(input_quant=act, **options)
    return made


CASES = {
    "stride, padding, dilation": lambda: (build(lambda **o: qnn.QuantConv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 2), **o)), (2, 4, 9, 8)),
    "same": lambda: (build(lambda **o: qnn.QuantConv2d(4, 6, (3, 2), padding="same", **o)), (2, 4, 9, 8)),
    "same with a stride": lambda: (build(lambda **o: qnn.QuantConv2d(4, 6, 3, stride=2, padding="same", **o)), (2, 4, 9, 8)),
    "reflect": lambda: (build(lambda **o: qnn.QuantConv2d(4, 6, 3, padding=1, padding_mode="reflect", **o)), (2, 4, 9, 8)),
    "circular": lambda: (build(lambda **o: qnn.QuantConv2d(4, 6, 3, padding=(1, 2), padding_mode="circular", **o)), (2, 4, 9, 8)),
    "depthwise": lambda: (build(lambda **o: qnn.QuantConv2d(4, 4, 3, groups=4, padding=1, **o)), (2, 4, 9, 8)),
    "one axis": lambda: (build(lambda **o: qnn.QuantConv1d(4, 6, 5, stride=2, padding=2, groups=2, **o)), (2, 4, 17)),
    "no batch": lambda: (build(lambda **o: qnn.QuantConv2d(4, 6, 3, padding=1, **o)), (4, 9, 8)),
    "zero points of inputs": lambda: (build(lambda **o: qnn.QuantConv2d(4, 6, 3, padding=1, **o), act=ShiftedUint8ActPerTensorFloat), (2, 4, 9, 8)),
    "zero points of both": lambda: (build(lambda **o: qnn.QuantConv2d(4, 6, 3, padding=1, groups=2, weight_quant=ShiftedUint8WeightPerTensorFloat, **o), act=ShiftedUint8ActPerTensorFloat), (2, 4, 9, 8)),
    "linear with zero points": lambda: (build(lambda **o: qnn.QuantLinear(20, 6, weight_quant=ShiftedUint8WeightPerTensorFloat, **o), act=ShiftedUint8ActPerTensorFloat), (2, 3, 20)),
    "linear of a vector": lambda: (build(lambda **o: qnn.QuantLinear(20, 6, bias=False, **o)), (20,)),
}


@pytest.mark.parametrize("case", CASES)
def test_geometry_and_zero_points(case):
    layer, shape = CASES[case]()
    layer.train()
    layer(torch.rand(shape) * 2 - 0.5)  # statistics of the inputs
    layer.eval()
    theirs, ours, bound = layers_apart(layer, torch.rand(shape) * 2 - 0.5)
    assert theirs.shape == ours.shape and ((theirs - ours).abs() <= bound).all()
    assert (theirs - theirs.mean()).abs().max() > 100 * bound.max()  # the bound says something


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_a_bias_in_the_register(kind):
    torch.manual_seed(4)
    options = {"input_quant": Int8ActPerTensorFloat, "bias_quant": Int32Bias, "return_quant_tensor": True}
    if kind == "linear":
        layer, x = qnn.QuantLinear(20, 6, **options), torch.randn(5, 20)
    else:
        layer, x = qnn.QuantConv2d(3, 6, 3, stride=2, padding=1, **options), torch.randn(2, 3, 7, 6)
    layer.train()
    layer(x)
    layer.eval()
    with torch.no_grad():
        theirs = layer(x)
        with fewbit.brevitas.attach(layer, "exact", bias="register") as attached:
            inside = layer(x)
        with fewbit.brevitas.attach(layer, "exact"):
            after = layer(x)
    assert attached.layers["model"].report.stages[0].max != 0
    torch.testing.assert_close(inside.value, after.value, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(inside.value, theirs.value, rtol=1e-5, atol=1e-5)
    # What is returned beside the values is Brevitas's.
    assert inside.scale.equal(theirs.scale) and inside.bit_width == theirs.bit_width
    # A register that starts near its end overflows where the sums alone, below 27 * 127 * 128, do not.
    layer.bias.data[:] = 524_000 * theirs.scale.reshape(-1)[0]
    events = {}
    for place in ("register", "after"):
        with torch.no_grad(), fewbit.brevitas.attach(layer, "int20-sat", bias=place) as attached:
            layer(x)
        events[place] = attached.events
    assert events["register"] > 0 == events["after"]


def test_gradients_are_brevitas(model):
    images, labels = problem(32, 5)

    def gradients():
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        return [parameter.grad.clone() for parameter in model.conv1.parameters()]

    plain = gradients()
    with fewbit.brevitas.attach(model, "exact"):
        through = gradients()
    for one, other in zip(plain, through):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-4)
    with fewbit.brevitas.attach(model, "int8-sat"):
        assert all(torch.isfinite(grad).all() for grad in gradients())


def test_what_has_no_codes():
    bare = qnn.QuantConv2d(1, 1, 1)
    with fewbit.brevitas.attach(bare, "int16-sat"):
        with pytest.raises(ValueError, match="layer model: its input is a Tensor"):
            bare(torch.ones(1, 1, 2, 2))
    with fewbit.brevitas.attach(bare, "int16-sat", unquantized="skip") as attached:
        bare(torch.ones(1, 1, 2, 2))
    assert "Tensor" in attached.layers["model"].unsupported
    transposed = torch.nn.Sequential(qnn.QuantConvTranspose2d(1, 1, 2))
    with pytest.raises(ValueError, match="QuantConvTranspose2d"):
        fewbit.brevitas.attach(transposed, "int16-sat")


def test_refusals(model):
    with pytest.raises(ValueError, match="floating-point"):
        fewbit.brevitas.attach(model, "f32")
    with pytest.raises(ValueError, match="bias is 'inside'"):
        fewbit.brevitas.attach(model, "int16-sat", bias="inside")
    with pytest.raises(TypeError, match="acc is 16"):
        fewbit.brevitas.attach(model, 16)
    with fewbit.brevitas.attach(model, "int16-sat"):
        with pytest.raises(ValueError, match="detach it first"):
            fewbit.brevitas.attach(model, "int8-sat")
    assert "inner_forward_impl" not in model.conv1.__dict__
    with pytest.raises(ValueError, match="bias='register'"):
        with fewbit.brevitas.attach(model, "int16-sat", bias="register"):
            model(problem(1, 0)[0])


def test_frames_and_pictures(model):
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib").use("Agg")
    with fewbit.brevitas.attach(model, "int12-sat") as attached:
        model(problem(8, 0)[0])
    assert list(attached.to_frame().index) == ["conv1", "conv2", "fc1", "fc2"]
    assert len(attached.plot().lines) == 5

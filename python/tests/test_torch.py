"""The operators of PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fewbit  # noqa: E402
import fewbit.torch  # noqa: E402, F401


def codes(rng, *shape):
    return torch.from_numpy(rng.integers(-128, 128, shape).astype(np.float32))


SAMPLES = [
    lambda rng: (codes(rng, 3, 40), codes(rng, 40, 2), "int16-sat"),
    lambda rng: (codes(rng, 3, 40).to(torch.int8), codes(rng, 40, 2).to(torch.int8), "int12-wrap/8,int16-sat"),
    lambda rng: (codes(rng, 3, 40).requires_grad_(), codes(rng, 40, 2).requires_grad_(), "int16-sat"),
    lambda rng: (codes(rng, 3, 0), codes(rng, 0, 2), "exact"),
    lambda rng: (codes(rng, 3, 4).double().requires_grad_(), codes(rng, 4, 2), "f16", "f16", "f16", 3),
]


@pytest.mark.parametrize("sample", range(len(SAMPLES)))
def test_opcheck(rng, sample):
    torch.library.opcheck(torch.ops.fewbit.matmul.default, SAMPLES[sample](rng))


def test_opcheck_of_casts(rng):
    x = torch.from_numpy(rng.standard_normal((4, 5)).astype(np.float32))
    for tensor in (x, x.clone().requires_grad_(), x.double(), x.to(torch.bfloat16), x.t()):
        torch.library.opcheck(torch.ops.fewbit.cast.default, (tensor, "e4m3fn", "ties-even", "saturate", 0))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.float32, torch.float64])
def test_values_are_those_of_numpy(rng, dtype):
    a, b = codes(rng, 3, 40), codes(rng, 40, 2)
    expected = fewbit.matmul(a.numpy().astype(np.int8), b.numpy().astype(np.int8), "int16-sat").values
    found = torch.ops.fewbit.matmul(a.to(dtype), b.to(dtype), "int16-sat")
    assert found.dtype == (torch.int64 if dtype in (torch.int8, torch.int32) else dtype)
    np.testing.assert_array_equal(found.numpy(), expected)
    assert not np.array_equal(expected, a.numpy().astype(int) @ b.numpy().astype(int))  # it saturates


def test_gradients_pass_straight_through(rng):
    a, b = codes(rng, 3, 40).requires_grad_(), codes(rng, 40, 2).requires_grad_()
    weight = torch.randn(3, 2)
    (torch.ops.fewbit.matmul(a, b, "int10-wrap") * weight).sum().backward()
    torch.testing.assert_close(a.grad, weight @ b.detach().t())
    torch.testing.assert_close(b.grad, a.detach().t() @ weight)
    x = torch.randn(7, requires_grad=True)
    torch.ops.fewbit.cast(x, "e2m1fn").sum().backward()
    assert (x.grad == 1).all()


def test_it_compiles(rng):
    a, b = codes(rng, 3, 40), codes(rng, 40, 2)
    compiled = torch.compile(lambda a, b: torch.ops.fewbit.matmul(a * 1, b, "int16-sat") + 1, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(a, b), torch.ops.fewbit.matmul(a, b, "int16-sat") + 1, rtol=0, atol=0)


def test_refusals():
    with pytest.raises(ValueError, match="a has 0.5 at .0, 0., which is no whole number"):
        torch.ops.fewbit.matmul(torch.tensor([[0.5]]), torch.tensor([[1.0]]), "int8-sat")
    with pytest.raises(ValueError, match="A is 1x1 and B is 2x1"):
        torch.ops.fewbit.matmul(torch.ones(1, 1), torch.ones(2, 1), "int8-sat")
    with pytest.raises(TypeError, match="int64"):
        torch.ops.fewbit.cast(torch.ones(1, dtype=torch.int64), "e4m3fn")

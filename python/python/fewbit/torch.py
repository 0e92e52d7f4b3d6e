"""fewbit as operators of PyTorch.

``torch.ops.fewbit.matmul`` runs a product through an accumulator, ``torch.ops.fewbit.cast`` rounds to a format's values.
Both are on the CPU, work under `torch.compile` and export (as opaque operators), and pass gradients straight through: as if
the accumulator were exact, and the rounding not there.

>>> import torch, fewbit.torch
>>> a = torch.tensor([[100.0, 100.0, -50.0]], requires_grad=True)
>>> y = torch.ops.fewbit.matmul(a, torch.ones(3, 1), "int8-sat")
>>> y.detach()
tensor([[77.]])
>>> y.backward()
>>> a.grad
tensor([[1., 1., 1.]])
"""

from __future__ import annotations

from typing import Optional

import numpy as np
import torch
from torch import Tensor

from . import _convert, _product

__all__ = ["cast", "matmul"]

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _array(tensor: Tensor) -> np.ndarray:
    """A tensor's memory as an array, without a copy; bfloat16, which NumPy lacks, as float32."""
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _codes(tensor: Tensor, name: str) -> np.ndarray:
    """Whole numbers, as they are or as floats hold them in fake quantization."""
    array = _array(tensor)
    if array.dtype.kind != "f":
        return array
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    if not (whole == array).all():
        place = tuple(int(i) for i in np.argwhere(whole != array)[0])
        raise ValueError(
            f"{name} has {array[place]} at {list(place)}, which is no whole number: an accumulator of integers takes codes; "
            f"{name}_format says which format its numbers have"
        )
    return whole


@torch.library.custom_op("fewbit::matmul", mutates_args=(), device_types="cpu")
def matmul(
    a: Tensor,
    b: Tensor,
    acc: str,
    a_format: Optional[str] = None,
    b_format: Optional[str] = None,
    seed: int = 0,
) -> Tensor:
    """`a` [M, K] times `b` [K, N] through an accumulator: see `fewbit.matmul`.

    Without formats both hold whole numbers, in integer or floating-point types; with them, values of these formats. The
    result has the type of `a` where that is a float, rounded to it (float32 has all values of registers of 25 bits), int64
    where both are integers, and float64 otherwise.
    """
    if a_format is None and b_format is None:
        product = _product.matmul(_codes(a, "a"), _codes(b, "b"), acc, report="none", seed=seed)
    else:
        product = _product.matmul(
            _array(a), _array(b), acc, a_format=a_format, b_format=b_format, report="none", seed=seed
        )
    values = torch.from_numpy(product.values)
    return values.to(_result(a, b, a_format, b_format))


def _result(a: Tensor, b: Tensor, a_format: Optional[str], b_format: Optional[str]) -> torch.dtype:
    if a.dtype in _FLOATS:
        return a.dtype
    whole = a_format is None and b_format is None and b.dtype not in _FLOATS
    return torch.int64 if whole else torch.float64


@matmul.register_fake
def _(a, b, acc, a_format=None, b_format=None, seed=0):  # type: ignore[no-untyped-def]
    torch._check(a.dim() == 2 and b.dim() == 2, lambda: f"a and b have {a.dim()} and {b.dim()} axes: expected 2 each")
    torch._check(
        a.shape[1] == b.shape[0],
        lambda: f"A is {a.shape[0]}x{a.shape[1]} and B is {b.shape[0]}x{b.shape[1]}: the columns of A must equal the rows of B",
    )
    return a.new_empty((a.shape[0], b.shape[1]), dtype=_result(a, b, a_format, b_format))


def _matmul_context(ctx, inputs, output):  # type: ignore[no-untyped-def]
    ctx.save_for_backward(inputs[0], inputs[1])


def _matmul_backward(ctx, grad):  # type: ignore[no-untyped-def]
    a, b = ctx.saved_tensors
    of_a = grad @ b.t().to(grad.dtype) if ctx.needs_input_grad[0] else None
    of_b = (a.t().to(grad.dtype) @ grad).to(b.dtype) if ctx.needs_input_grad[1] else None
    return of_a, of_b, None, None, None, None


matmul.register_autograd(_matmul_backward, setup_context=_matmul_context)


@torch.library.custom_op("fewbit::cast", mutates_args=(), device_types="cpu")
def cast(
    x: Tensor, format: str, rounding: Optional[str] = None, overflow: Optional[str] = None, seed: int = 0
) -> Tensor:
    """The values that `format` represents, in the type of `x`: see `fewbit.cast`.

    >>> import torch
    >>> torch.ops.fewbit.cast(torch.tensor([0.3, 3.1]), "e4m3fn")
    tensor([0.3125, 3.0000])
    """
    if x.dtype not in _FLOATS:
        raise TypeError(f"x has dtype {x.dtype}: expected a floating-point tensor")
    values = _convert.cast(_array(x), format, rounding=rounding, overflow=overflow, seed=seed)
    return torch.from_numpy(values).to(x.dtype)


@cast.register_fake
def _(x, format, rounding=None, overflow=None, seed=0):  # type: ignore[no-untyped-def]
    return torch.empty(x.shape, dtype=x.dtype, device=x.device)


cast.register_autograd(lambda ctx, grad: (grad, None, None, None, None))

"""Written passes as functions of autograd, and the switch that leaves them out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

Gradients = tuple[Tensor, ...]

_plain = False


@contextmanager
def plain_modules() -> Iterator[None]:
    """Let networks and fits that are made inside leave every derivative to autograd.

    They are the reference of tests and benchmarks: the same numbers but for rounding, and slower.
    """
    global _plain
    before, _plain = _plain, True
    try:
        yield
    finally:
        _plain = before


def written() -> bool:
    """True if networks that are made now differentiate by written passes."""
    return not _plain


def differentiable(
    forward: Callable[[], Any],
    backward: Callable[..., Gradients],
    leaves: Sequence[Tensor],
    buffers: Sequence[Tensor] = (),
) -> Any:
    """The outputs of `forward`, a tensor or a tuple, as a function of the leaves for autograd.

    backward: from the outputs' gradients to the leaves'. buffers: tensors that `forward` leaves for
    `backward`; autograd raises RuntimeError if they were overwritten in between, or if the result
    is to be differentiated twice.
    """
    return _Written.apply(forward, backward, buffers, *leaves)


class _Written(Function):
    @staticmethod
    def forward(
        ctx: Any,
        forward: Callable[[], Any],
        backward: Callable[..., Gradients],
        buffers: Sequence[Tensor],
        *leaves: Tensor,
    ) -> Any:
        outputs = forward()
        ctx.written = backward
        ctx.save_for_backward(*buffers)
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError("a written pass is differentiable once")
        _ = ctx.saved_tensors  # asks autograd whether they are still those of the forward pass
        return None, None, None, *ctx.written(*gradients)


def slope_needed(inputs: Tensor) -> bool:
    """True if autograd will ask for the gradient in these inputs."""
    return torch.is_grad_enabled() and inputs.requires_grad


def with_slope(inputs: Tensor, values: Tensor, slope: Tensor) -> Tensor:
    """Values (...,) as a function of inputs (..., n) with this gradient (..., n)."""
    return differentiable(
        lambda: values, lambda grad_values: (grad_values.unsqueeze(-1) * slope,), [inputs]
    )

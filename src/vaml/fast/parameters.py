"""The parameters of one optimiser as one vector."""

from collections.abc import Iterable

import torch
from torch import Tensor

_ALIGNED = 16  # entries: 64 bytes, where torch places a tensor of its own


class ParameterVector:
    """Parameters as one vector, and one of the same layout for their gradients.

    The parameters become views of the vector. Each network's matrices come before its biases, and
    those of one shape follow each other, so that neighbouring heads are one matrix.

    Where written passes train them, which sets `in_passes`, the parameters are one leaf of
    autograd, `values`; otherwise each parameter is a leaf.
    """

    def __init__(self, *networks: Iterable[Tensor]) -> None:
        groups = [list(network) for network in networks]
        self.parameters = [tensor for group in groups for tensor in group]
        order = [tensor for group in groups for tensor in sorted(group, key=lambda t: t.ndim < 2)]
        starts, stop, before = [], 0, torch.Size()
        for tensor in order:
            if tensor.shape != before:
                # The products' last bits depend on this.
                stop = -(-stop // _ALIGNED) * _ALIGNED
            starts.append(stop)
            stop, before = stop + tensor.numel(), tensor.shape
        self.values = self.parameters[0].new_zeros(stop)
        self.gradients = torch.zeros_like(self.values)
        for tensor, start in zip(order, starts, strict=True):
            view = self.values[start : start + tensor.numel()].view(tensor.shape)
            tensor.data = view.copy_(tensor.data)
        self._parts = self.views(self.gradients)
        self.in_passes = False
        self.values.requires_grad_()

    def differentiate(self, loss: Tensor) -> None:
        """Fill `gradients` with those of a loss, and let its graph go.

        RuntimeError: the loss depends on two calls of one written network.
        """
        if self.in_passes:
            # The passes write them where they belong.
            (found,) = torch.autograd.grad(loss, self.values)
            if found.data_ptr() != self.gradients.data_ptr():
                raise RuntimeError("a loss of two predictions: only plain_modules sums gradients")
            return
        parts = torch.autograd.grad(
            loss, self.parameters, allow_unused=True, materialize_grads=True
        )
        for target, part in zip(self._parts, parts, strict=True):
            target.copy_(part)

    @torch.no_grad()
    def approach(self, other: "ParameterVector", share: float) -> None:
        """Move by a share of the way to a vector of the same layout."""
        self.values.lerp_(other.values, share)

    def views(self, vector: Tensor) -> list[Tensor]:
        """The parts of a vector of this layout, by parameter."""
        return [self.view(vector, parameter) for parameter in self.parameters]

    def view(self, vector: Tensor, part: Tensor) -> Tensor:
        """The part of a vector of this layout that stands where `part` does in the values."""
        return vector.as_strided(part.shape, part.stride(), part.storage_offset())

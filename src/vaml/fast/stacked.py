"""Passes of two perceptrons of one shape as one: half as many products, each twice as large.

On a GPU a gradient step takes as long as its kernels are many, on a core as long as its products
are large; there two passes are as fast, and their products have other last bits.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vaml.fast.parameters import ParameterVector


def few_kernels(tensor: Tensor) -> bool:
    """True where the number of operations counts more than their size."""
    return tensor.is_cuda


def stacked(first: Tensor, second: Tensor) -> Tensor:
    """Two tensors of one shape as one (2, ...) on the same memory, which they come to share."""
    one, other = first.data, second.data
    if one.untyped_storage().data_ptr() != other.untyped_storage().data_ptr():
        whole = torch.stack([one, other])
        first.data, second.data = whole
        return whole
    apart = other.storage_offset() - one.storage_offset()
    return one.as_strided((2, *one.shape), (apart, *one.stride()))


class StackedPass:
    """Passes of two ReLU perceptrons with one output each, over the same rows.

    layers: of either network, from the first to the output; inputs: (rows, in), for the caller to
    fill. outputs: (2, rows), those of the last `forward`, which the gradients belong to. The
    networks' parameters must stay where they are.
    """

    def __init__(
        self,
        layers: tuple[Sequence[nn.Linear], Sequence[nn.Linear]],
        inputs: Tensor,
        trained: ParameterVector | None = None,
    ) -> None:
        pairs = list(zip(*layers, strict=True))
        self._weights = [stacked(one.weight, other.weight) for one, other in pairs]
        biases = [stacked(one.bias, other.bias) for one, other in pairs]
        self._biases = [bias.unsqueeze(1) for bias in biases]
        rows = len(inputs)
        found = [inputs.new_empty(2, rows, bias.shape[1]) for bias in biases]
        # What each layer reads, and what it makes.
        self._sources = [inputs.expand(2, -1, -1), *found[:-1]]
        self._found = found
        self.outputs = found[-1].squeeze(2)
        # The gradients of the hidden layers' linear outputs.
        self._deltas = [torch.empty_like(features) for features in found[:-1]]
        if trained:
            trained.in_passes = True
            self._gradients = [
                (trained.view(trained.gradients, weight), trained.view(trained.gradients, bias))
                for weight, bias in zip(self._weights, biases, strict=True)
            ]

    def forward(self) -> Tensor:
        """The outputs (2, rows) for the present inputs; the next call overwrites them."""
        layers = zip(self._biases, self._sources, self._weights, self._found, strict=True)
        for bias, source, weight, found in layers:
            torch.baddbmm(bias, source, weight.mT, out=found)
            if found is not self._found[-1]:
                found.relu_()
        return self.outputs

    def train(self, gradient: Tensor) -> None:
        """Gradients of all parameters, into their vector, from that of the outputs (2, rows)."""
        deltas = self._backward(gradient)
        for delta, source, (grad_weight, grad_bias) in zip(
            deltas, self._sources, self._gradients, strict=True
        ):
            torch.bmm(delta.mT, source, out=grad_weight)
            torch.sum(delta, 1, out=grad_bias)

    def input_gradient(self, gradient: Tensor) -> Tensor:
        """The sum of both networks' gradients with respect to the inputs (rows, in)."""
        return torch.bmm(self._backward(gradient)[0], self._weights[0]).sum(0)

    def _backward(self, gradient: Tensor) -> list[Tensor]:
        """The gradients of all layers' linear outputs, from the first layer to the last."""
        delta = gradient.unsqueeze(2)
        backwards = zip(self._weights[:0:-1], self._deltas[::-1], self._found[-2::-1], strict=True)
        for weight, target, features in backwards:
            source = torch.bmm(delta, weight, out=target)
            delta = torch.ops.aten.threshold_backward.grad_input(
                source, features, 0, grad_input=target
            )
        return [*self._deltas, gradient.unsqueeze(2)]

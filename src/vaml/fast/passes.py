"""Forward and backward passes of perceptrons, written out: what a gradient step spends its time on.

Autograd gives the same numbers, and spends as long on its bookkeeping and on small operations as on
the products. Here each pass writes into buffers of its own, so that every view is made once; a
network's heads are one product, and a gradient is computed only where it is asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor, nn

from vaml.fast.parameters import ParameterVector

# Weight (out, in) and bias (out,) of a layer.
Layer = tuple[Tensor, Tensor]
Made = TypeVar("Made")


_recording = False


@contextmanager
def recording() -> Iterator[None]:
    """Passes that are used inside are kept for good: a graph uses buffers without owning them."""
    global _recording
    before, _recording = _recording, True
    try:
        yield
    finally:
        _recording = before


def kept(make: Callable[[int], Made]) -> Callable[[int], Made]:
    """Passes by their number of rows, made when first asked for; each has buffers of its own.

    The last four are kept, and those that were used while a graph was recorded.
    """
    recent, recorded = lru_cache(4)(make), dict[int, Made]()

    def passes(rows: int) -> Made:
        if rows in recorded:
            return recorded[rows]
        made = recent(rows)
        if _recording:
            recorded[rows] = made
        return made

    return passes


def joined(heads: Sequence[nn.Linear]) -> Layer:
    """The heads of a network as one layer on the same memory; they become neighbours there."""
    return _joined([head.weight for head in heads]), _joined([head.bias for head in heads])


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    data = [tensor.data for tensor in tensors]
    # Neighbours by address may be of two storages, which no view can span.
    storages = {part.untyped_storage().data_ptr() for part in data}
    stops = [part.storage_offset() + part.numel() for part in data[:-1]]
    if len(storages) > 1 or stops != [part.storage_offset() for part in data[1:]]:
        whole = torch.cat(data)
        for tensor, part in zip(tensors, whole.split([len(part) for part in data]), strict=True):
            tensor.data = part
        return whole
    size = (sum(map(len, data)), *data[0].shape[1:])
    return data[0].as_strided(size, data[0].stride())


class Pass:
    """Passes of one ReLU or Swish perceptron over a fixed number of rows.

    inputs: (rows, in), for the caller to fill. outputs: (rows, out), those of the last `forward`,
    which the gradients belong to. The network's parameters must stay where they are.
    """

    def __init__(
        self,
        hidden: Iterable[nn.Module],
        heads: Sequence[nn.Linear],
        inputs: Tensor,
        *,
        swish: bool = False,
        trained: ParameterVector | None = None,
    ) -> None:
        layers = [joined([layer]) for layer in hidden if isinstance(layer, nn.Linear)]
        head_weight, head_bias = joined(heads)
        self._swish = swish
        # Of each hidden layer: its features, what its activation's slope is made from, and the
        # gradient of its linear outputs.
        self._features = [inputs.new_empty(len(inputs), len(bias)) for _, bias in layers]
        self._slopes = [torch.empty_like(f) if swish else f for f in self._features]
        self._deltas = [torch.empty_like(f) for f in self._features]
        self._outputs = inputs.new_empty(len(head_bias), len(inputs))
        self.outputs = self._outputs.t()
        sources = [inputs, *self._features]
        self._layers = [
            (bias, source, weight.t(), slope, features)
            for (weight, bias), source, slope, features in zip(
                layers, sources, self._slopes, self._features, strict=False
            )
        ]
        self._head = (head_bias.unsqueeze(1), head_weight, self._features[-1].t())
        # From the last hidden layer to the first: the weight above it.
        weights = [head_weight, *(weight for weight, _ in layers[:0:-1])]
        self._steps = list(zip(weights, self._deltas[::-1], self._slopes[::-1], strict=True))
        self._first_weight = layers[0][0]
        self._input_gradient = inputs.new_empty(inputs.shape[1], len(inputs))
        self._to_inputs = (self._first_weight.t(), self._deltas[0].t())
        if trained:
            trained.in_passes = True
            of = [[trained.view(trained.gradients, t) for t in layer] for layer in layers]
            self._of_head = (
                trained.view(trained.gradients, head_weight),
                trained.view(trained.gradients, head_bias),
            )
            self._of_layers = [
                (delta, delta.t(), source, grad_weight, grad_bias)
                for delta, source, (grad_weight, grad_bias) in zip(
                    self._deltas, sources, of, strict=False
                )
            ]
            self._first = inputs.t(), inputs.new_empty(inputs.shape[1], len(layers[0][1]))

    def forward(self) -> Tensor:
        """The outputs (rows, out) for the present inputs; the next call overwrites them."""
        for bias, source, weight, linear, features in self._layers:
            torch.addmm(bias, source, weight, out=linear)
            if self._swish:
                torch.ops.aten.silu.out(linear, out=features)
            else:
                linear.relu_()
        # MKL is faster at few rows than at few columns.
        torch.addmm(*self._head, out=self._outputs)
        return self.outputs

    def train(self, gradient: Tensor) -> None:
        """Gradients of all parameters, into their vector, from that of the outputs (rows, out)."""
        grad_weight, grad_bias = self._of_head
        torch.mm(gradient.t(), self._features[-1], out=grad_weight)
        torch.sum(gradient, 0, out=grad_bias)
        self._backward(gradient)
        for delta, _, _, _, grad_bias in self._of_layers:
            torch.sum(delta, 0, out=grad_bias)
        for _, delta, source, grad_weight, _ in self._of_layers[1:]:
            torch.mm(delta, source, out=grad_weight)
        first, of_first = self._first
        torch.mm(first, self._deltas[0], out=of_first)
        self._of_layers[0][3].copy_(of_first.t())

    def input_gradient(self, gradient: Tensor) -> Tensor:
        """Gradient with respect to the inputs (rows, in); the next call overwrites it."""
        self._backward(gradient)
        return torch.mm(*self._to_inputs, out=self._input_gradient).t()

    def input_gradient_on(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """Gradient with respect to some rows of the inputs alone (chosen, in)."""
        for weight, _, slopes in self._steps:
            gradient = self._through_activation(gradient @ weight, slopes.index_select(0, rows))
        return (self._first_weight.t() @ gradient.t()).t()

    def _backward(self, gradient: Tensor) -> None:
        for weight, delta, slopes in self._steps:
            torch.mm(gradient, weight, out=delta)
            gradient = self._through_activation(delta, slopes)

    def _through_activation(self, gradient: Tensor, slopes: Tensor) -> Tensor:
        """Multiply a gradient by the slope of the activation, in place."""
        if self._swish:
            return torch.ops.aten.silu_backward.grad_input(gradient, slopes, grad_input=gradient)
        return torch.ops.aten.threshold_backward.grad_input(
            gradient, slopes, 0, grad_input=gradient
        )

"""Functions of tensors as CUDA graphs: some two hundred kernels that are launched as one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor

from vaml.fast.passes import recording
from vaml.saving import Saved, generator_array, load_generator

Numbers = dict[str, Tensor]
Function = Callable[..., Numbers]
"""A function of tensors and, last, of the stream that it draws from; its outputs have names."""

_WARM_UP_CALLS = 3  # in which libraries choose their kernels and allocate what they keep

_launching = False


@cache
def _stream() -> torch.cuda.Stream:
    """The stream of all recordings: each new one would keep a workspace of cuBLAS."""
    return torch.cuda.Stream()


@contextmanager
def launched() -> Iterator[None]:
    """Runs and fits that start inside launch every kernel: the reference of captured steps."""
    global _launching
    before, _launching = _launching, True
    try:
        yield
    finally:
        _launching = before


def captured(function: Function, state: Saved | None, device: torch.device) -> Function:
    """The graph of a function on a GPU; within `launched`, or on a CPU, the function itself.

    state: see `Captured`.
    """
    return Captured(function, state) if device.type == "cuda" and not _launching else function


class Captured:
    """A `Function`, recorded once per shape of its inputs and replayed from then on.

    The function must read no tensor back, and draw from the given stream alone, always the same
    one. state: all that it changes, which is set back after the calls that recording needs; None if
    it changes nothing. Random numbers and results are those of the function itself.
    """

    def __init__(self, function: Function, state: Saved | None) -> None:
        self._function, self._state = function, state
        self._generator: torch.Generator | None = None
        self._graphs: dict[
            tuple[torch.Size, ...], tuple[torch.cuda.CUDAGraph, list[Tensor], Numbers]
        ] = {}

    def __call__(self, *arguments: Tensor | torch.Generator) -> Numbers:
        *tensors, generator = cast(tuple[Any, ...], arguments)
        assert self._generator in (None, generator), "another stream than the one recorded"
        self._generator = generator
        shapes = tuple(each.shape for each in tensors)
        if shapes not in self._graphs:
            self._graphs[shapes] = self._recorded(tensors, generator)
        graph, inputs, numbers = self._graphs[shapes]
        for own, each in zip(inputs, tensors, strict=True):
            own.copy_(each)
        graph.replay()
        return {name: number.clone() for name, number in numbers.items()}

    def _recorded(
        self, tensors: list[Tensor], generator: torch.Generator
    ) -> tuple[torch.cuda.CUDAGraph, list[Tensor], Numbers]:
        inputs = [each.clone() for each in tensors]
        before = self._state.arrays() if self._state else {}
        drawn = generator_array(generator)
        present, aside = torch.cuda.current_stream(), _stream()
        aside.wait_stream(present)
        with torch.cuda.stream(aside), recording():
            for _ in range(_WARM_UP_CALLS):
                self._function(*inputs, generator)
        present.wait_stream(aside)
        if self._state:
            self._state.restore(before)
        load_generator(generator, drawn)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(generator)
        with torch.cuda.graph(graph, stream=aside):
            numbers = self._function(*inputs, generator)
        return graph, inputs, numbers

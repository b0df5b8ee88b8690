"""Functions of a batch as CUDA graphs: some two hundred kernels that are launched as one."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from vaml.data.transitions import Transitions
from vaml.saving import Arrays

Numbers = dict[str, Tensor]

_WARM_UP_CALLS = 3  # in which libraries choose their kernels and allocate what they keep


class Captured:
    """A function of a batch, recorded once per number of rows and replayed from then on.

    It must read no tensor back, draw from `generators` alone, and keep what its buffers are in. All
    that it changes is in `arrays`, which `restore` sets again: recording needs calls that
    shall not count. Its random numbers, and so its results, are those of the function itself.
    """

    def __init__(
        self,
        function: Callable[[Transitions], Numbers],
        generators: Sequence[torch.Generator],
        arrays: Callable[[], Arrays],
        restore: Callable[[Mapping[str, np.ndarray]], None],
    ) -> None:
        self._function, self._generators = function, generators
        self._arrays, self._restore = arrays, restore
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Transitions, Numbers]] = {}

    def __call__(self, batch: Transitions) -> Numbers:
        if len(batch) not in self._graphs:
            self._graphs[len(batch)] = self._recorded(batch)
        graph, inputs, numbers = self._graphs[len(batch)]
        inputs.copy_(batch)
        graph.replay()
        return {name: number.clone() for name, number in numbers.items()}

    def _recorded(self, batch: Transitions) -> tuple[torch.cuda.CUDAGraph, Transitions, Numbers]:
        inputs = batch.clone()
        before, present, aside = self._arrays(), torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(present)
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP_CALLS):
                self._function(inputs)
        present.wait_stream(aside)
        self._restore(before)
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        with torch.cuda.graph(graph):
            numbers = self._function(inputs)
        return graph, inputs, numbers

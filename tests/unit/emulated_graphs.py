"""CUDA graphs on the CPU: operations are noted as they are recorded, and carried out by a replay.

As on a GPU, recording changes nothing, a replay reads and writes the memory that was there at the
recording, and an operation that reads a tensor back is refused. Memory that a recording made is
filled with nan before each replay, so that nothing of an older one is read.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from vaml.algorithms import actor_critic, learned_model, model_fitting
from vaml.algorithms.capture import Captured
from vaml.losses import value_aware
from vaml.networks import written

# Operations that wait for the device.
READS = {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select"}
# Operations that change how a tensor is seen, not its numbers.
VIEWS = {"squeeze_", "unsqueeze_", "t_", "transpose_"}


def tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def aliases(tree: Any) -> Any:
    """The same memory by tensors of their own."""
    return tree_map(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, tree)


class Graph(TorchDispatchMode):
    """The part of `torch.cuda.CUDAGraph` that `Captured` uses."""

    def __init__(self) -> None:
        super().__init__()
        self._operations: list[tuple[Any, Any, Any]] = []  # function, arguments, outputs
        self._streams: list[tuple[torch.Generator, Tensor]] = []
        self._before: dict[int, tuple[Tensor, Tensor]] = {}  # memory that was written, and a copy

    def register_generator_state(self, generator: torch.Generator) -> None:
        self._streams.append((generator, generator.get_state()))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        name, arguments = func.overloadpacket.__name__, (args, kwargs or {})
        if name in READS:
            raise RuntimeError(f"reads back while a graph is recorded: {name}")
        mutable = func._schema.is_mutable
        if mutable:
            for tensor in tensors(arguments):
                self._keep(tensor)
        kept = aliases(arguments)
        outputs = func(*args, **(kwargs or {}))
        is_view = any(each.alias_info is not None for each in func._schema.returns)
        if name not in VIEWS and (mutable or not is_view):
            self._operations.append((func, kept, None if mutable else aliases(outputs)))
        return outputs

    def _keep(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        whole = torch.empty(0, dtype=torch.uint8).set_(storage)
        self._before.setdefault(storage.data_ptr(), (whole, whole.clone()))

    def recorded(self) -> None:
        """Set back what the recording wrote and drew."""
        for memory, copy in self._before.values():
            memory.copy_(copy)
        for generator, state in self._streams:
            generator.set_state(state)

    @torch.no_grad()
    def replay(self) -> None:
        for _, _, outputs in self._operations:
            for made in tensors(outputs):
                if made.is_floating_point():
                    made.fill_(math.nan)
        for func, (args, kwargs), outputs in self._operations:
            results = func(*args, **kwargs)
            if outputs is not None and not func.overloadpacket.__name__.endswith("empty"):
                for made, result in zip(tensors(outputs), tensors(results), strict=True):
                    made.copy_(result)


class Stream:
    def wait_stream(self, other: "Stream") -> None:
        pass


@contextmanager
def _recording(graph: Graph, stream: Stream) -> Iterator[None]:
    with graph:
        yield
    graph.recorded()


@contextmanager
def emulated_graphs() -> Iterator[None]:
    """Agents and fits that are made inside replay emulated graphs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "CUDAGraph", Graph)
        patch.setattr(torch.cuda, "Stream", Stream)
        patch.setattr(torch.cuda, "current_stream", Stream)
        patch.setattr(torch.cuda, "stream", lambda _: nullcontext())
        patch.setattr(torch.cuda, "graph", _recording)
        for module in (actor_critic, learned_model, model_fitting):
            patch.setattr(module, "captured", lambda function, state, _: Captured(function, state))
        yield


@contextmanager
def as_on_a_gpu() -> Iterator[None]:
    """Operations are joined as they are there, which gives other last bits."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (value_aware, written):
            patch.setattr(module, "few_kernels", lambda _: True)
        yield

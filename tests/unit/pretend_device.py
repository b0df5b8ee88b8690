"""A device that this machine need not have: tensors that act as if on it, with the CPU's numbers.

Their data lie on the CPU. `device`, `to`, `cpu` and factories with `device=` answer as on the other
device, and what PyTorch refuses there fails here: an operation on tensors of both places, a
generator of the CPU for a tensor of the device, `numpy` of it. As the arithmetic is the CPU's, a
run must give the CPU's bytes. FakeTensorMode has no numbers, and no autograd on a device that
PyTorch was not built for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

CPU = torch.device("cpu")
Arguments = Sequence[Any]
Named = Mapping[str, Any]


class Placed:
    """Memory that counts as the device's; it is kept, so that no other memory gets its address."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._memory: dict[int, Any] = {}
        # Operations that ran on tensors of the device, and of the CPU alone.
        self.ran: dict[torch.device, set[str]] = {device: set(), CPU: set()}
        # What an operation on tensors of the device makes for itself is there too.
        self.inside = False

    def __contains__(self, tensor: Tensor) -> bool:
        with torch._C.DisableTorchFunction():
            return tensor.untyped_storage()._cdata in self._memory

    def put(self, tensor: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():
            storage = tensor.untyped_storage()
        self._memory[storage._cdata] = storage
        return tensor

    def take(self, tensor: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():
            del self._memory[tensor.untyped_storage()._cdata]
        return tensor


class _Operations(TorchDispatchMode):
    """Every operation that PyTorch carries out, those of backward passes too."""

    def __init__(self, placed: Placed) -> None:
        super().__init__()
        self._placed = placed

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Arguments = (), kwargs: Named | None = None
    ) -> Any:
        given = tree_leaves((args, kwargs or {}))
        tensors = [each for each in given if isinstance(each, Tensor)]
        there = [each for each in tensors if each in self._placed]
        here = [each for each in tensors if each not in self._placed]
        name = func.overloadpacket.__name__
        self._placed.ran[self._placed.device if there else CPU].add(name)
        if there and name != "copy_":
            # Elementwise operations take a number from the CPU beside tensors of another device.
            numbers = torch.Tag.pointwise in func.tags
            if any(each.ndim or not numbers for each in here):
                raise RuntimeError(f"{name}: tensors on {self._placed.device} and on the CPU")
            if any(isinstance(each, torch.Generator) for each in given):
                raise RuntimeError(f"{name}: a generator of the CPU on {self._placed.device}")
        found = func(*args, **(kwargs or {}))
        if name != "copy_" and (there or (self._placed.inside and not here)):
            for each in tree_leaves(found):
                if isinstance(each, Tensor):
                    self._placed.put(each)
        return found


class _Calls(TorchFunctionMode):
    """The functions that Python calls before PyTorch looks for the device."""

    def __init__(self, placed: Placed) -> None:
        super().__init__()
        self._placed = placed

    def __torch_function__(
        self, func: Any, types: Any, args: Arguments = (), kwargs: Named | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if func == torch.Tensor.device.__get__:
            return self._placed.device if args[0] in self._placed else CPU
        if func in (torch.Tensor.to, torch.Tensor.cpu):
            return self._moved(func, args, named)
        if func in (torch.Tensor.numpy, torch.Tensor.__array__) and args[0] in self._placed:
            raise TypeError(f"numpy of a tensor on {self._placed.device}: copy it to the CPU first")
        device = named.pop("device", None)
        given = [each for each in tree_leaves((args, named)) if isinstance(each, Tensor)]
        outside, self._placed.inside = self._placed.inside, any(x in self._placed for x in given)
        try:
            made = func(*args, **named)
        finally:
            self._placed.inside = outside
        if device is not None and torch.device(device) == self._placed.device:
            self._placed.put(made)
        return made

    def _moved(self, func: Callable[..., Tensor], args: Arguments, named: Named) -> Tensor:
        tensor, *rest = args
        given = (*rest, named.get("device"))
        targets = [each for each in given if isinstance(each, str | torch.device)]
        if func is torch.Tensor.cpu:
            targets = [CPU]
        if not targets:  # another type of numbers
            return func(*args, **named)
        if (torch.device(targets[0]) == self._placed.device) == (tensor in self._placed):
            return tensor
        copy = tensor.detach().clone()
        return self._placed.take(copy) if tensor in self._placed else self._placed.put(copy)


@contextmanager
def pretended(device: str) -> Iterator[Placed]:
    """Within, this machine seems to have the device."""
    placed = Placed(torch.device(device))
    with _Calls(placed), _Operations(placed):
        yield placed

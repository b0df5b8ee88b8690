"""State that changes during a run, as flat maps of arrays: to save it and to continue from it."""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from vaml.seeding import generator_state, set_generator_state

Arrays = dict[str, np.ndarray]


@runtime_checkable
class Saved(Protocol):
    """An object that gives its state as arrays and can be set to such a state."""

    def arrays(self) -> Arrays: ...
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None: ...


class Stateful:
    """A `Saved` object whose state is that of the attributes in `saved`, by name.

    An attribute may be a Saved object, a module, a tensor, a random stream, an array, a number, or
    a dictionary of these by name; None has no state. TypeError for any other.
    """

    saved: ClassVar[tuple[str, ...]]

    def arrays(self) -> Arrays:
        """The whole state, as arrays by name."""
        found: Arrays = {}
        for name in self.saved:
            found |= prefixed(name, _arrays(getattr(self, name)))
        return found

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the state that `arrays` gave."""
        for name in self.saved:
            setattr(self, name, _restored(getattr(self, name), _part(name, arrays)))


def _arrays(part: Any) -> Arrays:
    match part:
        case None:
            return {}
        case Saved():
            return part.arrays()
        case nn.Module():
            return module_arrays(part)
        case Tensor():
            return {"": part.detach().cpu().numpy().copy()}
        case torch.Generator():
            return {"": generator_array(part)}
        case np.random.Generator():
            return {"": generator_state(part)}
        case np.ndarray() | int() | float():
            return {"": np.array(part)}
        case dict():
            found: Arrays = {}
            for name, each in cast(dict[str, Any], part).items():
                found |= prefixed(name, _arrays(each))
            return found
        case _:
            raise TypeError(f"a part to be saved: got {type(part).__name__}")


def _restored(part: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """A part, set to the state in the arrays: the same object, or a new array, number or dict."""
    match part:
        case None:
            return None
        case Saved():
            part.restore(arrays)
        case nn.Module():
            load_module(part, arrays)
        case Tensor():
            with torch.no_grad():
                part.copy_(torch.from_numpy(arrays[""].copy()))
        case torch.Generator():
            load_generator(part, arrays[""])
        case np.random.Generator():
            set_generator_state(part, arrays[""])
        case np.ndarray():
            return arrays[""].copy()
        case int() | float():
            return arrays[""].item()
        case dict():
            parts = cast(dict[str, Any], part)
            if any(not isinstance(each, np.ndarray) for each in parts.values()):
                return {name: _restored(each, _part(name, arrays)) for name, each in parts.items()}
            return dict(arrays)  # its names may change during a run
        case _:
            raise TypeError(f"a part to be saved: got {type(part).__name__}")
    return part


def _part(name: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    return {"": arrays[name]} if name in arrays else below(name, arrays)


def prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays under `prefix/`; the one without a name becomes `prefix`."""
    return {f"{prefix}/{name}" if name else prefix: array for name, array in arrays.items()}


def below(prefix: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays under `prefix/`, without it."""
    start = f"{prefix}/"
    return {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}


def module_arrays(module: nn.Module) -> Arrays:
    """Copies of a module's parameters and buffers."""
    return {name: tensor.cpu().numpy().copy() for name, tensor in module.state_dict().items()}


def load_module(module: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Set a module's parameters and buffers; all must be there."""
    module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})


def seeded(seed: int, device: torch.device | str) -> torch.Generator:
    """A random stream that draws on a device."""
    return torch.Generator(device).manual_seed(seed)


def generator_array(generator: torch.Generator) -> np.ndarray:
    """The state of a random stream."""
    return generator.get_state().numpy().copy()


def load_generator(generator: torch.Generator, array: np.ndarray) -> None:
    """Set the state of a random stream.

    A state from the other kind of device does not fit the stream: it seeds the stream instead.
    """
    if array.shape == tuple(generator.get_state().shape):
        generator.set_state(torch.from_numpy(array.copy()))
    else:
        digest = hashlib.sha256(array.tobytes()).digest()
        generator.manual_seed(int.from_bytes(digest[:8], "big") >> 1)

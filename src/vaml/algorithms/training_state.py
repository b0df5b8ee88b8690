"""Modules, optimisers and generators as flat maps of arrays, for saving and going on."""

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

Arrays = dict[str, np.ndarray]


def prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The same arrays under `prefix/`."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


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


def seeded(seed: int, device: torch.device) -> torch.Generator:
    """A random stream that draws on a device."""
    return torch.Generator(device).manual_seed(seed)


def generator_array(generator: torch.Generator) -> np.ndarray:
    """The state of a random stream."""
    return generator.get_state().numpy().copy()


def load_generator(generator: torch.Generator, array: np.ndarray) -> None:
    """Set the state of a random stream.

    One that was saved on the other kind of device cannot go on: it seeds this one.
    """
    if array.shape == tuple(generator.get_state().shape):
        generator.set_state(torch.from_numpy(array.copy()))
    else:
        digest = hashlib.sha256(array.tobytes()).digest()
        generator.manual_seed(int.from_bytes(digest[:8], "big") >> 1)

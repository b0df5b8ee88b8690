"""Random numbers of a seed, for tests that need some tensor."""

import torch
from torch import Tensor


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """In double precision."""
    return torch.randn(shape, dtype=torch.float64, generator=generator(seed))

"""Transitions as tensors: batches and random splits."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Transitions:
    """Observations (N, n), actions (N, m) and next observations (N, n), float32."""

    observations: Tensor
    actions: Tensor
    next_observations: Tensor

    def __len__(self) -> int:
        return len(self.observations)

    def take(self, indices: np.ndarray) -> "Transitions":
        """The rows at these indices, as copies."""
        rows = torch.from_numpy(indices).to(self.observations.device)
        return Transitions(*(field.index_select(0, rows) for field in self.fields()))

    def to(self, device: torch.device | str) -> "Transitions":
        """The same rows on a device."""
        return Transitions(*(field.to(device) for field in self.fields()))

    def first(self, rows: int) -> "Transitions":
        """The first rows, as views."""
        return Transitions(*(field[:rows] for field in self.fields()))

    def batches(
        self, batch_size: int, shuffle: np.random.Generator | None = None
    ) -> Iterator["Transitions"]:
        """All rows once in batches; the last batch may be shorter."""
        rows = self.take(shuffle.permutation(len(self))) if shuffle else self
        for start in range(0, len(self), batch_size):
            stop = start + batch_size
            yield Transitions(*(field[start:stop] for field in rows.fields()))

    def fields(self) -> tuple[Tensor, Tensor, Tensor]:
        """Observations, actions and next observations."""
        return self.observations, self.actions, self.next_observations


def random_split(
    rows: int, held_out: list[int], generator: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """A random partition of range(rows): the remainder first, then one part per held-out size.

    Raises ValueError where nothing is left for the first part.
    """
    if sum(held_out) >= rows:
        raise ValueError(f"cannot hold out {held_out} of {rows} rows: none is left to train on")
    order = generator.permutation(rows)
    return tuple(np.split(order, np.cumsum([rows - sum(held_out), *held_out])[:-1]))

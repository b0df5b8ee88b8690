"""The history of a run: every transition in order, sampled from uniformly."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vaml.data.transitions import Transitions


@dataclass(frozen=True)
class Batch:
    """A sample of the history: (next) observations (B, n), actions (B, m), other fields (B,)."""

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    next_observations: Tensor
    terminated: Tensor


class History:
    """All transitions of a run, oldest first; the replay buffer at step t is the first t rows.

    Nothing is ever overwritten: the capacity is the length of the run.
    """

    def __init__(self, capacity: int, observation_size: int, action_size: int) -> None:
        self.size = 0
        self.observations = np.zeros((capacity, observation_size), np.float32)
        self.actions = np.zeros((capacity, action_size), np.float32)
        self.rewards = np.zeros(capacity, np.float32)
        self.next_observations = np.zeros((capacity, observation_size), np.float32)
        self.terminated = np.zeros(capacity, np.bool_)
        self.truncated = np.zeros(capacity, np.bool_)
        # Tensors that share the arrays' memory, for sampling.
        self._columns = tuple(
            torch.from_numpy(array)
            for array in (
                self.observations,
                self.actions,
                self.rewards,
                self.next_observations,
                self.terminated,
            )
        )

    def append(
        self,
        observation: np.ndarray,
        action: np.ndarray,
        reward: float,
        next_observation: np.ndarray,
        terminated: bool,
        truncated: bool,
    ) -> None:
        """Store one transition. Raises IndexError when the run is longer than the capacity."""
        row = self.size
        self.observations[row] = observation
        self.actions[row] = action
        self.rewards[row] = reward
        self.next_observations[row] = next_observation
        self.terminated[row] = terminated
        self.truncated[row] = truncated
        self.size += 1

    def sample(
        self,
        batch_size: int,
        generator: np.random.Generator,
        device: torch.device | str = "cpu",
    ) -> Batch:
        """Rows drawn uniformly with replacement, on a device."""
        rows = torch.from_numpy(generator.integers(self.size, size=batch_size))
        return Batch(*(column.index_select(0, rows).to(device) for column in self._columns))

    def transitions(self) -> Transitions:
        """All rows so far, as views."""
        observations, actions, _, next_observations, _ = self._columns
        return Transitions(
            observations[: self.size], actions[: self.size], next_observations[: self.size]
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """All rows so far, by column name."""
        return {
            name: getattr(self, name)[: self.size]
            for name in (
                "observations",
                "actions",
                "rewards",
                "next_observations",
                "terminated",
                "truncated",
            )
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take the rows that `arrays` gave."""
        self.size = len(arrays["rewards"])
        for name in self.arrays():
            getattr(self, name)[: self.size] = arrays[name]

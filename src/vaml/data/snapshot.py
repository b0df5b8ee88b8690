"""Experiment B's data: the replay buffer at a snapshot, in its three parts."""

from collections.abc import Mapping

import numpy as np
import torch

from vaml.config.snapshots import SnapshotFitSettings
from vaml.data.transitions import Transitions, random_split


def replay_buffer(history: Mapping[str, np.ndarray], step: int) -> Transitions:
    """The buffer at a snapshot: the first `step` rows of a whole SAC run."""
    names = ("observations", "actions", "next_observations")
    return Transitions(*(torch.from_numpy(history[name][:step]) for name in names))


def snapshot_rows(
    step: int, fit: SnapshotFitSettings, splits: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of the buffer for training, validation and test.

    With `redraw_test_split`, the test rows are of a second split and overlap the other parts.
    """
    held_out = fit.held_out(step)
    train, validation, test = random_split(step, held_out, splits)
    if fit.redraw_test_split:
        *_, test = random_split(step, held_out, splits)
    return train, validation, test

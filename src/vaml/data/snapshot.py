"""Experiment B's data: the replay buffer at a snapshot, in its three parts."""

from collections.abc import Mapping

import numpy as np
import torch

from vaml.config.snapshots import SnapshotFitSettings
from vaml.data.transitions import Transitions, random_split


def snapshot_parts(
    history: Mapping[str, np.ndarray],
    step: int,
    fit: SnapshotFitSettings,
    splits: np.random.Generator,
) -> tuple[Transitions, Transitions, Transitions]:
    """Training, validation and test transitions.

    history: the columns of a whole SAC run. The replay buffer at the snapshot is its first `step`
    rows. With `redraw_test_split`, the test rows are of a second split and overlap the other parts.
    """
    rows = Transitions(
        *(
            torch.from_numpy(history[name][:step])
            for name in ("observations", "actions", "next_observations")
        )
    )
    held_out = [round(share * step) for share in (fit.validation_fraction, fit.test_fraction)]
    train, validation, test = random_split(step, held_out, splits)
    if fit.redraw_test_split:
        *_, test = random_split(step, held_out, splits)
    return rows.take(train), rows.take(validation), rows.take(test)


def terminal_test_rows(
    history: Mapping[str, np.ndarray],
    step: int,
    fit: SnapshotFitSettings,
    splits: np.random.Generator,
) -> np.ndarray:
    """True for the test transitions of `snapshot_parts` into a terminal state (N,)."""
    flags = history["terminated"].astype(np.float32)[:, np.newaxis]
    columns: dict[str, np.ndarray] = dict.fromkeys(
        ("observations", "actions", "next_observations"), flags
    )
    *_, test = snapshot_parts(columns, step, fit, splits)
    return test.observations[:, 0].numpy() == 1.0

"""Inputs of experiment B's fits and measurements: value functions, data, model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vaml.config.snapshots import FitSnapshotJob, saved_steps
from vaml.data.snapshot import replay_buffer, snapshot_rows
from vaml.data.transitions import Transitions
from vaml.files import read_arrays, read_tensors
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import SoftValue
from vaml.seeding import Streams


@dataclass(frozen=True)
class SnapshotData:
    """The agent's value function at a snapshot and its replay buffer in three parts.

    next_value: the value function of the following snapshot, if there is one. terminal: True for
    test transitions into a terminal state (N,).
    """

    value: SoftValue
    next_value: SoftValue | None
    train: Transitions
    validation: Transitions
    test: Transitions
    terminal: np.ndarray


def fit_streams(settings: FitSnapshotJob) -> Streams:
    """The random streams of a fit and of its measurement, which the fits of a snapshot share."""
    return Streams(settings.seed, "fit_snapshot", settings.environment_id, settings.step)


def read_snapshot(
    history: Path,
    snapshots: Path,
    settings: FitSnapshotJob,
    device: torch.device,
) -> SnapshotData:
    """Read the two files of train_sac. UnreadableFile: the run ended before the snapshot."""

    def value(step: int) -> SoftValue:
        return SoftValue.from_snapshot(read_tensors(snapshots, f"{step}/"), device)

    present = value(settings.step)
    later = [step for step in saved_steps(snapshots) if step > settings.step]
    columns = read_arrays(history)
    buffer = replay_buffer(columns, settings.step)
    rows = snapshot_rows(settings.step, settings.fit, fit_streams(settings).numpy("split"))
    return SnapshotData(
        present,
        value(later[0]) if later else None,
        *(buffer.take(part).to(device) for part in rows),
        terminal=columns["terminated"][rows[-1]],
    )


def snapshot_model(
    settings: FitSnapshotJob, data: SnapshotData, generator: torch.Generator
) -> GaussianDynamics:
    """Make an untrained model with the dimensions of the data."""
    return GaussianDynamics(
        data.train.observations.shape[1],
        data.train.actions.shape[1],
        settings.model_hidden_sizes,
        "orthogonal",
        generator,
    )

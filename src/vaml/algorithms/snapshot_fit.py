"""Inputs of experiment B's fits and measurements: value functions, data, model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vaml.config.snapshots import FitSnapshotJob, saved_steps
from vaml.data.snapshot import snapshot_parts
from vaml.data.transitions import Transitions
from vaml.files import read_arrays, read_tensors
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import SoftValue


@dataclass(frozen=True)
class SnapshotData:
    """The agent's value function at a snapshot and its replay buffer in three parts.

    next_value: the value function of the following snapshot, if there is one.
    """

    value: SoftValue
    next_value: SoftValue | None
    train: Transitions
    validation: Transitions
    test: Transitions


def read_snapshot(
    history: Path,
    snapshots: Path,
    settings: FitSnapshotJob,
    splits: np.random.Generator,
    device: torch.device,
) -> SnapshotData:
    """Read the two files of train_sac. UnreadableFile: the run ended before the snapshot."""

    def value(step: int) -> SoftValue:
        return SoftValue.from_snapshot(read_tensors(snapshots, f"{step}/"), device)

    present = value(settings.step)
    later = [step for step in saved_steps(snapshots) if step > settings.step]
    parts = snapshot_parts(read_arrays(history), settings.step, settings.fit, splits)
    return SnapshotData(
        present, value(later[0]) if later else None, *(part.to(device) for part in parts)
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

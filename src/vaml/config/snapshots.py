"""Experiment B's fits on SAC snapshots: their section of the config and their job's settings."""

from pathlib import Path

from pydantic import Field

from vaml.config.fields import (
    Count,
    Distinct,
    EnvironmentId,
    JobSettings,
    Name,
    Section,
    Share,
    Width,
)
from vaml.config.objectives import FitSettings, Objective
from vaml.files import tensor_names


class SnapshotFitSettings(FitSettings):
    """A fit with a held-out test split of its own."""

    test_fraction: Share = Field(description="share of the transitions held out for testing")
    redraw_test_split: bool = Field(
        description="true: test on a second random split, mostly of training transitions"
    )

    def held_out(self, transitions: int) -> list[int]:
        """Sizes of the validation and the test part."""
        return [*super().held_out(transitions), round(self.test_fraction * transitions)]


class Snapshots(Section):
    """Section `snapshots`."""

    steps: Distinct[Count] = Field(description="environment steps of the fitted snapshots")
    objectives: Distinct[Name] = Field(description="entries of `objectives`")
    model_hidden_sizes: list[Width] = Field(min_length=1, description="Swish layers of the model")
    fit: SnapshotFitSettings


class FitSnapshotJob(JobSettings):
    """Settings of one fit_snapshot job; it also reads the files of its SAC run."""

    environment_id: EnvironmentId
    model_hidden_sizes: list[Width]
    objective: Objective
    fit: SnapshotFitSettings
    step: Count

    @property
    def faster_on_gpu(self) -> bool:
        return self.objective.mle_coefficient < 1


def saved_steps(snapshots: Path) -> list[int]:
    """The environment steps of the snapshots in a SAC run's file, in their order."""
    return sorted({int(name.partition("/")[0]) for name in tensor_names(snapshots)})

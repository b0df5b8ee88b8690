"""Experiment A, the artificial environment: its section of the config and its jobs' settings."""

from typing import Literal

from pydantic import Field

from vaml.config.fields import (
    Count,
    Distinct,
    JobSettings,
    Name,
    Positive,
    PossiblyEmpty,
    Section,
    Seed,
    Width,
)
from vaml.config.objectives import FitSettings, Objective

Setting = Literal["realizable", "unrealizable"]


class SyntheticDynamics(Section):
    """The random dynamics, the data drawn from them and the random value function."""

    observation_size: Width = Field(description="dimensions of the state")
    action_size: Width = Field(description="dimensions of the action, each in [-1, 1]")
    horizon: Count = Field(description="steps per episode")
    train_transitions: Count = Field(description="transitions for training and validation")
    test_transitions: Count = Field(description="held-out transitions")
    head_gain: Positive = Field(description="orthogonal gain of the dynamics' two heads")
    mean_scale: Positive = Field(description="factor on the dynamics' mean residual")
    noise_scale: Positive = Field(
        le=8, description="factor on the dynamics' standard deviation, which is 0.88 unscaled"
    )
    value_hidden_size: Width = Field(description="ReLU units of the random value function")


class SyntheticFitSettings(FitSettings):
    """A fit whose unrealizable model may be narrower than the dynamics."""

    unrealizable_width: Positive = Field(
        le=1, description="width of the unrealizable model's one layer, as a share of the dynamics'"
    )


class Synthetic(Section):
    """Section `synthetic`."""

    dynamics: SyntheticDynamics
    fit: SyntheticFitSettings
    settings: PossiblyEmpty[Setting] = Field(
        description="realizable: the model has the dynamics' two hidden layers; unrealizable: one; "
        "an empty list leaves out experiment A"
    )
    hidden_sizes: Distinct[Width] = Field(description="widths of the dynamics and of the model")
    objectives: Distinct[Name] = Field(description="entries of `objectives`")
    seeds: Distinct[Seed] = Field(description="each gives new dynamics, data, value and model")


class SimulateDynamicsJob(JobSettings):
    """Settings of one simulate_dynamics job."""

    dynamics: SyntheticDynamics
    hidden_size: Width


class FitSyntheticJob(JobSettings):
    """Settings of one fit_synthetic job."""

    dynamics: SyntheticDynamics
    fit: SyntheticFitSettings
    objective: Objective
    setting: Setting
    hidden_size: Width

    @property
    def faster_on_gpu(self) -> bool:
        # A fit of narrower networks ends within the time that CUDA takes to start.
        return self.objective.mle_coefficient < 1 and self.hidden_size >= 512

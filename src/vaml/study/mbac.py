"""Experiment C, model-based actor-critic: its section of the config and its job's settings."""

from pydantic import Field

from vaml.study.fields import (
    Coefficient,
    Count,
    Distinct,
    EnvironmentId,
    JobSettings,
    Name,
    NonNegative,
    Positive,
    Section,
    Seed,
    Share,
)
from vaml.study.objectives import Objective
from vaml.study.sac import ActorCriticSettings, Environment


class Agent(Section):
    """An agent of experiment C: how its model is trained over the run."""

    objective: Name = Field(description="entry of `objectives`; its mle_coefficient is the start")
    final_mle_coefficient: Coefficient = Field(
        description="MLE coefficient at decay_end_step, reached linearly from the warm-up's end"
    )


class MBACRun(Section):
    """Length and repetitions of the runs in one environment."""

    total_steps: Count = Field(description="environment steps of a run")
    warmup_steps: Count = Field(description="first steps, with uniform actions and no learning")
    decay_end_step: Count = Field(
        description="environment step at which the coefficient's decay ends"
    )
    seeds: Distinct[Seed] = Field(description="independent runs per agent")


class ModelLearning(Section):
    """The dynamics model of MBAC and its refits on the replay buffer."""

    hidden_sizes: list[Count] = Field(min_length=1, description="Swish layers of the model")
    learning_rate: Positive = Field(description="Adam's step size")
    weight_decay: NonNegative = Field(description="L2 penalty inside Adam, on all parameters")
    batch_size: Count = Field(description="transitions per gradient step")
    validation_fraction: Share = Field(description="share of the buffer for validation")
    max_validation_transitions: Count = Field(description="cap of the validation split")
    patience: Count = Field(description="validations without improvement before stopping")
    first_fit_max_epochs: Count = Field(description="epochs at most, for the fit after warm-up")
    refit_every: Count = Field(description="learning calls between refits (M of Algorithm 1)")
    refit_max_epochs: Count = Field(description="epochs at most, for the later fits")
    refit_max_gradient_steps: Count = Field(description="gradient steps at most, later fits")
    warmup_mle_coefficient: Coefficient = Field(description="coefficient of the fit after warm-up")


class MBACTraining(Section):
    """What all MBAC runs share."""

    evaluation_every: Count = Field(description="environment steps between evaluations")
    evaluation_episodes: Count = Field(description="deterministic episodes per evaluation")
    target_samples: Count = Field(description="next states per critic target, eq. (7)")
    actor_critic: ActorCriticSettings
    model: ModelLearning


class MBAC(Section):
    """Section `mbac`."""

    environments: Distinct[EnvironmentId] = Field(description="entries of `runs`")
    agents: Distinct[Name] = Field(description="entries of the top-level `agents`")
    runs: dict[EnvironmentId, MBACRun] = Field(description="environment id: its runs")
    training: MBACTraining


class TrainMBACJob(JobSettings):
    """What one train_mbac job uses."""

    environment_id: EnvironmentId
    environment: Environment
    objective: Objective
    final_mle_coefficient: Coefficient
    total_steps: Count
    warmup_steps: Count
    decay_end_step: Count
    training: MBACTraining

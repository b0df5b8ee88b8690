"""Experiment C, model-based actor-critic: its section of the config and its job's settings."""

from typing import Literal

from pydantic import Field

from vaml.config.fields import (
    Coefficient,
    Count,
    Distinct,
    EnvironmentId,
    JobSettings,
    Name,
    NonNegative,
    Positive,
    PossiblyEmpty,
    Rows,
    Samples,
    Section,
    Seed,
    Share,
    Width,
)
from vaml.config.objectives import Objective
from vaml.config.sac import ActorCriticSettings, Environment

# `mbac.agents` may also name SAC itself, which has the same networks and schedule.
MODEL_FREE = "sac"


class ModelUse(Section):
    """Training of an agent's model along a run, and the critics' use of it."""

    final_mle_coefficient: Coefficient = Field(
        description="MLE coefficient at decay_end_step, reached linearly from the warm-up's end"
    )
    critic_actions: Literal["replay", "policy"] = Field(
        description="actions of the critics' updates: the replay buffer's, as in eq. (7), or "
        "new ones of the policy"
    )
    critic_next_states: Literal["samples", "mean", "replay"] = Field(
        description="next states in the critics' targets: K samples of the model, as in eq. (7), "
        "its mean, or the replay buffer's own, K times"
    )
    critic_terminations: Literal["model", "replay"] = Field(
        description="ends of episodes in the critics' targets: where the model's next states end "
        "them, as in eq. (7), or the replay buffer's own"
    )
    average_rewards: bool = Field(
        description="true: critic targets use the batch's mean reward for all its pairs"
    )
    frozen_split: bool = Field(
        description="true: every refit uses the first fit's transitions and their split"
    )


class Agent(ModelUse):
    """An agent of experiment C."""

    objective: Name = Field(description="entry of `objectives`; its mle_coefficient is the start")


class AgentSettings(ModelUse):
    """An agent, with its objective in place of the name."""

    objective: Objective


class RunLength(Section):
    """Length and repetitions of the runs in one environment."""

    total_steps: Count = Field(description="environment steps of a run")
    warmup_steps: Count = Field(description="first steps, with uniform actions and no learning")
    decay_end_step: Count = Field(
        description="environment step at which the coefficient's decay ends"
    )
    seeds: Distinct[Seed] = Field(description="independent runs per agent")


class ModelLearning(Section):
    """The dynamics model of MBAC and its refits on the replay buffer."""

    hidden_sizes: list[Width] = Field(min_length=1, description="Swish layers of the model")
    learning_rate: Positive = Field(description="Adam's step size")
    weight_decay: NonNegative = Field(description="L2 penalty inside Adam, on all parameters")
    batch_size: Rows = Field(description="transitions per gradient step")
    validation_fraction: Share = Field(description="share of the buffer for validation")
    max_validation_transitions: Count = Field(description="maximum size of the validation split")
    patience: Count = Field(description="validations without improvement before stopping")
    first_fit_max_epochs: Count = Field(description="maximum epochs of the fit after warm-up")
    refit_every: Count = Field(description="learning calls between refits (M of Algorithm 1)")
    refit_max_epochs: Count = Field(description="maximum epochs of a later fit")
    refit_max_gradient_steps: Count = Field(description="maximum gradient steps of a later fit")
    warmup_mle_coefficient: Coefficient = Field(description="coefficient of the fit after warm-up")

    def held_out(self, transitions: int) -> list[int]:
        """Size of the validation part."""
        share = round(self.validation_fraction * transitions)
        return [min(share, self.max_validation_transitions)]


class MBACTraining(Section):
    """Settings that all MBAC runs share."""

    evaluation_every: Count = Field(description="environment steps between evaluations")
    evaluation_episodes: Count = Field(description="deterministic episodes per evaluation")
    target_samples: Samples = Field(description="next states per critic target, eq. (7)")
    actor_critic: ActorCriticSettings
    model: ModelLearning


class MBAC(Section):
    """Section `mbac`."""

    environments: PossiblyEmpty[EnvironmentId] = Field(
        description="entries of `runs`; an empty list leaves out experiment C"
    )
    agents: Distinct[Name] = Field(
        description=f"entries of the top-level `agents`, or {MODEL_FREE}, which has no model"
    )
    runs: dict[EnvironmentId, RunLength] = Field(description="runs by environment id")
    training: MBACTraining


class TrainMBACJob(JobSettings):
    """Settings of one train_mbac job."""

    environment_id: EnvironmentId
    environment: Environment
    agent: AgentSettings | None = Field(description="none: the model-free agent")
    total_steps: Count
    warmup_steps: Count
    decay_end_step: Count
    training: MBACTraining

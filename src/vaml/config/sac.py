"""Experiment B's data runs: soft actor-critic, its section of the config and its job's settings."""

from pydantic import Field

from vaml.config.fields import (
    Count,
    Distinct,
    EnvironmentId,
    JobSettings,
    Positive,
    PossiblyEmpty,
    Rows,
    Section,
    Seed,
    Share,
    Width,
)


class Environment(Section):
    """Options of a Gymnasium environment."""

    time_limit: Count = Field(description="steps after which an episode is truncated")
    keep_position: bool = Field(description="keep the x-position in the observation")


class ActorCriticSettings(Section):
    """Networks and optimisation of soft actor-critic, shared by SAC and MBAC."""

    # A network is read back by the names of its layers, in whose order 10 comes before 2.
    hidden_sizes: list[Width] = Field(
        min_length=1, max_length=10, description="ReLU layers, actor and critics"
    )
    learning_rate: Positive = Field(description="Adam's step size: actor, critics, temperature")
    batch_size: Rows = Field(description="transitions per gradient step, with replacement")
    discount: Share = Field(description="weight of the next value in the Bellman target")
    polyak: Share = Field(description="weight of the new parameters in the target critics")
    initial_temperature: Positive = Field(description="entropy coefficient at the start")


class SACTraining(Section):
    """One SAC run: its length, its snapshots, its networks."""

    total_steps: Count = Field(description="environment steps of a run")
    warmup_steps: Count = Field(description="first steps, with uniform actions and no learning")
    first_snapshot_step: Count = Field(description="environment step of the first snapshot")
    snapshot_every: Count = Field(description="environment steps between snapshots")
    evaluation_episodes: Count = Field(description="deterministic episodes per evaluation")
    actor_critic: ActorCriticSettings

    @property
    def snapshot_schedule(self) -> range:
        """The environment steps at which a snapshot is saved and the policy evaluated."""
        return range(self.first_snapshot_step, self.total_steps + 1, self.snapshot_every)


class SAC(Section):
    """Section `sac`."""

    environments: PossiblyEmpty[EnvironmentId] = Field(
        description="entries of `environments`; an empty list leaves out experiment B"
    )
    seeds: Distinct[Seed] = Field(description="independent runs per environment")
    training: SACTraining


class TrainSACJob(JobSettings):
    """Settings of one train_sac job."""

    environment_id: EnvironmentId
    environment: Environment
    training: SACTraining

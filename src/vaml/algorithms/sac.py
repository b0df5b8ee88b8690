"""Soft actor-critic (Haarnoja et al., 2018) with snapshots along the way, experiment B."""

import torch

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.evaluation import Evaluations
from vaml.algorithms.interaction import Interaction
from vaml.algorithms.scalars import Scalars
from vaml.config.sac import TrainSACJob
from vaml.divergence import require_finite
from vaml.saving import Arrays, Stateful, prefixed, seeded
from vaml.seeding import Streams


class SACRun(Stateful):
    """One run: after W warm-up steps, one gradient step per environment step.

    The last warm-up step is also the first learning call, so that t environment steps make
    t - W + 1 gradient steps. The policy is evaluated at W, before any learning, and with every
    snapshot. Streams `replay` draws batches, `policy_noise` the actions in the losses; the
    evaluation at t has a stream of its own.
    """

    saved = (
        "interaction",
        "agent",
        "snapshots",
        "replay",
        "policy_noise",
        "evaluations",
        "scalars",
    )

    def __init__(
        self, job: TrainSACJob, streams: Streams, device: torch.device | str = "cpu"
    ) -> None:
        self.settings = job.training
        self.interaction = Interaction(
            job.environment_id,
            job.environment,
            job.training.total_steps,
            job.training.warmup_steps,
            streams,
            device,
        )
        self.agent = ActorCritic(
            self.interaction.observation_size,
            self.interaction.low,
            self.interaction.high,
            job.training.actor_critic,
            streams,
            device,
        )
        self.replay = streams.numpy("replay")
        self.policy_noise = seeded(streams.seed("policy_noise"), device)
        self.snapshots: Arrays = {}
        self.scalars = Scalars(job.training.total_steps)
        self.evaluations = Evaluations(
            job.environment_id, job.environment, job.training.evaluation_episodes, streams
        )

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        return self.interaction.steps

    @property
    def finished(self) -> bool:
        return self.steps >= self.settings.total_steps

    def advance(self) -> None:
        """One environment step and, after the warm-up, one gradient step."""
        self.interaction.step(self.agent.act)
        if self.steps == self.settings.warmup_steps:
            self.evaluations.add(self.agent.actor, self.steps)
        if self.steps >= self.settings.warmup_steps:
            self.learn()
            self.scalars.add(self.steps, self._scalars)
        if self.steps in self.settings.snapshot_schedule:
            networks = self.networks()
            require_finite(networks, self.steps)
            self.snapshots |= prefixed(str(self.steps), networks)
            if self.steps > self.settings.warmup_steps:
                self.evaluations.add(self.agent.actor, self.steps)

    def learn(self) -> None:
        """One gradient step of the agent, on a batch of the history."""
        settings = self.settings.actor_critic
        batch = self.interaction.history.sample(settings.batch_size, self.replay, self.agent.device)
        targets = self.agent.replay_targets(batch, self.policy_noise)
        self.agent.update(
            (batch.observations, batch.actions), targets, batch.observations, self.policy_noise
        )

    def _scalars(self) -> dict[str, float | None]:
        return {**self.agent.scalars(), "episode_return": self.interaction.episode_return()}

    def networks(self) -> Arrays:
        """All that is trained, by name."""
        return self.agent.networks()

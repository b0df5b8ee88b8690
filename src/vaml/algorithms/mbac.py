"""Value-aware model-based actor-critic, Algorithm 1 of the paper: experiment C."""

import torch

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.diagnostics import Diagnostics
from vaml.algorithms.evaluation import Evaluations
from vaml.algorithms.interaction import Interaction
from vaml.algorithms.learned_model import LearnedModel
from vaml.algorithms.scalars import Scalars
from vaml.config.mbac import TrainMBACJob
from vaml.divergence import require_finite
from vaml.saving import Arrays, Stateful, module_arrays, prefixed, seeded
from vaml.seeding import Streams


class MBACRun(Stateful):
    """One run: SAC whose critics learn from model-generated next states alone.

    Per environment step after the warm-up: perhaps a refit of the model on the whole history (at
    the first learning call and every `refit_every` calls), then one gradient step of critics,
    actor and temperature. A job without an agent has no model: its critics learn from the replay
    buffer's next states, as SAC's do. Streams as in SACRun, and those of LearnedModel;
    evaluations and diagnostics have streams of their own.
    """

    saved = (
        "interaction",
        "agent",
        "learned",
        "diagnostics",
        "replay",
        "policy_noise",
        "evaluations",
        "scalars",
    )

    def __init__(
        self, job: TrainMBACJob, streams: Streams, device: torch.device | str = "cpu"
    ) -> None:
        self.job = job
        self.settings = job.training
        self.interaction = Interaction(
            job.environment_id, job.environment, job.total_steps, job.warmup_steps, streams, device
        )
        size, low, high = (
            self.interaction.observation_size,
            self.interaction.low,
            self.interaction.high,
        )
        self.agent = ActorCritic(size, low, high, job.training.actor_critic, streams, device)
        self.replay = streams.numpy("replay")
        self.policy_noise = seeded(streams.seed("policy_noise"), device)
        self.evaluations = Evaluations(
            job.environment_id, job.environment, job.training.evaluation_episodes, streams
        )
        self.learned: LearnedModel | None = None
        if job.agent:
            self.learned = LearnedModel(job, job.agent, len(low), self.agent.value, streams)
        self.diagnostics = Diagnostics(job, streams)
        self.scalars = Scalars(job.total_steps)

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        return self.interaction.steps

    @property
    def finished(self) -> bool:
        return self.steps >= self.job.total_steps

    @property
    def learning_calls(self) -> int:
        """Learning calls so far, the one at the end of the warm-up being the first."""
        return self.steps - self.job.warmup_steps + 1

    def advance(self) -> None:
        """One environment step; after the warm-up, perhaps a refit, and one gradient step."""
        if self.learned:
            self.diagnostics.record_state(self.interaction.env, self.steps)
        self.interaction.step(self.agent.act)  # Algorithm 1, lines 3 and 4
        calls = self.learning_calls
        if calls == 1:
            self.evaluations.add(self.agent.actor, self.steps)
        # Algorithm 1, line 6
        if calls == 1 or (calls > 1 and calls % self.settings.model.refit_every == 0):
            self._refit()  # Algorithm 1, line 7
        if calls >= 1:
            self.learn()  # Algorithm 1, lines 8 and 9
            self.scalars.add(self.steps, self._scalars)
        if calls == 1 and self.learned:
            self.diagnostics.remember(self.agent, self.learned)
        if calls > 1 and (calls - 1) % self.settings.evaluation_every == 0:
            require_finite(self.networks(), self.steps)
            self.evaluations.add(self.agent.actor, self.steps)
            if self.learned:
                history = self.interaction.history
                self.diagnostics.add(self.steps, self.agent, self.learned, history)

    def _scalars(self) -> dict[str, float | None]:
        fits = self.learned.fits if self.learned else []
        return {
            **self.agent.scalars(),
            "episode_return": self.interaction.episode_return(),
            "model_loss": fits[-1]["validation_loss"] if fits else None,
        }

    def _refit(self) -> None:
        if self.learned:
            self.learned.refit(self.interaction.history.transitions(), self.steps)

    def learn(self) -> None:
        """One gradient step of the agent, its targets from the model where it has one."""
        settings = self.settings.actor_critic
        batch = self.interaction.history.sample(settings.batch_size, self.replay, self.agent.device)
        observations, actions = batch.observations, batch.actions
        if self.learned is None:
            targets = self.agent.replay_targets(batch, self.policy_noise)
        else:
            actions, targets = self.learned.regression(batch)
        self.agent.update((observations, actions), targets, observations, self.policy_noise)

    def networks(self) -> Arrays:
        """All that is trained, by name."""
        if self.learned is None:
            return self.agent.networks()
        return self.agent.networks() | prefixed("model", module_arrays(self.learned.model))

"""The dynamics model of a model-based agent: its refits, and the critic targets made from it."""

import math

import numpy as np
import torch
from torch import Tensor

from vaml.algorithms.capture import Numbers, captured
from vaml.algorithms.model_fitting import ModelFitting
from vaml.algorithms.rows import Rows
from vaml.config.mbac import AgentSettings, TrainMBACJob
from vaml.data.replay import Batch
from vaml.data.transitions import Transitions, random_split
from vaml.envs.known import known_functions
from vaml.losses.actor_critic import model_target
from vaml.metrics.errors import refit_metrics
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import SoftValue
from vaml.saving import Arrays, Stateful, seeded
from vaml.seeding import Streams

_COUNTS = ("env_step", "epochs", "gradient_steps")
FIT_COLUMNS = (
    *_COUNTS,
    "mle_coefficient",
    "value_aware_error",
    "eq9_error",
    "action_sampling_floor",
    "model_variance_term",
    "squared_bias",
    "nll",
    "sigma_l1",
    "mean_l1",
    "sigma_collapsed",
    "validation_loss",
)


def decayed(start: float, end: float, step: int, first_step: int, last_step: int) -> float:
    """Linear in `step` from `start` at `first_step` to `end` at `last_step`, constant beyond."""
    share = min(max((step - first_step) / (last_step - first_step), 0.0), 1.0)
    return start + share * (end - start)


class LearnedModel(Stateful):
    """The dynamics model of an agent, refitted to its transitions for its present value function.

    Streams: `model_initialisation`, `splits`, `target_noise` (model samples and their actions in
    the critic's target) and those of ModelFitting; the metrics of a refit have one of their own.
    """

    saved = ("fitting", "split", "splits", "target_noise", "fits")

    def __init__(
        self,
        job: TrainMBACJob,
        agent: AgentSettings,
        action_size: int,
        value: SoftValue,
        streams: Streams,
    ) -> None:
        self.job = job
        self.agent = agent
        self.settings = job.training.model
        self.streams = streams
        self.value = value
        self.known = known_functions(job.environment_id)
        self.device = value.log_temperature.device
        generator = torch.Generator().manual_seed(streams.seed("model_initialisation"))
        self.model = GaussianDynamics(
            self.known.observation_size,
            action_size,
            self.settings.hidden_sizes,
            "xavier",
            generator,
        ).to(self.device)
        self.fitting = ModelFitting(
            self.model,
            value,
            agent.objective,
            self.settings.learning_rate,
            self.settings.weight_decay,
            self.settings.batch_size,
            streams,
        )
        self.splits = streams.numpy("splits")
        self.target_noise = seeded(streams.seed("target_noise"), self.device)
        self._regression = captured(self._numbers, None, self.device)
        self.fits = Rows(FIT_COLUMNS, _COUNTS)
        self.split: Arrays = {}  # the rows of the first fit, if all fits use them

    def mle_coefficient(self, env_step: int) -> float:
        """The coefficient of eq. (10) for a refit at this step, after the first."""
        return decayed(
            self.agent.objective.mle_coefficient,
            self.agent.final_mle_coefficient,
            env_step,
            self.job.warmup_steps,
            self.job.decay_end_step,
        )

    def refit(self, transitions: Transitions, env_step: int) -> None:
        """Algorithm 1, lines 5 and 7: fit to all transitions so far, from the present weights.

        The weights of the best validation stay.
        """
        settings, first = self.settings, not self.fits
        transitions = transitions.to(self.device)
        train_rows, validation_rows = self._rows(len(transitions))
        validation = transitions.take(validation_rows)
        coefficient = settings.warmup_mle_coefficient if first else self.mle_coefficient(env_step)
        progress = self.fitting.start(
            transitions.take(train_rows),
            validation,
            coefficient,
            settings.first_fit_max_epochs if first else settings.refit_max_epochs,
            settings.patience,
            None if first else settings.refit_max_gradient_steps,
        )
        while not progress.finished:
            self.fitting.epoch()
        self.fitting.restore_best()
        generator = torch.Generator().manual_seed(self.streams.seed("fit_metrics", env_step))
        samples = self.agent.objective.model_samples
        test = ModelTest(self.model, validation, self.value, samples, settings.batch_size)
        self.fits.add(
            {
                "env_step": env_step,
                "mle_coefficient": coefficient,
                "epochs": progress.epochs,
                "gradient_steps": progress.gradient_steps,
                **refit_metrics(test, generator),
                # A refit that its gradient steps cut short has none.
                "validation_loss": best if math.isfinite(best := progress.stopping.best) else None,
            }
        )

    def _rows(self, transitions: int) -> tuple[np.ndarray, ...]:
        """Rows to train and to validate on: a new split, or the first fit's if it is frozen."""
        if self.split:
            return self.split["train"], self.split["validation"]
        held_out = self.settings.held_out(transitions)
        train, validation = random_split(transitions, held_out, self.splits)
        if self.agent.frozen_split:
            self.split = {"train": train, "validation": validation}
        return train, validation

    def regression(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Actions (B, m) and targets (B,) that the critics regress on, for a batch of the history.

        The actions are the batch's or the actor's, as the agent has it.
        """
        found = self._regression(
            batch.observations,
            batch.actions,
            batch.next_observations,
            batch.terminated,
            self.target_noise,
        )
        return found["actions"], found["targets"]

    @torch.no_grad()
    def _numbers(
        self,
        observations: Tensor,
        actions: Tensor,
        reached: Tensor,
        terminated: Tensor,
        noise: torch.Generator,
    ) -> Numbers:
        if self.agent.critic_actions == "policy":
            actions, _ = self.value.actor.sample(observations, noise)
        targets = self.critic_targets(observations, actions, reached, terminated, noise)
        return {"actions": actions, "targets": targets}

    @torch.no_grad()
    def critic_targets(
        self,
        observations: Tensor,
        actions: Tensor,
        reached: Tensor,
        terminated: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        """The critics' targets in eq. (7), for observations (B, n) and actions (B, m): (B,).

        K fresh next states per pair, or K times the model's mean; a draw of the policy's action at
        each; known reward and termination. An agent may use the true next states or ends in place
        of the model's: reached (B, n), terminated (B,), bool.
        """
        samples = self.job.training.target_samples
        match self.agent.critic_next_states:
            case "samples":
                next_observations = self.model(observations, actions).sample(samples, generator)
            case "mean":
                next_observations = self.model(observations, actions).repeated_mean(samples)
            case "replay":
                next_observations = reached.expand(samples, -1, -1)
        rewards = self.known.reward(observations, actions, next_observations)
        if self.agent.critic_terminations == "model":
            terminated = self.known.terminated(next_observations)
        return model_target(
            rewards.mean() if self.agent.average_rewards else rewards,
            terminated,
            self.value(next_observations, generator),
            self.job.training.actor_critic.discount,
        )

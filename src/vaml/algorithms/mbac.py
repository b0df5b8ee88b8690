"""Value-aware model-based actor-critic, Algorithm 1 of the paper: experiment C."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.evaluation import Evaluations
from vaml.algorithms.interaction import Interaction
from vaml.algorithms.model_fitting import ModelFitting
from vaml.algorithms.model_metrics import floor_metrics, model_metrics
from vaml.algorithms.training_state import (
    Arrays,
    below,
    generator_array,
    load_generator,
    module_arrays,
    prefixed,
)
from vaml.data.replay import Batch
from vaml.data.transitions import random_split
from vaml.envs.known import known_functions
from vaml.losses.actor_critic import model_target
from vaml.networks.dynamics import GaussianDynamics
from vaml.study.divergence import require_finite
from vaml.study.mbac import TrainMBACJob
from vaml.study.seeding import Streams, generator_state, set_generator_state

_COUNTS = ("env_step", "epochs", "gradient_steps")
FIT_COLUMNS = (
    *_COUNTS,
    "mle_coefficient",
    "value_aware_error",
    "eq9_error",
    "action_sampling_floor",
    "nll",
    "sigma_l1",
    "mean_l1",
    "sigma_collapsed",
)


def decayed(start: float, end: float, step: int, first_step: int, last_step: int) -> float:
    """Linear in `step` from `start` at `first_step` to `end` at `last_step`, constant beyond."""
    share = min(max((step - first_step) / (last_step - first_step), 0.0), 1.0)
    return start + share * (end - start)


class MBACRun:
    """One run: SAC whose critics learn from model-generated next states alone.

    Per environment step after the warm-up: perhaps a refit of the model on the whole history (at
    the first learning call and every `refit_every` calls), then one gradient step of critics,
    actor and temperature. Streams as in SACRun, and `splits`, `target_noise` (model samples and
    their actions in the critic's target) and those of ModelFitting; evaluations and the metrics
    of a refit have streams of their own.
    """

    def __init__(self, job: TrainMBACJob, streams: Streams) -> None:
        self.job = job
        self.settings = job.training
        self.streams = streams
        self.known = known_functions(job.environment_id)
        self.interaction = Interaction(
            job.environment_id, job.environment, job.total_steps, job.warmup_steps, streams
        )
        size, low, high = (
            self.interaction.observation_size,
            self.interaction.low,
            self.interaction.high,
        )
        self.agent = ActorCritic(size, low, high, job.training.actor_critic, streams)
        model = job.training.model
        generator = torch.Generator().manual_seed(streams.seed("model_initialisation"))
        self.model = GaussianDynamics(size, len(low), model.hidden_sizes, "xavier", generator)
        self.fitting = ModelFitting(
            self.model,
            self.agent.value,
            job.objective,
            model.learning_rate,
            model.weight_decay,
            model.batch_size,
            streams,
        )
        self.replay = streams.numpy("replay")
        self.splits = streams.numpy("splits")
        self.policy_noise = torch.Generator().manual_seed(streams.seed("policy_noise"))
        self.target_noise = torch.Generator().manual_seed(streams.seed("target_noise"))
        self.evaluations = Evaluations(
            job.environment_id, job.environment, job.training.evaluation_episodes, streams
        )
        self.fits: list[dict[str, Any]] = []

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
        self.interaction.step(self.agent.actor)
        calls = self.learning_calls
        if calls == 1:
            self.evaluations.add(self.agent.actor, self.steps)
        if calls == 1 or (calls > 1 and calls % self.settings.model.refit_every == 0):
            self._refit(first=calls == 1)
        if calls >= 1:
            self._learn()
        if calls > 1 and (calls - 1) % self.settings.evaluation_every == 0:
            require_finite(self.networks(), self.steps)
            self.evaluations.add(self.agent.actor, self.steps)

    def mle_coefficient(self) -> float:
        """The coefficient of eq. (10) for a refit now, after the first."""
        return decayed(
            self.job.objective.mle_coefficient,
            self.job.final_mle_coefficient,
            self.steps,
            self.job.warmup_steps,
            self.job.decay_end_step,
        )

    def _refit(self, first: bool) -> None:
        settings = self.settings.model
        transitions = self.interaction.history.transitions()
        held_out = min(
            round(settings.validation_fraction * len(transitions)),
            settings.max_validation_transitions,
        )
        train_rows, validation_rows = random_split(len(transitions), [held_out], self.splits)
        validation = transitions.take(validation_rows)
        coefficient = settings.warmup_mle_coefficient if first else self.mle_coefficient()
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
        generator = torch.Generator().manual_seed(self.streams.seed("fit_metrics", self.steps))
        samples = self.job.objective.model_samples
        metrics = model_metrics(
            self.model, validation, self.agent.value, samples, settings.batch_size, generator
        )
        metrics |= floor_metrics(
            validation, self.agent.value, samples, settings.batch_size, generator
        )
        self.fits.append(
            {
                "env_step": self.steps,
                "mle_coefficient": coefficient,
                "epochs": progress.epochs,
                "gradient_steps": progress.gradient_steps,
                **metrics,
            }
        )

    def _learn(self) -> None:
        batch = self.interaction.history.sample(self.settings.actor_critic.batch_size, self.replay)
        self.agent.update(
            (batch.observations, batch.actions),
            self.critic_targets(batch),
            batch.observations,
            self.policy_noise,
        )

    @torch.no_grad()
    def critic_targets(self, batch: Batch) -> torch.Tensor:
        """Eq. (7) for a batch from the history: K fresh next states per pair, known reward."""
        prediction = self.model(batch.observations, batch.actions)
        next_observations = prediction.sample(self.settings.target_samples, self.target_noise)
        return model_target(
            self.known.reward(batch.observations, batch.actions, next_observations),
            self.known.terminated(next_observations),
            self.agent.value(next_observations, self.target_noise),
            self.settings.actor_critic.discount,
        )

    def networks(self) -> Arrays:
        """All that is trained, by name."""
        return self.agent.networks() | prefixed("model", module_arrays(self.model))

    def arrays(self) -> Arrays:
        """Everything that goes on changing, for saving."""
        fits = [[row[name] for name in FIT_COLUMNS] for row in self.fits]
        return {
            **prefixed("interaction", self.interaction.arrays()),
            **prefixed("agent", self.agent.arrays()),
            **prefixed("fitting", self.fitting.arrays()),
            "replay": generator_state(self.replay),
            "splits": generator_state(self.splits),
            "policy_noise": generator_array(self.policy_noise),
            "target_noise": generator_array(self.target_noise),
            "evaluations": self.evaluations.array(),
            "fits": np.array(fits, np.float64).reshape(-1, len(FIT_COLUMNS)),
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from what `arrays` gave."""
        self.interaction.restore(below("interaction", arrays))
        self.agent.restore(below("agent", arrays))
        self.fitting.restore(below("fitting", arrays))
        set_generator_state(self.replay, arrays["replay"])
        set_generator_state(self.splits, arrays["splits"])
        load_generator(self.policy_noise, arrays["policy_noise"])
        load_generator(self.target_noise, arrays["target_noise"])
        self.evaluations.restore(arrays["evaluations"])
        self.fits = [
            {
                name: int(number) if name in _COUNTS else float(number)
                for name, number in zip(FIT_COLUMNS, row, strict=True)
            }
            for row in arrays["fits"]
        ]

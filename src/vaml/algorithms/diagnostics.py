"""Diagnostics of an agent's model along a run: its errors, and the states in which it makes them.

They do not touch training: random streams, environments and copies are their own.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.learned_model import LearnedModel
from vaml.algorithms.rows import Rows
from vaml.config.mbac import TrainMBACJob
from vaml.data.replay import History
from vaml.data.transitions import Transitions
from vaml.envs import mujoco
from vaml.losses.actor_critic import bellman_target
from vaml.losses.likelihood import nll
from vaml.losses.value_aware import vaml
from vaml.metrics.model_diagnostics import gradient_parts, slopes, spread
from vaml.networks.actor_critic import Actor
from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.networks.value import SoftValue
from vaml.saving import Arrays, Stateful, below, load_module, module_arrays, prefixed
from vaml.seeding import Streams

STATE_EVERY = 20  # environment steps between the simulator states that are kept
TRANSITIONS = 256  # maximum per kind of data and evaluation
EPISODES = 3  # of fresh data per evaluation

_DATA = ("replay", "policy", "on_policy")
_ERRORS = ("error", "mean_error", "bellman_error", "target_error", "nll")
DIAGNOSTIC_COLUMNS = (
    "env_step",
    *(f"{name}_{data}" for name in _ERRORS for data in _DATA),
    "value_sd",
    "sigma_q05",
    "sigma_q50",
    "sigma_q95",
    "coverage_90",
    "slope_data",
    "slope_data_q95",
    "slope_model",
    "slope_model_q95",
    "error_previous",
    "error_stale",
    "nll_gradient",
    "value_gradient",
    "gradient_cosine",
    "value_share",
)


class Diagnostics(Stateful):
    """Rows with DIAGNOSTIC_COLUMNS, one per evaluation of a model-based agent.

    There are three kinds of pairs. `replay`: a sample of the run's own. `policy`: the same states
    with fresh actions of the policy, their next states from the simulator. `on_policy`: fresh
    episodes of the stochastic policy. Each kind has five numbers. error: the value-aware error for
    the present value function. mean_error: the same with V at the model's mean in place of its
    samples. bellman_error: the mean distance of the critics' target from the one with the true next
    state (units of return), including the K-sample mean's noise. target_error: the mean squared
    distance of the two targets' expectations, without that noise, as a share of the variance of
    V(s') over the pairs; it is unbiased and may be negative. nll.

    The other numbers are those of `replay`. value_sd: standard deviation of V(s'). sigma_q05 to
    q95: quantiles of the model's standard deviations. coverage_90: share of next states' entries
    inside the model's central 90 % interval. slope_data, slope_model: median length of ∂V/∂s at s'
    and at the model's samples of it; `_q95`: their 95 % quantiles. error_previous: error of the
    previous evaluation's model (at first, of the warm-up's end) for the V of that time.
    error_stale: error of that model for the present V. nll_gradient, value_gradient: lengths of the
    two terms' gradients in the model's parameters. gradient_cosine: cosine of the angle between
    them. value_share: (1 - c) |g_v| over c |g_n| + (1 - c) |g_v|, the value term's share of the
    last refit's mixture.

    Streams: `diagnostics`, env_step, and a name for each number.
    """

    saved = ("rows", "previous")

    def __init__(self, job: TrainMBACJob, streams: Streams) -> None:
        self.job = job
        self.streams = streams
        self.rows = Rows(DIAGNOSTIC_COLUMNS, counts=["env_step"])
        self._states: list[dict[str, np.ndarray]] = []
        self.previous: Arrays = {}

    def record_state(self, env: mujoco.Env, env_step: int) -> None:
        """Keep the simulator's state before a step, for some of the steps."""
        if env_step % STATE_EVERY == 0:
            self._states.append(mujoco.get_physics(env))

    def add(
        self, env_step: int, agent: ActorCritic, learned: LearnedModel, history: History
    ) -> None:
        """Measure once and keep the row."""
        self._env_step, self._learned, self._value = env_step, learned, agent.value
        pairs = (*self._replayed(agent.actor, history), self._fresh(agent.actor))
        data = [each.to(agent.device) for each in pairs]
        row: dict[str, float] = {"env_step": env_step}
        for name, transitions in zip(_DATA, data, strict=True):
            row |= {f"{key}_{name}": x for key, x in self._errors(transitions, name).items()}
        row |= self._details(data[0]) | self._staleness(data[0])
        self.rows.add(row)
        self.remember(agent, learned)

    def remember(self, agent: ActorCritic, learned: LearnedModel) -> None:
        """Keep model and value function for the next error_previous and error_stale."""
        self.previous = agent.networks() | prefixed("model", module_arrays(learned.model))

    def _seed(self, *name: str) -> int:
        return self.streams.seed("diagnostics", self._env_step, *name)

    def _generator(self, *name: str) -> torch.Generator:
        return torch.Generator().manual_seed(self._seed(*name))

    def _environment(self) -> mujoco.Env:
        env = mujoco.configured(self.job.environment_id, self.job.environment)
        env.reset(seed=self._seed("environment"))
        return env

    def _replayed(self, actor: Actor, history: History) -> tuple[Transitions, Transitions]:
        """A sample of the run's transitions, and of those that the policy's actions would give."""
        rng = self.streams.numpy("diagnostics", self._env_step, "rows")
        chosen = rng.permutation(len(self._states))[:TRANSITIONS]
        replay = history.transitions().take(chosen * STATE_EVERY)
        with torch.no_grad():
            states = replay.observations.to(actor.device)
            actions = actor.sample(states, self._generator("actions"))[0].cpu()
        env = self._environment()
        reached = [
            mujoco.next_observation(env, self._states[i], action)
            for i, action in zip(chosen, actions.numpy(), strict=True)
        ]
        env.close()
        return replay, Transitions(replay.observations, actions, _tensor(reached))

    @torch.no_grad()
    def _fresh(self, actor: Actor) -> Transitions:
        """Transitions of new episodes, a random part of them."""
        env, noise = self._environment(), self._generator("exploration")
        columns: tuple[list[np.ndarray], ...] = ([], [], [])
        for _ in range(EPISODES):
            observation, done = env.reset()[0].astype(np.float32), False
            while not done:
                state = torch.from_numpy(observation).to(actor.device)
                action = actor.sample(state, noise)[0].cpu().numpy()
                reached, _, terminated, truncated, _ = env.step(action)
                reached = reached.astype(np.float32)
                for column, entry in zip(columns, (observation, action, reached), strict=True):
                    column.append(entry)
                observation, done = reached, terminated or truncated
        env.close()
        rng = self.streams.numpy("diagnostics", self._env_step, "fresh_rows")
        return Transitions(*map(_tensor, columns)).take(
            rng.permutation(len(columns[0]))[:TRANSITIONS]
        )

    @torch.no_grad()
    def _errors(self, data: Transitions, name: str) -> dict[str, float]:
        learned, training, known = self._learned, self.job.training, self._learned.known
        samples = learned.agent.objective.model_samples
        prediction = learned.model(data.observations, data.actions)
        repeated = data.next_observations.expand(training.target_samples, -1, -1)
        rewards = known.reward(data.observations, data.actions, data.next_observations)
        terminated = known.terminated(data.next_observations)

        def distances(draw: str) -> tuple[Tensor, Tensor]:
            """Distances of the critics' targets from the true ones, and V at true next states."""
            values = self._value(repeated, self._generator(name, f"truth{draw}")).mean(0)
            truth = bellman_target(rewards, terminated, values, training.actor_critic.discount)
            noise = self._generator(name, f"targets{draw}")
            true = data.next_observations, terminated
            targets = learned.critic_targets(data.observations, data.actions, *true, noise)
            return targets - truth, values

        first, values = distances("")
        # The expected product of two independent draws is the square of the mean.
        squared = (first * distances("_again")[0]).mean()
        noise = self._generator(name, "error")
        error = vaml(prediction, data.next_observations, self._value, samples, noise)
        return {
            "error": error.item(),
            "mean_error": self._mean_error(prediction, data, name),
            "bellman_error": first.abs().mean().item(),
            "target_error": (squared / values.var()).item(),
            "nll": nll(prediction, data.next_observations).item(),
        }

    def _mean_error(self, prediction: Prediction, data: Transitions, name: str) -> float:
        """Mean of ½ (V(s') - V at the model's mean)², where V draws K actions, in value²."""
        samples = self._learned.agent.objective.model_samples
        noise = self._generator(name, "mean_error")
        targets = self._value(data.next_observations, noise)
        predicted = self._value(prediction.repeated_mean(samples), noise).mean(0)
        return 0.5 * (targets - predicted).square().mean().item()

    def _details(self, data: Transitions) -> dict[str, float]:
        learned, value = self._learned, self._value
        prediction = learned.model(data.observations, data.actions)
        with torch.no_grad():
            values = value(data.next_observations, self._generator("values"))
        seeds = self._seed("samples"), self._seed("slopes")
        return {
            "value_sd": values.std().item(),
            **spread(prediction, data.next_observations),
            **slopes(value, prediction, data.next_observations, seeds),
        } | gradient_parts(
            learned.model,
            data,
            value,
            learned.agent.objective,
            learned.fits[-1]["mle_coefficient"],
            self._generator("gradients"),
        )

    @torch.no_grad()
    def _staleness(self, data: Transitions) -> dict[str, float]:
        """Errors of the previous evaluation's model for the value functions of then and of now."""
        learned = self._learned
        model = GaussianDynamics(
            data.observations.shape[1],
            data.actions.shape[1],
            self.job.training.model.hidden_sizes,
            "xavier",
            torch.Generator(),
        ).to(learned.device)
        load_module(model, below("model", self.previous))
        prediction = model(data.observations, data.actions)
        samples = learned.agent.objective.model_samples

        def error(value: SoftValue) -> float:
            noise = self._generator("staleness")  # the same for both
            return vaml(prediction, data.next_observations, value, samples, noise).item()

        return {
            "error_previous": error(SoftValue.from_snapshot(self.previous, learned.device)),
            "error_stale": error(self._value),
        }

    def arrays(self) -> Arrays:
        """The whole state, as arrays by name."""
        names = self._states[0] if self._states else ()
        states = {name: np.stack([state[name] for state in self._states]) for name in names}
        return super().arrays() | prefixed("states", states)

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the state that `arrays` gave."""
        super().restore(arrays)
        states = below("states", arrays)
        rows = zip(*states.values(), strict=True)
        self._states = [dict(zip(states, row, strict=True)) for row in rows]


def _tensor(rows: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(rows))

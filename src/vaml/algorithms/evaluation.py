"""Evaluation of a policy in an environment and with random streams that training does not use."""

import copy

import numpy as np
import torch

from vaml.algorithms.rows import Rows
from vaml.config.sac import Environment
from vaml.divergence import Diverged
from vaml.envs import mujoco
from vaml.networks.actor_critic import Actor
from vaml.saving import Stateful
from vaml.seeding import Streams

EVALUATION_COLUMNS = ("env_step", "episode", "return")


class Evaluations(Stateful):
    """The returns of full episodes under the deterministic policy, along a run.

    The evaluation at environment step t depends on the policy and on the stream
    `evaluation`, t alone; agents of one seed meet the same initial states.
    """

    saved = ("rows",)

    def __init__(
        self, environment_id: str, environment: Environment, episodes: int, streams: Streams
    ) -> None:
        self.environment_id = environment_id
        self.environment = environment
        self.episodes = episodes
        self.streams = streams
        self.rows = Rows(EVALUATION_COLUMNS, counts=["env_step", "episode"])  # one per episode

    @torch.no_grad()
    def add(self, actor: Actor, env_step: int) -> None:
        """Evaluate the policy once. Diverged: a return is not finite; no row is added."""
        if actor.device.type != "cpu":
            actor = copy.deepcopy(actor).cpu()  # faster there than a kernel launch per layer
        env = mujoco.configured(self.environment_id, self.environment)
        seed = self.streams.seed("evaluation", env_step)
        returns: list[float] = []
        for _ in range(self.episodes):
            observation, _ = env.reset(seed=None if returns else seed)
            total, done = 0.0, False
            while not done:
                state = torch.from_numpy(observation.astype(np.float32))
                action = actor.mode(state).numpy()
                observation, reward, terminated, truncated, _ = env.step(action)
                total += float(reward)
                done = terminated or truncated
            if not np.isfinite(total):
                raise Diverged("evaluation return", env_step)
            returns.append(total)
        env.close()
        for episode, total in enumerate(returns):
            self.rows.add({"env_step": env_step, "episode": episode, "return": total})

    def last_mean(self) -> float | None:
        """Mean return of the last evaluation (undiscounted); None before the first."""
        if not self.rows:
            return None
        last = self.rows[-1]["env_step"]
        return float(np.mean([row["return"] for row in self.rows if row["env_step"] == last]))

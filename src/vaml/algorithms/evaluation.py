"""Evaluation of a policy in an environment and with random streams that training does not use."""

from typing import Any

import numpy as np
import torch

from vaml.config.sac import Environment
from vaml.divergence import Diverged
from vaml.envs import mujoco
from vaml.networks.actor_critic import Actor
from vaml.seeding import Streams

EVALUATION_COLUMNS = ("env_step", "episode", "return")


class Evaluations:
    """The returns of full episodes under the deterministic policy, along a run.

    The evaluation at environment step t depends on the policy and on the stream
    `evaluation`, t alone; agents of one seed meet the same initial states.
    """

    def __init__(
        self, environment_id: str, environment: Environment, episodes: int, streams: Streams
    ) -> None:
        self.environment_id = environment_id
        self.environment = environment
        self.episodes = episodes
        self.streams = streams
        self._returns: list[tuple[int, int, float]] = []  # (env_step, episode, return)

    @torch.no_grad()
    def add(self, actor: Actor, env_step: int) -> None:
        """Evaluate the policy once. Raises Diverged at a non-finite return."""
        env = mujoco.configured(self.environment_id, self.environment)
        seed = self.streams.seed("evaluation", env_step)
        for episode in range(self.episodes):
            observation, _ = env.reset(seed=seed if episode == 0 else None)
            total, done = 0.0, False
            while not done:
                state = torch.from_numpy(observation.astype(np.float32)).to(actor.device)
                action = actor.mode(state).cpu().numpy()
                observation, reward, terminated, truncated, _ = env.step(action)
                total += float(reward)
                done = terminated or truncated
            if not np.isfinite(total):
                raise Diverged("evaluation return", env_step)
            self._returns.append((env_step, episode, total))
        env.close()

    def rows(self) -> list[dict[str, Any]]:
        """One row per episode."""
        return [
            {"env_step": step, "episode": episode, "return": number}
            for step, episode, number in self._returns
        ]

    def last_mean(self) -> float | None:
        """Mean return of the last evaluation (undiscounted); None before the first."""
        if not self._returns:
            return None
        last = self._returns[-1][0]
        return float(np.mean([number for step, _, number in self._returns if step == last]))

    def array(self) -> np.ndarray:
        """All returns, for saving: (episodes so far, 3)."""
        return np.array(self._returns, np.float64).reshape(-1, 3)

    def restore(self, array: np.ndarray) -> None:
        """Go on from what `array` gave."""
        self._returns = [(int(t), int(i), float(r)) for t, i, r in array]

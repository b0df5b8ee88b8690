"""Acting in an environment: collecting the history of a run."""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from vaml.config.sac import Environment
from vaml.data.replay import History
from vaml.divergence import require_finite
from vaml.envs import mujoco
from vaml.saving import Arrays, Stateful, below, prefixed, seeded
from vaml.seeding import Streams


class Interaction(Stateful):
    """One environment, the policy's exploration in it, and the history of the run.

    Actions are uniform in the action box for `warmup_steps`, then drawn from the policy. Streams
    `environment`, `warmup_actions` and, on the device, `exploration`.
    """

    saved = ("history", "observation", "warmup_actions", "exploration")

    def __init__(
        self,
        environment_id: str,
        environment: Environment,
        total_steps: int,
        warmup_steps: int,
        streams: Streams,
        device: torch.device | str = "cpu",
    ) -> None:
        self.env = mujoco.configured(environment_id, environment)
        self.low, self.high = mujoco.action_bounds(self.env)
        self.observation_size = mujoco.observation_size(self.env)
        self.warmup_steps = warmup_steps
        self.history = History(total_steps, self.observation_size, len(self.low))
        self.warmup_actions = streams.numpy("warmup_actions")
        self.exploration = seeded(streams.seed("exploration"), device)
        observation, _ = self.env.reset(seed=streams.seed("environment"))
        self.observation = observation.astype(np.float32)

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        return self.history.size

    def step(self, act: Callable[[np.ndarray, torch.Generator], np.ndarray]) -> None:
        """Add one environment step to the history, and reset the environment if the episode ended.

        After the warm-up the action is what `act` draws at the observation.
        """
        if self.steps < self.warmup_steps:
            action = self.warmup_actions.uniform(self.low, self.high).astype(np.float32)
        else:
            action = act(self.observation, self.exploration)
        observation, reward, terminated, truncated, _ = self.env.step(action)
        observation = observation.astype(np.float32)
        require_finite(
            {"action": action, "observation": observation, "reward": np.asarray(reward)}, self.steps
        )
        self.history.append(
            self.observation, action, float(reward), observation, terminated, truncated
        )
        if terminated or truncated:
            observation = self.env.reset()[0].astype(np.float32)
        self.observation = observation

    def episode_return(self) -> float | None:
        """The undiscounted return of the last episode that ended; None before the first."""
        history, steps = self.history, self.steps
        ends = np.flatnonzero(history.terminated[:steps] | history.truncated[:steps]) + 1
        if not len(ends):
            return None
        start = ends[-2] if len(ends) > 1 else 0
        return float(history.rewards[start : ends[-1]].sum(dtype=np.float64))

    def arrays(self) -> Arrays:
        """The whole state, as arrays by name."""
        return super().arrays() | prefixed("env", mujoco.get_state(self.env))

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the state that `arrays` gave."""
        super().restore(arrays)
        mujoco.set_state(self.env, below("env", arrays))

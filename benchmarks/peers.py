"""SAC of other libraries, with our networks and batch size, in our environment."""

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium


def step(library: str, device: str) -> Callable[[int], object]:
    """A function that makes so many environment steps, each with an update.

    library: `stable_baselines3`, or `sbx`, which takes the device that JAX finds. Raises
    ImportError where it is not installed.
    """
    warnings.simplefilter("ignore")
    algorithm = importlib.import_module(library).SAC
    env = gymnasium.make("Hopper-v5", exclude_current_positions_from_observation=False)
    placed: dict[str, Any] = {} if library == "sbx" else {"device": device}
    agent = algorithm(
        "MlpPolicy",
        env,
        learning_starts=300,
        batch_size=256,
        buffer_size=200_000,
        policy_kwargs={"net_arch": [256, 256]},
        **placed,
    )
    agent.learn(310)
    return lambda steps: agent.learn(steps, reset_num_timesteps=False)

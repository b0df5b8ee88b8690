"""Gymnasium's MuJoCo environments: their construction, and their exact state between two steps."""

import json
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.envs.mujoco import MujocoEnv
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from vaml.config.environments import ENVIRONMENTS
from vaml.config.sac import Environment
from vaml.envs.pusher import Pusher

Env = gymnasium.Env[NDArray[Any], NDArray[Any]]
_LOG = logging.getLogger(__name__)
_MUJOCO: Any = mujoco  # compiled, without type stubs
_OURS = {"Pusher-v4": EnvSpec("Pusher-v4", entry_point=Pusher)}


def make(environment: str, *, keep_position: bool, time_limit: int) -> Env:
    """Make an environment whose episodes are truncated after `time_limit` steps.

    `keep_position` keeps the x-position in the observation, where the environment has that option.
    Observations are float64, actions float32. The simulator's warnings (an unstable simulation,
    which it resets) go to this module's logger, not to a file in the working directory.

    Raises ValueError for an environment that is not listed, or that cannot keep the position.
    """
    if environment not in ENVIRONMENTS:
        raise ValueError(f"environment: got {environment!r}; allowed: {', '.join(ENVIRONMENTS)}")
    options: dict[str, bool] = {}
    if ENVIRONMENTS[environment].keeps_position:
        options["exclude_current_positions_from_observation"] = not keep_position
    elif keep_position:
        raise ValueError(f"keep_position: got True; allowed for {environment}: False")
    _MUJOCO.set_mju_user_warning(_log_warning)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is out of date", DeprecationWarning)
        return gymnasium.make(
            _OURS.get(environment, environment),
            max_episode_steps=time_limit,
            disable_env_checker=True,
            **options,
        )


def configured(environment: str, settings: Environment) -> Env:
    """Make an environment as the config says; see `make`."""
    return make(environment, keep_position=settings.keep_position, time_limit=settings.time_limit)


def observation_size(env: Env) -> int:
    """Entries of an observation."""
    space = env.observation_space
    assert isinstance(space, gymnasium.spaces.Box)
    return space.shape[0]


def action_bounds(env: Env) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest action, (action_size,) each."""
    space = env.action_space
    assert isinstance(space, gymnasium.spaces.Box)
    return space.low.astype(np.float32), space.high.astype(np.float32)


def get_state(env: Env) -> dict[str, NDArray[Any]]:
    """State that determines all later steps and resets, given the actions.

    physics: (n,) float64, MuJoCo's integration state, with the solver's warm start.
    body_positions: (bodies, 3) float64. They are derived, but after a step they lag the physics
        by one sub-step, and Pusher's observation reads them.
    elapsed_steps: () int64, steps since the last reset.
    random_state: (bytes,) uint8, JSON of the generator that the resets draw from.

    The action space's own generator is not included: draw actions from another one.
    Raises ValueError before the first reset.
    """
    elapsed_steps = env.get_wrapper_attr("_elapsed_steps")
    if elapsed_steps is None:
        raise ValueError("environment state: there is none before the first reset")
    random_state = json.dumps(_simulator(env).np_random.bit_generator.state, sort_keys=True)
    return {
        **get_physics(env),
        "elapsed_steps": np.array(elapsed_steps, np.int64),
        "random_state": np.frombuffer(random_state.encode(), np.uint8).copy(),
    }


def set_state(env: Env, state: Mapping[str, NDArray[Any]]) -> None:
    """Restore a state that `get_state` returned, even in an environment never reset.

    All later observations, rewards, flags and resets are bit for bit those of the environment that
    the state came from, if the same call of `make` made both.
    Raises ValueError for a state of another environment if its shapes differ.
    """
    simulator = _simulator(env)
    expected = {
        "physics": (_MUJOCO.mj_stateSize(simulator.model, _integration()),),
        "body_positions": simulator.data.xpos.shape,
        "elapsed_steps": (),
    }
    given = {name: state[name].shape for name in expected if name in state}
    if given != expected or "random_state" not in state:
        raise ValueError(
            f"environment state: got arrays of shapes {given}; allowed: {expected} and random_state"
        )
    random_state = json.loads(state["random_state"].tobytes())
    env.reset(seed=0)  # the wrappers refuse to step an environment never reset
    simulator.np_random.bit_generator.state = random_state
    _set_physics(simulator, state)
    env.set_wrapper_attr("_elapsed_steps", int(state["elapsed_steps"]), force=False)


def get_physics(env: Env) -> dict[str, NDArray[Any]]:
    """State that decides the next observation, given an action: `physics`, `body_positions`."""
    simulator = _simulator(env)
    physics = np.empty(_MUJOCO.mj_stateSize(simulator.model, _integration()), np.float64)
    _MUJOCO.mj_getState(simulator.model, simulator.data, physics, _integration())
    return {"physics": physics, "body_positions": simulator.data.xpos.copy()}


def next_observation(
    env: Env, state: Mapping[str, NDArray[Any]], action: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Next observation (observation_size,) after an action in a state that `get_physics` returned.

    The environment must have been reset once; its time limit has no effect.
    """
    simulator = _simulator(env)
    _set_physics(simulator, state)
    return simulator.step(action)[0].astype(np.float32)


def _set_physics(simulator: MujocoEnv, state: Mapping[str, NDArray[Any]]) -> None:
    _MUJOCO.mj_setState(simulator.model, simulator.data, state["physics"], _integration())
    simulator.data.xpos[:] = state["body_positions"]


def _simulator(env: Env) -> MujocoEnv:
    simulator = env.unwrapped
    assert isinstance(simulator, MujocoEnv)
    return simulator


def _integration() -> int:
    return int(_MUJOCO.mjtState.mjSTATE_INTEGRATION)


def _log_warning(message: str) -> None:
    _LOG.warning("MuJoCo: %s", message)

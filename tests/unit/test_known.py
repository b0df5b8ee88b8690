"""Known reward and termination functions are those of `env.step`, on every branch.

The slow tests stand last: `make mutate` stops at the first failure.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaml.config.environments import ENVIRONMENTS
from vaml.envs.known import KNOWN, KnownFunctions, known_functions
from vaml.envs.mujoco import Env, action_bounds, make, observation_size

RANDOM_TRANSITIONS = 10_000
EXTREME_TRANSITIONS = 1_000
FEW, ALL = 100, RANDOM_TRANSITIONS + EXTREME_TRANSITIONS  # a wrong formula shows in the few
# Environments without an end, and the entries of the next observation that their reward reads.
NEVER_TERMINATING = {
    "Pusher-v4": slice(0),
    "Pusher-v5": slice(14, None),
}
# Environments whose reward is a speed along x, and the seconds of a step.
MOVING = {
    "Hopper-v4": 0.008,
    "Hopper-v5": 0.008,
    "Walker2d-v4": 0.008,
    "Walker2d-v5": 0.008,
}
TERMINATING = sorted(set(KNOWN) - NEVER_TERMINATING.keys())
WALKING = [name for name in TERMINATING if name in MOVING]
FLOAT32 = 2.0**-24  # relative rounding error of one number


@dataclass(frozen=True)
class Recorded:
    """Transitions of `env.step` in float64, and the greatest speed of a joint after each."""

    observations: Tensor
    actions: Tensor
    next_observations: Tensor
    rewards: Tensor
    terminated: Tensor
    speeds: Tensor


def _make(environment: str) -> Env:
    keep_position = ENVIRONMENTS[environment].keeps_position
    return make(environment, keep_position=keep_position, time_limit=200)


def _extreme_state(
    simulator: Any, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Poses on both sides of every limit, at speeds from 1 to 100."""
    spread = 10 ** random.uniform(-1.5, 0.5)
    speed = 10 ** random.uniform(0, 2)
    positions = simulator.init_qpos + random.normal(0, spread, simulator.model.nq)
    return positions, random.normal(0, speed, simulator.model.nv)


@cache
def _recorded(environment: str, transitions: int) -> Recorded:
    env, random = _make(environment), np.random.default_rng(3)
    low, high = action_bounds(env)
    simulator: Any = env.unwrapped
    rows: list[tuple[Any, ...]] = []
    observation, _ = env.reset(seed=4)
    for step in range(transitions):
        if step >= RANDOM_TRANSITIONS:
            env.reset()
            simulator.set_state(*_extreme_state(simulator, random))
            observation = simulator._get_obs()
        # In float64, lest the environment computes the action's cost in float32.
        action = random.uniform(low, high).astype(np.float32).astype(np.float64)
        following, reward, terminated, truncated, _ = env.step(action)
        speed = np.abs(simulator.data.qvel).max()
        rows.append((observation, action, following, float(reward), terminated, speed))
        observation = env.reset()[0] if terminated or truncated else following
    return Recorded(*(torch.from_numpy(np.array(column)) for column in zip(*rows, strict=True)))


@pytest.mark.parametrize("environment", WALKING)
def test_health_at_and_beyond_the_limits(environment: str) -> None:
    """Against the environment's own check, without a step, on every side of every limit."""
    env, random = _make(environment), np.random.default_rng(8)
    simulator: Any = env.unwrapped
    limits = np.array([-100, -1, -0.2, 0.2, 0.7, 0.8, 1, 2, 100])
    candidates = np.concatenate([limits, np.nextafter(limits, -200), np.nextafter(limits, 200)])
    observations, healthy = [], []
    for _ in range(2_000):
        simulator.data.qpos[:] = simulator.init_qpos
        simulator.data.qvel[:] = random.uniform(-99, 99, simulator.model.nv)
        chosen = random.integers(0, simulator.model.nq)
        simulator.data.qpos[chosen] = random.choice(candidates)
        observations.append(simulator._get_obs())
        healthy.append(bool(simulator.is_healthy))
    terminated = known_functions(environment).terminated(torch.from_numpy(np.array(observations)))
    assert torch.equal(~terminated, torch.tensor(healthy))
    assert min(sum(healthy), healthy.count(False)) > 200


@pytest.mark.parametrize("environment", ["InvertedPendulum-v4", "InvertedPendulum-v5"])
def test_the_pole_may_lean_by_exactly_its_limit(environment: str) -> None:
    next_observations = torch.zeros(4, 4, dtype=torch.float64)
    next_observations[:, 1] = torch.from_numpy(
        np.array([0.2, -0.2, np.nextafter(0.2, 1), np.nextafter(-0.2, -1)])
    )
    terminated = known_functions(environment).terminated(next_observations)
    assert terminated.tolist() == [False, False, True, True]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("environment", KNOWN)
def test_a_non_finite_prediction_is_terminal_and_its_reward_finite(
    environment: str, bad: float
) -> None:
    known, steps = known_functions(environment), _recorded(environment, FEW)
    predicted = steps.next_observations[0].repeat(known.observation_size, 1)
    predicted.fill_diagonal_(bad)
    terminated = known.terminated(predicted)
    reward = known.reward(steps.observations[0], steps.actions[0], predicted)
    if environment in TERMINATING:
        assert terminated.all()
        assert reward.isfinite().all()
        if environment in WALKING:  # an unknown position is no way forward, and no way back
            bonus = 1.0 if environment.endswith("v4") else 0.0
            cost = 0.001 * steps.actions[0].square().sum().item()
            assert reward[0].item() == pytest.approx(bonus - cost)
    else:  # nothing ends there: what is wrong must show
        assert not terminated.any()
        read = torch.zeros(known.observation_size, dtype=torch.bool)
        read[NEVER_TERMINATING[environment]] = True
        assert torch.equal(~reward.isfinite(), read)


@pytest.mark.parametrize("environment", KNOWN)
def test_batch_dimensions_broadcast(environment: str) -> None:
    known, steps = known_functions(environment), _recorded(environment, FEW)
    observations, actions = steps.observations[:5], steps.actions[:5]
    samples = steps.next_observations[:40].reshape(8, 5, -1)  # (K, B, n)
    reward, terminated = known.reward(observations, actions, samples), known.terminated(samples)
    assert reward.shape == terminated.shape == (8, 5)
    for k in range(8):
        torch.testing.assert_close(reward[k], known.reward(observations, actions, samples[k]))
        assert torch.equal(terminated[k], known.terminated(samples[k]))
    many = known.reward(observations.expand(8, 5, -1), actions, samples[0])
    torch.testing.assert_close(many, reward[:1].expand(8, 5))
    many = known.reward(observations, actions.expand(8, 5, -1), samples[0])
    torch.testing.assert_close(many, reward[:1].expand(8, 5))


def test_the_listed_ids_have_them_and_no_other() -> None:
    assert sorted(KNOWN) == [name for name, facts in sorted(ENVIRONMENTS.items()) if facts.known]
    for environment in KNOWN:
        known = known_functions(environment)
        assert isinstance(known, KnownFunctions)
        assert known.observation_size == observation_size(_make(environment))
    unknown = [name for name, facts in ENVIRONMENTS.items() if not facts.known]
    for environment in (*unknown, "Pusher-v3", ""):
        message = f"got '{environment}'; allowed: {', '.join(KNOWN)}"
        with pytest.raises(ValueError, match=rf"^known .*: {re.escape(message)}$"):
            known_functions(environment)


def test_an_observation_without_its_position_is_refused() -> None:
    known = known_functions("Hopper-v4")
    shown, hidden, actions = torch.zeros(2, 12), torch.zeros(2, 11), torch.zeros(2, 3)
    message = r"^Hopper-v4: got observations of 11 entries; allowed: 12, .*$"
    with pytest.raises(ValueError, match=message):
        known.terminated(hidden)
    for observations, next_observations in ((hidden, shown), (shown, hidden)):
        with pytest.raises(ValueError, match=message):
            known.reward(observations, actions, next_observations)


@pytest.mark.parametrize("transitions", [FEW, pytest.param(ALL, marks=pytest.mark.slow)])
@pytest.mark.parametrize("environment", KNOWN)
def test_reward_is_that_of_the_environment(environment: str, transitions: int) -> None:
    known, steps = known_functions(environment), _recorded(environment, transitions)
    visible = _visible(environment, steps)
    arguments = (steps.observations, steps.actions, steps.next_observations)
    # The same formula in the same precision: only the order of additions may differ.
    error = (known.reward(*arguments) - steps.rewards).abs()[visible]
    assert error.max() < 1e-12

    # In float32 each term is rounded, and above all the positions, that differ by a small step.
    rounding = FLOAT32 * (4 * steps.rewards.abs() + 0.5 * steps.actions.square().sum(-1) + 8)
    if environment in MOVING:
        places = steps.observations[:, 0].abs() + steps.next_observations[:, 0].abs()
        rounding += FLOAT32 * places / MOVING[environment]
    reward = known.reward(*(argument.float() for argument in arguments))
    assert reward.dtype == torch.float32
    assert ((reward.double() - steps.rewards).abs() <= rounding)[visible].all()
    assert rounding[:RANDOM_TRANSITIONS].max() < 1e-4


@pytest.mark.parametrize("environment", KNOWN)
def test_termination_is_that_of_the_environment(environment: str) -> None:
    known, steps = known_functions(environment), _recorded(environment, ALL)
    visible = _visible(environment, steps)
    for next_observations in (steps.next_observations, steps.next_observations.float()):
        terminated = known.terminated(next_observations)
        assert terminated.dtype == torch.bool
        assert torch.equal(terminated[visible], steps.terminated[visible])
    for part in (slice(RANDOM_TRANSITIONS), slice(RANDOM_TRANSITIONS, None)):
        ends = int(steps.terminated[part][visible[part]].sum())
        goes_on = int((~steps.terminated[part][visible[part]]).sum())
        assert goes_on >= 100
        assert ends >= 100 if environment in TERMINATING else ends == 0


def _visible(environment: str, steps: Recorded) -> Tensor:
    """Transitions whose health can be told from the observation: all but in Hopper at speed.

    Hopper checks that its velocities are below 100, but shows them clipped to 10.
    """
    hidden = steps.speeds >= 100 if "Hopper" in environment else steps.speeds < 0
    assert hidden[:RANDOM_TRANSITIONS].sum() == 0
    assert hidden.sum() < EXTREME_TRANSITIONS / 2
    assert steps.terminated[hidden].all()
    return ~hidden

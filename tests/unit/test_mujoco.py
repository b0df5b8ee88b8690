"""Environments are made as asked, and their state is exact: bit for bit, in any process."""

import inspect
import io
import multiprocessing
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from vaml.config.environments import ENVIRONMENTS
from vaml.envs.mujoco import Env, action_bounds, get_state, make, observation_size, set_state

IDS = sorted(ENVIRONMENTS)
TIME_LIMIT = 90
FOLLOWING_STEPS = 330  # at least three resets, by the time limit or before
Steps = list[tuple[bytes, float, bool, bool, bytes]]


def _make(environment: str, time_limit: int = TIME_LIMIT) -> Env:
    keep_position = ENVIRONMENTS[environment].keeps_position
    return make(environment, keep_position=keep_position, time_limit=time_limit)


def _actions(environment: str, count: int) -> NDArray[np.float32]:
    """Uniform actions, each held for a few steps, so that bodies move and touch."""
    low, high = action_bounds(_make(environment))
    random = np.random.default_rng(7)
    drawn = random.uniform(low, high, (count // 4 + 1, low.size)).astype(np.float32)
    return np.repeat(drawn, 4, axis=0)[:count]


def _follow(env: Env, actions: NDArray[np.float32], *, first_is_reset: bool = False) -> Steps:
    """All that a run shows: each step's results and, where an episode ends, the next reset's."""
    steps: Steps = []
    reset_next = first_is_reset
    for action in actions:
        begun = env.reset()[0].tobytes() if reset_next else b""
        observation, reward, terminated, truncated, _ = env.step(action)
        steps.append((observation.tobytes(), float(reward), terminated, truncated, begun))
        reset_next = terminated or truncated
    return steps


def _ended(steps: Steps) -> bool:
    return steps[-1][2] or steps[-1][3]


def _shown_observation(env: Env) -> NDArray[np.float64]:
    return env.get_wrapper_attr("_get_obs")()


@pytest.mark.parametrize("environment", IDS)
def test_every_listed_environment_is_made_as_listed(
    environment: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)  # where MuJoCo would leave a log
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        env = _make(environment, time_limit=3)
    assert [str(warning.message) for warning in caught] == []
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
    option = "exclude_current_positions_from_observation"
    constructor = inspect.signature(type(env.unwrapped).__init__)
    assert ENVIRONMENTS[environment].keeps_position == (option in constructor.parameters)
    env.reset(seed=0)
    low, high = action_bounds(env)
    observations, flags = [], []
    for _ in range(3):
        observation, _, _, truncated, _ = env.step(high / 2)
        observations.append(observation)
        flags.append(truncated)
    assert flags == [False, False, True]
    assert observations[0].shape == (observation_size(env),)
    assert low.dtype == high.dtype == np.float32
    assert (low == -high).all()


@pytest.mark.parametrize("environment", [i for i in IDS if ENVIRONMENTS[i].keeps_position])
def test_keep_position_puts_x_first(environment: str) -> None:
    kept = make(environment, keep_position=True, time_limit=5)
    hidden = make(environment, keep_position=False, time_limit=5)
    kept.reset(seed=3)
    hidden.reset(seed=3)
    action = action_bounds(kept)[1]
    with_x, without_x = kept.step(action)[0], hidden.step(action)[0]
    assert with_x[0] == kept.get_wrapper_attr("data").qpos[0] != 0
    left_out = len(with_x) - len(without_x)  # Swimmer hides its y as well
    np.testing.assert_array_equal(with_x[left_out:], without_x)
    assert left_out >= 1


def test_bad_arguments_are_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^environment: got 'Hopper-v3'; allowed: .*Hopper-v4.*$"):
        make("Hopper-v3", keep_position=True, time_limit=5)
    with pytest.raises(ValueError, match=r"^keep_position: got True; allowed for Pusher-v5: False"):
        make("Pusher-v5", keep_position=True, time_limit=5)


def test_an_unstable_simulation_is_logged_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    env = _make("Hopper-v4")
    env.reset(seed=0)
    env.get_wrapper_attr("data").qvel[:] = 1e12
    env.step(action_bounds(env)[1])
    assert "unstable" in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("environment", IDS)
def test_a_restored_environment_goes_on_bit_for_bit(environment: str) -> None:
    random = np.random.default_rng(IDS.index(environment))
    points = sorted({0, *random.integers(1, 200, 4).tolist()})
    actions = _actions(environment, points[-1] + FOLLOWING_STEPS)
    env = _make(environment)
    env.reset(seed=5)
    whole = _follow(env, actions)
    assert sum(terminated or truncated for _, _, terminated, truncated, _ in whole) >= 3

    again = _make(environment)
    again.reset(seed=5)
    used = _make(environment)  # in the middle of another episode
    used.reset(seed=99)
    _follow(used, actions[:33])
    before: Steps = []
    for start, end in zip(points, [*points[1:], len(actions)], strict=True):
        state, shown = get_state(again), _shown_observation(again)
        ended = bool(before) and _ended(before)
        for restored in (_make(environment), used):
            set_state(restored, state)
            np.testing.assert_array_equal(_shown_observation(restored), shown)
            following = actions[start : start + FOLLOWING_STEPS]
            steps = _follow(restored, following, first_is_reset=ended)
            assert steps == whole[start : start + FOLLOWING_STEPS]
        before += _follow(again, actions[start:end], first_is_reset=ended)
    assert before == whole  # taking a state changes nothing


def test_a_state_taken_at_an_episodes_end_keeps_the_coming_resets() -> None:
    env, restored = _make("Pusher-v5", time_limit=2), _make("Pusher-v5", time_limit=2)
    env.reset(seed=1)
    actions = _actions("Pusher-v5", 2 + FOLLOWING_STEPS)
    assert _ended(_follow(env, actions[:2]))
    set_state(restored, get_state(env))
    rest = _follow(env, actions[2:], first_is_reset=True)
    assert _follow(restored, actions[2:], first_is_reset=True) == rest
    assert len({begun for *_, begun in rest}) > 100


def _follow_in_child(environment: str, stored: bytes, actions: NDArray[np.float32]) -> Steps:
    env = _make(environment)
    with np.load(io.BytesIO(stored), allow_pickle=False) as state:
        set_state(env, dict(state))
    return _follow(env, actions)


def test_a_state_holds_in_a_fresh_process() -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as child:
        for environment in IDS:
            actions = _actions(environment, 3 + FOLLOWING_STEPS)
            env = _make(environment)
            env.reset(seed=11)
            assert not _ended(_follow(env, actions[:3]))
            stored = io.BytesIO()
            arrays: dict[str, Any] = get_state(env)
            np.savez(stored, allow_pickle=False, **arrays)
            job = child.submit(_follow_in_child, environment, stored.getvalue(), actions[3:])
            assert job.result() == _follow(env, actions[3:])


def test_states_that_do_not_fit_are_refused_in_one_line() -> None:
    walker, hopper = _make("Walker2d-v4"), _make("Hopper-v4")
    with pytest.raises(ValueError, match=r"^environment state: there is none before.*$"):
        get_state(hopper)
    walker.reset(seed=0)
    state = get_state(walker)
    with pytest.raises(ValueError, match=r"^environment state: got arrays of shapes .*allowed.*$"):
        set_state(hopper, state)
    for name in state:
        with pytest.raises(ValueError, match=r"^environment state: got arrays.*random_state$"):
            set_state(walker, {key: array for key, array in state.items() if key != name})
    with pytest.raises(gymnasium.error.ResetNeeded):
        hopper.step(action_bounds(hopper)[0])  # a refused state leaves the environment as it was

"""Soft actor-critic runs: schedule, targets, snapshots, evaluation, determinism, resumption."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from vaml.algorithms.evaluation import Evaluations
from vaml.algorithms.sac import SACRun
from vaml.config.sac import ActorCriticSettings, Environment, SACTraining, TrainSACJob
from vaml.divergence import Diverged
from vaml.envs import mujoco
from vaml.envs.known import known_functions
from vaml.networks.actor_critic import Actor
from vaml.saving import below, module_arrays
from vaml.seeding import Streams

WARMUP, TOTAL, LIMIT = 20, 60, 13
SCOPE = ("train_sac", "Hopper-v4")
HOPPER = Environment(time_limit=LIMIT, keep_position=True)


def job(seed: int = 0, episodes: int = 1) -> TrainSACJob:
    return TrainSACJob(
        environment_id="Hopper-v4",
        environment=HOPPER,
        training=SACTraining(
            total_steps=TOTAL,
            warmup_steps=WARMUP,
            first_snapshot_step=30,
            snapshot_every=15,
            evaluation_episodes=episodes,
            actor_critic=ActorCriticSettings(
                hidden_sizes=[16, 16],
                learning_rate=3e-4,
                batch_size=8,
                discount=0.9,
                polyak=0.005,
                initial_temperature=1.0,
            ),
        ),
        seed=seed,
    )


def start(seed: int = 0, episodes: int = 1) -> SACRun:
    return SACRun(job(seed, episodes), Streams(seed, *SCOPE))


def finish(run: SACRun) -> SACRun:
    while not run.finished:
        run.advance()
    return run


def copied(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in arrays.items()}


def same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].tobytes() == second[name].tobytes() for name in first
    )


@pytest.fixture(scope="module")
def whole() -> SACRun:
    """One run to its end."""
    return finish(start())


def test_one_gradient_step_per_environment_step_from_the_end_of_the_warm_up_on() -> None:
    run = start()
    untrained = run.agent.networks()
    for step in range(1, TOTAL + 1):
        run.advance()
        assert run.steps == step
        assert run.agent.gradient_steps == max(step - WARMUP + 1, 0)
        assert same(run.agent.networks(), untrained) == (step < WARMUP)
    assert run.finished


def test_actions_are_uniform_in_the_warm_up_and_the_actors_after_it() -> None:
    run = start()
    with torch.no_grad():  # a policy of its own, and next to deterministic
        run.agent.actor.mean_head.bias.fill_(0.3)
        run.agent.actor.log_std_head.bias.fill_(-30.0)
    run.agent.update = lambda *_: None  # type: ignore[method-assign]
    arrays = finish(run).interaction.history.arrays()
    observations = torch.from_numpy(arrays["observations"])
    with torch.no_grad():
        modes = run.agent.actor.mode(observations).numpy()
    distance = np.abs(arrays["actions"] - modes).max(axis=1)
    assert (distance[:WARMUP] > 1e-3).all()
    assert (distance[WARMUP:] < 1e-5).all()
    warmup = arrays["actions"][:WARMUP]
    assert np.abs(warmup).max() <= 1
    assert np.abs(warmup).min() < 0.1
    assert np.abs(warmup).max() > 0.9


def test_the_history_chains_within_episodes_and_tells_their_two_ends_apart(whole: SACRun) -> None:
    arrays = whole.interaction.history.arrays()
    ended = arrays["terminated"] | arrays["truncated"]
    chained = (arrays["next_observations"][:-1] == arrays["observations"][1:]).all(axis=1)
    np.testing.assert_array_equal(chained, ~ended[:-1])
    known = known_functions("Hopper-v4").terminated(torch.from_numpy(arrays["next_observations"]))
    np.testing.assert_array_equal(arrays["terminated"], known.numpy())
    lengths = np.diff(np.flatnonzero(np.concatenate([[True], ended])))
    np.testing.assert_array_equal(lengths == LIMIT, arrays["truncated"][ended])
    assert (arrays["truncated"] & ~arrays["terminated"]).any()
    assert (arrays["terminated"] & ~arrays["truncated"]).any()
    starts = arrays["observations"][1:][ended[:-1]]
    assert np.abs(starts[:, 0]).max() < 0.01  # x at a reset; the initial pose after it
    assert np.abs(starts[:, 1] - 1.25).max() < 0.01


def test_critic_targets_use_termination_and_never_truncation() -> None:
    run = start()
    history, rng = run.interaction.history, np.random.default_rng(0)
    for i in range(40):
        terminated, truncated = i % 4 == 1, i % 4 in (2, 3)
        following = np.full(12, np.nan) if terminated else rng.normal(size=12)
        history.append(
            rng.normal(size=12), rng.uniform(-1, 1, 3), i, following, terminated, truncated
        )
    calls: list[Any] = []
    run.agent.update = lambda *arguments: calls.append(arguments)  # type: ignore[method-assign]
    run.learn()
    ((observations, actions), targets, actor_observations, noise) = calls[0]

    streams = Streams(0, *SCOPE)
    rows = streams.numpy("replay").integers(40, size=8)
    assert {i % 4 for i in rows} >= {1, 2}  # both kinds of end are in the batch
    assert torch.equal(observations, torch.from_numpy(history.observations[rows]))
    assert torch.equal(actions, torch.from_numpy(history.actions[rows]))
    assert torch.equal(actor_observations, observations)
    assert noise is run.policy_noise
    with torch.no_grad():
        values = run.agent.value(
            torch.from_numpy(history.next_observations[rows]),
            torch.Generator().manual_seed(streams.seed("policy_noise")),
        ).numpy()
    expected = [i if i % 4 == 1 else i + 0.9 * v for i, v in zip(rows, values, strict=True)]
    np.testing.assert_allclose(targets.numpy(), expected, rtol=1e-5)
    assert not targets.requires_grad


def test_a_snapshot_is_the_agent_at_its_step_and_its_buffer_the_first_rows(whole: SACRun) -> None:
    run = start()
    for step in range(1, TOTAL + 1):
        run.advance()
        if step in (30, 45, 60):
            assert same(below(str(step), whole.snapshots), run.agent.networks())
            history = whole.interaction.history.arrays()
            prefix = {name: array[:step] for name, array in history.items()}
            assert same(prefix, run.interaction.history.arrays())
    assert {name.split("/")[0] for name in whole.snapshots} == {"30", "45", "60"}
    assert not same(below("30", whole.snapshots), below("45", whole.snapshots))


def test_evaluations_come_at_the_warm_ups_end_before_any_learning_and_with_each_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = start()
    untrained = module_arrays(run.agent.actor)
    seen: list[tuple[int, int, dict[str, np.ndarray]]] = []

    def add(self: Evaluations, actor: Actor, env_step: int) -> None:
        seen.append((env_step, run.agent.gradient_steps, module_arrays(actor)))

    monkeypatch.setattr(Evaluations, "add", add)
    finish(run)
    assert [(step, steps) for step, steps, _ in seen] == [(20, 0), (30, 11), (45, 26), (60, 41)]
    assert same(seen[0][2], untrained)
    for step, _, actor in seen[1:]:
        assert same(actor, below(f"{step}/actor", run.snapshots))


def test_evaluation_is_the_undiscounted_return_of_full_episodes_of_the_mode(whole: SACRun) -> None:
    evaluations = Evaluations("Hopper-v4", HOPPER, 3, Streams(0, *SCOPE))
    actor = whole.agent.actor
    evaluations.add(actor, 45)
    evaluations.add(actor, 60)
    env = mujoco.make("Hopper-v4", keep_position=True, time_limit=LIMIT)
    returns = []
    for episode in range(3):
        seed = Streams(0, *SCOPE).seed("evaluation", 60)
        observation, _ = env.reset(seed=seed) if episode == 0 else env.reset()
        total, ended = 0.0, False
        while not ended:
            with torch.no_grad():
                action = actor.mode(torch.from_numpy(observation.astype(np.float32))).numpy()
            observation, reward, terminated, truncated, _ = env.step(action)
            total, ended = total + float(reward), terminated or truncated
        returns.append(total)
    rows = evaluations.rows
    assert [(row["env_step"], row["episode"]) for row in rows] == [
        (step, episode) for step in (45, 60) for episode in range(3)
    ]
    assert [row["return"] for row in rows[3:]] == returns
    assert len(set(returns)) == 3  # each episode starts elsewhere
    assert rows[0]["return"] != rows[3]["return"]  # and so does each evaluation
    assert evaluations.last_mean() == pytest.approx(np.mean(returns))


def test_an_evaluation_without_a_finite_return_leaves_no_row(
    whole: SACRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluations = Evaluations("Hopper-v4", HOPPER, 3, Streams(0, *SCOPE))
    evaluations.add(whole.agent.actor, 45)
    kept = list(evaluations.rows)
    env = mujoco.make("Hopper-v4", keep_position=True, time_limit=LIMIT)
    episodes, reset, step = [], env.reset, env.step

    def counted(**seed: Any) -> Any:
        episodes.append(seed)
        return reset(**seed)

    def broken(action: Any) -> Any:
        observation, _, *rest = step(action)
        return observation, math.nan if len(episodes) == 2 else 1.0, *rest

    monkeypatch.setattr(env, "reset", counted)
    monkeypatch.setattr(env, "step", broken)
    monkeypatch.setattr(mujoco, "configured", lambda *_: env)
    with pytest.raises(Diverged, match="evaluation return"):
        evaluations.add(whole.agent.actor, 60)
    assert len(episodes) == 2  # the first one had a return
    assert evaluations.rows == kept


def test_evaluation_leaves_training_unchanged(
    whole: SACRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = finish(start(episodes=4))
    monkeypatch.setattr(Evaluations, "add", lambda *_: None)
    never = finish(start())
    assert (len(whole.evaluations.rows), len(often.evaluations.rows)) == (4, 16)
    assert never.evaluations.rows == []
    for run in (often, never):
        assert same(run.agent.arrays(), whole.agent.arrays())
        assert same(run.interaction.arrays(), whole.interaction.arrays())
        assert same(run.snapshots, whole.snapshots)


def test_one_seed_gives_the_same_bytes_and_another_gives_others(whole: SACRun) -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    assert same(finish(start()).arrays(), whole.arrays())
    other = finish(start(seed=1))
    for name in ("agent/actor/hidden.0.weight", "interaction/history/actions", "evaluations/rows"):
        assert not np.array_equal(other.arrays()[name], whole.arrays()[name])


# Before the warm-up ends, at its end, in mid-episode, at a snapshot.
@pytest.mark.parametrize("interrupted_at", [7, 20, 38, 45])
def test_a_run_goes_on_bit_for_bit_where_it_was_saved(whole: SACRun, interrupted_at: int) -> None:
    first, second = start(), start()
    while first.steps < interrupted_at:
        first.advance()
    state = copied(first.arrays())
    second.restore(state)
    assert same(second.arrays(), state)
    assert same(finish(second).arrays(), whole.arrays())
    assert second.evaluations.rows == whole.evaluations.rows

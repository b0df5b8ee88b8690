"""Diagnostics of a model-based run: against brute force, and without a trace in training."""

import math

import numpy as np
import pytest
import torch
from mbac_runs import finish, learned, same, start
from random_numbers import normal

from vaml.algorithms.diagnostics import DIAGNOSTIC_COLUMNS, STATE_EVERY, Diagnostics
from vaml.algorithms.mbac import MBACRun
from vaml.config.objectives import Objective
from vaml.data.transitions import Transitions
from vaml.envs import mujoco
from vaml.losses.value_aware import vaml
from vaml.metrics.model_diagnostics import gradient_parts, slopes, spread, value_slopes
from vaml.networks.actor_critic import Actor
from vaml.networks.dynamics import GaussianDynamics, Prediction


def run_to(step: int, environment: str = "InvertedPendulum-v4") -> MBACRun:
    run = start(environment_id=environment, total_steps=90, decay_end_step=90, evaluation_every=10)
    while run.steps < step:
        run.advance()
    return run


def test_the_simulator_goes_from_a_kept_state_where_it_went_in_the_run() -> None:
    for environment in ("InvertedPendulum-v4", "Pusher-v4"):
        run = run_to(81, environment)
        history, env = (
            run.interaction.history,
            mujoco.make(environment, keep_position=False, time_limit=30),
        )
        env.reset(seed=9)
        assert len(run.diagnostics._states) == 5
        for i, state in enumerate(run.diagnostics._states):
            reached = mujoco.next_observation(env, state, history.actions[STATE_EVERY * i])
            assert np.array_equal(reached, history.next_observations[STATE_EVERY * i])


def test_replayed_and_policy_pairs_share_their_states(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_to(90, "Pusher-v4")
    work = run.diagnostics
    work._env_step = 90
    replay, policy = work._replayed(run.agent.actor, run.interaction.history)
    assert torch.equal(replay.observations, policy.observations)
    assert not torch.equal(replay.actions, policy.actions)
    rows = {row.tobytes() for row in run.interaction.history.observations[:90:STATE_EVERY]}
    assert {row.tobytes() for row in replay.observations.numpy()} == rows
    # With the replayed actions, the policy's next states are the replayed ones.
    monkeypatch.setattr(Actor, "sample", lambda *_: (replay.actions, None))
    _, same_actions = work._replayed(run.agent.actor, run.interaction.history)
    assert torch.equal(same_actions.next_observations, replay.next_observations)


def test_fresh_pairs_are_the_policys_own_episodes() -> None:
    run = run_to(60)
    run.diagnostics._env_step = 60
    fresh = run.diagnostics._fresh(run.agent.actor)
    assert 3 <= len(fresh) <= 90  # three episodes of at most 30 steps
    env = mujoco.make("InvertedPendulum-v4", keep_position=False, time_limit=30)
    env.reset(seed=run.diagnostics._seed("environment"))
    reached = env.reset()[0].astype(np.float32)
    rows = {row.tobytes(): i for i, row in enumerate(fresh.observations.numpy())}
    actions, after = fresh.actions.numpy(), fresh.next_observations.numpy()
    done, steps = False, 0
    while not done:  # the first episode, by the actions that are told
        i = rows[reached.tobytes()]
        observation, _, terminated, truncated, _ = env.step(actions[i])
        reached, done, steps = observation.astype(np.float32), terminated or truncated, steps + 1
        assert np.array_equal(after[i], reached)
    assert steps > 3
    with torch.no_grad():
        mode = run.agent.actor.mode(fresh.observations)
    assert (fresh.actions != mode).all()  # the policy's own draws


def test_training_is_the_same_without_diagnostics(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = finish(start())
    monkeypatch.setattr(Diagnostics, "add", lambda *_: None)
    monkeypatch.setattr(Diagnostics, "record_state", lambda *_: None)
    alone = finish(start())
    assert len(watched.diagnostics.rows) == 1
    assert alone.diagnostics.rows == []
    for part in ("agent", "interaction", "learned"):
        assert same(getattr(watched, part).arrays(), getattr(alone, part).arrays())


def test_a_row_per_evaluation_has_every_number() -> None:
    run = run_to(60)
    assert [row["env_step"] for row in run.diagnostics.rows] == [30, 40, 50, 60]
    for row in run.diagnostics.rows:
        assert tuple(row) == DIAGNOSTIC_COLUMNS
        assert all(math.isfinite(number) for number in row.values())
        assert row["error_stale"] != row["error_previous"]  # V is not that of the model's time


def test_errors_of_a_model_that_knows_the_next_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the sampled action is left: none where V does not depend on it."""
    run = run_to(60)
    work, agent = run.diagnostics, run.agent
    replay, _ = work._replayed(agent.actor, run.interaction.history)
    still = torch.full_like(replay.observations, -20.0)
    known = Prediction(replay.observations, replay.next_observations - replay.observations, still)
    monkeypatch.setattr(GaussianDynamics, "forward", lambda *_: known)
    work._value = lambda states, generator: 3 * states[..., 1]  # type: ignore[assignment]
    learned(run).value = work._value
    exact = work._errors(replay, "replay")
    assert exact["error"] == pytest.approx(0, abs=1e-10)
    assert exact["mean_error"] == pytest.approx(0, abs=1e-10)
    assert exact["bellman_error"] == pytest.approx(0, abs=1e-6)
    assert exact["target_error"] == pytest.approx(0, abs=1e-9)
    # A mean that is off by 0.001 in the second entry, V's only one: (3 · 0.001)² / 2, γ · 0.003.
    off = known.mean + torch.tensor([0.0, 0.001, 0.0, 0.0])
    monkeypatch.setattr(GaussianDynamics, "forward", lambda *_: known._replace(mean=off))
    shifted = work._errors(replay, "replay")
    assert shifted["error"] == pytest.approx(0.5 * 0.003**2, rel=1e-3)
    assert shifted["mean_error"] == pytest.approx(0.5 * 0.003**2, rel=1e-3)
    alive = ~learned(run).known.terminated(replay.next_observations)
    expected = 0.9 * 0.003 * alive.float().mean().item()
    assert shifted["bellman_error"] == pytest.approx(expected, rel=1e-2)
    variance = 9 * replay.next_observations[:, 1].var().item()
    assert shifted["target_error"] == pytest.approx(expected * 0.9 * 0.003 / variance, rel=1e-2)


def test_noise_of_the_model_samples_is_no_error_of_the_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model that is right on average, with σ = 2 in V's only entry: only K = 10 means differ."""
    run = run_to(60)
    work, agent = run.diagnostics, run.agent
    replay, _ = work._replayed(agent.actor, run.interaction.history)
    rows = replay.take(np.repeat(np.arange(len(replay)), 4000))
    log_std = torch.full_like(rows.observations, -20.0)
    log_std[:, 2] = math.log(2)
    wide = Prediction(rows.observations, rows.next_observations - rows.observations, log_std)
    monkeypatch.setattr(GaussianDynamics, "forward", lambda *_: wide)
    work._value = lambda states, generator: 3 * states[..., 2]  # type: ignore[assignment]
    learned(run).value = work._value
    errors = work._errors(rows, "replay")
    samples = run.job.training.target_samples
    alive = (~learned(run).known.terminated(rows.next_observations)).float().mean().item()
    assert errors["error"] == pytest.approx(0.5 * (3 * 2) ** 2 / 3, rel=0.1)  # its K is 3
    assert errors["mean_error"] == pytest.approx(0, abs=1e-10)
    noise = 0.9 * 3 * 2 / math.sqrt(samples)  # standard deviation of a target
    assert errors["bellman_error"] == pytest.approx(noise * math.sqrt(2 / math.pi) * alive, rel=0.1)
    squared = errors["target_error"] * 9 * rows.next_observations[:, 2].var().item()
    assert abs(squared) < 4 * noise**2 / math.sqrt(len(rows))


def test_a_stale_model_is_the_earlier_one_under_the_present_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = run_to(60)
    work = run.diagnostics
    replay, _ = work._replayed(run.agent.actor, run.interaction.history)
    # Measured again at once, the earlier model and value function are the present ones.
    errors = work._staleness(replay)
    assert errors["error_previous"] == errors["error_stale"] > 0
    # V three times as large: nine times the error, of the stale one alone.
    present = work._value
    work._value = lambda states, generator: 3 * present(states, generator)  # type: ignore[assignment]
    tripled = work._staleness(replay)
    assert tripled["error_previous"] == errors["error_previous"]
    assert tripled["error_stale"] == pytest.approx(9 * errors["error_stale"], rel=1e-4)


def test_the_previous_model_keeps_its_weights() -> None:
    run = run_to(60)
    work, model = run.diagnostics, learned(run).model
    replay, _ = work._replayed(run.agent.actor, run.interaction.history)
    work.remember(run.agent, learned(run))
    with torch.no_grad():
        before = model(replay.observations, replay.actions)
        model.mean_head.bias.add_(0.5)
        after = model(replay.observations, replay.actions)
        expected, changed = (
            vaml(each, replay.next_observations, work._value, 3, work._generator("staleness"))
            for each in (before, after)
        )
    assert work._staleness(replay)["error_stale"] == pytest.approx(expected.item(), rel=1e-4)
    assert changed.item() != pytest.approx(expected.item(), rel=0.01)


def test_coverage_and_quantiles_of_known_gaussians() -> None:
    log_std = torch.log(torch.linspace(0.1, 2.0, 11, dtype=torch.float64)).expand(20_000, 11)
    prediction = Prediction(normal(20_000, 11, seed=0), normal(20_000, 11, seed=1), log_std)
    noise = normal(20_000, 11, seed=2)
    states = prediction.observations + prediction.mean + log_std.exp() * noise
    calibrated = spread(prediction, states)
    assert calibrated["coverage_90"] == pytest.approx(0.9, abs=0.003)
    assert calibrated["sigma_q50"] == pytest.approx(1.05)
    assert (calibrated["sigma_q05"], calibrated["sigma_q95"]) == pytest.approx((0.1, 2.0))
    narrow = spread(prediction._replace(log_std=log_std - math.log(2)), states)
    inside = math.erf(1.6448536 / 2 / math.sqrt(2))
    assert narrow["coverage_90"] == pytest.approx(inside, abs=0.005)


def test_slopes_are_lengths_of_the_values_gradient() -> None:
    states = normal(300, 4, seed=3)
    value = lambda observations, generator: observations[..., 0] ** 2 + 3 * observations[..., 1]  # noqa: E731
    found = value_slopes(value, states, torch.Generator())
    expected = (4 * states[:, 0] ** 2 + 9).sqrt()
    torch.testing.assert_close(found, expected)
    prediction = Prediction(states, torch.ones_like(states), torch.full_like(states, -20.0))
    both = slopes(value, prediction, states, (0, 1))
    assert both["slope_data"] == pytest.approx(expected.median().item())
    moved = (4 * (states[:, 0] + 1) ** 2 + 9).sqrt()  # at the model's samples, one further on
    assert both["slope_model"] == pytest.approx(moved.median().item())
    assert both["slope_model_q95"] == pytest.approx(moved.quantile(0.95).item())


def test_the_value_terms_share_of_an_update_is_that_of_its_gradient() -> None:
    model = GaussianDynamics(4, 1, [8], "xavier", torch.Generator().manual_seed(0)).double()
    states = normal(64, 4, seed=4)
    data = Transitions(states, normal(64, 1, seed=5), states + 0.3 * normal(64, 4, seed=6))
    value = lambda observations, generator: observations.square().sum(-1)  # noqa: E731
    objective = Objective(loss="mse", mle_coefficient=0.25, model_samples=3)
    parts = gradient_parts(model, data, value, objective, 0.25, torch.Generator())
    prediction = model(data.observations, data.actions)

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        model.zero_grad()
        loss.backward(retain_graph=True)
        return torch.cat(
            [
                torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten()
                for p in model.parameters()
            ]
        )

    grad_nll = gradient(prediction.nll(data.next_observations).mean())
    residual = data.next_observations - prediction.observations - prediction.mean
    grad_value = gradient(residual.square().sum(-1).mean())
    lengths = grad_nll.norm().item(), grad_value.norm().item()
    assert (parts["nll_gradient"], parts["value_gradient"]) == pytest.approx(lengths)
    cosine = (grad_nll @ grad_value).item() / (lengths[0] * lengths[1])
    assert parts["gradient_cosine"] == pytest.approx(cosine)
    share = 0.75 * lengths[1] / (0.25 * lengths[0] + 0.75 * lengths[1])
    assert parts["value_share"] == pytest.approx(share)

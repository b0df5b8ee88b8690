"""The numbers that a run reports of its training, without an effect on the run."""

import math
from pathlib import Path
from typing import Any

import mbac_runs
import numpy as np
import pandas as pd
import pytest

from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.sac import SACRun
from vaml.algorithms.scalars import SCALAR_COLUMNS, Scalars
from vaml.config.sac import SACTraining, TrainSACJob
from vaml.losses.actor_critic import actor_loss
from vaml.runtime.checkpoint import LIVE, Checkpoint


def every(total_steps: int) -> list[int]:
    scalars = Scalars(total_steps)
    for step in range(1, total_steps + 1):
        scalars.add(step, dict)
    return [row["env_step"] for row in scalars.rows]


def test_a_row_every_thousand_steps_or_twenty_rows() -> None:
    assert every(30_000) == list(range(1000, 30_001, 1000))
    assert every(1600) == list(range(80, 1601, 80))
    assert every(7) == list(range(1, 8))


def test_rows_survive_saving_and_tell_what_is_missing() -> None:
    scalars = Scalars(20)
    scalars.add(1, lambda: {"critic_loss": 0.5, "entropy": math.inf, "model_loss": None})
    scalars.add(2, dict)
    other = Scalars(20)
    other.restore(scalars.arrays())
    assert other.rows == scalars.rows
    known = {"env_step": 1, "critic_loss": 0.5}
    assert other.rows[0] == dict.fromkeys(SCALAR_COLUMNS) | known
    assert other.is_new(2)
    assert not other.is_new(1)
    assert [type(row["env_step"]) for row in other.rows] == [int, int]


def sac_run() -> SACRun:
    agent = mbac_runs.job().training.actor_critic
    settings = TrainSACJob(
        environment_id="Hopper-v4",
        environment=mbac_runs.job().environment.model_copy(
            update={"time_limit": 10, "keep_position": True}
        ),
        training=SACTraining(
            total_steps=60,
            warmup_steps=20,
            first_snapshot_step=30,
            snapshot_every=10,
            evaluation_episodes=1,
            actor_critic=agent,
        ),
        seed=0,
    )
    return SACRun(settings, mbac_runs.streams())


def test_the_numbers_are_those_of_the_last_gradient_step() -> None:
    run = sac_run()
    assert run.agent.scalars() == {}
    while run.steps < 45:
        run.advance()
    row = run.scalars.rows[-1]
    assert row["env_step"] == 45
    smaller, log_probabilities = (
        run.agent._numbers[name] for name in ("smaller", "log_probabilities")
    )
    # The temperature has taken its step since the actor's loss.
    rates = mbac_runs.job().training.actor_critic.learning_rate
    assert row["temperature"] == run.agent.log_temperature.exp().item()
    assert row["value"] == pytest.approx(smaller.double().mean().item(), rel=1e-5)
    assert row["entropy"] == pytest.approx(-log_probabilities.double().mean().item(), rel=1e-5)
    loss = actor_loss(smaller, log_probabilities, run.agent.log_temperature.exp())
    assert row["actor_loss"] == pytest.approx(loss.item(), abs=10 * rates)
    assert row["critic_loss"] > 0
    assert row["model_loss"] is None


def test_an_episode_s_return_is_the_sum_of_its_rewards() -> None:
    run = sac_run()
    history = run.interaction.history
    total, last = 0.0, None
    while run.steps < 60:
        run.advance()
        i = run.steps - 1
        total += float(history.rewards[i])
        if history.terminated[i] or history.truncated[i]:
            total, last = 0.0, total
        found = run.interaction.episode_return()
        assert (found is None) == (last is None)
        assert found == pytest.approx(last)
    assert last is not None


def test_a_model_s_loss_is_that_of_its_last_fit() -> None:
    run = MBACRun(mbac_runs.job(total_steps=36, decay_end_step=36), mbac_runs.streams())
    while not run.finished:
        run.advance()
    assert run.learned
    losses = {fit["env_step"]: fit["validation_loss"] for fit in run.learned.fits}
    rows = run.scalars.rows
    assert len(rows) > 3
    for row in rows:
        last = max(step for step in losses if step <= row["env_step"])
        assert row["model_loss"] == losses[last]
    assert all(np.isfinite(list(losses.values())))


def test_curves_lie_beside_the_states_as_long_as_the_job_runs(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "key")
    scalars = Scalars(20)
    with checkpoint.lock():
        scalars.add(3, lambda: {"value": 2.5})
        checkpoint.show(SCALAR_COLUMNS, scalars.rows)
        shown: Any = pd.read_csv(tmp_path / "key" / LIVE)
        assert shown[["env_step", "value"]].to_numpy().tolist() == [[3, 2.5]]
        checkpoint.save({"a": np.zeros(1)}, {})
        assert (tmp_path / "key" / LIVE).exists()
        checkpoint.remove()
    assert not (tmp_path / "key").exists()

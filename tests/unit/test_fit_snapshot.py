"""Fits to snapshots: rows fitted and tested, value functions, what the fits of a cell share."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from offline_fits import FIT, OBJECTIVES, flags, paired, record_fits, same, started_from, states

from vaml import fit_snapshot, measure_snapshot, train_sac
from vaml.algorithms.sac import SACRun
from vaml.config.sac import ActorCriticSettings, Environment, SACTraining, TrainSACJob
from vaml.config.snapshots import FitSnapshotJob, SnapshotFitSettings
from vaml.files import read_arrays
from vaml.metrics import errors
from vaml.seeding import Streams

SAC = TrainSACJob(
    environment_id="Hopper-v4",
    environment=Environment(time_limit=50, keep_position=True),
    training=SACTraining(
        total_steps=80,
        warmup_steps=20,
        first_snapshot_step=40,
        snapshot_every=20,
        evaluation_episodes=1,
        actor_critic=ActorCriticSettings(
            hidden_sizes=[16, 16],
            learning_rate=3e-4,
            batch_size=8,
            discount=0.99,
            polyak=0.005,
            initial_temperature=1.0,
        ),
    ),
    seed=0,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of one SAC run."""
    folder = tmp_path_factory.mktemp("train_sac")
    outputs = ("history", "snapshots", "evaluations", "training", "outcome")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vaml.runtime.job.unexpected_modules", lambda _: [])
        train_sac.main(flags(folder, SAC, outputs))
    return folder


@pytest.fixture
def snapshot(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., SimpleNamespace]:
    """Starts a fit to a snapshot of that run, and measures it."""
    fits, tested = record_fits(monkeypatch), []
    monkeypatch.setattr(
        errors,
        "snapshot_metrics",
        lambda test, terminal, later, *_: tested.append((test.transitions, terminal, later)) or {},
    )

    def start(
        step: int, objective: str, redraw: bool = False, test_fraction: float = 0.1
    ) -> SimpleNamespace:
        settings = FitSnapshotJob(
            environment_id="Hopper-v4",
            model_hidden_sizes=[32, 32],
            objective=OBJECTIVES[objective],
            fit=SnapshotFitSettings(**FIT, test_fraction=test_fraction, redraw_test_split=redraw),
            step=step,
            seed=0,
        )
        inputs = [f"--{name}={source / name}" for name in ("history", "snapshots")]
        outputs = flags(tmp_path / "fit", settings, ("model", "curve", "outcome"))
        fit_snapshot.main([*outputs, *inputs, *started_from(source)])
        fit = tmp_path / "fit"
        inputs += [f"--{name}={fit / name}" for name in ("model", "outcome")]
        measured = flags(tmp_path / "measured", settings, ("metrics",))
        measure_snapshot.main([*measured, *inputs, *started_from(fit)])
        test, terminal, later = tested[-1]
        return SimpleNamespace(**vars(fits[-1]), test=test, terminal=terminal, next_value=later)

    return start


def test_snapshot_fits_split_the_first_rows_of_the_history_cleanly(
    snapshot: Callable[..., SimpleNamespace], source: Path
) -> None:
    fit = snapshot(60, "vaml")
    history = read_arrays(source / "history")
    buffer = {row.tobytes() for row in history["observations"][:60]}
    parts = [states(rows) for rows in (fit.train, fit.validation, fit.test)]
    assert [len(part) for part in parts] == [42, 12, 6]
    assert set.union(*parts) == buffer
    assert len(buffer) == 60  # so that the parts have no row in common


def test_a_redrawn_test_split_holds_rows_that_were_trained_on(
    snapshot: Callable[..., SimpleNamespace],
) -> None:
    clean, redrawn = snapshot(60, "mle"), snapshot(60, "mle", redraw=True)
    assert paired(clean, redrawn)
    assert len(redrawn.test) == len(clean.test) == 6
    assert states(redrawn.test) != states(clean.test)
    assert states(redrawn.test) & states(redrawn.train)


@pytest.mark.parametrize("redraw", [False, True])
def test_the_terminal_transitions_are_those_of_the_test_rows(
    snapshot: Callable[..., SimpleNamespace], source: Path, redraw: bool
) -> None:
    history = read_arrays(source / "history")
    of_row = {
        row.tobytes(): bool(end)
        for row, end in zip(history["observations"], history["terminated"], strict=True)
    }
    fit = snapshot(80, "mle", redraw=redraw, test_fraction=0.5)
    assert len(fit.terminal) == 40
    assert fit.terminal.tolist() == [of_row[row.tobytes()] for row in fit.test.observations.numpy()]
    assert set(fit.terminal.tolist()) == {False, True}


def test_the_next_value_function_is_of_the_following_snapshot(
    snapshot: Callable[..., SimpleNamespace],
) -> None:
    present, last = snapshot(60, "mle"), snapshot(80, "mle")
    assert last.next_value is None
    rows = torch.randn(20, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        values = [
            value(rows, torch.Generator().manual_seed(1))
            for value in (present.next_value, last.fitting.value, present.fitting.value)
        ]
    assert torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])


def test_snapshot_fits_use_the_agents_value_function_at_their_step(
    snapshot: Callable[..., SimpleNamespace],
) -> None:
    values = {step: snapshot(step, "vaml").fitting.value for step in (40, 60)}
    run = SACRun(SAC, Streams(0, "train_sac", "Hopper-v4"))
    while run.steps < 60:
        run.advance()
    states = torch.randn(20, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        at = {
            step: value(states, torch.Generator().manual_seed(1)) for step, value in values.items()
        }
        expected = run.agent.value(states, torch.Generator().manual_seed(1))
    assert torch.equal(at[60], expected)
    assert not torch.equal(at[40], expected)


def test_snapshot_fits_of_a_cell_are_paired_and_start_orthogonal(
    snapshot: Callable[..., SimpleNamespace],
) -> None:
    mle, reg_vaml, later = snapshot(60, "mle"), snapshot(60, "reg_vaml"), snapshot(80, "mle")
    assert paired(mle, reg_vaml)
    assert torch.equal(mle.test.observations, reg_vaml.test.observations)
    assert not same(mle.weights, later.weights)
    for name in ("hidden.0", "hidden.1"):
        singular_values = np.linalg.svd(mle.weights[f"{name}.weight"], compute_uv=False)
        np.testing.assert_allclose(singular_values, 1.0, atol=1e-5)
        assert not mle.weights[f"{name}.bias"].any()

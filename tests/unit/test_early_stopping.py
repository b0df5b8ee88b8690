"""When a fit stops, and which weights it keeps, on scripted validation scores."""

import math
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vaml.algorithms.model_fitting import EarlyStopping, ModelFitting
from vaml.algorithms.offline_fit import run_offline_fit
from vaml.config.objectives import FitSettings, Objective
from vaml.data.transitions import Transitions
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue
from vaml.saving import module_arrays
from vaml.seeding import Streams

N, M, BATCH = 4, 2, 8
NAN = math.nan


def rows(count: int, seed: int = 0) -> Transitions:
    draws = torch.randn(count, 2 * N + M, generator=torch.Generator().manual_seed(seed))
    return Transitions(draws[:, :N], draws[:, N:-N], draws[:, :N] + draws[:, -N:])


def fitting() -> ModelFitting:
    return ModelFitting(
        GaussianDynamics(N, M, [8, 8], "default", torch.Generator().manual_seed(1)),
        RandomValue(N, 16, torch.Generator().manual_seed(2)),
        Objective(loss="vaml", mle_coefficient=0.3, model_samples=3),
        learning_rate=1e-3,
        weight_decay=0.0,
        batch_size=BATCH,
        streams=Streams(0, "test"),
    )


def script(monkeypatch: pytest.MonkeyPatch, scores: Sequence[float]) -> None:
    """Let validations have these scores, one after the other."""
    remaining: Iterator[float] = iter(scores)
    monkeypatch.setattr(
        ModelFitting, "_validate", lambda self: {"validation_loss": next(remaining)}
    )


def run(fit: ModelFitting) -> list[dict[str, np.ndarray]]:
    """Fit to the end; the weights after each epoch."""
    weights = []
    while not fit.progress.finished:
        fit.epoch()
        weights.append(module_arrays(fit.model))
    return weights


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return all(first[name].tobytes() == second[name].tobytes() for name in first)


@pytest.mark.parametrize(
    ("patience", "scores", "stops_after", "best"),
    [
        (3, [5, 4, 3, 3.5, 3.2, 3.1, 0], 6, 3),  # three in a row that do not improve
        (3, [5, 6, 7, 4, 6, 5, 4.5, 0], 7, 4),  # an improvement starts the count again
        (3, [3, 3, 3, 3, 0], 4, 1),  # a tie is no improvement
        (3, [3, 3 - 1e-9, 4, 4, 4, 0], 5, 2),  # any smaller score is one
        (3, [4, NAN, 3, NAN, NAN, NAN, 0], 6, 3),  # no number is no improvement
        (1, [2, 1, 1, 0], 3, 2),
        (2, [-1, -2, -1.5, -1.9, -9], 4, 2),
    ],
)
def test_early_stopping_stops_after_patience_without_a_strictly_smaller_score(
    patience: int, scores: list[float], stops_after: int, best: int
) -> None:
    stopping = EarlyStopping(patience)
    improved = []
    for score in scores:
        improved.append(stopping.improved(score))
        if stopping.stopped:
            break
    assert len(improved) == stops_after
    assert max(i for i, better in enumerate(improved, start=1) if better) == best
    assert stopping.best == scores[best - 1]


def test_a_fit_stops_on_its_validations_and_can_go_back_to_the_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script(monkeypatch, [1e9, 4, 3, 3, 3.5, 2, 2, 2.5, 3, 0])
    fit = fitting()
    fit.start(rows(20), rows(10), 0.3, max_epochs=1000, patience=3)
    weights = run(fit)
    assert len(weights) == fit.progress.epochs == 9
    assert fit.progress.best_epoch == 6
    assert same(module_arrays(fit.model), weights[-1])  # the last weights stay until told
    fit.restore_best()
    assert same(module_arrays(fit.model), weights[5])
    assert not same(weights[5], weights[-1])


def test_weights_from_before_the_fit_are_no_candidate_and_the_best_score_starts_afresh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script(monkeypatch, [1, 2, 3, 500, 501, 502])
    fit = fitting()
    fit.start(rows(20), rows(10), 0.3, max_epochs=1000, patience=2)
    first = run(fit)
    fit.restore_best()
    fit.start(rows(20, seed=1), rows(10), 0.3, max_epochs=1000, patience=2)
    second = run(fit)
    assert (len(first), len(second)) == (3, 3)
    fit.restore_best()
    assert fit.progress.best_epoch == 1
    assert same(module_arrays(fit.model), second[0])


def test_a_fit_ends_at_its_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, [3, 2, 1, 0])
    fit = fitting()
    fit.start(rows(20), rows(10), 0.3, max_epochs=3, patience=2)
    assert len(run(fit)) == 3
    assert fit.progress.gradient_steps == 9  # 20 rows in batches of 8: the last of 4 counts


@pytest.mark.parametrize(
    ("cap", "epochs", "validated"), [(2, 1, 0), (3, 1, 1), (4, 2, 1), (7, 3, 2), (9, 3, 3)]
)
def test_an_epoch_that_the_step_cap_cuts_is_not_validated_and_its_steps_are_discarded(
    cap: int, epochs: int, validated: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, [5, 4, 3, 2])
    fit = fitting()
    fit.start(rows(20), rows(10), 0.3, max_epochs=20, patience=5, max_gradient_steps=cap)
    before = module_arrays(fit.model)
    weights = run(fit)
    assert (fit.progress.epochs, fit.progress.gradient_steps) == (epochs, cap)
    assert not same(weights[-1], before)
    fit.restore_best()
    # Without any validation the last weights stay.
    assert same(module_arrays(fit.model), weights[validated - 1 if validated else -1])


def test_an_offline_fit_keeps_its_last_weights_and_those_of_the_best_validation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = iter([3.0, 1.0, 2.0, 4.0, 0.0])
    weights: list[np.ndarray] = []

    def validate(self: ModelFitting) -> dict[str, float]:
        weights.append(module_arrays(self.model)["mean_head.weight"])
        return {"validation_loss": next(scores)}

    monkeypatch.setattr(ModelFitting, "_validate", validate)
    fit = fitting()
    settings = FitSettings(
        learning_rate=1e-3,
        weight_decay=0.0,
        batch_size=BATCH,
        max_epochs=20,
        patience=2,
        validation_fraction=0.2,
    )
    never = SimpleNamespace(load=lambda: None, due=lambda: False)
    job: Any = SimpleNamespace(checkpoint=never, resumed_from=[])
    ended = run_offline_fit(fit, rows(20), rows(10), settings, job)
    assert [row["epoch"] for row in ended.curve] == [1, 2, 3, 4]
    assert (ended.outcome["epochs"], ended.outcome["best_epoch"]) == (4, 2)
    np.testing.assert_array_equal(ended.weights["last/mean_head.weight"], weights[3])
    np.testing.assert_array_equal(ended.weights["best/mean_head.weight"], weights[1])
    assert not np.array_equal(weights[3], weights[1])

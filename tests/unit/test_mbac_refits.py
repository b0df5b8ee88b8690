"""The model's refits in a model-based actor-critic run: coefficient, split, weights, metrics."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from mbac_runs import MLE, REG_VAML, finish, learned, same, start, streams

from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.model_fitting import ModelFitting
from vaml.data.transitions import Transitions, random_split
from vaml.metrics.errors import floor_metrics, model_metrics, refit_metrics
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.saving import module_arrays


def test_mle_coefficient_at_the_corners_of_its_schedule() -> None:
    def at(run: MBACRun, step: int) -> float:
        return learned(run).mle_coefficient(step)

    run = start(warmup_steps=2000, total_steps=30000, decay_end_step=30000)
    assert at(run, 2000) == 0.001
    assert at(run, 16000) == pytest.approx(0.0005, rel=1e-12)
    assert at(run, 23000) == pytest.approx(0.00025, rel=1e-12)
    assert 0 < at(run, 29999) < 1e-7
    assert at(run, 30000) == 0.0
    run = start(warmup_steps=2000, total_steps=50000, decay_end_step=30000)
    assert at(run, 40000) == 0.0  # and stays there
    run = start(warmup_steps=2000, total_steps=30000, decay_end_step=50000)
    assert at(run, 30000) == pytest.approx(0.001 * 20 / 48, rel=1e-12)  # the end is its own
    run = start(MLE, warmup_steps=2000, total_steps=30000, decay_end_step=30000)
    assert {at(run, step) for step in (2000, 2199, 16001, 29999, 30000)} == {1.0}


def test_the_first_fit_is_maximum_likelihood_and_the_later_ones_follow_the_schedule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[tuple[float, int, int | None]] = []
    original = ModelFitting.start

    def recorded(self: ModelFitting, *arguments: Any) -> Any:
        _, _, coefficient, max_epochs, patience, cap = arguments
        assert patience == 5
        used.append((coefficient, max_epochs, cap))
        return original(self, *arguments)

    monkeypatch.setattr(ModelFitting, "start", recorded)
    run = finish(start())
    assert used[0] == (1.0, 4, None)
    assert used[1:] == [(pytest.approx(0.001 * (45 - t) / 25), 2, 6) for t in (29, 39)]
    assert [row["mle_coefficient"] for row in learned(run).fits] == [
        coefficient for coefficient, *_ in used
    ]
    assert [row["gradient_steps"] for row in learned(run).fits] == [2 * 4, 6, 6]

    used.clear()
    finish(start(MLE))
    assert [coefficient for coefficient, *_ in used] == [1.0, 1.0, 1.0]


def test_every_fit_splits_the_whole_history_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    splits: list[tuple[int, list[bytes], list[bytes]]] = []
    run = start(max_validation_transitions=6)
    original = ModelFitting.start

    def states(rows: Transitions) -> list[bytes]:
        return [row.numpy().tobytes() for row in rows.observations]

    def recorded(self: ModelFitting, train: Any, validation: Any, *rest: Any) -> Any:
        splits.append((run.steps, states(train), states(validation)))
        return original(self, train, validation, *rest)

    monkeypatch.setattr(ModelFitting, "start", recorded)
    finish(run)
    history = [row.tobytes() for row in run.interaction.history.observations]
    generator = streams().numpy("splits")  # one stream of the seed's own, going on
    for (steps, train, validation), held_out in zip(splits, (4, 6, 6), strict=True):
        assert sorted(train + validation) == sorted(history[:steps])
        _, rows = random_split(steps, [held_out], generator)  # a fifth, at most 6
        assert validation == [history[row] for row in rows]


def test_the_model_its_optimiser_and_the_value_function_live_on_between_fits() -> None:
    run = start()
    assert learned(run).fitting.value is run.agent.value
    assert run.agent.value.critics is run.agent.target_critics
    optimizer = learned(run).fitting.optimizer
    assert (optimizer.learning_rate, optimizer.weight_decay) == (1e-4, 1e-5)
    seed = streams().seed("model_initialisation")
    fresh = GaussianDynamics(4, 1, [16, 16], "xavier", torch.Generator().manual_seed(seed))
    assert same(module_arrays(learned(run).model), module_arrays(fresh))
    finish(run)
    steps = int(optimizer.arrays()["step"])
    assert steps == sum(row["gradient_steps"] for row in learned(run).fits) == 20


def test_logged_metrics_are_of_the_restored_weights_on_the_validation_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MBACRun, "learn", lambda _: None)
    run = start(total_steps=39)
    restored: list[dict[str, np.ndarray]] = []
    original = ModelFitting.restore_best

    def recorded(self: ModelFitting) -> None:
        original(self)
        restored.append(module_arrays(self.model))

    monkeypatch.setattr(ModelFitting, "restore_best", recorded)
    while run.steps < 39:
        run.advance()
        if run.steps not in (20, 29, 39):
            continue
        assert same(module_arrays(learned(run).model), restored[-1])
        noise = torch.Generator().manual_seed(streams().seed("fit_metrics", run.steps))
        validation = learned(run).fitting.validation
        test = ModelTest(learned(run).model, validation, run.agent.value, 3, 8)
        expected = model_metrics(test, noise) | floor_metrics(test, noise)
        assert {name: learned(run).fits[-1][name] for name in expected} == expected


def test_a_refits_squared_bias_is_free_of_all_sampling() -> None:
    """A mean off by 0.5, σ = 2, V linear with noise of 3: the bias is that of the mean alone."""
    rows = 20_000
    states = torch.randn(rows, 2, generator=torch.Generator().manual_seed(0))
    data = Transitions(states, torch.zeros(rows, 1), states + torch.tensor([1.0, 0.0]))

    class Shifted(GaussianDynamics):
        def forward(self, observations: torch.Tensor, actions: torch.Tensor) -> Prediction:
            mean = torch.tensor([1.5, 0.0]).expand_as(observations)
            return Prediction(observations, mean, torch.full_like(mean, math.log(2)))

    def value(observations: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        noise = torch.randn(observations.shape[:-1], generator=generator)
        return 4 * observations[..., 0] + 3 * noise

    model = Shifted(2, 1, [4], "xavier", torch.Generator())
    noise = torch.Generator().manual_seed(1)
    found = refit_metrics(ModelTest(model, data, value, 5, 1000), noise)
    assert found["squared_bias"] == pytest.approx(0.5 * (4 * 0.5) ** 2, abs=0.5)
    assert found["model_variance_term"] == pytest.approx(0.5 * (8**2 + 3**2) / 5, rel=0.05)
    parts = found["squared_bias"] + found["model_variance_term"] + 0.5 * 9
    assert found["value_aware_error"] == pytest.approx(parts, rel=0.03)


def test_agents_of_one_seed_are_the_same_until_their_coefficients_part() -> None:
    mle, reg_vaml = start(MLE), start(REG_VAML)
    while mle.steps < 28:
        mle.advance()
        reg_vaml.advance()
        assert same(mle.arrays(), reg_vaml.arrays())
    mle.advance()
    reg_vaml.advance()
    assert not same(module_arrays(learned(mle).model), module_arrays(learned(reg_vaml).model))
    assert np.array_equal(
        learned(mle).fitting.validation.observations,
        learned(reg_vaml).fitting.validation.observations,
    )

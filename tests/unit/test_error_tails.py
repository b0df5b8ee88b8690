"""The transitions behind an error: known shares, and errors against a plain loop."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_exact_metrics import Noisy

from vaml.config.objectives import Objective
from vaml.data.transitions import Transitions
from vaml.metrics.error_tails import (
    mean_prediction_error,
    parts,
    residuals,
    squared_errors,
    transition_metrics,
)
from vaml.metrics.errors import snapshot_metrics
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.networks.value import RandomValue
from vaml.seeding import Streams

NOWHERE = np.zeros(2000, bool)


def spread(errors: np.ndarray, terminal: np.ndarray = NOWHERE) -> dict[str, float]:
    ones = np.ones(len(errors))
    return parts(errors, terminal=terminal[: len(errors)], residuals=ones, slopes=ones)


def test_a_few_large_errors_are_told_from_many() -> None:
    even = spread(np.full(1000, 0.5))
    assert even == {
        "transition_error_mean": 0.5,
        "transition_error_median": 0.5,
        "top_1_percent": pytest.approx(0.01),
        "top_10": pytest.approx(0.01),
        "terminal_rows": 0.0,
        "terminal_share": 0.0,
        "lasting_error_mean": 0.5,
        "top_residual": 1.0,
        "top_slope": 1.0,
    }
    few = np.ones(2000)
    few[[3, 1500]] = 9001.0
    found = spread(few)
    assert found["transition_error_mean"] == pytest.approx(10.0)
    assert found["transition_error_median"] == 1.0
    assert found["top_1_percent"] == pytest.approx((2 * 9001 + 18) / 20000)
    assert found["top_10"] == pytest.approx((2 * 9001 + 8) / 20000)
    assert spread(np.array([1.0, 3.0]))["top_1_percent"] == 0.75  # one of two, rounded up


def test_the_terminal_transitions_have_their_part() -> None:
    errors, terminal = np.array([1.0, 6.0, 2.0, 3.0]), np.array([False, True, False, False])
    found = spread(errors, terminal)
    assert found["terminal_rows"] == 0.25
    assert found["terminal_share"] == 0.5
    assert found["lasting_error_mean"] == 2.0
    assert "lasting_error_mean" not in spread(errors, ~NOWHERE)
    assert "terminal_share" not in spread(np.zeros(4), terminal)


def small_test() -> ModelTest:
    """A model with hardly any noise, so that the errors are those of its mean."""
    generator = torch.Generator().manual_seed(0)
    model = GaussianDynamics(3, 2, [8], "default", generator)
    with torch.no_grad():
        model.log_std_head.bias.fill_(-12.0)
    value = RandomValue(3, 16, generator).requires_grad_(False)
    states, actions = (torch.randn(7, size, generator=generator) for size in (3, 2))
    rows = Transitions(states, actions, states + torch.randn(7, 3, generator=generator))
    return ModelTest(model, rows, value, 10, 4)


def one_by_one(test: ModelTest) -> tuple[list[float], list[float], list[float]]:
    """Error, residual and slope of each transition, in a plain loop; the slope by differences."""
    errors, lengths, slopes = [], [], []
    for state, action, after in zip(*test.transitions.fields(), strict=True):
        with torch.no_grad():
            prediction = test.model(state[None], action[None])
            mean = (prediction.observations + prediction.mean)[0]
            around = [after, mean, *(after + step for step in 0.01 * torch.eye(3))]
            around += [after - step for step in 0.01 * torch.eye(3)]
            here, predicted, *near = test.value(torch.stack(around), torch.Generator()).tolist()
        errors.append(0.5 * (here - predicted) ** 2)
        lengths.append(math.dist(after, mean))
        slopes.append(math.hypot(*((near[i] - near[i + 3]) / 0.02 for i in range(3))))
    return errors, lengths, slopes


def test_an_error_is_of_its_own_transition() -> None:
    test = small_test()
    errors, lengths, _ = one_by_one(test)
    found = squared_errors(test, torch.Generator().manual_seed(0)), residuals(test)
    assert [each.dtype for each in found] == [np.float64, np.float64]
    assert found[0] == pytest.approx(errors, rel=1e-3, abs=1e-6)
    assert found[1] == pytest.approx(lengths, rel=1e-5)


def test_without_samples_the_error_is_that_of_the_predicted_mean() -> None:
    """However wide the model is."""
    test = small_test()
    errors, _, _ = one_by_one(test)
    with torch.no_grad():
        test.model.log_std_head.bias.fill_(1.0)
    generator = torch.Generator().manual_seed(0)
    assert mean_prediction_error(test, generator) == pytest.approx(np.mean(errors), rel=1e-4)
    assert squared_errors(test, generator).mean() != pytest.approx(np.mean(errors), rel=0.05)


class Known(ModelTest):
    """A prediction that is off by 0.1 in each of three dimensions, with a σ of 0.5."""

    def predict(self, batch: Transitions) -> Prediction:
        zeros = torch.zeros_like(batch.observations)
        return Prediction(batch.observations, zeros + 0.1, zeros + math.log(0.5))


def test_an_error_averages_twenty_draws_of_either_v() -> None:
    """½ (bias² + both variances / 20), where V itself has a variance of 0.25."""
    states = torch.zeros(8000, 3)
    rows, model = Transitions(states, torch.zeros(8000, 1), states), small_test().model
    test, noise = Known(model, rows, Noisy(), 10, 128), torch.Generator().manual_seed(0)
    expected = 0.5 * (0.3**2 + (0.25 + 3 * 0.25 + 0.25) / 20)
    assert squared_errors(test, noise).mean() == pytest.approx(expected, rel=0.05)
    expected = 0.5 * (0.3**2 + (0.25 + 0.25) / 20)
    assert mean_prediction_error(test, noise) == pytest.approx(expected, rel=0.05)


def test_the_next_value_functions_error_is_of_that_function() -> None:
    """On the same model and transitions; V(s) = Σ s now, and V(s) = 3 s₁ at the next snapshot."""
    test = replace(small_test(), value=lambda observations, generator: observations.sum(-1))
    objective = Objective(loss="vaml", mle_coefficient=0.5, model_samples=10)

    def later(observations: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return 3 * observations[..., 1]

    streams = Streams(0, "test")
    found = snapshot_metrics(test, np.arange(7) < 2, later, objective, streams)
    with torch.no_grad():
        off = test.predict(test.transitions).residual(test.transitions.next_observations)
    squares = [half.square().mean().item() for half in (off.sum(-1)[:4], off.sum(-1)[4:])]
    assert found["value_aware_error"] == pytest.approx(0.5 * np.mean(squares), rel=1e-3)
    squares = [9 * half.square().mean().item() for half in (off[:4, 1], off[4:, 1])]
    assert found["next_value_aware_error"] == pytest.approx(0.5 * np.mean(squares), rel=1e-3)
    values = 3 * test.transitions.next_observations[:, 1].double()
    halves = values[:4], values[4:]
    spread = np.mean([half.square().mean() for half in halves])
    spread -= np.mean([half.mean() for half in halves]) ** 2
    assert found["next_value_variance"] == pytest.approx(spread, rel=1e-3)
    assert "next_value_aware_error" not in snapshot_metrics(
        test, np.arange(7) < 2, None, objective, streams
    )


def test_the_largest_error_is_told_by_its_residual_and_by_the_slope_of_v_there() -> None:
    test = small_test()
    errors, lengths, slopes = one_by_one(test)
    terminal = np.arange(7) < 2
    found = transition_metrics(test, terminal, torch.Generator().manual_seed(0))
    largest = int(np.argmax(errors))  # the hundredth of seven, rounded up
    assert found["top_residual"] == pytest.approx(lengths[largest] / np.median(lengths), rel=1e-4)
    assert found["top_slope"] == pytest.approx(slopes[largest] / np.median(slopes), rel=1e-2)
    assert found["top_residual"] != pytest.approx(found["top_slope"], rel=0.1)
    assert found["terminal_share"] == pytest.approx(sum(errors[:2]) / sum(errors), rel=1e-3)


def test_a_ratio_to_nothing_is_left_out() -> None:
    found = parts(np.ones(5), terminal=NOWHERE[:5], residuals=np.zeros(5), slopes=np.ones(5))
    assert "top_residual" not in found
    assert found["top_slope"] == 1.0

"""The transitions behind an error: known shares, and errors against a plain loop."""

import math

import numpy as np
import pytest
import torch

from vaml.data.transitions import Transitions
from vaml.metrics.error_tails import (
    mean_prediction_error,
    parts,
    residuals,
    squared_errors,
    transition_metrics,
)
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue

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

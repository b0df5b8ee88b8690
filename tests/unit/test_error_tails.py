"""The transitions behind an error: known shares, and errors against a plain loop."""

import math

import numpy as np
import pytest
import torch

from vaml.data.transitions import Transitions
from vaml.metrics.error_tails import parts, residuals, squared_errors
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue

NOWHERE = np.zeros(1000, bool)


def spread(errors: np.ndarray, terminal: np.ndarray = NOWHERE) -> dict[str, float]:
    ones = np.ones(len(errors))
    return parts(errors, terminal[: len(errors)], ones, ones)


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
    few = np.ones(1000)
    few[[3, 500]] = 4501.0
    found = spread(few)
    assert found["transition_error_mean"] == pytest.approx(10.0)
    assert found["transition_error_median"] == 1.0
    assert found["top_1_percent"] == pytest.approx((2 * 4501 + 8) / 10000)
    assert found["top_10"] == pytest.approx((2 * 4501 + 8) / 10000)
    assert spread(np.array([1.0, 3.0]))["top_1_percent"] == 0.75  # one of two, rounded up


def test_the_terminal_transitions_have_their_part() -> None:
    errors, terminal = np.array([1.0, 6.0, 2.0, 3.0]), np.array([False, True, False, False])
    found = spread(errors, terminal)
    assert found["terminal_rows"] == 0.25
    assert found["terminal_share"] == 0.5
    assert found["lasting_error_mean"] == 2.0
    assert "lasting_error_mean" not in spread(errors, ~NOWHERE)
    assert "terminal_share" not in spread(np.zeros(4), terminal)


def test_the_largest_errors_are_where_the_model_is_off_or_where_the_value_is_steep() -> None:
    errors = np.append(np.ones(199), [7.0])
    errors[50] = 9.0  # the largest hundredth: rows 50 and 199
    numbers = np.full(200, 2.0)
    numbers[[50, 199]] = 10.0, 30.0
    found = parts(errors, NOWHERE[:200], numbers, np.ones(200))
    assert (found["top_residual"], found["top_slope"]) == (20.0 / 2.0, 1.0)
    found = parts(errors, NOWHERE[:200], np.zeros(200), numbers)
    assert "top_residual" not in found
    assert found["top_slope"] == 10.0


def test_an_error_is_of_its_own_transition() -> None:
    """With hardly any noise the errors are those of the mean, in the order of the rows."""
    generator = torch.Generator().manual_seed(0)
    model = GaussianDynamics(3, 2, [8], "default", generator)
    with torch.no_grad():
        model.log_std_head.bias.fill_(-12.0)
    value = RandomValue(3, 16, generator).requires_grad_(False)
    states, actions = (torch.randn(7, size, generator=generator) for size in (3, 2))
    rows = Transitions(states, actions, states + torch.randn(7, 3, generator=generator))
    test = ModelTest(model, rows, value, 10, 4)
    errors, lengths = squared_errors(test, generator), residuals(test)
    assert errors.dtype == lengths.dtype == np.float64
    for i, (error, length) in enumerate(zip(errors, lengths, strict=True)):
        with torch.no_grad():
            prediction = model(states[i : i + 1], actions[i : i + 1])
            mean = (prediction.observations + prediction.mean)[0]
            difference = value(rows.next_observations[i]) - value(mean)
        assert error == pytest.approx(0.5 * difference.item() ** 2, rel=1e-3, abs=1e-6)
        assert length == pytest.approx(math.dist(rows.next_observations[i], mean), rel=1e-5)

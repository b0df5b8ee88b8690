"""The transitions behind an error: known shares, and errors against a plain loop."""

import numpy as np
import pytest
import torch

from vaml.data.transitions import Transitions
from vaml.metrics.error_tails import parts, squared_errors
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue

NOWHERE = np.zeros(1000, bool)


def test_a_few_large_errors_are_told_from_many() -> None:
    even = parts(np.full(1000, 0.5), NOWHERE)
    assert even == {
        "transition_error_mean": 0.5,
        "transition_error_median": 0.5,
        "top_1_percent": pytest.approx(0.01),
        "top_10": pytest.approx(0.01),
        "terminal_rows": 0.0,
        "terminal_share": 0.0,
        "lasting_error_mean": 0.5,
    }
    few = np.ones(2000)
    few[[3, 1500]] = 9001.0
    found = parts(few, np.zeros(2000, bool))
    assert found["transition_error_mean"] == pytest.approx(10.0)
    assert found["transition_error_median"] == 1.0
    assert found["top_1_percent"] == pytest.approx((2 * 9001 + 18) / 20000)
    assert found["top_10"] == pytest.approx((2 * 9001 + 8) / 20000)
    two = parts(np.array([1.0, 3.0]), NOWHERE[:2])
    assert two["top_1_percent"] == 0.75  # one of two, rounded up


def test_the_terminal_transitions_have_their_part() -> None:
    errors, terminal = np.array([1.0, 6.0, 2.0, 3.0]), np.array([False, True, False, False])
    found = parts(errors, terminal)
    assert found["terminal_rows"] == 0.25
    assert found["terminal_share"] == 0.5
    assert found["lasting_error_mean"] == 2.0
    assert "lasting_error_mean" not in parts(errors, ~NOWHERE[:4])
    assert "terminal_share" not in parts(np.zeros(4), terminal)


def test_an_error_is_of_its_own_transition() -> None:
    """With hardly any noise the errors are those of the mean, in the order of the rows."""
    generator = torch.Generator().manual_seed(0)
    model = GaussianDynamics(3, 2, [8], "default", generator)
    with torch.no_grad():
        model.log_std_head.bias.fill_(-12.0)
    value = RandomValue(3, 16, generator).requires_grad_(False)
    states, actions = (torch.randn(7, size, generator=generator) for size in (3, 2))
    rows = Transitions(states, actions, states + torch.randn(7, 3, generator=generator))
    errors = squared_errors(ModelTest(model, rows, value, 10, 4), generator)
    assert errors.dtype == np.float64
    for i, error in enumerate(errors):
        with torch.no_grad():
            mean = model(states[i : i + 1], actions[i : i + 1])
            difference = value(rows.next_observations[i]) - value(
                (mean.observations + mean.mean)[0]
            )
        assert error == pytest.approx(0.5 * difference.item() ** 2, rel=1e-3, abs=1e-6)

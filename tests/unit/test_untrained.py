"""tools/untrained.py: the exact errors of predictions that have learnt nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from random_numbers import generator
from untrained import untaught_errors

from vaml.envs.synthetic import simulate
from vaml.metrics.exact import SyntheticTest, exact_metrics, no_change_error
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue


def dynamics(seed: int, gain: float = 1.0) -> GaussianDynamics:
    return GaussianDynamics(5, 2, [16], "default", generator(seed), gain).requires_grad_(False)


TRUTH, MODEL = dynamics(0), dynamics(1)
VALUE = RandomValue(5, 32, generator(7)).requires_grad_(False)
TEST = SyntheticTest(MODEL, simulate(TRUTH, 400, 20, generator(9)), VALUE, 10, 128, TRUTH)


def test_the_untrained_error_is_the_exact_error_of_the_model() -> None:
    # Exact metrics weigh their batches alike.
    one_batch = replace(TEST, batch_size=400)
    expected = exact_metrics(one_batch, generator(1))["exact_error"]
    assert untaught_errors(TEST)["untrained_error"] == pytest.approx(expected)
    assert untaught_errors(replace(TEST, model=TRUTH))["untrained_error"] == 0


def test_motion_and_variance_are_what_the_other_two_lack() -> None:
    """By samples of the truth, whose V is drawn in place of its closed form."""
    found = untaught_errors(TEST)
    rows = TEST.transitions
    truth = TRUTH(rows.observations, rows.actions)
    draws = truth.sample(20_000, generator(2))
    expected = VALUE(draws).double().mean(0)
    without_motion = VALUE(draws - truth.mean).double().mean(0)
    without_variance = VALUE(rows.observations + truth.mean).double()
    for name, values in (
        ("no_motion_error", without_motion),
        ("no_variance_error", without_variance),
    ):
        error = 0.5 * np.square((expected - values).numpy()).mean()
        assert found[name] == pytest.approx(error, rel=0.03)
        assert error > 1e-4


def test_without_motion_and_variance_no_change_is_left() -> None:
    """A truth that hardly moves: what no change lacks is the variance."""
    still = dynamics(3, 1e-4)
    with torch.no_grad():
        still.mean_head.bias.zero_()
    rows = simulate(still, 400, 20, generator(9))
    test = replace(TEST, truth=still, transitions=rows, batch_size=400)
    found = untaught_errors(test)
    assert found["no_motion_error"] < 1e-6 * found["no_variance_error"]
    assert found["no_variance_error"] == pytest.approx(no_change_error(test), rel=1e-3)

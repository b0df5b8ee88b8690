"""E[V(ŝ')] in closed form against Monte Carlo, limits and finite differences."""

import numpy as np
import pytest
import torch
from random_numbers import generator, normal
from scipy import stats

from vaml.losses.expected_value import expected_value
from vaml.networks.dynamics import Prediction
from vaml.networks.value import RandomValue

N, CASES, DRAWS = 6, 120, 4000


def random_value(seed: int = 9) -> RandomValue:
    """Biases too, which the study's own value function lacks."""
    value = RandomValue(N, 16, generator(seed)).double()
    with torch.no_grad():
        value.hidden.bias.copy_(normal(16, seed=seed + 1))
        value.output.bias.copy_(normal(1, seed=seed + 2))
    return value.requires_grad_(False)


@pytest.mark.parametrize("value_seed", [9, 10, 11])
def test_closed_form_is_within_four_standard_errors_of_monte_carlo(value_seed: int) -> None:
    # Standard deviations from 7 down to the model's smallest, e^-20, mixed within a state.
    value = random_value(value_seed)
    log_std = torch.linspace(2, -20, CASES, dtype=torch.float64)[:, None] + normal(CASES, N)
    prediction = Prediction(2 * normal(CASES, N, seed=1), normal(CASES, N, seed=2), log_std)
    values = value(prediction.sample(DRAWS, generator(3)))
    errors = values.std(0) / DRAWS**0.5
    differences = values.mean(0) - expected_value(value, prediction)
    # A mean of doubles is itself exact to no more than this.
    assert (differences.abs() < 4 * errors + 1e-13).all()
    z = (differences / errors)[: CASES // 2].numpy()
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert errors[0] > 1e-3
    assert errors[-1] < 1e-9


def test_without_variance_it_is_the_value_itself() -> None:
    value, states = random_value(), normal(40, N)
    for log_std in (-20.0, -400.0, float("-inf")):
        prediction = Prediction(states, torch.zeros(40, N), torch.full((40, N), log_std))
        torch.testing.assert_close(
            expected_value(value, prediction), value(states), rtol=0, atol=1e-7
        )


def test_of_one_relu_it_is_the_half_normal_mean() -> None:
    value = RandomValue(1, 1, generator())
    with torch.no_grad():
        value.hidden.weight.fill_(2.0)
        value.output.weight.fill_(3.0)
    prediction = Prediction(torch.tensor([[0.5]]), torch.tensor([[-0.5]]), torch.tensor([[0.0]]))
    expected = 3 * 2 / np.sqrt(2 * np.pi)
    assert expected_value(value, prediction).item() == pytest.approx(expected, rel=1e-12)


def test_single_precision_inputs_are_worked_on_in_double_precision() -> None:
    value = random_value()
    fields = [normal(30, N, seed=i).float() for i in range(3)]
    single = expected_value(value.float(), Prediction(*fields))
    double = expected_value(value, Prediction(*(field.double() for field in fields)))
    assert single.dtype == torch.float64
    assert torch.equal(single, double)


@pytest.mark.parametrize("log_std", [1.0, -1.0, -20.0])
def test_gradient_is_that_of_finite_differences(log_std: float) -> None:
    value = random_value()
    mean = normal(5, N, seed=2).requires_grad_()
    logs = torch.full((5, N), log_std, dtype=torch.float64).requires_grad_()
    states = normal(5, N, seed=1)
    assert torch.autograd.gradcheck(
        lambda m, s: expected_value(value, Prediction(states, m, s)), (mean, logs)
    )


def test_gradient_is_finite_without_any_variance() -> None:
    logs = torch.full((5, N), float("-inf"), dtype=torch.float64).requires_grad_()
    mean = torch.zeros(5, N, dtype=torch.float64).requires_grad_()
    prediction = Prediction(normal(5, N), mean, logs)
    expected_value(random_value(), prediction).sum().backward()
    assert mean.grad is not None
    assert mean.grad.isfinite().all()

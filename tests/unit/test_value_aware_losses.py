"""The losses beside the paper's: what they estimate, and whom they send gradients to."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from emulated_graphs import as_on_a_gpu
from scipy import stats
from test_model_losses import check_gradient, generator, normal, random_prediction, soft_value

from vaml.algorithms.model_fitting import ModelFitting
from vaml.config.objectives import NEED_TRUTH, Loss, Objective
from vaml.data.transitions import Transitions
from vaml.losses.expected_value import expected_value
from vaml.losses.likelihood import nll
from vaml.losses.objective import LOSSES, model_loss
from vaml.losses.regression import mse
from vaml.losses.value_aware import (
    action_sampling_floor,
    vagram,
    vaml,
    vaml_debiased,
    vaml_exact,
    vaml_noisy_samples,
    vaml_noisy_targets,
    vaml_score_function,
)
from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.networks.value import RandomValue, SoftValue, Value
from vaml.saving import module_arrays
from vaml.seeding import Streams

N, M = 5, 2
DRAWS = 100_000
# Losses that leave the standard deviation as it is; all others train it.
MEAN_ONLY = {"vagram", "mse"}


def random_value() -> RandomValue:
    return RandomValue(N, 16, generator(9)).double().requires_grad_(False)


def one_row() -> tuple[Prediction, torch.Tensor]:
    prediction = Prediction(*(field[:1] for field in random_prediction()))
    return prediction, normal(1, N, seed=4)


def repeated(prediction: Prediction, times: int) -> Prediction:
    return Prediction(*(field.expand(times, -1) for field in prediction))


@pytest.mark.parametrize("samples", [2, 10])
def test_debiased_is_unbiased_and_plain_is_high_by_half_the_variance_over_k(samples: int) -> None:
    value, (prediction, next_observation) = random_value(), one_row()
    exact = 0.5 * (value(next_observation) - expected_value(value, prediction)).square().item()
    variance = value(prediction.sample(10**6, generator(1))).var().item()
    blocks = {"plain": np.empty(100), "debiased": np.empty(100)}
    for i in range(100):  # batches of 1000 rows are 10⁵ independent draws
        rows = repeated(prediction, DRAWS // 100), next_observation.expand(DRAWS // 100, -1)
        for name, loss in (("plain", vaml), ("debiased", vaml_debiased)):
            blocks[name][i] = loss(*rows, value, samples, generator(10 + i)).item()
    z = {
        name: (block.mean() - exact - bias) / stats.sem(block)
        for (name, block), bias in zip(blocks.items(), (0.5 * variance / samples, 0.0), strict=True)
    }
    assert abs(z["plain"]) < 4
    assert abs(z["debiased"]) < 4
    # Sharp enough to tell the two apart.
    assert 0.5 * variance / samples > 20 * stats.sem(blocks["debiased"])


def value_of_means() -> SoftValue:
    """A soft value whose policy takes its mean, so that it draws nothing."""

    def no_noise(observations: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.zeros(*observations.shape[:-1], 2, dtype=observations.dtype)

    value = soft_value()
    value.actor.noise = no_noise
    return value


@pytest.mark.parametrize("loss", [vaml, vaml_debiased])
@pytest.mark.parametrize("make_value", [random_value, value_of_means])
def test_one_call_for_next_states_and_samples_has_the_loss_and_gradient_of_two(
    loss: Any, make_value: Callable[[], Value]
) -> None:
    leaves = [field.requires_grad_() for field in random_prediction()[1:]]
    prediction, next_observations = Prediction(normal(12, N), *leaves), normal(12, N, seed=4)
    found = []
    for way in (nullcontext, as_on_a_gpu):
        with way():
            number = loss(prediction, next_observations, make_value(), 4, generator(7))
        found.append([number, *torch.autograd.grad(number, leaves)])
    for two, one in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


def test_one_call_draws_another_action_for_each_next_state_and_sample() -> None:
    """The loss of a model that returns s' itself is the floor, which two calls' draws make."""
    value, state = soft_value(), normal(1, N, seed=4)
    certain = Prediction(state, torch.zeros_like(state), torch.full_like(state, -50.0))
    rows = repeated(certain, 1000), state.expand(1000, -1)
    losses, floors = np.empty(100), np.empty(100)
    with torch.no_grad():
        for i in range(100):
            with as_on_a_gpu():
                losses[i] = vaml(*rows, value, 3, generator(i)).item()
            floors[i] = action_sampling_floor(value, rows[1], 3, generator(1000 + i)).item()
    sharp = stats.sem(losses - floors)
    assert abs((losses - floors).mean()) < 4 * sharp < 0.2 * floors.mean()


def test_debiased_is_the_mean_product_of_errors_of_different_samples() -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    value = random_value()
    loss = vaml_debiased(prediction, next_observations, value, 4, generator(7))
    errors = (value(next_observations) - value(prediction.sample(4, generator(7)))).numpy()
    products = [errors[i] * errors[j] for i in range(4) for j in range(4) if i != j]
    assert loss.item() == pytest.approx(0.5 * np.mean(products), rel=1e-10)


def test_score_function_gradient_is_in_expectation_that_of_the_exact_expectation() -> None:
    value, (prediction, next_observation) = random_value(), one_row()
    leaves = [field.clone().requires_grad_() for field in (prediction.mean, prediction.log_std)]
    at = Prediction(prediction.observations, *leaves)
    half = 0.5 * (value(next_observation) - expected_value(value, at)).square().mean()
    exact = torch.cat(torch.autograd.grad(half, leaves)).flatten()
    size, targets = 2000, next_observation.expand(2000, -1)

    def gradients(samples: int, i: int) -> torch.Tensor:
        loss = vaml_score_function(repeated(at, size), targets, value, samples, generator(i))
        return torch.cat(torch.autograd.grad(loss, leaves)).flatten()

    for samples in (2, 5):
        found = torch.stack([gradients(samples, i) for i in range(100)]).numpy()
        z = (found.mean(0) - exact.numpy()) / stats.sem(found)
        assert np.abs(z).max() < 4
        assert stats.sem(found).max() < 0.05 * np.abs(exact.numpy()).max()


def test_score_function_has_the_number_of_the_debiased_loss_and_no_gradient_through_v() -> None:
    value = soft_value()
    leaves = [field.requires_grad_() for field in random_prediction()[1:]]
    prediction, next_observations = Prediction(normal(12, N), *leaves), normal(12, N, seed=4)
    loss = vaml_score_function(prediction, next_observations, value, 3, generator(5))
    assert (
        loss.item() == vaml_debiased(prediction, next_observations, value, 3, generator(5)).item()
    )
    before = torch.autograd.grad(loss, leaves)

    def detached(observations: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return value(observations, generator).detach()

    again = vaml_score_function(prediction, next_observations, detached, 3, generator(5))
    for first, second in zip(before, torch.autograd.grad(again, leaves), strict=True):
        assert torch.equal(first, second)


def test_exact_is_zero_at_the_truth_and_half_the_squared_bias_elsewhere() -> None:
    value, truth = random_value(), random_prediction()
    assert vaml_exact(truth, truth, value).item() == 0.0
    narrow = truth._replace(log_std=torch.full((12, N), -20.0, dtype=torch.float64))
    differences = value(truth.observations + truth.mean) - expected_value(value, truth)
    expected = 0.5 * differences.square().mean().item()
    assert vaml_exact(narrow, truth, value).item() == pytest.approx(expected, rel=1e-6)


def test_exact_is_the_expectation_of_the_debiased_loss_less_the_noise_of_the_next_state() -> None:
    value, prediction, truth = random_value(), random_prediction(4), random_prediction(4)
    truth = truth._replace(mean=normal(4, N, seed=8))
    exact = vaml_exact(prediction, truth, value).item()
    floor = 0.5 * value(truth.sample(200_000, generator(1))).var(0).mean().item()
    noise = generator(2)
    many = [Prediction(*(field.repeat(500, 1) for field in each)) for each in (prediction, truth)]
    losses = [
        vaml_debiased(many[0], many[1].sample(1, noise)[0], value, 4, noise).item()
        for _ in range(200)
    ]
    assert abs(np.mean(losses) - exact - floor) < 4 * stats.sem(losses) + 0.01 * floor


def test_noise_on_one_side_adds_to_the_exact_loss_that_of_the_targets_or_nothing() -> None:
    """The oracle of either is its mean over a hundred thousand draws of the noise that it has."""
    value, (prediction, _) = random_value(), one_row()
    truth = prediction._replace(mean=3 * normal(1, N, seed=8))
    exact = vaml_exact(prediction, truth, value).item()
    targets = 0.5 * value(truth.sample(10**6, generator(1))).var().item()
    many = repeated(prediction, DRAWS // 100)
    blocks = {"targets": np.empty(100), "samples": np.empty(100)}
    for i in range(100):
        noise = generator(10 + i)
        next_observations = truth.sample(DRAWS // 100, noise)[:, 0]
        blocks["targets"][i] = vaml_noisy_targets(many, next_observations, value).item()
        blocks["samples"][i] = vaml_noisy_samples(
            many, repeated(truth, DRAWS // 100), value, 4, noise
        ).item()
    for name, added in (("targets", targets), ("samples", 0.0)):
        error = stats.sem(blocks[name])
        assert abs(blocks[name].mean() - exact - added) < 4 * error + 0.01 * added, name
        assert error < 0.1 * exact  # sharp enough to tell it from another
    assert targets > 0.1 * exact


def test_vagram_weighs_each_dimension_by_the_values_slope_clipped_at_its_quantile() -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    value = random_value()
    step, slopes = 1e-6, np.empty((12, N))
    for d in range(N):
        shift = torch.zeros(N, dtype=torch.float64)
        shift[d] = step
        slopes[:, d] = (
            (value(next_observations + shift) - value(next_observations - shift)) / (2 * step)
        ).numpy()
    lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
    longest = np.quantile(lengths, 0.95)
    assert (lengths > longest).sum() == 1
    slopes *= np.minimum(1, longest / lengths)
    errors = (prediction.observations + prediction.mean - next_observations).numpy()
    expected = ((slopes * errors) ** 2).sum(axis=1).mean()
    loss = vagram(prediction, next_observations, value, generator())
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_vagram_of_a_flat_value_is_zero() -> None:
    def flat(observations: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return 0 * observations.sum(-1)

    loss = vagram(random_prediction(), normal(12, N, seed=4), flat, generator())
    assert loss.item() == 0.0


def test_mse_is_least_squares() -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    squares = (prediction.observations + prediction.mean - next_observations).square().sum(-1)
    assert mse(prediction, next_observations).item() == pytest.approx(squares.mean().item())


def test_a_likelihood_with_a_fixed_scale_would_be_the_same_training_as_mse() -> None:
    """Its gradient is that of the squared error over 2 σ²; Adam's steps do not see the factor."""
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    scale = 0.8808
    steps = []
    for loss in ("squares", "likelihood"):
        mean = prediction.mean.clone().requires_grad_()
        adam = torch.optim.Adam([mean], lr=1e-3)
        for _ in range(20):
            fixed = torch.full_like(mean, np.log(scale))
            moved = prediction._replace(mean=mean, log_std=fixed)
            likelihood = moved.nll(next_observations).mean()
            adam.zero_grad()
            (mse(moved, next_observations) if loss == "squares" else likelihood).backward()
            adam.step()
        steps.append(mean.detach() - prediction.mean)
    assert steps[0].abs().min() > 1e-3
    torch.testing.assert_close(steps[0], steps[1], rtol=1e-4, atol=1e-7)


def gradients(loss: str, value: Value) -> tuple[torch.Tensor | None, ...]:
    """With respect to the mean and to the log standard deviation."""
    fields = random_prediction()
    leaves = [field.requires_grad_() for field in fields[1:]]
    prediction = Prediction(fields[0], *leaves)
    objective = Objective(loss=loss, mle_coefficient=0.0, model_samples=3)  # type: ignore[arg-type]
    truth = random_prediction()._replace(mean=normal(12, N, seed=8))
    total, terms = model_loss(
        prediction, normal(12, N, seed=4), value, objective, 0.0, generator(5), truth
    )
    assert set(terms) == {loss}
    assert total.ndim == 0
    return torch.autograd.grad(total, leaves, allow_unused=True)


@pytest.mark.parametrize("loss", LOSSES)
def test_who_receives_gradient(loss: str) -> None:
    mean, log_std = gradients(loss, random_value())
    assert mean is not None
    assert mean.abs().max() > 0
    trains_scale = loss not in MEAN_ONLY
    assert (log_std is not None and bool(log_std.abs().max() > 0)) == trains_scale
    if loss not in NEED_TRUTH:
        mean, _ = gradients(loss, soft_value())
        assert mean is not None
        assert mean.isfinite().all()


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "vaml_score_function"])
def test_gradient_is_that_of_finite_differences(loss: Loss) -> None:
    model = GaussianDynamics(N, M, [7], "default", generator(1), head_gain=1.0).double()
    truth = GaussianDynamics(N, M, [7], "default", generator(2), head_gain=1.0).double()
    observations, actions, next_observations = normal(6, N), normal(6, M), normal(6, N, seed=1)
    objective = Objective(loss=loss, mle_coefficient=0.5, model_samples=3)
    value, true = random_value(), truth.requires_grad_(False)(observations, actions)

    def total() -> torch.Tensor:
        return model_loss(
            model(observations, actions),
            next_observations,
            value,
            objective,
            0.5,  # with the NLL, so that each parameter has a gradient
            generator(5),
            true,
        )[0]

    check_gradient(total, list(model.parameters()))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_can_be_fitted(loss: Loss) -> None:
    model, truth = (
        GaussianDynamics(N, M, [7], "default", generator(seed), head_gain=1.0) for seed in (1, 2)
    )
    states, actions = normal(64, N).float(), normal(64, M).float()
    rows = Transitions(states, actions, truth(states, actions).sample(1, generator())[0].detach())
    before = module_arrays(model)
    fitting = ModelFitting(
        model,
        RandomValue(N, 16, generator(9)).requires_grad_(False),
        Objective(loss=loss, mle_coefficient=0.0, model_samples=3),
        1e-3,
        0.0,
        16,
        Streams(0, "test"),
        truth.requires_grad_(False),
    )
    fitting.start(rows, rows, 0.0, 2, 5)
    for _ in range(2):
        row = fitting.epoch()
        assert row is not None
        assert row["validation_value_loss"] == row["validation_loss"]
    changed = {
        name for name, array in module_arrays(model).items() if (array != before[name]).any()
    }
    scale = {name for name in before if name.startswith("log_std_head")}
    assert changed == set(before) - (scale if loss in MEAN_ONLY else set())


@pytest.mark.parametrize("loss", sorted(NEED_TRUTH))
def test_an_exact_loss_without_the_truth_is_refused(loss: Loss) -> None:
    objective = Objective(loss=loss, mle_coefficient=0.0, model_samples=3)
    with pytest.raises(TypeError, match="needs the true dynamics"):
        model_loss(random_prediction(), normal(12, N), random_value(), objective, 0.0, generator())


def test_the_nll_alone_is_that_of_every_objective_with_coefficient_one() -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    for loss in LOSSES:
        objective = Objective(loss=loss, mle_coefficient=1.0, model_samples=3)  # type: ignore[arg-type]
        total, _ = model_loss(
            prediction, next_observations, random_value(), objective, 1.0, generator()
        )
        assert total.item() == nll(prediction, next_observations).item()

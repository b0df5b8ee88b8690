"""The losses of model learning against closed forms, NumPy and finite differences."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from random_numbers import generator, normal
from scipy import stats
from torch import Tensor

from vaml.config.objectives import Objective
from vaml.losses.likelihood import kl, nll
from vaml.losses.objective import LOSSES, model_loss
from vaml.losses.value_aware import action_sampling_floor, vaml
from vaml.networks.actor_critic import Actor, Critic, TwinCritics
from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.networks.value import RandomValue, SoftValue, Value

N, M = 5, 2


def objective(samples: int = 10) -> Objective:
    return Objective(loss="vaml", mle_coefficient=0.5, model_samples=samples)


def random_prediction(rows: int = 12) -> Prediction:
    return Prediction(
        normal(rows, N, seed=1), 0.5 * normal(rows, N, seed=2), 0.5 * normal(rows, N, seed=3)
    )


def soft_value(temperature: float = 0.7) -> SoftValue:
    """A soft value in double precision, its policy far from deterministic."""
    low, high = torch.full((M,), -2.0), torch.full((M,), 2.0)
    actor = Actor(N, low, high, [8, 8], generator(1)).double()
    critics = TwinCritics(*(Critic(N, M, [8, 8], generator(seed)) for seed in (2, 3))).double()
    return SoftValue(actor, critics, torch.tensor(temperature, dtype=torch.float64).log())


class Recorded:
    """A stochastic value function that keeps what it was asked and what it said."""

    def __init__(self) -> None:
        self.calls: list[tuple[Tensor, Tensor]] = []

    def __call__(self, observations: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.empty(observations.shape[:-1], dtype=observations.dtype)
        values = observations.square().sum(-1) + noise.normal_(generator=generator)
        self.calls.append((observations.detach(), values.detach()))
        return values


def test_nll_is_the_batch_mean_of_the_summed_log_density() -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    scale = np.exp(prediction.log_std.numpy())
    log_density = stats.norm.logpdf(
        next_observations.numpy(), (prediction.observations + prediction.mean).numpy(), scale
    )
    expected = -log_density.sum(axis=1).mean()
    assert nll(prediction, next_observations).item() == pytest.approx(expected, rel=1e-12)


def test_kl_is_the_mean_nll_of_the_true_next_states_less_their_entropy() -> None:
    """Per row against scipy's densities at a million draws of the truth, and 0 at the truth."""
    prediction, truth = random_prediction(3), random_prediction(3)
    truth = truth._replace(mean=0.5 * normal(3, N, seed=8), log_std=0.5 * normal(3, N, seed=9))
    states = truth.sample(200_000, generator(1)).numpy()
    densities = [
        stats.norm.logpdf(
            states, (each.observations + each.mean).numpy(), np.exp(each.log_std.numpy())
        )
        for each in (truth, prediction)
    ]
    ratios = (densities[0] - densities[1]).sum(axis=-1).mean(axis=-1)
    assert kl(prediction, truth).item() == pytest.approx(
        ratios.mean(), abs=4 * float(stats.sem(ratios))
    )
    assert stats.sem(ratios) < 0.01 * ratios.mean()
    assert kl(truth, truth).item() == 0.0


@pytest.mark.parametrize("samples", [1, 10])
def test_vaml_equals_numpy_with_the_same_noise(samples: int) -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    value = RandomValue(N, 64, generator(9)).double()
    loss = vaml(prediction, next_observations, value, samples, generator(7))

    def network(states: np.ndarray) -> np.ndarray:
        hidden = np.maximum(states @ value.hidden.weight.detach().numpy().T, 0)
        return (hidden @ value.output.weight.detach().numpy().T)[..., 0]

    noise = torch.empty(samples, 12, N, dtype=torch.float64).normal_(generator=generator(7)).numpy()
    mean = (prediction.observations + prediction.mean).numpy()
    predicted = mean + np.exp(prediction.log_std.numpy()) * noise
    errors = network(next_observations.numpy()) - network(predicted).mean(axis=0)
    assert loss.item() == pytest.approx(0.5 * np.mean(errors**2), rel=1e-10)


def test_vaml_asks_a_stochastic_value_once_per_real_and_per_sampled_state() -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    value = Recorded()
    loss = vaml(prediction, next_observations, value, 10, generator())
    (real, targets), (sampled, values) = value.calls
    assert torch.equal(real, next_observations)
    assert sampled.shape == (10, 12, N)
    expected = 0.5 * np.mean((targets.numpy() - values.numpy().mean(axis=0)) ** 2)
    assert loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("value", [RandomValue(N, 16, generator(9)).double(), soft_value()])
def test_vaml_gradient_is_that_of_finite_differences(value: Value) -> None:
    # Through the soft value's state, action and log-probability: all of it moves with the model.
    model = GaussianDynamics(N, M, [7, 7], "default", generator(1), head_gain=1.0).double()
    observations, actions, next_observations = normal(6, N), normal(6, M), normal(6, N, seed=1)

    def loss() -> Tensor:
        return vaml(model(observations, actions), next_observations, value, 3, generator(5))

    check_gradient(loss, list(model.parameters()))


def test_nll_gradient_is_that_of_finite_differences() -> None:
    model = GaussianDynamics(N, M, [7], "orthogonal", generator(1), head_gain=1.0).double()
    observations, actions, next_observations = normal(6, N), normal(6, M), normal(6, N, seed=1)
    check_gradient(
        lambda: nll(model(observations, actions), next_observations), list(model.parameters())
    )


def check_gradient(loss: Callable[[], Tensor], parameters: list[torch.nn.Parameter]) -> None:
    """Directional derivatives along each parameter and along random directions."""
    gradients = torch.autograd.grad(loss(), parameters)
    everywhere = [normal(*p.shape, seed=20 + i) for i, p in enumerate(parameters)]
    directions = [everywhere, [-d if i % 2 else d for i, d in enumerate(everywhere)]]
    for index, direction in enumerate(everywhere):
        directions.append([d if d is direction else torch.zeros_like(d) for d in everywhere])
        assert gradients[index].abs().max() > 0
    step = 1e-6
    for direction in directions:
        numbers = []
        for sign in (1, -2, 1):  # forward, backward, and home again
            with torch.no_grad():
                for parameter, change in zip(parameters, direction, strict=True):
                    parameter.add_(sign * step * change)
            numbers.append(loss().item())
        difference = (numbers[0] - numbers[1]) / (2 * step)
        slope = sum((g * d).sum().item() for g, d in zip(gradients, direction, strict=True))
        assert slope == pytest.approx(difference, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("coefficient", [0.0, 0.001, 0.3, 1.0])
def test_model_loss_is_the_mixture_of_eq_10(coefficient: float) -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    value = RandomValue(N, 16, generator(9)).double()
    loss, terms = model_loss(
        prediction, next_observations, value, objective(4), coefficient, generator(5)
    )
    likelihood = nll(prediction, next_observations)
    value_aware = vaml(prediction, next_observations, value, 4, generator(5))
    expected = coefficient * likelihood + (1 - coefficient) * value_aware
    torch.testing.assert_close(loss, expected)
    assert set(terms) == {
        *(["nll"] if coefficient > 0 else []),
        *(["vaml"] if coefficient < 1 else []),
    }


def test_a_term_without_weight_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    prediction, next_observations = random_prediction(), normal(12, N, seed=4)
    value, noise = Recorded(), generator(5)
    before = noise.get_state()
    model_loss(prediction, next_observations, value, objective(), 1.0, noise)
    assert value.calls == []
    assert torch.equal(noise.get_state(), before)

    monkeypatch.setattr(Prediction, "nll", None)
    model_loss(prediction, next_observations, value, objective(), 0.0, noise)
    assert len(value.calls) == 2


def test_every_loss_of_the_table_is_one_that_a_config_may_name() -> None:
    names = Objective.model_json_schema()["properties"]["loss"]
    assert set(LOSSES) == set(names.get("enum", [names.get("const")]))


def test_loss_at_the_true_model_is_half_the_variance_times_one_plus_one_over_k() -> None:
    weights = normal(N, seed=8)

    def linear(observations: Tensor, generator: torch.Generator) -> Tensor:
        return observations @ weights

    for samples in (1, 2, 10):
        noise = generator(samples)
        truth = Prediction(
            normal(64, N, seed=1), normal(64, N, seed=2), 0.3 * normal(64, N, seed=3)
        )
        variance = ((weights * truth.log_std.exp()) ** 2).sum(-1).mean().item()
        losses = np.array(
            [
                vaml(truth, truth.sample(1, noise)[0], linear, samples, noise).item()
                for _ in range(600)
            ]
        )
        z = (losses.mean() - 0.5 * variance * (1 + 1 / samples)) / stats.sem(losses)
        assert abs(z) < 4
        assert stats.sem(losses) < 0.01 * variance  # sharp enough to tell 1 + 1/K from 1


def test_loss_of_a_deterministic_true_model_is_zero() -> None:
    observations, mean = normal(12, N), normal(12, N, seed=1)
    prediction = Prediction(observations, mean, torch.full((12, N), -20.0, dtype=torch.float64))
    value = RandomValue(N, 16, generator(9)).double()
    assert vaml(prediction, observations + mean, value, 3, generator()).item() < 1e-15


def test_action_sampling_floor_is_the_loss_of_a_model_that_returns_the_next_state() -> None:
    value, next_observations, noise = soft_value(), normal(256, N), generator(3)
    collapsed = torch.full((256, N), -20.0, dtype=torch.float64)
    exact = Prediction(next_observations, torch.zeros(256, N), collapsed)
    for samples in (1, 4):
        losses, floors = np.empty(150), np.empty(150)
        with torch.no_grad():
            for i in range(150):
                losses[i] = vaml(exact, next_observations, value, samples, noise)
                floors[i] = action_sampling_floor(value, next_observations, samples, noise)
        assert abs((losses - floors).mean() / stats.sem(losses - floors)) < 4
        assert stats.sem(losses - floors) < 0.03 * floors.mean()

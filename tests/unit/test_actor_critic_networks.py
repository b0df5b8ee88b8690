"""Actor and critics: the squashed density, the clamp, the initialisation."""

import math

import numpy as np
import pytest
import torch
from random_numbers import generator
from scipy import stats
from torch import Tensor, nn

from vaml.networks.actor_critic import Actor, Critic

N, M = 6, 2
BOXES = [(-1.0, 1.0), (-2.0, 2.0), (-3.0, 3.0), (-1.0, 5.0)]  # half-ranges 1, 2, 3; off centre


def actor(low: float = -1.0, high: float = 1.0, size: int = M) -> Actor:
    return Actor(N, torch.full((size,), low), torch.full((size,), high), [32, 32], generator())


def linears(layers: nn.ModuleList) -> list[nn.Linear]:
    return [layer for layer in layers if isinstance(layer, nn.Linear)]


def states(rows: int) -> Tensor:
    return torch.randn(rows, N, generator=generator(1))


def constant(
    low: float | list[float], high: float | list[float], mean: Tensor, std: Tensor
) -> Actor:
    """A policy in double precision that is the same in every state: z ~ N(mean, std²)."""
    lower, upper = (
        torch.tensor(bound, dtype=torch.float64).expand(len(mean)).clone() for bound in (low, high)
    )
    policy = Actor(N, lower, upper, [8], generator()).double()
    with torch.no_grad():
        policy.mean_head.weight.zero_()
        policy.log_std_head.weight.zero_()
        policy.mean_head.bias.copy_(mean)
        policy.log_std_head.bias.copy_(std.log())
    return policy


@torch.no_grad()
def sampled(policy: Actor, rows: int) -> tuple[Tensor, Tensor]:
    """Actions and log-probabilities, with the same noise at each call."""
    return policy.sample(torch.zeros(rows, N, dtype=torch.float64), generator(7))


def before_squashing(policy: Actor, actions: Tensor) -> Tensor:
    """The z that the actions come from."""
    return policy.half_range * torch.atanh((actions - policy.centre) / policy.half_range)


@pytest.mark.parametrize(("low", "high"), BOXES)
@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.5, 0.4), (-0.7, 2.0)])
def test_log_probability_is_that_of_the_change_of_variables(
    low: float, high: float, mean: float, std: float
) -> None:
    step = 1e-6
    centre, spread = torch.tensor([mean]), torch.tensor([std])
    policy = constant(low, high, centre, spread)
    actions, log_probabilities = sampled(policy, 20000)
    above, _ = sampled(constant(low, high, centre.double() + step, spread), 20000)
    below, _ = sampled(constant(low, high, centre.double() - step, spread), 20000)
    slope = ((above - below) / (2 * step))[:, 0].numpy()  # da/dz: the mean moves z and not noise
    z = before_squashing(policy, actions)[:, 0].numpy()
    assert stats.kstest((z - mean) / std, "norm").pvalue > 1e-3

    steep = slope > 1e-3  # where the difference is not lost in rounding
    assert steep.mean() > 0.7
    expected = stats.norm.logpdf(z[steep], mean, std) - np.log(slope[steep])
    np.testing.assert_allclose(log_probabilities.numpy()[steep], expected, rtol=0, atol=1e-5)

    order = actions[:, 0].argsort()
    density = np.trapezoid(log_probabilities[order].exp(), actions[order, 0])
    assert density == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize(("low", "high"), BOXES)
def test_actions_fill_the_box_with_slope_one_at_its_centre(low: float, high: float) -> None:
    one = torch.ones(1)
    modes = [
        constant(low, high, z * one.double(), one).mode(torch.zeros(N, dtype=torch.float64)).item()
        for z in (-1e3, -1e-5, 0.0, 1e-5, 1e3)
    ]
    assert (modes[0], modes[4]) == (low, high)
    assert modes[2] == (low + high) / 2
    assert (modes[3] - modes[1]) / 2e-5 == pytest.approx(1.0, abs=1e-6)


def test_log_probabilities_add_over_dimensions_with_a_half_range_each() -> None:
    mean, std = torch.tensor([0.3, -1.0]).double(), torch.tensor([0.5, 1.5]).double()
    policy = constant([-1.0, -2.0], [1.0, 4.0], mean, std)
    actions, log_probabilities = sampled(policy, 1000)
    z = before_squashing(policy, actions).numpy()
    densities = stats.norm.logpdf(z, mean.numpy(), std.numpy()) - np.log1p(
        -(np.tanh(z / np.array([1.0, 3.0])) ** 2)
    )
    np.testing.assert_allclose(log_probabilities, densities.sum(axis=1), rtol=0, atol=1e-6)


def test_log_probability_stays_finite_at_the_edge() -> None:
    for mean in (-200.0, 200.0):
        policy = constant(-1.0, 1.0, torch.tensor([mean]), torch.tensor([1e-6])).float()
        with torch.no_grad():
            _, log_probability = policy.sample(torch.zeros(1, N), generator())
        # log(1 - tanh²(z)) tends to 2 log 2 - 2|z|; the noise is at most a few units.
        expected = -math.log(1e-6) - 0.5 * math.log(2 * math.pi) - (2 * math.log(2) - 400)
        assert log_probability.item() == pytest.approx(expected, abs=10)


def test_samples_are_reparameterised_and_fresh_for_each_state() -> None:
    mean, std = torch.tensor([0.5, -1.0]).double(), torch.tensor([0.6, 1.3]).double()
    policy = constant(-3.0, 3.0, mean, std)
    actions, _ = sampled(policy, 20000)
    noise = (before_squashing(policy, actions) - mean) / std
    for column in noise.T:
        assert stats.kstest(column.numpy(), "norm").pvalue > 1e-3
        assert len(column.unique()) == 20000
    assert abs(np.corrcoef(noise.T.numpy())[0, 1]) < 0.04

    states = torch.randn(5, N, dtype=torch.float64, generator=generator(1))
    policy = actor(-3.0, 3.0).double()
    step = 1e-6
    weights = torch.randn(2, 5, M, dtype=torch.float64, generator=generator(2))

    def outputs(shift: float) -> Tensor:
        actions, log_probabilities = policy.sample(states + shift * weights.sum(), generator(3))
        return (weights[0] * actions).sum() + (weights[1, :, 0] * log_probabilities).sum()

    states.requires_grad_()
    gradients = torch.autograd.grad(outputs(0.0), [states, *policy.parameters()])
    assert all(gradient.abs().max() > 0 for gradient in gradients)
    with torch.no_grad():
        difference = (outputs(step) - outputs(-step)) / (2 * step)
    torch.testing.assert_close(gradients[0].sum() * weights.sum(), difference, rtol=1e-6, atol=1e-8)


def test_log_std_is_clamped_hard() -> None:
    policy = actor()
    with torch.no_grad():
        policy.log_std_head.weight.zero_()
        for bias, expected in ((50.0, 2.0), (-50.0, -20.0), (1.999, 1.999), (-19.5, -19.5)):
            policy.log_std_head.bias.fill_(bias)
            _, log_std = policy(states(3))
            torch.testing.assert_close(log_std, torch.full((3, M), expected), rtol=0, atol=0)


def test_mode_is_the_squashed_mean() -> None:
    policy = actor(-1.0, 5.0)
    mean, _ = policy(states(7))
    expected = 2 + 3 * np.tanh(mean.detach().numpy() / 3)
    np.testing.assert_allclose(policy.mode(states(7)).detach().numpy(), expected, rtol=1e-6)


def test_actor_is_a_relu_perceptron_with_two_heads() -> None:
    policy = actor()
    features = states(7)
    for layer in linears(policy.hidden):
        features = (features @ layer.weight.T + layer.bias).clamp(min=0)
    mean, log_std = policy(states(7))
    torch.testing.assert_close(mean, features @ policy.mean_head.weight.T)
    torch.testing.assert_close(log_std, features @ policy.log_std_head.weight.T)


def check_uniform(weights: Tensor, bound: float) -> None:
    flat = weights.detach().numpy().ravel()
    assert np.abs(flat).max() <= bound * (1 + 1e-6)
    assert stats.kstest(flat, "uniform", args=(-bound, 2 * bound)).pvalue > 1e-3


def check_hidden(layers: nn.ModuleList, widths: list[int]) -> None:
    for layer, before, after in zip(linears(layers), widths, widths[1:], strict=False):
        check_uniform(layer.weight, math.sqrt(2) * math.sqrt(6 / (before + after)))
        assert layer.bias.count_nonzero() == 0


def test_actor_starts_xavier_uniform_with_relu_gain_and_plain_heads() -> None:
    low, high = -torch.ones(7), torch.ones(7)
    policy = Actor(23, low, high, [256, 256], generator())
    check_hidden(policy.hidden, [23, 256, 256])
    for head in (policy.mean_head, policy.log_std_head):
        check_uniform(head.weight, math.sqrt(6 / (256 + 7)))
        assert head.bias.count_nonzero() == 0
    assert not torch.equal(policy.mean_head.weight, policy.log_std_head.weight)


def test_critic_starts_xavier_uniform_with_the_output_layer_as_pytorch_makes_it() -> None:
    critics = [Critic(23, 7, [256, 256], generator(seed)) for seed in range(40)]
    check_hidden(critics[0].hidden, [30, 256, 256])
    check_uniform(critics[0].output.weight, 1 / 16)
    check_uniform(torch.cat([critic.output.bias for critic in critics]), 1 / 16)


def test_critic_is_a_relu_perceptron_on_state_then_action() -> None:
    critic = Critic(N, M, [16, 16], generator())
    actions = torch.randn(7, M, generator=generator(3))
    features = torch.cat([states(7), actions], dim=1)
    for layer in linears(critic.hidden):
        features = (features @ layer.weight.T + layer.bias).clamp(min=0)
    expected = (features @ critic.output.weight.T + critic.output.bias)[:, 0]
    torch.testing.assert_close(critic(states(7), actions), expected)

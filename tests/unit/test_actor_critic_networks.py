"""Actor and critics: the squashed density, the clamp, the initialisation."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from vaml.networks.actor_critic import Actor, Critic

N, M = 6, 2
BOXES = [(-1.0, 1.0), (-2.0, 2.0), (-3.0, 3.0), (-1.0, 5.0)]  # half-ranges 1, 2, 3; off centre


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def actor(low: float = -1.0, high: float = 1.0, size: int = M) -> Actor:
    return Actor(N, torch.full((size,), low), torch.full((size,), high), [32, 32], generator())


def states(rows: int) -> Tensor:
    return torch.randn(rows, N, generator=generator(1))


@pytest.mark.parametrize(("low", "high"), BOXES)
@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.5, 0.4), (-0.7, 2.0)])
def test_log_probability_is_that_of_the_change_of_variables(
    low: float, high: float, mean: float, std: float
) -> None:
    policy = actor(low, high, size=1).double()
    noise = torch.linspace(-5, 5, 4001, dtype=torch.float64)[:, None]

    def squash(noise: Tensor) -> tuple[np.ndarray, np.ndarray]:
        log_std = torch.full_like(noise, math.log(std))
        actions, log_probabilities = policy.squash(torch.full_like(noise, mean), log_std, noise)
        return actions[:, 0].numpy(), log_probabilities.numpy()

    actions, log_probabilities = squash(noise)
    step = 1e-6
    slope = (squash(noise + step)[0] - squash(noise - step)[0]) / (2 * step)  # da / d noise
    steep = slope > 1e-4  # where the difference is not lost in rounding
    assert steep.mean() > 0.4
    expected = stats.norm.logpdf(noise[:, 0].numpy()) - np.log(slope, where=steep, out=slope * 0)
    np.testing.assert_allclose(log_probabilities[steep], expected[steep], rtol=0, atol=1e-4)

    density = np.trapezoid(np.exp(log_probabilities), actions)
    assert density == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize(("low", "high"), BOXES)
def test_actions_fill_the_box_with_slope_one_at_its_centre(low: float, high: float) -> None:
    policy = actor(low, high, size=1).double()
    z = torch.tensor([[-1e3], [-1e-5], [0.0], [1e-5], [1e3]], dtype=torch.float64)
    actions, _ = policy.squash(z, torch.zeros_like(z), torch.zeros_like(z))
    bottom, below, middle, above, top = actions[:, 0].tolist()
    assert (bottom, top) == (low, high)
    assert middle == (low + high) / 2
    assert (above - below) / 2e-5 == pytest.approx(1.0, abs=1e-6)


def test_log_probabilities_add_over_dimensions_with_a_half_range_each() -> None:
    low, high = torch.tensor([-1.0, -2.0]), torch.tensor([1.0, 4.0])
    both = Actor(N, low, high, [8], generator()).double()
    mean, log_std, noise = torch.randn(3, 5, 2, dtype=torch.float64, generator=generator())
    actions, total = both.squash(mean, log_std, noise)
    parts = []
    for i in range(2):
        one = Actor(N, low[i : i + 1], high[i : i + 1], [8], generator()).double()
        column = slice(i, i + 1)
        action, log_probability = one.squash(mean[:, column], log_std[:, column], noise[:, column])
        torch.testing.assert_close(action, actions[:, column])
        parts.append(log_probability)
    torch.testing.assert_close(total, parts[0] + parts[1])


def test_log_probability_stays_finite_at_the_edge() -> None:
    z = torch.tensor([[-200.0], [200.0]])
    _, log_probabilities = actor(size=1).squash(z, torch.zeros_like(z), torch.zeros_like(z))
    assert log_probabilities.isfinite().all()
    # log(1 - tanh²(z)) tends to 2 log 2 - 2|z|
    expected = -0.5 * math.log(2 * math.pi) - (2 * math.log(2) - 400)
    assert log_probabilities.tolist() == pytest.approx([expected, expected], rel=1e-5)


def test_samples_are_reparameterised_and_fresh_for_each_state() -> None:
    policy = actor(-3.0, 3.0)
    with torch.no_grad():
        policy.mean_head.bias.copy_(torch.tensor([0.5, -1.0]))
        policy.log_std_head.bias.copy_(torch.tensor([-0.5, 0.3]))
    one_state = states(1).expand(20000, N)
    actions, log_probabilities = policy.sample(one_state, generator(2))
    assert actions.shape == (20000, M)
    assert log_probabilities.shape == (20000,)
    assert len(actions[:, 0].unique()) > 19000

    mean, log_std = policy(one_state[:1])
    z = 3 * torch.atanh(actions.double() / 3)
    noise = ((z - mean) / log_std.exp()).detach()
    for column in noise.T:
        assert stats.kstest(column.numpy(), "norm").pvalue > 1e-3
    assert abs(stats.pearsonr(noise[:, 0].numpy(), noise[:, 1].numpy())[0]) < 0.04
    again, expected = policy.squash(mean, log_std, noise.float())
    torch.testing.assert_close(again, actions, rtol=0, atol=1e-3)
    torch.testing.assert_close(expected, log_probabilities, rtol=0, atol=1e-2)

    for output in (actions, log_probabilities):
        gradients = torch.autograd.grad(output.sum(), list(policy.parameters()), retain_graph=True)
        assert all(gradient.abs().max() > 0 for gradient in gradients)


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
    deterministic, _ = policy.squash(mean, torch.zeros_like(mean), torch.zeros_like(mean))
    torch.testing.assert_close(policy.mode(states(7)), deterministic)


def test_actor_is_a_relu_perceptron_with_two_heads() -> None:
    policy = actor()
    features = states(7)
    for layer in policy.hidden:
        features = (features @ layer.weight.T + layer.bias).clamp(min=0)
    mean, log_std = policy(states(7))
    torch.testing.assert_close(mean, features @ policy.mean_head.weight.T)
    torch.testing.assert_close(log_std, features @ policy.log_std_head.weight.T)


def check_uniform(weights: Tensor, bound: float) -> None:
    flat = weights.detach().numpy().ravel()
    assert np.abs(flat).max() <= bound * (1 + 1e-6)
    assert stats.kstest(flat, "uniform", args=(-bound, 2 * bound)).pvalue > 1e-3


def check_hidden(layers: nn.ModuleList, widths: list[int]) -> None:
    for layer, before, after in zip(layers, widths, widths[1:], strict=False):
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
    for layer in critic.hidden:
        features = (features @ layer.weight.T + layer.bias).clamp(min=0)
    expected = (features @ critic.output.weight.T + critic.output.bias)[:, 0]
    torch.testing.assert_close(critic(states(7), actions), expected)

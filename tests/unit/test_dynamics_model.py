"""The dynamics model: density, samples, bounds, residual form, initialisation."""

import math

import numpy as np
import pytest
import torch
from random_numbers import generator, normal
from scipy import stats
from torch import Tensor, nn

from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.networks.layers import WeightInit, linear

N, M = 11, 3


def dynamics(
    hidden_sizes: list[int], init: WeightInit = "default", seed: int = 0
) -> GaussianDynamics:
    return GaussianDynamics(N, M, hidden_sizes, init, generator(seed))


def linears(layers: nn.ModuleList) -> list[nn.Linear]:
    return [layer for layer in layers if isinstance(layer, nn.Linear)]


def array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def test_nll_is_minus_the_summed_normal_log_density() -> None:
    observations, mean, log_std = 9 * normal(64, N), normal(64, N, seed=1), normal(64, N, seed=2)
    next_observations = observations + mean + 2 * normal(64, N, seed=3)
    prediction = Prediction(observations, mean, log_std)

    expected = -stats.norm.logpdf(
        array(next_observations), array(observations + mean), np.exp(array(log_std))
    ).sum(1)
    np.testing.assert_allclose(array(prediction.nll(next_observations)), expected, rtol=1e-12)

    single = Prediction(observations.float(), mean.float(), log_std.float())
    np.testing.assert_allclose(array(single.nll(next_observations.float())), expected, rtol=1e-4)


def test_samples_are_reparameterised_normals_around_the_residual_mean() -> None:
    observations, mean = 9 * normal(500, N), normal(500, N, seed=1).requires_grad_()
    log_std = normal(500, N, seed=2).requires_grad_()
    samples = Prediction(observations, mean, log_std).sample(4, generator())
    assert samples.shape == (4, 500, N)

    noise = (samples - observations - mean) / log_std.exp()
    standard = array(noise).ravel()
    assert stats.kstest(standard, "norm").pvalue > 1e-3
    assert len(np.unique(standard)) == standard.size  # fresh for each sample, row and dimension

    weights = normal(4, 500, N, seed=3)
    by_mean, by_log_std = torch.autograd.grad((weights * samples).sum(), (mean, log_std))
    torch.testing.assert_close(by_mean, weights.sum(0))
    spread = (samples - observations - mean).detach()
    torch.testing.assert_close(by_log_std, (weights * spread).sum(0))


def log_stds(raw: Tensor) -> Tensor:
    """Log standard deviations for these outputs of the log-scale head, (n,) in double precision."""
    model = GaussianDynamics(len(raw), M, [4], "default", generator()).double()
    with torch.no_grad():
        model.log_std_head.weight.zero_()
        model.log_std_head.bias.copy_(raw)
    zeros = torch.zeros(1, len(raw) + M, dtype=torch.float64)
    log_std = model(zeros[:, :-M], zeros[:, -M:]).log_std[0]
    (slope,) = torch.autograd.grad(log_std.sum(), model.log_std_head.bias)
    assert (slope >= 0).all()
    assert (slope <= 1).all()
    assert (slope[(raw > -18) & (raw < 5)] > 0).all()  # never clipped hard
    return log_std.detach()


def bounds_in_order(raw: Tensor) -> np.ndarray:
    """The upper soft bound first, then the lower one."""
    below = 2 - np.log1p(np.exp(2 - raw.numpy()))
    return -20 + np.log1p(np.exp(below + 20))


def test_log_std_bounds_apply_the_upper_one_first() -> None:
    # Where neither of torch's softpluses takes its linear shortcut; the other order differs by
    # more than the tolerance.
    raw = torch.linspace(-17.5, 0.1, 200, dtype=torch.float64)
    np.testing.assert_allclose(log_stds(raw), bounds_in_order(raw), rtol=0, atol=1e-11)


def test_log_std_bounds_are_limits_approached_monotonically() -> None:
    log_std = log_stds(torch.linspace(-60, 40, 2001, dtype=torch.float64))
    assert log_std.min() >= -20
    assert log_std.max() <= 2
    assert (log_std.diff() >= 0).all()
    limits = log_stds(torch.tensor([-1e4, 1e4], dtype=torch.float64))
    assert limits.tolist() == pytest.approx([-20.0, 2.0], abs=1e-8)


def test_prediction_is_a_swish_perceptron_on_state_then_action() -> None:
    model = GaussianDynamics(N, M, [16, 8], "default", generator(), head_gain=1.0).double()
    torch.testing.assert_close(model.mean_head.weight.norm(), torch.tensor(8.0).double().sqrt())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * normal(*parameter.shape))
    observations, actions = normal(5, N, seed=1), normal(5, M, seed=2)
    prediction = model(observations, actions)

    features = np.concatenate([array(observations), array(actions)], axis=1)
    for layer in linears(model.hidden):
        z = features @ array(layer.weight).T + array(layer.bias)
        features = z / (1 + np.exp(-z))
    for head, given in ((model.mean_head, prediction.mean), (model.log_std_head, None)):
        expected = features @ array(head.weight).T + array(head.bias)
        if given is None:
            given, expected = prediction.log_std, bounds_in_order(torch.from_numpy(expected))
        np.testing.assert_allclose(array(given), expected, rtol=0, atol=1e-8)


def test_the_mean_head_predicts_the_change_of_the_state() -> None:
    model = dynamics([16]).double()
    with torch.no_grad():
        model.mean_head.weight.zero_()
        model.mean_head.bias.fill_(0.25)
        model.log_std_head.bias.fill_(-8.0)
    observations = 9 * normal(50, N)
    prediction = model(observations, normal(50, M))
    samples = prediction.sample(3, generator())
    assert (samples - observations - 0.25).abs().max() < 5 * math.exp(-7.5)
    # The likelihood is that of the same distribution: its mean is minus the entropy.
    entropy = N * (0.5 + 0.5 * math.log(2 * math.pi)) + prediction.log_std.sum(-1).mean().item()
    nll = torch.stack([prediction.nll(sample) for sample in samples]).mean().item()
    assert nll == pytest.approx(entropy, abs=4 * math.sqrt(N / 2 / 150))


@pytest.mark.parametrize("hidden_sizes", [[32], [64, 64], [128, 128]])
def test_heads_start_orthogonal_with_gain_001_and_zero_biases(hidden_sizes: list[int]) -> None:
    model = dynamics(hidden_sizes)
    for head in (model.mean_head, model.log_std_head):
        torch.testing.assert_close(
            head.weight @ head.weight.T, 1e-4 * torch.eye(N), rtol=0, atol=1e-8
        )
        assert head.bias.count_nonzero() == 0
    assert not torch.equal(model.mean_head.weight, model.log_std_head.weight)


@pytest.mark.parametrize("init", ["default", "orthogonal", "xavier"])
def test_untrained_sigma_is_08808(init: WeightInit) -> None:
    exact = log_stds(torch.zeros(1, dtype=torch.float64)).exp().item()
    assert exact == pytest.approx(0.8808, abs=5e-5)
    assert math.log(exact) == pytest.approx(-0.1269, abs=5e-5)
    prediction = dynamics([64, 64], init)(
        torch.randn(256, N, generator=generator()), torch.zeros(256, M)
    )
    assert prediction.log_std.exp().mean().item() == pytest.approx(0.8808, abs=0.005)
    assert prediction.mean.abs().max() < 0.2


@pytest.mark.parametrize("inputs", [14, 200])
def test_default_weights_are_uniform_within_one_over_root_fan_in(inputs: int) -> None:
    check_uniform(linear(inputs, 300, "default", generator()), 1 / math.sqrt(inputs))


@pytest.mark.parametrize(("init", "gain"), [("xavier", 1.0), ("xavier_relu", math.sqrt(2))])
def test_xavier_weights_are_uniform_with_their_gain(init: WeightInit, gain: float) -> None:
    check_uniform(linear(50, 300, init, generator()), gain * math.sqrt(6 / (50 + 300)))


def check_uniform(layer: nn.Linear, bound: float) -> None:
    """Weights fill ±bound evenly; biases are zero."""
    weights = array(layer.weight).ravel()
    assert np.abs(weights).max() <= bound * (1 + 1e-6)
    assert stats.kstest(weights, "uniform", args=(-bound, 2 * bound)).pvalue > 1e-3
    assert layer.bias.count_nonzero() == 0


@pytest.mark.parametrize(("inputs", "outputs"), [(15, 32), (32, 32), (32, 15)])
def test_orthogonal_weights_have_gain_one(inputs: int, outputs: int) -> None:
    layer = linear(inputs, outputs, "orthogonal", generator())
    singular_values = torch.linalg.svdvals(layer.weight)
    torch.testing.assert_close(singular_values, torch.ones(min(inputs, outputs)), rtol=0, atol=1e-5)
    assert layer.bias.count_nonzero() == 0


def test_hidden_layers_take_the_named_initialisation_and_zero_biases() -> None:
    default, orthogonal, xavier = (
        dynamics([128, 128], init) for init in ("default", "orthogonal", "xavier")
    )
    for layer, inputs in zip(linears(default.hidden), (N + M, 128), strict=True):
        check_uniform(layer, 1 / math.sqrt(inputs))
    for layer, inputs in zip(linears(xavier.hidden), (N + M, 128), strict=True):
        check_uniform(layer, math.sqrt(6 / (inputs + 128)))
    for layer in linears(orthogonal.hidden):
        singular_values = torch.linalg.svdvals(layer.weight)
        torch.testing.assert_close(
            singular_values, torch.ones_like(singular_values), rtol=0, atol=1e-5
        )
        assert layer.bias.count_nonzero() == 0


def test_weights_come_from_the_given_generator_alone() -> None:
    torch.manual_seed(1)
    first = dynamics([32, 32], seed=5)
    torch.manual_seed(2)
    again, other = dynamics([32, 32], seed=5), dynamics([32, 32], seed=6)
    for mine, same, different in zip(
        first.parameters(), again.parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(mine, same)
        assert mine.ndim == 1 or not torch.equal(mine, different)

"""The paper's value-aware loss, eq. (9), other estimators of eq. (8), and VaGraM."""

import torch
from torch import Tensor

from vaml.fast.stacked import few_kernels
from vaml.losses.expected_value import expected_value
from vaml.networks.dynamics import Prediction
from vaml.networks.value import RandomValue, Value

CLIPPING_QUANTILE = 0.95


def vaml(
    prediction: Prediction,
    next_observations: Tensor,
    value: Value,
    samples: int,
    generator: torch.Generator,
) -> Tensor:
    """Value-aware loss: batch mean of ½ (V(s') - mean over K samples of V(ŝ'))², eq. (9).

    The gradient in the model's parameters is pathwise. A stochastic V draws separately for s' and
    for every ŝ'. All rows have the same weight: V is not zeroed at terminal states.

    Differs from eq. (9) by the factor ½, as in the authors' loss and figures; and the K-sample
    mean adds Var[V(ŝ')] / (2K) to its expectation.
    """
    targets, values = _both_values(prediction, next_observations, value, samples, generator)
    return 0.5 * (targets - values.mean(0)).square().mean()


def vaml_debiased(
    prediction: Prediction,
    next_observations: Tensor,
    value: Value,
    samples: int,
    generator: torch.Generator,
) -> Tensor:
    """`vaml` without its bias: each row less the sample variance of V(ŝ') over 2K.

    Pathwise gradient; K ≥ 2 samples. The expectation is ½ (V(s') - E[V(ŝ')])², whatever the model's
    variance, so that a small variance brings no reward. A batch's value may be negative. The
    corrected loss of Voelcker et al. (2025, arXiv 2505.22772) has the same aim.
    """
    return _debiased(*_both_values(prediction, next_observations, value, samples, generator))


def vaml_score_function(
    prediction: Prediction,
    next_observations: Tensor,
    value: Value,
    samples: int,
    generator: torch.Generator,
) -> Tensor:
    """Value of `vaml_debiased`, with a likelihood-ratio gradient; K ≥ 2 samples.

    With b_k the mean of V over the other samples, the gradient is the mean over rows and k of
    -(V(s') - b_k) (V(ŝ'_k) - b_k) ∇ log p(ŝ'_k). A function of the other samples alone, b_k is
    both an unbiased E[V(ŝ')] and a leave-one-out baseline (Kool et al., 2019, "Buy 4 REINFORCE
    Samples, Get a Baseline for Free!"), so that the expected gradient is the pathwise one. V
    itself needs no gradient.
    """
    with torch.no_grad():
        targets = value(next_observations, generator)
        states = prediction.sample(samples, generator)
        values = value(states, generator)
        others = (values.sum(0) - values) / (samples - 1)
        weights = (targets - others) * (values - others)
        loss = _debiased(targets, values)
    surrogate = (weights * prediction.nll(states)).mean()
    return loss + (surrogate - surrogate.detach())


def _both_values(
    prediction: Prediction,
    next_observations: Tensor,
    value: Value,
    samples: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """V(s') (batch,), without a gradient, and V(ŝ') (K, batch)."""
    if few_kernels(next_observations):
        states = prediction.sample(samples, generator)
        values = value(torch.cat([next_observations.unsqueeze(0), states]), generator)
        return values[0].detach(), values[1:]
    with torch.no_grad():
        targets = value(next_observations, generator)
    return targets, value(prediction.sample(samples, generator), generator)


def _debiased(targets: Tensor, values: Tensor) -> Tensor:
    """Debiased loss of targets (batch,) and values (K, batch)."""
    bias = values.var(0) / len(values)
    return 0.5 * ((targets - values.mean(0)).square() - bias).mean()


def vaml_exact(prediction: Prediction, truth: Prediction, value: RandomValue) -> Tensor:
    """Half of eq. (8): batch mean of ½ (E[V(s')] - E[V(ŝ')])², both in closed form (float64).

    truth: the true distribution of s', known only in the artificial environment. The loss has no
    noise, neither of the next state nor of model samples: a model that is right has loss 0.
    """
    with torch.no_grad():
        targets = expected_value(value, truth)
    return 0.5 * (targets - expected_value(value, prediction)).square().mean()


def vaml_noisy_targets(
    prediction: Prediction, next_observations: Tensor, value: RandomValue
) -> Tensor:
    """`vaml_debiased` without the noise of samples: batch mean of ½ (V(s') - E[V(ŝ')])².

    The model's expectation is in closed form (float64), the targets are single next states.
    """
    with torch.no_grad():
        targets = value(next_observations)
    return 0.5 * (targets - expected_value(value, prediction)).square().mean()


def vaml_noisy_samples(
    prediction: Prediction,
    truth: Prediction,
    value: RandomValue,
    samples: int,
    generator: torch.Generator,
) -> Tensor:
    """`vaml_debiased` without the noise of targets: with E[V(s')] in place of V(s'); K ≥ 2 samples.

    truth: the true distribution of s'. Its expectation is in closed form (float64).
    """
    with torch.no_grad():
        targets = expected_value(value, truth)
    return _debiased(targets, value(prediction.sample(samples, generator)))


def vagram(
    prediction: Prediction, next_observations: Tensor, value: Value, generator: torch.Generator
) -> Tensor:
    """Value-gradient-weighted squared error: batch mean of Σ_d (∂V(s')/∂s'_d)² (ŝ'_d - s'_d)².

    Voelcker et al. (2022, arXiv 2204.01464), with ŝ' the model's mean; the standard deviation
    receives no gradient. A gradient longer than the batch's 95 % quantile of Euclidean lengths is
    shortened to it, as in their code's default.

    Differs from their code, which differentiates each critic at a fixed action: here V is that of
    the other losses, with one sampled action.
    """
    with torch.enable_grad():
        states = next_observations.detach().requires_grad_()
        (gradients,) = torch.autograd.grad(value(states, generator).sum(), states)
    lengths = gradients.norm(dim=-1, keepdim=True)
    longest = torch.quantile(lengths, CLIPPING_QUANTILE)
    # A gradient of length 0 stays 0.
    weights = gradients * torch.where(lengths > longest, longest / lengths, 1.0)
    return (weights * prediction.residual(next_observations)).square().sum(-1).mean()


def action_sampling_floor(
    value: Value, next_observations: Tensor, samples: int, generator: torch.Generator
) -> Tensor:
    """Value-aware loss of a model that returns s' itself.

    ½ Var[V(s')] (1 + 1/K) over V's own randomness (the sampled action), from two draws per state.
    """
    difference = value(next_observations, generator) - value(next_observations, generator)
    return 0.25 * (1 + 1 / samples) * difference.square().mean()

"""Maximum likelihood, eq. (6)."""

import math

import torch
from torch import Tensor

from vaml.networks.dynamics import Prediction


def nll(prediction: Prediction, next_observations: Tensor) -> Tensor:
    """Batch mean of the negative log-likelihood, eq. (6), constants included (nats)."""
    return prediction.nll(next_observations).mean()


def kl(prediction: Prediction, truth: Prediction) -> Tensor:
    """Batch mean of the KL divergence from truth to model, in closed form (float64, nats).

    truth: the true distribution of s', at the same observations. This is the expectation of `nll`
    over the true next states, less the truth's entropy: maximum likelihood without the noise of
    single next states. With r = log σ* - log σ, a dimension adds
    ½ (exp(2r) - 1 - 2r + ((μ* - μ) / σ)²).
    """
    mean, log_std = truth.mean.detach().double(), truth.log_std.detach().double()
    scale = 2 * (log_std - prediction.log_std.double())
    residual = mean - prediction.mean.double()
    standardised = residual * torch.exp(-prediction.log_std.double())
    return 0.5 * (torch.expm1(scale) - scale + standardised.square()).sum(-1).mean()


def nll_and_gradients(
    prediction: Prediction, next_observations: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """`nll`, and its gradients in the prediction's mean and log_std, written out."""
    inverse_std = torch.exp(-prediction.log_std)
    standardised = prediction.residual(next_observations) * inverse_std
    squares = standardised.square()
    rows, size = squares.shape
    loss = (0.5 * squares + prediction.log_std).sum() / rows + 0.5 * size * math.log(2 * math.pi)
    grad_mean = standardised.mul_(inverse_std).mul_(-1 / rows)
    return loss, (grad_mean, (1 - squares).mul_(1 / rows))

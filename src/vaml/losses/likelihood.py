"""Maximum likelihood, eq. (6)."""

import math

import torch
from torch import Tensor

from vaml.networks.dynamics import Prediction


def nll(prediction: Prediction, next_observations: Tensor) -> Tensor:
    """Batch mean of the negative log-likelihood, eq. (6), constants included (nats)."""
    return prediction.nll(next_observations).mean()


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

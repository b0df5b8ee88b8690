"""Losses of model learning that ignore the value function: controls for the value-aware ones.

They train the mean alone: the head of the standard deviation receives no gradient.
"""

import torch
from torch import Tensor

from vaml.networks.dynamics import Prediction, bounded

UNTRAINED_LOG_STD = bounded(torch.zeros(())).item()


def mse(prediction: Prediction, next_observations: Tensor) -> Tensor:
    """Batch mean of the squared error of the mean, summed over the state's dimensions.

    Least squares, as in deterministic dynamics models (Nagabandi et al., 2018, arXiv 1708.02596).
    """
    residual = next_observations - prediction.observations - prediction.mean
    return residual.square().sum(-1).mean()


def nll_fixed_scale(prediction: Prediction, next_observations: Tensor) -> Tensor:
    """NLL, eq. (6), with the standard deviation held at that of an untrained model, 0.8808.

    Maximum likelihood without its variance (cf. Seitzer et al., 2022, arXiv 2203.09168, on what
    the variance does to the mean's fit). Its gradient is that of `mse` over 2 · 0.8808².
    """
    fixed = torch.full_like(prediction.log_std, UNTRAINED_LOG_STD)
    return prediction._replace(log_std=fixed).nll(next_observations).mean()

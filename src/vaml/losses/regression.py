"""Losses of model learning that ignore the value function: controls for the value-aware ones.

They train the mean alone: the head of the standard deviation receives no gradient.
"""

from torch import Tensor

from vaml.networks.dynamics import Prediction


def mse(prediction: Prediction, next_observations: Tensor) -> Tensor:
    """Batch mean of the squared error of the mean, summed over the state's dimensions.

    Least squares, as in deterministic dynamics models (Nagabandi et al., 2018, arXiv 1708.02596).
    Maximum likelihood with a fixed standard deviation has a proportional gradient, which is the
    same training under Adam.
    """
    return prediction.residual(next_observations).square().sum(-1).mean()

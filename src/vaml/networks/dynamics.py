"""The dynamics model: a residual diagonal Gaussian over the next observation (paper, section 5)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaml.networks.layers import WeightInit, hidden_layers, linear, normal

MAX_LOG_STD = 2.0
MIN_LOG_STD = -20.0


class Prediction(NamedTuple):
    """s' ~ N(observations + mean, diag(exp(log_std))²); all three fields are (batch, n)."""

    observations: Tensor
    mean: Tensor
    log_std: Tensor

    def residual(self, next_observations: Tensor) -> Tensor:
        """s' less its predicted mean, for next observations (..., batch, n), in their shape.

        The change is formed before the mean is subtracted: states are much larger than both.
        """
        return next_observations - self.observations - self.mean

    def nll(self, next_observations: Tensor) -> Tensor:
        """-log density of next observations (..., batch, n), summed over n: (..., batch)."""
        standardised = self.residual(next_observations) * torch.exp(-self.log_std)
        constant = 0.5 * math.log(2 * math.pi) * self.mean.shape[-1]
        return (0.5 * standardised.square() + self.log_std).sum(-1) + constant

    def sample(self, samples: int, generator: torch.Generator) -> Tensor:
        """Reparameterised next observations (samples, batch, n)."""
        noise = normal((samples, *self.mean.shape), self.mean, generator)
        return torch.addcmul(self.observations + self.mean, torch.exp(self.log_std), noise)

    def repeated_mean(self, samples: int) -> Tensor:
        """The mean next observations in place of samples (samples, batch, n); a view."""
        return (self.observations + self.mean).expand(samples, -1, -1)


class GaussianDynamics(nn.Module):
    """Swish perceptron on [observation, action] with two linear heads.

    Heads: by default orthogonal with gain 0.01, zero biases. The log standard deviation is softly
    bounded to [-20, 2] in every dimension; before training, the standard deviation is about 0.8808.
    Inputs and outputs are not normalised.
    """

    def __init__(
        self,
        observation_size: int,
        action_size: int,
        hidden_sizes: list[int],
        hidden_init: WeightInit,
        generator: torch.Generator,
        head_gain: float = 0.01,
    ) -> None:
        super().__init__()
        self.observation_size, self.action_size = observation_size, action_size
        inputs = observation_size + action_size
        self.hidden = hidden_layers(inputs, hidden_sizes, hidden_init, generator)
        last = hidden_sizes[-1]
        self.mean_head = linear(last, observation_size, "orthogonal", generator, gain=head_gain)
        self.log_std_head = linear(last, observation_size, "orthogonal", generator, gain=head_gain)

    def forward(self, observations: Tensor, actions: Tensor) -> Prediction:
        """Prediction for observations (batch, n) and actions (batch, m)."""
        features = torch.cat([observations, actions], dim=-1)
        for layer in self.hidden:
            features = functional.silu(layer(features))
        return Prediction(
            observations, self.mean_head(features), bounded(self.log_std_head(features))
        )

    @torch.no_grad()
    def rescale(self, mean_scale: float, noise_scale: float) -> None:
        """Multiply the mean residual and the standard deviation by a factor each, in place.

        The standard deviation is scaled by a bias, so that the factor is exact where its head
        gives 0. Factors of 1 change no bit.
        """
        self.mean_head.weight.mul_(mean_scale)
        self.mean_head.bias.mul_(mean_scale)
        untrained = MIN_LOG_STD + _softplus(MAX_LOG_STD - _softplus(MAX_LOG_STD) - MIN_LOG_STD)
        shift = _unbounded(untrained + math.log(noise_scale)) - _unbounded(untrained)
        self.log_std_head.bias.add_(shift)


def bounded(log_std: Tensor) -> Tensor:
    """Soft bounds on the log standard deviation: the upper one first, then the lower one."""
    below = MAX_LOG_STD - functional.softplus(MAX_LOG_STD - log_std)
    return MIN_LOG_STD + functional.softplus(below - MIN_LOG_STD)


def bounded_and_slope(log_std: Tensor) -> tuple[Tensor, Tensor]:
    """`bounded` and its derivative."""
    above = MAX_LOG_STD - log_std
    inside = (MAX_LOG_STD - functional.softplus(above)) - MIN_LOG_STD
    slope = torch.sigmoid(above).mul_(torch.sigmoid(inside))
    return functional.softplus(inside).add_(MIN_LOG_STD), slope


def _unbounded(log_std: float) -> float:
    """The inverse of `bounded`."""
    below = MIN_LOG_STD + _inverse_softplus(log_std - MIN_LOG_STD)
    return MAX_LOG_STD - _inverse_softplus(MAX_LOG_STD - below)


def _softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def _inverse_softplus(y: float) -> float:
    return math.log(math.expm1(y))

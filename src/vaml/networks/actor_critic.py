"""Actor and critics of soft actor-critic."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vaml.networks.layers import hidden_layers, hidden_widths, linear, normal, relu_features
from vaml.saving import load_module

MIN_LOG_STD = -20.0
MAX_LOG_STD = 2.0


class Actor(nn.Module):
    """Tanh-squashed Gaussian policy over the action box.

    a = c + h tanh(z / h) with z ~ N(mean, std²), c the box's centre and h its half-range. Dividing
    by h inside the tanh makes the squashing's slope 1 at the centre, whatever the box. The log
    standard deviation is clamped to [-20, 2]. Hidden layers Xavier-uniform with gain √2, heads
    with gain 1, biases zero.

    Differs from the usual SAC, which has h outside the tanh only.
    """

    centre: Tensor
    half_range: Tensor

    def __init__(
        self,
        observation_size: int,
        low: Tensor,
        high: Tensor,
        hidden_sizes: list[int],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.observation_size = observation_size
        self.hidden = hidden_layers(observation_size, hidden_sizes, "xavier_relu", generator)
        self.mean_head = linear(hidden_sizes[-1], len(low), "xavier", generator)
        self.log_std_head = linear(hidden_sizes[-1], len(low), "xavier", generator)
        self.register_buffer("centre", (high + low) / 2)
        self.register_buffer("half_range", (high - low) / 2)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Actor":
        """The frozen policy of a run's networks: their arrays below `actor/`, without that word.

        Sizes and action box are read from the arrays themselves.
        """
        centre, half_range = torch.from_numpy(np.stack([arrays["centre"], arrays["half_range"]]))
        low, high = centre - half_range, centre + half_range
        observation_size = arrays["hidden.0.weight"].shape[1]
        actor = cls(observation_size, low, high, hidden_widths(arrays), torch.Generator())
        load_module(actor, arrays)
        return actor.requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return self.centre.device

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of z (..., m) for observations (..., n)."""
        features = relu_features(self.hidden, observations)
        return self.mean_head(features), clamped(self.log_std_head(features))

    def sample(self, observations: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Reparameterised actions (..., m) and their log-probabilities (...,)."""
        return self.reparameterised(observations, self.noise(observations, generator))

    def reparameterised(self, observations: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Actions (..., m) and their log-probabilities (...,) as functions of noise (..., m)."""
        mean, log_std = self(observations)
        return self.squash(mean, log_std, noise)

    def noise(self, observations: Tensor, generator: torch.Generator) -> Tensor:
        """Standard normal draws (..., m), one row per observation (..., n)."""
        shape = (*observations.shape[:-1], len(self.centre))
        return normal(shape, observations, generator)

    def squash(self, mean: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Actions and log-probabilities of z = mean + exp(log_std) noise."""
        scaled = torch.addcmul(mean, torch.exp(log_std), noise) / self.half_range
        actions = torch.addcmul(self.centre, self.half_range, torch.tanh(scaled))
        # log da/dz = log(1 - tanh²(z/h)): the two factors h cancel.
        minus_log_slope = 2 * (scaled + functional.softplus(-2 * scaled))
        densities = torch.addcmul(minus_log_slope - log_std, noise, noise, value=-0.5)
        constant = 0.5 * math.log(2 * math.pi) + 2 * math.log(2)
        return actions, densities.sum(-1) - constant * mean.shape[-1]

    def mode(self, observations: Tensor) -> Tensor:
        """The deterministic policy: the squashed mean (..., m)."""
        mean = self.mean_head(relu_features(self.hidden, observations))
        return self.centre + self.half_range * torch.tanh(mean / self.half_range)


class Critic(nn.Module):
    """One action-value network on [observation, action].

    Hidden layers: Xavier-uniform with gain √2, zero biases. Output layer: PyTorch's default.
    """

    def __init__(
        self,
        observation_size: int,
        action_size: int,
        hidden_sizes: list[int],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.input_size = observation_size + action_size
        self.hidden = hidden_layers(self.input_size, hidden_sizes, "xavier_relu", generator)
        self.output = linear(hidden_sizes[-1], 1, "default", generator, random_bias=True)

    def forward(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Q (...,) of observations (..., n) and actions (..., m)."""
        features = relu_features(self.hidden, torch.cat([observations, actions], dim=-1))
        return self.output(features).squeeze(-1)


class TwinCritics(nn.Module):
    """Two critics of one shape."""

    def __init__(self, first: Critic, second: Critic) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Q1 and Q2, each (...,), of observations (..., n) and actions (..., m)."""
        return self.first(observations, actions), self.second(observations, actions)

    def __iter__(self) -> Iterator[Critic]:
        return iter((self.first, self.second))

    def smaller(self, observations: Tensor, actions: Tensor) -> Tensor:
        """min(Q1, Q2)(s, a) (...,)."""
        return torch.minimum(*self(observations, actions))


def clamped(log_std: Tensor) -> Tensor:
    """Hard bounds on the policy's log standard deviation."""
    return log_std.clamp(MIN_LOG_STD, MAX_LOG_STD)

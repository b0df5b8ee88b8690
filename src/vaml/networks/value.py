"""State-value functions that the value-aware error compares next states with."""

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vaml.fast.differentiation import slope_needed, with_slope, written
from vaml.fast.passes import kept
from vaml.networks.actor_critic import Actor, Critic, TwinCritics
from vaml.networks.layers import hidden_widths, linear
from vaml.networks.written import SoftValuePass
from vaml.saving import below, load_module


class Value(Protocol):
    """A state-value function: observations (..., n) to values (...,).

    A stochastic one draws from the generator, anew for each observation.
    """

    def __call__(self, observations: Tensor, generator: torch.Generator) -> Tensor: ...


class RandomValue(nn.Module):
    """Experiment A's fixed value function: one ReLU layer, orthogonal weights, zero biases."""

    def __init__(self, observation_size: int, hidden_size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.hidden = linear(observation_size, hidden_size, "orthogonal", generator)
        self.output = linear(hidden_size, 1, "orthogonal", generator)
        self._written = written()
        self.requires_grad_(False)

    def forward(self, observations: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """V (...,) of observations (..., n), which alone receive gradients; deterministic."""
        if not self._written:
            return self.output(torch.relu(self.hidden(observations))).squeeze(-1)
        needed = slope_needed(observations)
        with torch.no_grad():
            features = torch.relu_(self.hidden(observations))
            values = self.output(features).squeeze(-1)
            if not needed:
                return values
            grad_features = self.output.weight.expand_as(features)
            grad_linear = torch.ops.aten.threshold_backward(grad_features, features, 0)
            slope = grad_linear @ self.hidden.weight
        return with_slope(observations, values, slope)


class SoftValue:
    """V(s) = min(Q1, Q2)(s, a) - temperature log π(a|s), one a ~ π(·|s) per state.

    With SAC's target critics, its current actor and temperature. Gradients flow through the
    state, the reparameterised action and the log-probability.
    """

    def __init__(self, actor: Actor, critics: TwinCritics, log_temperature: Tensor) -> None:
        self.actor = actor
        self.critics = critics
        self.log_temperature = log_temperature
        self._passes = kept(partial(SoftValuePass, actor, critics))
        self._written = written()

    def __call__(self, observations: Tensor, generator: torch.Generator) -> Tensor:
        noise = self.actor.noise(observations, generator)
        temperature = self.log_temperature.detach().exp()
        if self._written:
            return self._by_passes(observations, temperature, noise)
        actions, log_probabilities = self.actor.reparameterised(observations, noise)
        return self.critics.smaller(observations, actions) - temperature * log_probabilities

    def _by_passes(self, observations: Tensor, temperature: Tensor, noise: Tensor) -> Tensor:
        needed = slope_needed(observations)
        with torch.no_grad():
            states = observations.detach().reshape(-1, observations.shape[-1])
            passes = self._passes(len(states))
            values = passes.forward(states, temperature, noise.view(len(states), -1))
            values = values.view(observations.shape[:-1])
            if not needed:
                return values
            slope = passes.slope(temperature).reshape(observations.shape)
        return with_slope(observations, values, slope)

    @classmethod
    def from_snapshot(
        cls, arrays: Mapping[str, np.ndarray], device: torch.device | str = "cpu"
    ) -> "SoftValue":
        """The frozen value function of a SAC snapshot: `actor/...`, `target_critic_0/...` etc.

        Sizes and action box are read from the arrays themselves.
        """
        actor = Actor.from_arrays(below("actor", arrays))

        def critic(name: str) -> Critic:
            weights = below(name, arrays)
            sizes = actor.observation_size, len(actor.centre), hidden_widths(weights)
            made = Critic(*sizes, torch.Generator())
            load_module(made, weights)
            return made

        critics = TwinCritics(critic("target_critic_0"), critic("target_critic_1"))
        log_temperature = torch.from_numpy(arrays["log_temperature"].copy())
        return cls(
            actor.to(device), critics.requires_grad_(False).to(device), log_temperature.to(device)
        )

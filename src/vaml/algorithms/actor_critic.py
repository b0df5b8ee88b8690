"""Soft actor-critic's networks, optimisers and one gradient step of each."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from vaml.algorithms.training_state import (
    Arrays,
    below,
    load_module,
    load_optimizer,
    module_arrays,
    optimizer_arrays,
    prefixed,
)
from vaml.losses.actor_critic import actor_loss, critic_loss, temperature_loss
from vaml.networks.actor_critic import Actor, Critic, smaller_value
from vaml.networks.value import SoftValue
from vaml.study.divergence import Diverged
from vaml.study.sac import ActorCriticSettings
from vaml.study.seeding import Streams


class ActorCritic:
    """Actor, twin critics with slow targets, and a learned temperature.

    The target entropy is minus the number of action dimensions. Stream `initialisation`.
    """

    def __init__(
        self,
        observation_size: int,
        low: np.ndarray,
        high: np.ndarray,
        settings: ActorCriticSettings,
        streams: Streams,
    ) -> None:
        generator = torch.Generator().manual_seed(streams.seed("initialisation"))
        sizes = settings.hidden_sizes
        self.actor = Actor(
            observation_size, torch.from_numpy(low), torch.from_numpy(high), sizes, generator
        )
        self.critics = (
            Critic(observation_size, len(low), sizes, generator),
            Critic(observation_size, len(low), sizes, generator),
        )
        self.target_critics = (
            Critic(observation_size, len(low), sizes, generator),
            Critic(observation_size, len(low), sizes, generator),
        )
        for target, critic in zip(self.target_critics, self.critics, strict=True):
            target.load_state_dict(critic.state_dict())
            target.requires_grad_(False)
        self.log_temperature = torch.tensor(
            math.log(settings.initial_temperature), requires_grad=True
        )
        self.value = SoftValue(self.actor, self.target_critics, self.log_temperature)
        self.target_entropy = -float(len(low))
        self.polyak = settings.polyak
        self.gradient_steps = 0

        self._actor_parameters = list(self.actor.parameters())
        self._critic_parameters = [p for critic in self.critics for p in critic.parameters()]
        self._target_parameters = [p for target in self.target_critics for p in target.parameters()]

        def adam(parameters: Sequence[Tensor]) -> torch.optim.Adam:
            return torch.optim.Adam(parameters, lr=settings.learning_rate, fused=True)

        self._optimizers = {
            "actor": adam(self._actor_parameters),
            "critics": adam(self._critic_parameters),
            "temperature": adam([self.log_temperature]),
        }

    def update(
        self,
        critic_inputs: tuple[Tensor, Tensor],
        targets: Tensor,
        observations: Tensor,
        generator: torch.Generator,
    ) -> None:
        """One gradient step: critics, then actor, then temperature, then target critics.

        The critics regress to the targets (batch,) at `critic_inputs`, observations and actions;
        the actor and the temperature use `observations` (batch, n). Raises Diverged at a
        non-finite loss.
        """
        values = (self.critics[0](*critic_inputs), self.critics[1](*critic_inputs))
        self._descend("critics", critic_loss(values, targets), self._critic_parameters)

        actions, log_probabilities = self.actor.sample(observations, generator)
        smaller = smaller_value(self.critics, observations, actions)
        temperature = self.log_temperature.detach().exp()
        self._descend(
            "actor", actor_loss(smaller, log_probabilities, temperature), self._actor_parameters
        )
        self._descend(
            "temperature",
            temperature_loss(self.log_temperature, log_probabilities, self.target_entropy),
            [self.log_temperature],
        )
        with torch.no_grad():
            for slow, fast in zip(self._target_parameters, self._critic_parameters, strict=True):
                slow.lerp_(fast, self.polyak)
        self.gradient_steps += 1

    def _descend(self, name: str, loss: Tensor, parameters: Sequence[Tensor]) -> None:
        if not math.isfinite(loss.item()):
            raise Diverged(f"{name} loss", self.gradient_steps)
        # Only these parameters' gradients: none of the critics' in the actor's loss.
        for parameter, gradient in zip(
            parameters, torch.autograd.grad(loss, parameters), strict=True
        ):
            parameter.grad = gradient
        self._optimizers[name].step()

    def networks(self) -> Arrays:
        """Actor, critics, target critics and temperature: what a snapshot holds."""
        return {
            **prefixed("actor", module_arrays(self.actor)),
            **prefixed("critic_0", module_arrays(self.critics[0])),
            **prefixed("critic_1", module_arrays(self.critics[1])),
            **prefixed("target_critic_0", module_arrays(self.target_critics[0])),
            **prefixed("target_critic_1", module_arrays(self.target_critics[1])),
            "log_temperature": self.log_temperature.detach().numpy().copy(),
        }

    def arrays(self) -> Arrays:
        """Networks, optimisers and counter, for saving."""
        state = self.networks()
        for name, optimizer in self._optimizers.items():
            state |= prefixed(f"optimizer_{name}", optimizer_arrays(optimizer))
        return {**state, "gradient_steps": np.array(self.gradient_steps)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from what `arrays` gave."""
        self.load_networks(arrays)
        for name, optimizer in self._optimizers.items():
            load_optimizer(optimizer, below(f"optimizer_{name}", arrays))
        self.gradient_steps = int(arrays["gradient_steps"])

    def load_networks(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the networks that `networks` gave."""
        modules: dict[str, nn.Module] = {
            "actor": self.actor,
            "critic_0": self.critics[0],
            "critic_1": self.critics[1],
            "target_critic_0": self.target_critics[0],
            "target_critic_1": self.target_critics[1],
        }
        for name, module in modules.items():
            load_module(module, below(name, arrays))
        with torch.no_grad():
            self.log_temperature.copy_(torch.from_numpy(arrays["log_temperature"].copy()))

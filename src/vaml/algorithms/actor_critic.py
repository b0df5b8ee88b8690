"""Soft actor-critic's networks, optimisers and one gradient step of each."""

import math
from collections.abc import Mapping
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor, nn

from vaml.algorithms.adam import Adam
from vaml.algorithms.training_state import (
    Arrays,
    below,
    load_module,
    module_arrays,
    prefixed,
)
from vaml.config.sac import ActorCriticSettings
from vaml.data.replay import Batch
from vaml.divergence import Diverged
from vaml.losses.actor_critic import (
    actor_loss,
    actor_loss_gradients,
    bellman_target,
    critic_loss,
    critic_loss_gradients,
    temperature_loss,
)
from vaml.networks.actor_critic import Actor, Critic
from vaml.networks.gradients import CriticPasses, PolicyPass
from vaml.networks.passes import ParameterVector
from vaml.networks.value import SoftValue
from vaml.seeding import Streams


class ActorCritic:
    """Actor, twin critics with slow targets, and a learned temperature.

    The target entropy is minus the number of action dimensions. All tensors are on the device.
    Stream `initialisation`.
    """

    def __init__(
        self,
        observation_size: int,
        low: np.ndarray,
        high: np.ndarray,
        settings: ActorCriticSettings,
        streams: Streams,
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = device
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
        for module in (self.actor, *self.critics, *self.target_critics):
            module.to(device)
        for target, critic in zip(self.target_critics, self.critics, strict=True):
            target.load_state_dict(critic.state_dict())
            target.requires_grad_(False)
        self.log_temperature = torch.tensor(
            math.log(settings.initial_temperature), device=device, requires_grad=True
        )
        self._vectors = {
            "actor": ParameterVector(self.actor.parameters()),
            "critics": ParameterVector(*(critic.parameters() for critic in self.critics)),
            "temperature": ParameterVector([self.log_temperature]),
        }
        self._target_vector = ParameterVector(
            *(critic.parameters() for critic in self.target_critics)
        )
        self._optimizers = {
            name: Adam(vector, settings.learning_rate) for name, vector in self._vectors.items()
        }
        self.value = SoftValue(self.actor, self.target_critics, self.log_temperature)
        self.target_entropy = -float(len(low))
        self.discount, self.polyak = settings.discount, settings.polyak
        self.gradient_steps = 0
        self._losses: dict[str, float] = {}
        self._seen: tuple[Tensor, Tensor] | None = None
        self._observation = torch.empty(1, observation_size, device=device)
        self._acting = PolicyPass(self.actor, self._observation)
        self._passes = lru_cache(1)(partial(_Passes, self.actor, self.critics, self._vectors))

    @torch.no_grad()
    def act(self, observation: np.ndarray, generator: torch.Generator) -> np.ndarray:
        """An action (m,) of the policy at an observation (n,)."""
        self._observation.copy_(torch.from_numpy(observation))
        actions, _ = self._acting.forward(self.actor.noise(self._observation, generator))
        return actions[0].cpu().numpy()

    @torch.no_grad()
    def replay_targets(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The critics' targets (batch,) of SAC: from the next states of a batch of the history."""
        next_values = self.value(batch.next_observations, generator)
        return bellman_target(batch.rewards, batch.terminated, next_values, self.discount)

    @torch.no_grad()
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
        passes = self._passes(len(targets))
        # Algorithm 1, line 8: eq. (3), or eq. (7) where the targets are a model's.
        torch.cat(critic_inputs, 1, out=passes.inputs)
        values = passes.critics.forward()
        passes.critics.train(*critic_loss_gradients(values, targets))
        self._descend("critics", critic_loss(values, targets))

        # Algorithm 1, line 9: eq. (2).
        passes.observations.copy_(observations)
        actions, log_probabilities = passes.actor.forward(self.actor.noise(observations, generator))
        torch.cat([observations, actions], 1, out=passes.inputs)
        temperature, smaller = self.log_temperature.exp(), passes.critics.smaller()
        grad_smaller, grad_log_probabilities = actor_loss_gradients(
            smaller, log_probabilities, temperature
        )
        grad_actions = passes.critics.gradient_of_smaller(grad_smaller)[:, -actions.shape[1] :]
        passes.actor.train(grad_actions, grad_log_probabilities)
        self._descend("actor", actor_loss(smaller, log_probabilities, temperature))

        loss = temperature_loss(self.log_temperature, log_probabilities, self.target_entropy)
        # exp is its own derivative.
        self._vectors["temperature"].gradients.copy_(loss)
        self._descend("temperature", loss)
        self._target_vector.values.lerp_(self._vectors["critics"].values, self.polyak)
        self.gradient_steps += 1
        self._seen = smaller, log_probabilities

    def _descend(self, name: str, loss: Tensor) -> None:
        """An Adam step along the gradients in the vector of that name."""
        self._losses[name] = loss.item()
        if not math.isfinite(self._losses[name]):
            raise Diverged(f"{name} loss", self.gradient_steps)
        self._optimizers[name].step()

    def scalars(self) -> dict[str, float]:
        """The last gradient step's numbers: none before the first.

        Losses and the temperature; means over its batch of the smaller Q at the policy's actions
        (`value`), and of the policy's entropy in nats.
        """
        if self._seen is None:
            return {}
        smaller, log_probabilities = self._seen
        return {
            "critic_loss": self._losses["critics"],
            "actor_loss": self._losses["actor"],
            "value": smaller.mean().item(),
            "temperature": self.log_temperature.detach().exp().item(),
            "entropy": -log_probabilities.mean().item(),
        }

    def networks(self) -> Arrays:
        """Actor, critics, target critics and temperature: what a snapshot holds."""
        return {
            **prefixed("actor", module_arrays(self.actor)),
            **prefixed("critic_0", module_arrays(self.critics[0])),
            **prefixed("critic_1", module_arrays(self.critics[1])),
            **prefixed("target_critic_0", module_arrays(self.target_critics[0])),
            **prefixed("target_critic_1", module_arrays(self.target_critics[1])),
            "log_temperature": self.log_temperature.detach().cpu().numpy().copy(),
        }

    def arrays(self) -> Arrays:
        """Networks, optimisers and counter, for saving."""
        state = self.networks()
        for name, optimizer in self._optimizers.items():
            state |= prefixed(f"optimizer_{name}", optimizer.arrays())
        return {**state, "gradient_steps": np.array(self.gradient_steps)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from what `arrays` gave."""
        self.load_networks(arrays)
        for name, optimizer in self._optimizers.items():
            optimizer.restore(below(f"optimizer_{name}", arrays))
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


class _Passes:
    """The passes of one gradient step on batches of this size."""

    def __init__(
        self,
        actor: Actor,
        critics: tuple[Critic, Critic],
        trained: Mapping[str, ParameterVector],
        rows: int,
    ) -> None:
        sizes = actor.observation_size, len(actor.centre)
        self.inputs, self.observations = (
            trained["actor"].values.new_empty(rows, size) for size in (sum(sizes), sizes[0])
        )
        self.critics = CriticPasses(critics, self.inputs, trained["critics"])
        self.actor = PolicyPass(actor, self.observations, trained["actor"])

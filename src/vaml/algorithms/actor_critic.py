"""Soft actor-critic's networks, optimisers and one gradient step of each."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from vaml.algorithms.capture import Captured, Numbers, captured
from vaml.config.sac import ActorCriticSettings
from vaml.data.replay import Batch
from vaml.divergence import Diverged
from vaml.fast.adam import Adam
from vaml.fast.differentiation import written
from vaml.fast.parameters import ParameterVector
from vaml.losses.actor_critic import actor_loss, bellman_target, critic_loss, temperature_loss
from vaml.networks.actor_critic import Actor, Critic, TwinCritics
from vaml.networks.value import SoftValue
from vaml.networks.written import WrittenCritics, WrittenPolicy
from vaml.saving import Arrays, Stateful, module_arrays, prefixed
from vaml.seeding import Streams

_READ_EVERY = 100  # steps, where they are captured


class ActorCritic(Stateful):
    """Actor, twin critics with slow targets, and a learned temperature.

    The target entropy is minus the number of action dimensions. All tensors are on the device. On a
    GPU steps are replayed as CUDA graphs, and streams must draw there. Stream `initialisation`.
    """

    saved = (
        "actor",
        "critics",
        "target_critics",
        "log_temperature",
        "optimizers",
        "gradient_steps",
    )

    def __init__(
        self,
        observation_size: int,
        low: np.ndarray,
        high: np.ndarray,
        settings: ActorCriticSettings,
        streams: Streams,
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        generator = torch.Generator().manual_seed(streams.seed("initialisation"))
        sizes = settings.hidden_sizes
        self.actor = Actor(
            observation_size, torch.from_numpy(low), torch.from_numpy(high), sizes, generator
        )
        self.critics, self.target_critics = (
            TwinCritics(*(Critic(observation_size, len(low), sizes, generator) for _ in range(2)))
            for _ in range(2)
        )
        for module in (self.actor, self.critics, self.target_critics):
            module.to(device)
        self.target_critics.load_state_dict(self.critics.state_dict())
        self.target_critics.requires_grad_(False)
        self.log_temperature = torch.tensor(
            math.log(settings.initial_temperature), device=device, requires_grad=True
        )
        self._vectors = {  # in the order of their steps
            "critics": _vector(self.critics),
            "actor": ParameterVector(self.actor.parameters()),
            "temperature": ParameterVector([self.log_temperature]),
        }
        self._target_vector = _vector(self.target_critics)
        self.optimizers = {
            name: Adam(vector, settings.learning_rate) for name, vector in self._vectors.items()
        }
        self.policy, self.action_values = self.actor.reparameterised, self.critics
        if written():
            self.policy = WrittenPolicy(self.actor, self._vectors["actor"])
            self.action_values = WrittenCritics(self.critics, self._vectors["critics"])
        self.value = SoftValue(self.actor, self.target_critics, self.log_temperature)
        self.target_entropy = -float(len(low))
        self.discount, self.polyak = settings.discount, settings.polyak
        self.gradient_steps = 0
        self._numbers: Numbers = {}
        self._unread: list[Tensor] = []  # losses (3,) of the last captured steps
        self._act = captured(self._sampled, None, self.device)
        self._targets = captured(self._replayed, None, self.device)
        self._step = captured(self.gradient_step, self, self.device)
        self._captured = isinstance(self._step, Captured)

    def act(self, observation: np.ndarray, generator: torch.Generator) -> np.ndarray:
        """An action (m,) of the policy at an observation (n,)."""
        states = torch.from_numpy(observation).to(self.device).unsqueeze(0)
        return self._act(states, generator)["actions"][0].cpu().numpy()

    @torch.no_grad()
    def _sampled(self, states: Tensor, generator: torch.Generator) -> Numbers:
        actions, _ = self.policy(states, self.actor.noise(states, generator))
        return {"actions": actions}

    def replay_targets(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The critics' targets (batch,) of SAC: from the next states of a batch of the history."""
        columns = batch.rewards, batch.terminated, batch.next_observations
        return self._targets(*columns, generator)["targets"]

    @torch.no_grad()
    def _replayed(
        self, rewards: Tensor, terminated: Tensor, states: Tensor, generator: torch.Generator
    ) -> Numbers:
        next_values = self.value(states, generator)
        return {"targets": bellman_target(rewards, terminated, next_values, self.discount)}

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
        non-finite loss, with its step; on a GPU up to a hundred steps later.
        """
        self._numbers = self._step(*critic_inputs, targets, observations, generator)
        self.gradient_steps += 1
        if self._captured:
            self._unread.append(self._numbers["losses"])
            if self.gradient_steps % _READ_EVERY == 0:
                self.read_losses()

    def gradient_step(
        self,
        critic_observations: Tensor,
        critic_actions: Tensor,
        targets: Tensor,
        observations: Tensor,
        generator: torch.Generator,
    ) -> Numbers:
        """The step of `update`, as a function of tensors that a graph can record."""
        # Algorithm 1, line 8: eq. (3), or eq. (7) where the targets are a model's.
        values = self.action_values(critic_observations, critic_actions)
        losses = [self._minimise("critics", critic_loss(values, targets))]

        # Algorithm 1, line 9: eq. (2).
        noise = self.actor.noise(observations, generator)
        actions, log_probabilities = self.policy(observations, noise)
        smaller = self.action_values.smaller(observations, actions)
        temperature = self.log_temperature.detach().exp()
        loss = actor_loss(smaller, log_probabilities, temperature)
        losses.append(self._minimise("actor", loss))

        loss = temperature_loss(self.log_temperature, log_probabilities, self.target_entropy)
        losses.append(self._minimise("temperature", loss))
        self._target_vector.approach(self._vectors["critics"], self.polyak)
        return {
            "losses": torch.stack(losses),
            "smaller": smaller.detach(),
            "log_probabilities": log_probabilities.detach(),
        }

    def _minimise(self, name: str, loss: Tensor) -> Tensor:
        """A step of Adam down the gradient of a loss, which is returned."""
        # A captured step reads nothing back.
        if not self._captured and not math.isfinite(loss.item()):
            raise Diverged(f"{name} loss", self.gradient_steps)
        self._vectors[name].differentiate(loss)
        self.optimizers[name].step()
        return loss.detach()

    def read_losses(self) -> None:
        """Raise Diverged at the first loss of captured steps that is not finite."""
        if not self._unread:
            return
        finite = torch.stack(self._unread).isfinite().tolist()
        first, self._unread = self.gradient_steps - len(finite), []
        for step, row in enumerate(finite, first):
            for name, is_finite in zip(self._vectors, row, strict=True):
                if not is_finite:
                    raise Diverged(f"{name} loss", step)

    def scalars(self) -> dict[str, float]:
        """The last gradient step's numbers: none before the first.

        Losses and the temperature; means over its batch of the smaller Q at the policy's actions
        (`value`), and of the policy's entropy in nats.
        """
        if not self._numbers:
            return {}
        of_critics, of_actor, _ = self._numbers["losses"].tolist()
        return {
            "critic_loss": of_critics,
            "actor_loss": of_actor,
            "value": self._numbers["smaller"].mean().item(),
            "temperature": self.log_temperature.detach().exp().item(),
            "entropy": -self._numbers["log_probabilities"].mean().item(),
        }

    def arrays(self) -> Arrays:
        """The whole state, as arrays by name."""
        unread = [losses.cpu().numpy() for losses in self._unread]
        return super().arrays() | {"unread": np.array(unread, np.float32).reshape(-1, 3)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the state that `arrays` gave."""
        super().restore(arrays)
        self._unread = list(torch.from_numpy(arrays["unread"].copy()).to(self.device))

    def networks(self) -> Arrays:
        """Actor, critics, target critics and temperature: what a snapshot holds."""
        modules = {
            "actor": self.actor,
            "critic_0": self.critics.first,
            "critic_1": self.critics.second,
            "target_critic_0": self.target_critics.first,
            "target_critic_1": self.target_critics.second,
        }
        found = {"log_temperature": self.log_temperature.detach().cpu().numpy().copy()}
        for name, module in modules.items():
            found |= prefixed(name, module_arrays(module))
        return found


def _vector(critics: TwinCritics) -> ParameterVector:
    return ParameterVector(*(critic.parameters() for critic in critics))

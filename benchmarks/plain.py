"""The gradient steps as one would write them first: modules, distributions, `loss.backward()`.

The reference for numbers (tests/unit/test_plain_steps.py) and for speed (speed.py). Networks start
as copies of ours, and noise comes from the same generators in the same order.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional

from vaml.data.replay import Batch
from vaml.data.transitions import Transitions
from vaml.envs.known import KnownFunctions
from vaml.networks.actor_critic import Actor, Critic
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue


def copied(layers: list[nn.Module], activation: type[nn.Module]) -> nn.Sequential:
    """The same linear layers with the activation after each."""
    found: list[nn.Module] = []
    for layer in layers:
        assert isinstance(layer, nn.Linear)
        copy = nn.Linear(layer.in_features, layer.out_features, dtype=layer.weight.dtype)
        copy.load_state_dict(layer.state_dict())
        found += [copy, activation()]
    return nn.Sequential(*found)


class PlainActor(nn.Module):
    def __init__(self, actor: Actor) -> None:
        super().__init__()
        self.hidden = copied(list(actor.hidden), nn.ReLU)
        self.mean_head = copied([actor.mean_head], nn.Identity)
        self.log_std_head = copied([actor.log_std_head], nn.Identity)
        self.centre, self.half_range = actor.centre, actor.half_range

    def sample(self, observations: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        features = self.hidden(observations)
        mean, log_std = self.mean_head(features), self.log_std_head(features).clamp(-20, 2)
        normal = Normal(mean, log_std.exp())
        z = mean + normal.scale * torch.empty(mean.shape, dtype=mean.dtype).normal_(generator=noise)
        scaled = z / self.half_range
        # log(1 - tanh²(x)) in a form that is finite at large x.
        slope = 2 * (math.log(2) - scaled - functional.softplus(-2 * scaled))
        actions = self.centre + self.half_range * torch.tanh(scaled)
        return actions, (normal.log_prob(z) - slope).sum(-1)


class PlainCritic(nn.Module):
    def __init__(self, critic: Critic) -> None:
        super().__init__()
        self.hidden = copied(list(critic.hidden), nn.ReLU)
        self.output = copied([critic.output], nn.Identity)

    def forward(self, observations: Tensor, actions: Tensor) -> Tensor:
        return self.output(self.hidden(torch.cat([observations, actions], -1))).squeeze(-1)


class PlainSoftValue:
    """min(Q1, Q2)(s, a) - temperature log π(a|s) with one sampled action per state."""

    def __init__(
        self, actor: PlainActor, critics: tuple[PlainCritic, PlainCritic], log_temperature: Tensor
    ) -> None:
        self.actor, self.critics, self.log_temperature = actor, critics, log_temperature

    def __call__(self, observations: Tensor, noise: torch.Generator) -> Tensor:
        actions, log_probabilities = self.actor.sample(observations, noise)
        values = [critic(observations, actions) for critic in self.critics]
        return torch.minimum(*values) - self.log_temperature.exp().detach() * log_probabilities


class PlainRandomValue(nn.Module):
    def __init__(self, value: RandomValue) -> None:
        super().__init__()
        self.hidden = copied([value.hidden], nn.ReLU)
        self.output = copied([value.output], nn.Identity)

    def forward(self, observations: Tensor, noise: torch.Generator) -> Tensor:
        return self.output(self.hidden(observations)).squeeze(-1)


class PlainSAC:
    """Soft actor-critic's gradient step."""

    def __init__(
        self,
        actor: Actor,
        critics: tuple[Critic, Critic],
        learning_rate: float = 3e-4,
        discount: float = 0.99,
        polyak: float = 0.005,
    ) -> None:
        self.actor = PlainActor(actor)
        self.critics = PlainCritic(critics[0]), PlainCritic(critics[1])
        self.targets = PlainCritic(critics[0]), PlainCritic(critics[1])
        self.log_temperature = torch.zeros((), requires_grad=True)
        self.value = PlainSoftValue(self.actor, self.targets, self.log_temperature)
        self.discount, self.polyak = discount, polyak
        self.grad_critics = [p for critic in self.critics for p in critic.parameters()]
        self.grad_targets = [p for critic in self.targets for p in critic.parameters()]
        self.critic_optimizer = torch.optim.Adam(self.grad_critics, learning_rate)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), learning_rate)
        self.temperature_optimizer = torch.optim.Adam([self.log_temperature], learning_rate)

    @torch.no_grad()
    def act(self, observation: np.ndarray, noise: torch.Generator) -> np.ndarray:
        return self.actor.sample(torch.from_numpy(observation), noise)[0].numpy()

    def step(self, batch: Batch, noise: torch.Generator) -> None:
        with torch.no_grad():
            next_values = self.value(batch.next_observations, noise)
            following = torch.where(batch.terminated, 0.0, next_values)
            targets = batch.rewards + self.discount * following
        self.update(batch.observations, batch.actions, targets, noise)

    def update(
        self, observations: Tensor, actions: Tensor, targets: Tensor, noise: torch.Generator
    ) -> None:
        values = [critic(observations, actions) for critic in self.critics]
        loss = sum(functional.mse_loss(value, targets) for value in values)
        self.critic_optimizer.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        self.critic_optimizer.step()

        sampled, log_probabilities = self.actor.sample(observations, noise)
        smaller = torch.minimum(*(critic(observations, sampled) for critic in self.critics))
        loss = (self.log_temperature.exp().detach() * log_probabilities - smaller).mean()
        self.actor_optimizer.zero_grad()
        loss.backward()
        self.actor_optimizer.step()

        entropy_surplus = (-log_probabilities + sampled.shape[1]).detach().mean()
        self.temperature_optimizer.zero_grad()
        (self.log_temperature.exp() * entropy_surplus).backward()
        self.temperature_optimizer.step()

        with torch.no_grad():
            for slow, fast in zip(self.grad_targets, self.grad_critics, strict=True):
                slow.mul_(1 - self.polyak).add_(fast, alpha=self.polyak)


class PlainDynamics(nn.Module):
    def __init__(self, model: GaussianDynamics) -> None:
        super().__init__()
        self.hidden = copied(list(model.hidden), nn.SiLU)
        self.mean_head = copied([model.mean_head], nn.Identity)
        self.log_std_head = copied([model.log_std_head], nn.Identity)

    def forward(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Mean change of the state and standard deviation."""
        features = self.hidden(torch.cat([observations, actions], -1))
        log_std = 2 - functional.softplus(2 - self.log_std_head(features))
        log_std = -20 + functional.softplus(log_std + 20)
        return self.mean_head(features), log_std.exp()


class PlainFit:
    """One gradient step of a dynamics model: c NLL + (1 - c) VAML."""

    def __init__(
        self,
        model: GaussianDynamics,
        value: PlainSoftValue | PlainRandomValue,
        mle_coefficient: float,
        samples: int,
        learning_rate: float,
        weight_decay: float = 0.0,
    ) -> None:
        self.model, self.value = PlainDynamics(model), value
        self.mle_coefficient, self.samples = mle_coefficient, samples
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), learning_rate, weight_decay=weight_decay
        )

    def step(self, batch: Transitions, noise: torch.Generator) -> float:
        states, following = batch.observations, batch.next_observations
        mean, std = self.model(states, batch.actions)
        loss = torch.zeros(())
        if self.mle_coefficient > 0:
            nll = -Normal(mean, std).log_prob(following - states).sum(-1).mean()
            loss = loss + self.mle_coefficient * nll
        if self.mle_coefficient < 1:
            with torch.no_grad():
                targets = self.value(following, noise)
            draws = torch.empty(self.samples, *mean.shape, dtype=mean.dtype)
            samples = states + mean + std * draws.normal_(generator=noise)
            errors = targets - self.value(samples, noise).mean(0)
            loss = loss + (1 - self.mle_coefficient) * 0.5 * errors.square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


class PlainMBAC:
    """One step of the model-based agent: a model step, and SAC's with targets from the model."""

    def __init__(self, agent: PlainSAC, fit: PlainFit, known: KnownFunctions, samples: int) -> None:
        self.agent, self.fit, self.known, self.samples = agent, fit, known, samples

    def step(self, batch: Batch, noise: torch.Generator) -> None:
        states, actions = batch.observations, batch.actions
        self.fit.step(Transitions(states, actions, batch.next_observations), noise)
        with torch.no_grad():
            mean, std = self.fit.model(states, actions)
            draws = torch.empty(self.samples, *mean.shape).normal_(generator=noise)
            following = states + mean + std * draws
            values = self.agent.value(following, noise)
            values = torch.where(self.known.terminated(following), 0.0, values)
            rewards = self.known.reward(states, actions, following)
            targets = (rewards + self.agent.discount * values).mean(0)
        self.agent.update(states, actions, targets, noise)

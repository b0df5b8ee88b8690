"""Bellman targets, the losses of soft actor-critic, and one whole gradient step."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from random_numbers import generator
from torch import Tensor, nn

from vaml.algorithms.actor_critic import ActorCritic
from vaml.config.sac import ActorCriticSettings
from vaml.divergence import Diverged
from vaml.losses.actor_critic import (
    actor_loss,
    bellman_target,
    critic_loss,
    model_target,
    temperature_loss,
)
from vaml.networks.actor_critic import Actor, Critic
from vaml.seeding import Streams

N, M = 6, 2
SETTINGS = ActorCriticSettings(
    hidden_sizes=[16, 16],
    learning_rate=3e-4,
    batch_size=8,
    discount=0.99,
    polyak=0.005,
    initial_temperature=1.0,
)
NAN, INF = math.nan, math.inf


def agent(seed: int = 0) -> ActorCritic:
    bounds = np.full(M, 2.0, np.float32)
    return ActorCritic(N, -bounds, bounds, SETTINGS, Streams(seed, "test"))


def test_bellman_target_stops_at_termination_whatever_the_value_there() -> None:
    rewards = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    terminated = torch.tensor([False, True, True, True, False])
    values = torch.tensor([10.0, 10.0, NAN, -INF, -20.0])
    targets = bellman_target(rewards, terminated, values, 0.9)
    assert targets.tolist() == pytest.approx([10.0, 2.0, 3.0, 4.0, -13.0])


def test_model_target_is_the_mean_over_samples_of_reward_and_discounted_value() -> None:
    rewards = torch.tensor([[1.0, 2.0], [3.0, 6.0]])  # (K, batch): they depend on s'
    terminated = torch.tensor([[False, True], [True, False]])
    values = torch.tensor([[10.0, NAN], [INF, 4.0]])
    targets = model_target(rewards, terminated, values, 0.5)
    assert targets.tolist() == pytest.approx([(1 + 5 + 3) / 2, (2 + 6 + 2) / 2])

    of_the_pair = torch.tensor([1.0, 100.0])  # (batch,): they do not
    targets = model_target(of_the_pair, terminated, values, 0.5)
    assert targets.tolist() == pytest.approx([1 + 5 / 2, 100 + 2 / 2])


def test_critic_loss_is_the_sum_of_two_mean_squared_errors() -> None:
    targets = torch.tensor([1.0, 2.0])
    first, second = torch.tensor([2.0, 4.0]), torch.tensor([1.0, 8.0])
    loss = critic_loss((first, second), targets)
    assert loss.item() == pytest.approx((1 + 4) / 2 + (0 + 36) / 2)


def test_actor_loss_is_minus_the_value_and_the_entropy_at_this_temperature() -> None:
    values = torch.tensor([1.0, 4.0], requires_grad=True)
    log_probabilities = torch.tensor([-0.5, 3.0], requires_grad=True)
    loss = actor_loss(values, log_probabilities, torch.tensor(0.2))
    assert loss.item() == pytest.approx(-((1 - 0.2 * -0.5) + (4 - 0.2 * 3.0)) / 2)
    gradients = torch.autograd.grad(loss, (values, log_probabilities))
    for gradient, numbers in zip(gradients, ([-0.5, -0.5], [0.1, 0.1]), strict=True):
        assert gradient.tolist() == pytest.approx(numbers)


@pytest.mark.parametrize(("entropy", "rises"), [(-5.0, True), (1.0, False)])
def test_temperature_rises_when_the_entropy_is_below_its_target(
    entropy: float, rises: bool
) -> None:
    log_temperature = torch.tensor(math.log(0.3), requires_grad=True)
    log_probabilities = torch.tensor([-entropy - 1, -entropy + 1], requires_grad=True)
    loss = temperature_loss(log_temperature, log_probabilities, -2.0)
    assert loss.item() == pytest.approx(0.3 * (entropy + 2.0))
    (gradient,) = torch.autograd.grad(loss, log_temperature, retain_graph=True)
    assert gradient.item() == pytest.approx(0.3 * (entropy + 2.0))  # exp is differentiated
    assert (gradient < 0) == rises
    with pytest.raises(RuntimeError):  # the policy is held fixed
        torch.autograd.grad(loss, log_probabilities)


def test_targets_start_as_copies_of_different_critics_and_entropy_target_is_minus_the_actions() -> (
    None
):
    made = agent()
    for target, critic in zip(made.target_critics, made.critics, strict=True):
        for copy, original in zip(target.parameters(), critic.parameters(), strict=True):
            assert torch.equal(copy, original)
            assert copy is not original
            assert not copy.requires_grad
    first, second = (nn.utils.parameters_to_vector(critic.parameters()) for critic in made.critics)
    assert (first != second).float().mean() > 0.9
    assert made.target_entropy == -M
    assert made.log_temperature.item() == 0.0


class AdamByHand:
    """Adam as published, default moments."""

    def __init__(self, rate: float) -> None:
        self.rate, self.step, self.moments = rate, 0, {}

    @torch.no_grad()
    def descend(self, loss: Tensor, parameters: Sequence[Tensor]) -> None:
        with torch.enable_grad():
            gradients = torch.autograd.grad(loss, parameters)
        self.step += 1
        for index, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
            first, second = self.moments.get(index, (0.0, 0.0))
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient.square()
            self.moments[index] = first, second
            scale = (second / (1 - 0.999**self.step)).sqrt() + 1e-8
            parameter.sub_(self.rate * first / (1 - 0.9**self.step) / scale)


def plain_heads(inputs: Tensor, hidden: nn.ModuleList, *heads: nn.Linear) -> list[Tensor]:
    """A ReLU perceptron in autograd's own operations."""
    for layer in hidden:
        assert isinstance(layer, nn.Linear)
        inputs = (inputs @ layer.weight.T + layer.bias).clamp(min=0)
    return [inputs @ head.weight.T + head.bias for head in heads]


def plain_sample(actor: Actor, states: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Actions and log-probabilities in autograd's own operations and distributions."""
    mean, log_std = plain_heads(states, actor.hidden, actor.mean_head, actor.log_std_head)
    normal = torch.distributions.Normal(mean, log_std.clamp(-20, 2).exp())
    draws = torch.empty(mean.shape, dtype=mean.dtype).normal_(generator=noise)
    z = normal.loc + normal.scale * draws
    squashed = torch.tanh(z / 2)  # the box is ±2
    log_probabilities = normal.log_prob(z) - (1 - squashed.square()).log()
    return 2 * squashed, log_probabilities.sum(-1)


def plain_value(critic: Critic, states: Tensor, actions: Tensor) -> Tensor:
    """Q in autograd's own operations."""
    (values,) = plain_heads(torch.cat([states, actions], dim=1), critic.hidden, critic.output)
    return values[:, 0]


class UpdateByHand:
    """The order critics, actor, temperature, targets, each written out."""

    def __init__(self, made: ActorCritic) -> None:
        self.agent = made
        self.adam = [AdamByHand(3e-4) for _ in range(3)]

    def __call__(
        self, inputs: tuple[Tensor, Tensor], targets: Tensor, states: Tensor, noise: torch.Generator
    ) -> None:
        made = self.agent
        first, second = made.critics
        weights = [*first.parameters(), *second.parameters()]
        errors = [((plain_value(c, *inputs) - targets) ** 2).mean() for c in made.critics]
        self.adam[0].descend(errors[0] + errors[1], weights)

        actions, log_probabilities = plain_sample(made.actor, states, noise)
        values = (plain_value(first, states, actions), plain_value(second, states, actions))
        lower = torch.minimum(*values)
        temperature = made.log_temperature.exp().item()
        loss = -(lower - temperature * log_probabilities).mean()
        self.adam[1].descend(loss, list(made.actor.parameters()))

        entropy = -log_probabilities.mean().item()
        self.adam[2].descend(made.log_temperature.exp() * (entropy + M), [made.log_temperature])
        with torch.no_grad():
            for target, critic in zip(made.target_critics, made.critics, strict=True):
                for slow, fast in zip(target.parameters(), critic.parameters(), strict=True):
                    slow.copy_(0.995 * slow + 0.005 * fast)


@pytest.mark.usefixtures("double_precision")
def test_update_equals_one_written_by_hand() -> None:
    mine, reference = agent(), agent()
    by_hand = UpdateByHand(reference)
    noises = generator(3), generator(3)
    for step in range(1, 4):
        draws = torch.randn(8, N + M + 1, generator=generator(10 + step)).double()
        states, actions, targets = draws[:, :N], draws[:, N:-1].tanh(), 10 * draws[:, -1]
        mine.update((states, actions), targets, states.flip(0), noises[0])
        by_hand((states, actions), targets, states.flip(0), noises[1])
        expected = reference.networks()
        for name, array in mine.networks().items():
            np.testing.assert_allclose(array, expected[name], rtol=0, atol=1e-10, err_msg=name)
        assert mine.gradient_steps == step


def test_target_critics_take_half_a_percent_of_the_new_critics() -> None:
    made = agent()
    before = [p.clone() for target in made.target_critics for p in target.parameters()]
    states = torch.randn(8, N, generator=generator())
    with torch.no_grad():
        for critic in made.critics:
            critic.output.bias.fill_(100.0)
    made.update((states, states[:, :M]), torch.zeros(8), states, generator())
    after = [p for target in made.target_critics for p in target.parameters()]
    online = [p for critic in made.critics for p in critic.parameters()]
    for old, new, critic in zip(before, after, online, strict=True):
        torch.testing.assert_close(new, old + 0.005 * (critic - old), rtol=0, atol=1e-6)


def test_a_loss_that_is_not_finite_ends_the_run_by_name() -> None:
    states = torch.randn(8, N, generator=generator())
    with pytest.raises(Diverged, match="critics loss"):
        agent().update((states, states[:, :M]), torch.full((8,), NAN), states, generator())
    with pytest.raises(Diverged, match="actor loss"):
        agent().update((states, states[:, :M]), torch.zeros(8), INF * states, generator())


def test_agents_of_one_seed_start_alike_and_of_another_do_not() -> None:
    first, same, other = agent(0).networks(), agent(0).networks(), agent(1).networks()
    for name in first:
        assert first[name].tobytes() == same[name].tobytes()
    assert not np.array_equal(first["actor/hidden.0.weight"], other["actor/hidden.0.weight"])

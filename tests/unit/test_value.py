"""The value functions of the value-aware loss."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from random_numbers import generator
from torch import Tensor

from vaml.algorithms.actor_critic import ActorCritic
from vaml.config.sac import ActorCriticSettings
from vaml.networks.actor_critic import Actor
from vaml.networks.value import RandomValue, SoftValue, Value
from vaml.seeding import Streams

N, M = 6, 2
SETTINGS = ActorCriticSettings(
    hidden_sizes=[16, 16],
    learning_rate=3e-4,
    batch_size=8,
    discount=0.99,
    polyak=0.005,
    initial_temperature=0.5,
)


def agent() -> ActorCritic:
    bounds = np.full(M, 2.0, np.float32)
    made = ActorCritic(N, -bounds, bounds, SETTINGS, Streams(0, "test"))
    with torch.no_grad():  # tell the targets from the critics
        for target in made.target_critics:
            for parameter in target.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator(4)))
    return made


def states(rows: int = 50) -> Tensor:
    return torch.randn(rows, N, generator=generator(1))


@torch.no_grad()
def by_hand(made: ActorCritic, observations: Tensor) -> Tensor:
    actions, log_probabilities = made.actor.sample(observations, generator(2))
    first, second = (target(observations, actions) for target in made.target_critics)
    lower = torch.where(first < second, first, second)
    return lower - made.log_temperature.exp() * log_probabilities


def test_random_value_is_one_relu_layer_of_orthogonal_weights_without_biases() -> None:
    value = RandomValue(11, 64, generator())
    hidden, output = value.hidden.weight, value.output.weight
    assert hidden.shape == (64, 11)
    torch.testing.assert_close(hidden.T @ hidden, torch.eye(11), rtol=0, atol=1e-5)
    assert output.shape == (1, 64)
    assert output.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert value.hidden.bias.count_nonzero() == value.output.bias.count_nonzero() == 0

    observations = torch.randn(3, 5, 11, generator=generator(1))
    expected = ((observations @ hidden.T).clamp(min=0) @ output.T)[..., 0]
    torch.testing.assert_close(value(observations, generator()), expected)
    assert torch.equal(value(observations, generator(1)), value(observations, generator(2)))


def test_soft_value_is_the_lower_target_critic_less_the_weighted_log_probability() -> None:
    made = agent()
    with torch.no_grad():
        values = made.value(states(), generator(2))
        first, second = (
            target(states(), made.actor.mode(states())) for target in made.target_critics
        )
    torch.testing.assert_close(values, by_hand(made, states()))
    assert 0 < (first < second).float().mean() < 1  # both critics are the lower one somewhere


def test_soft_value_uses_the_current_temperature_actor_and_targets_but_not_the_critics() -> None:
    made = agent()

    def now() -> Tensor:
        with torch.no_grad():
            return made.value(states(), generator(2))

    before = now()
    with torch.no_grad():
        for critic in made.critics:
            critic.output.bias.add_(1.0)
    assert torch.equal(now(), before)
    for parameter in (
        made.log_temperature,
        made.target_critics.first.output.bias,
        made.target_critics.second.output.bias,
        made.actor.mean_head.bias,
    ):
        before = now()
        with torch.no_grad():
            parameter.add_(0.5)
        assert not torch.equal(now(), before)
        torch.testing.assert_close(now(), by_hand(made, states()))


def test_soft_value_draws_a_fresh_action_for_each_state_and_each_evaluation() -> None:
    made, noise = agent(), generator(2)
    same_state = states(1).expand(10, 40, N)
    with torch.no_grad():
        values = made.value(same_state, noise)
        assert values.shape == (10, 40)
        assert len(values.unique()) == 400
        assert not torch.equal(made.value(same_state, noise), values)


def test_soft_value_of_a_snapshot_is_that_of_the_agent() -> None:
    made = agent()
    with torch.no_grad():
        made.log_temperature.fill_(-1.3)
    arrays = made.networks()
    value = SoftValue.from_snapshot(arrays)
    with torch.no_grad():
        assert torch.equal(value(states(), generator(2)), made.value(states(), generator(2)))

    tensors = [
        *value.actor.parameters(),
        *value.critics.parameters(),
    ]
    assert not any(tensor.requires_grad for tensor in (*tensors, value.log_temperature))
    before = value(states(), generator(2))
    for array in arrays.values():
        array += 1.0  # the snapshot's arrays are the reader's own
    assert torch.equal(value(states(), generator(2)), before)


def test_soft_value_of_a_snapshot_reads_its_sizes_and_an_off_centre_box() -> None:
    low, high = np.array([-1.0, 0.0, 2.0], np.float32), np.array([1.0, 1.0, 6.0], np.float32)
    settings = SETTINGS.model_copy(update={"hidden_sizes": [9, 7, 5]})
    made = ActorCritic(4, low, high, settings, Streams(0, "test"))
    value = SoftValue.from_snapshot(made.networks())
    assert isinstance(value.actor, Actor)
    assert value.actor.centre.tolist() == [0.0, 0.5, 4.0]
    assert value.actor.half_range.tolist() == [1.0, 0.5, 2.0]
    observations = torch.randn(5, 4, generator=generator(1))
    with torch.no_grad():
        assert torch.equal(
            value(observations, generator(2)), made.value(observations, generator(2))
        )


@pytest.mark.parametrize("made", [lambda: RandomValue(N, 16, generator()), lambda: agent().value])
def test_gradients_go_to_the_observations_alone(made: Callable[[], Value]) -> None:
    """Weights that are trained elsewhere get nothing from a value-aware loss."""
    value = made()
    if isinstance(value, SoftValue):
        weights = [value.log_temperature, *value.actor.parameters()]
        weights += [weight for critic in value.critics for weight in critic.parameters()]
    else:
        assert isinstance(value, RandomValue)
        weights = [*value.parameters()]
    for weight in weights:
        weight.requires_grad_()
    assert not value(states(), generator()).requires_grad
    observations = states().requires_grad_()
    value(observations, generator()).sum().backward()
    assert observations.grad is not None
    assert observations.grad.any()
    assert all(weight.grad is None for weight in weights)

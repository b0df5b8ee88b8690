"""The passes that are written out, against autograd through the modules, in double precision."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vaml.config.objectives import Objective
from vaml.losses.actor_critic import (
    actor_loss,
    actor_loss_gradients,
    critic_loss,
    critic_loss_gradients,
)
from vaml.losses.likelihood import nll, nll_and_gradients
from vaml.losses.objective import model_loss, model_loss_and_gradients
from vaml.networks.actor_critic import Actor, Critic, smaller_value
from vaml.networks.dynamics import GaussianDynamics, Prediction, bounded, bounded_and_slope
from vaml.networks.gradients import CriticPasses, DynamicsPass, PolicyPass
from vaml.networks.passes import ParameterVector, joined
from vaml.networks.value import RandomValue, SoftValue, Value

N, M, ROWS = 5, 2, 9
pytestmark = pytest.mark.usefixtures("double_precision")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def actor(hidden: tuple[int, ...] = (7, 6)) -> Actor:
    """An actor for an off-centre box; some of its log standard deviations exceed their bounds."""
    made = Actor(N, torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 4.0]), list(hidden), generator(1))
    with torch.no_grad():
        made.log_std_head.weight.mul_(3.0)
        made.log_std_head.bias.copy_(torch.tensor([0.5, 1.5]))
        made.mean_head.bias.copy_(torch.tensor([0.3, -0.2]))
    return made


def critics() -> tuple[Critic, Critic]:
    return Critic(N, M, [7, 6], generator(2)), Critic(N, M, [7, 6], generator(3))


def close(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    torch.testing.assert_close(
        list(found), list(expected), rtol=1e-7, atol=1e-9
    )  # softplus is linear above 20


def test_a_vector_holds_the_parameters_and_leaves_their_numbers() -> None:
    made, same = actor(), actor()
    vector = ParameterVector(made.parameters())
    before = list(same.parameters())
    close([*vector.parameters], before)
    close(vector.views(vector.values), before)
    vector.values += 1.0
    close([*made.parameters()], [parameter + 1.0 for parameter in before])


@pytest.mark.parametrize("hidden", [(7, 6), (6,), (8, 7, 6)])
def test_policy(hidden: tuple[int, ...]) -> None:
    made, noise = actor(hidden), normal(ROWS, M, seed=4)
    observations = (3 * normal(ROWS, N)).requires_grad_()
    grad_actions, grad_density = normal(ROWS, M, seed=5), normal(ROWS, seed=6)
    mean, log_std = made(observations)
    assert 0 < (log_std == 2.0).double().mean() < 1
    actions, density = made.squash(mean, log_std, noise)
    expected = torch.autograd.grad(
        (actions, density), [observations, *made.parameters()], (grad_actions, grad_density)
    )
    vector = ParameterVector(made.parameters())
    with torch.no_grad():
        passed = PolicyPass(made, observations.detach(), vector)
        close([*passed.forward(noise)], (actions, density))
        passed.train(grad_actions, grad_density)
        close(vector.views(vector.gradients), expected[1:])
        close([passed.input_gradient(grad_actions, grad_density)], expected[:1])


def test_critics_and_the_smaller_one() -> None:
    both, inputs = critics(), normal(ROWS, N + M).requires_grad_()
    grad_values = normal(ROWS, seed=5), normal(ROWS, seed=6)
    values = tuple(critic(inputs[:, :N], inputs[:, N:]) for critic in both)
    parameters = list(chain(*(critic.parameters() for critic in both)))
    expected = torch.autograd.grad(values, parameters, grad_values)
    smaller = smaller_value(both, inputs[:, :N], inputs[:, N:])
    (grad_inputs,) = torch.autograd.grad(smaller, inputs, grad_values[0])
    assert 0 < (values[0] < values[1]).double().mean() < 1

    vector = ParameterVector(*(critic.parameters() for critic in both))
    with torch.no_grad():
        passes = CriticPasses(both, inputs.detach(), vector)
        close([*passes.forward()], values)
        passes.train(*grad_values)
        close(vector.views(vector.gradients), expected)
        close([passes.smaller()], [smaller])
        close([passes.gradient_of_smaller(grad_values[0])], [grad_inputs])


@pytest.mark.parametrize("hidden", [[7], [7, 6], [6, 6, 4]])
def test_dynamics(hidden: list[int]) -> None:
    model = GaussianDynamics(N, M, hidden, "default", generator(1), head_gain=3.0)
    observations, actions = normal(ROWS, N), normal(ROWS, M)
    grad_mean, grad_log_std = normal(ROWS, N, seed=5), normal(ROWS, N, seed=6)
    prediction = model(observations, actions)
    expected = torch.autograd.grad(
        prediction[1:], list(model.parameters()), (grad_mean, grad_log_std)
    )
    vector = ParameterVector(model.parameters())
    with torch.no_grad():
        passed = DynamicsPass(model, vector, ROWS)
        close([*passed.forward(observations, actions)], prediction)
        passed.train(grad_mean, grad_log_std)
        close(vector.views(vector.gradients), expected)


def test_soft_bounds() -> None:
    inputs = torch.linspace(-50.0, 50.0, 101).requires_grad_()
    expected = bounded(inputs)
    found = bounded_and_slope(inputs.detach())
    (slope,) = torch.autograd.grad(expected.sum(), inputs)
    torch.testing.assert_close(list(found), [expected.detach(), slope], rtol=1e-8, atol=1e-8)


def soft_value() -> SoftValue:
    return SoftValue(actor(), critics(), torch.tensor(-0.4))


def plain(value: Value, states: Tensor, noise: torch.Generator) -> Tensor:
    if isinstance(value, RandomValue):
        return value.output((value.hidden(states)).clamp(min=0)).squeeze(-1)
    assert isinstance(value, SoftValue)
    actions, density = value.actor.sample(states, noise)
    return smaller_value(value.critics, states, actions) - value.log_temperature.exp() * density


@pytest.mark.parametrize("value", [lambda: RandomValue(N, 8, generator(2)), soft_value])
@pytest.mark.parametrize("shape", [(ROWS, N), (3, ROWS, N)])
def test_value_functions_and_their_slope(
    value: Callable[[], Value], shape: tuple[int, ...]
) -> None:
    made, states = value(), normal(*shape).requires_grad_()
    weights = normal(*shape[:-1], seed=7)
    expected = plain(made, states, generator(4))
    found = made(states, generator(4))
    assert found.requires_grad
    close([found], [expected])
    slopes = [
        torch.autograd.grad((weights * values.square()).sum(), states)[0]
        for values in (found, expected)
    ]
    close(slopes[:1], slopes[1:])
    with torch.no_grad():
        again = made(states, generator(4))
    assert not again.requires_grad
    close([again], [expected])


def test_passes_follow_the_weights_and_forget_older_rows() -> None:
    made = soft_value()
    for rows in (3, 4, 5, 6, 7, 3):
        with torch.no_grad():
            made.actor.mean_head.bias.add_(0.1)
            made.critics[0].hidden[0].weight.mul_(1.1)  # type: ignore[operator, union-attr]
        states = normal(rows, N)
        close([made(states, generator(4))], [plain(made, states, generator(4))])


def test_losses_of_actor_and_critics() -> None:
    first, second, targets = (normal(ROWS, seed=seed) for seed in (1, 2, 3))
    leaves = [first.requires_grad_(), second.requires_grad_()]
    expected = torch.autograd.grad(critic_loss((first, second), targets), leaves)
    close([*critic_loss_gradients((first.detach(), second.detach()), targets)], expected)
    expected = torch.autograd.grad(actor_loss(first, second, torch.tensor(0.3)), leaves)
    close([*actor_loss_gradients(first, second, torch.tensor(0.3))], expected)


def test_negative_log_likelihood() -> None:
    mean, log_std = (normal(ROWS, N, seed=seed).requires_grad_() for seed in (1, 2))
    prediction, following = Prediction(normal(ROWS, N), mean, log_std), normal(ROWS, N, seed=3)
    loss = nll(prediction, following)
    expected = torch.autograd.grad(loss, (mean, log_std))
    found, gradients = nll_and_gradients(
        Prediction(*(field.detach() for field in prediction)), following
    )
    close([found, *gradients], [loss, *expected])


@pytest.mark.parametrize("coefficient", [1.0, 0.3, 0.0])
@pytest.mark.parametrize("name", ["mse", "vaml", "vaml_exact"])
def test_loss_of_a_fit(name: Any, coefficient: float) -> None:
    """With the gradients of both outputs, and nothing left on the prediction that it was given."""
    value = RandomValue(N, 8, generator(2)).requires_grad_(False)
    objective = Objective(loss=name, mle_coefficient=coefficient, model_samples=4)
    observations, following, *fields = (normal(ROWS, N, seed=seed) for seed in range(6))
    truth = Prediction(observations, *fields[2:])
    leaves = [field.clone().requires_grad_() for field in fields[:2]]
    given = Prediction(observations, *leaves)
    loss, _ = model_loss(given, following, value, objective, coefficient, generator(3), truth)
    expected = torch.autograd.grad(loss, leaves, materialize_grads=True)
    given = Prediction(observations, *fields[:2])
    with torch.no_grad():
        found, gradients = model_loss_and_gradients(
            given, following, value, objective, coefficient, generator(3), truth
        )
    close([found, *gradients], [loss, *expected])
    assert not any(each.requires_grad for each in (found, *given))


def test_neighbours_of_two_storages_are_not_one_layer() -> None:
    """Two heads whose memory happens to follow each other, in allocations of their own."""
    memory = bytearray(2 * 1024)
    heads = [nn.Linear(16, 16) for _ in range(2)]
    for i, head in enumerate(heads):
        part = torch.frombuffer(memory, dtype=torch.float32, count=256, offset=1024 * i)
        head.weight.data = part.view(16, 16).copy_(head.weight.data)
    first, second = (head.weight.data for head in heads)
    assert first.data_ptr() + first.nbytes == second.data_ptr()
    expected = torch.cat([first, second])
    weight, _ = joined(heads)
    assert torch.equal(weight, expected)
    assert weight.untyped_storage().nbytes() >= 2 * 1024
    # Joined, they are views of the one layer, and stay so.
    heads[1].weight.data.zero_()
    assert weight[16:].abs().max() == 0
    assert joined(heads)[0].data_ptr() == weight.data_ptr()

"""The passes that are written out, against autograd through the modules, in double precision."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import pytest
import torch
from emulated_graphs import as_on_a_gpu
from torch import Tensor, nn

from vaml.fast.differentiation import plain_modules
from vaml.fast.parameters import ParameterVector
from vaml.fast.passes import joined
from vaml.losses.likelihood import nll, nll_and_gradients
from vaml.networks.actor_critic import Actor, Critic, TwinCritics
from vaml.networks.dynamics import GaussianDynamics, Prediction, bounded, bounded_and_slope
from vaml.networks.value import RandomValue, SoftValue, Value
from vaml.networks.written import PolicyPass, WrittenCritics, WrittenDynamics, WrittenPolicy

N, M, ROWS = 5, 2, 9
Way = Callable[[], AbstractContextManager[None]]
WAYS = [nullcontext, as_on_a_gpu]
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


def critics() -> TwinCritics:
    return TwinCritics(*(Critic(N, M, [7, 6], generator(seed)) for seed in (2, 3)))


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
    vector.values.data += 1.0
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
    close([*WrittenPolicy(made, vector)(observations.detach(), noise)], (actions, density))
    with torch.no_grad():
        passes = PolicyPass(made, vector, ROWS)
        close([*passes.forward(observations.detach(), noise)], (actions, density))
        passes.train(grad_actions, grad_density)
        close(vector.views(vector.gradients), expected[1:])
        close([passes.input_gradient(grad_actions, grad_density)], expected[:1])


@pytest.mark.parametrize("way", WAYS)
def test_critics_and_the_smaller_one(way: Way) -> None:
    both, states, actions = critics(), normal(ROWS, N), normal(ROWS, M, seed=1).requires_grad_()
    weights = normal(ROWS, seed=5), normal(ROWS, seed=6)
    values = both(states, actions)
    expected = torch.autograd.grad(values, list(both.parameters()), weights)
    smaller = both.smaller(states, actions)
    (grad_actions,) = torch.autograd.grad(smaller, actions, weights[0])
    assert 0 < (values[0] < values[1]).double().mean() < 1

    vector = ParameterVector(both.first.parameters(), both.second.parameters())
    written = WrittenCritics(both, vector)
    with way():
        found = written(states, actions)
        close([*found], values)
        (whole,) = torch.autograd.grad(found, vector.values, weights)
        close(vector.views(whole), expected)
        found = written.smaller(states, actions)
        close([found], [smaller])
        close(torch.autograd.grad(found, actions, weights[0]), [grad_actions])


@pytest.mark.parametrize("way", WAYS)
def test_outputs_that_a_later_call_overwrote_are_not_differentiated(way: Way) -> None:
    both, states = critics(), normal(ROWS, N)
    vector = ParameterVector(both.first.parameters(), both.second.parameters())
    written = WrittenCritics(both, vector)
    with way():
        found = written(states, normal(ROWS, M, seed=1))
        written(states, normal(ROWS, M, seed=2))
    with pytest.raises(RuntimeError, match="modified inplace"):
        torch.autograd.grad(found[0].sum(), vector.values)


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
    found = WrittenDynamics(model, vector)(observations, actions)
    close(found, prediction)
    (whole,) = torch.autograd.grad(found[1:], vector.values, (grad_mean, grad_log_std))
    close(vector.views(whole), expected)


def test_a_written_pass_is_differentiable_once() -> None:
    model = GaussianDynamics(N, M, [7], "default", generator(1))
    vector = ParameterVector(model.parameters())
    loss = WrittenDynamics(model, vector)(normal(ROWS, N), normal(ROWS, M)).mean.square().sum()
    with pytest.raises(RuntimeError, match="differentiable once"):
        torch.autograd.grad(loss, vector.values, create_graph=True)


def test_a_loss_of_two_predictions_is_refused() -> None:
    model = GaussianDynamics(N, M, [7], "default", generator(1))
    vector = ParameterVector(model.parameters())
    predict = WrittenDynamics(model, vector)
    first, second = (predict(normal(rows, N), normal(rows, M)).mean.sum() for rows in (3, 4))
    with pytest.raises(RuntimeError, match="a loss of two predictions"):
        vector.differentiate(first + second)


@pytest.mark.parametrize("plain", [False, True])
def test_a_vector_holds_the_gradients_of_a_loss(plain: bool) -> None:
    """Zero where a parameter has no part in it."""
    model = GaussianDynamics(N, M, [7], "default", generator(1), head_gain=3.0)
    observations, actions = normal(ROWS, N), normal(ROWS, M)
    loss = model(observations, actions).mean.square().sum()
    parameters = list(model.parameters())
    expected = torch.autograd.grad(loss, parameters, materialize_grads=True)
    vector = ParameterVector(model.parameters())
    vector.gradients.fill_(3.0)
    predict = model if plain else WrittenDynamics(model, vector)
    vector.differentiate(predict(observations, actions).mean.square().sum())
    close(vector.views(vector.gradients), expected)


def test_soft_bounds() -> None:
    inputs = torch.linspace(-50.0, 50.0, 101).requires_grad_()
    expected = bounded(inputs)
    found = bounded_and_slope(inputs.detach())
    (slope,) = torch.autograd.grad(expected.sum(), inputs)
    torch.testing.assert_close(list(found), [expected.detach(), slope], rtol=1e-8, atol=1e-8)


def soft_value() -> SoftValue:
    return SoftValue(actor(), critics(), torch.tensor(-0.4))


@pytest.mark.parametrize("value", [lambda: RandomValue(N, 8, generator(2)), soft_value])
@pytest.mark.parametrize("shape", [(ROWS, N), (3, ROWS, N)])
def test_value_functions_and_their_slope(
    value: Callable[[], Value], shape: tuple[int, ...]
) -> None:
    made, states = value(), normal(*shape).requires_grad_()
    with plain_modules():
        plain = value()
    weights = normal(*shape[:-1], seed=7)
    expected = plain(states, generator(4))
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
            made.critics.first.hidden[0].weight.mul_(1.1)  # type: ignore[operator, union-attr]
        states = normal(rows, N)
        with plain_modules():
            plain = SoftValue(made.actor, made.critics, made.log_temperature)
        close([made(states, generator(4))], [plain(states, generator(4))])


def test_negative_log_likelihood() -> None:
    mean, log_std = (normal(ROWS, N, seed=seed).requires_grad_() for seed in (1, 2))
    prediction, following = Prediction(normal(ROWS, N), mean, log_std), normal(ROWS, N, seed=3)
    loss = nll(prediction, following)
    expected = torch.autograd.grad(loss, (mean, log_std))
    found, gradients = nll_and_gradients(
        Prediction(*(field.detach() for field in prediction)), following
    )
    close([found, *gradients], [loss, *expected])


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

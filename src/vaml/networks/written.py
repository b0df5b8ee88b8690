"""The networks by hand-written passes, which are faster than autograd on their modules.

Tests compare the numbers and gradients with autograd's. Passes work on a fixed number of rows; what
stays small is left to autograd itself.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vaml.fast.differentiation import differentiable
from vaml.fast.parameters import ParameterVector
from vaml.fast.passes import Pass, kept
from vaml.fast.stacked import StackedPass, few_kernels
from vaml.networks.actor_critic import Actor, TwinCritics, clamped
from vaml.networks.dynamics import GaussianDynamics, Prediction, bounded_and_slope


class WrittenPolicy:
    """`Actor.reparameterised` for observations (rows, n), as a function of the parameters."""

    def __init__(self, actor: Actor, vector: ParameterVector) -> None:
        self._vector = vector
        self._passes = kept(partial(PolicyPass, actor, vector))

    def __call__(self, observations: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        passes = self._passes(len(observations))
        return _of_parameters(
            self._vector, lambda: passes.forward(observations, noise), passes.train, [passes.heads]
        )


class WrittenCritics:
    """`TwinCritics`: both values as functions of the parameters, the smaller one of the actions."""

    def __init__(self, critics: TwinCritics, vector: ParameterVector) -> None:
        self._vector = vector
        self._passes = kept(partial(critic_passes, critics, vector))

    def __call__(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        passes = self._passes(len(observations))
        return _of_parameters(
            self._vector,
            lambda: passes.forward(observations, actions),
            passes.train,
            passes.outputs,
        )

    def smaller(self, observations: Tensor, actions: Tensor) -> Tensor:
        passes = self._passes(len(observations))

        def backward(grad_smaller: Tensor) -> tuple[Tensor]:
            return (passes.gradient_of_smaller(grad_smaller)[:, observations.shape[1] :],)

        return differentiable(
            lambda: passes.smaller(observations, actions), backward, [actions], passes.outputs
        )


class WrittenDynamics:
    """`GaussianDynamics`: the prediction as a function of the parameters."""

    def __init__(self, model: GaussianDynamics, vector: ParameterVector) -> None:
        self._vector = vector
        self.passes = kept(partial(DynamicsPass, model, vector))

    def __call__(self, observations: Tensor, actions: Tensor) -> Prediction:
        passes = self.passes(len(observations))
        mean, log_std = _of_parameters(
            self._vector,
            lambda: passes.forward(observations, actions),
            passes.train,
            [passes.heads],
        )
        return Prediction(observations, mean, log_std)


def _of_parameters(
    vector: ParameterVector,
    forward: Callable[[], Any],
    train: Callable[..., None],
    buffers: Sequence[Tensor],
) -> Any:
    """The outputs of `forward` as a function of the vector, whose gradients `train` fills."""

    def backward(*gradients: Tensor) -> tuple[Tensor]:
        train(*gradients)
        return (vector.gradients,)

    return differentiable(forward, backward, [vector.values], buffers)


class PolicyPass:
    """Reparameterised actions (rows, m) and log-probabilities (rows,) of an actor."""

    def __init__(self, actor: Actor, trained: ParameterVector | None, rows: int) -> None:
        self._actor = actor
        heads = [actor.mean_head, actor.log_std_head]
        self._observations = actor.mean_head.weight.new_empty(rows, actor.observation_size)
        self._pass = Pass(actor.hidden, heads, self._observations, trained=trained)
        self.heads = self._pass.outputs
        self._mean, self._log_std_head = self.heads.chunk(2, 1)
        self._grad_heads = torch.empty_like(self.heads)
        self._grad_mean, self._grad_log_std = self._grad_heads.chunk(2, 1)

    def forward(self, observations: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """For observations (rows, n) and noise (rows, m)."""
        self._observations.copy_(observations)
        self._pass.forward()
        log_std = clamped(self._log_std_head)
        self._last = noise, log_std
        return self._actor.squash(self._mean, log_std, noise)

    def train(self, grad_actions: Tensor, grad_log_probabilities: Tensor) -> None:
        """Gradients of the parameters, from those of actions and log-probabilities."""
        self._pass.train(self._through_squashing(grad_actions, grad_log_probabilities))

    def input_gradient(self, grad_actions: Tensor, grad_log_probabilities: Tensor) -> Tensor:
        """Gradient with respect to the observations."""
        return self._pass.input_gradient(
            self._through_squashing(grad_actions, grad_log_probabilities)
        )

    def _through_squashing(self, grad_actions: Tensor, grad_log_probabilities: Tensor) -> Tensor:
        """Gradient of both heads (rows, 2 m); the derivative of `Actor.squash`."""
        noise, log_std = self._last
        spread = torch.exp(log_std).mul_(noise)
        tanh = torch.add(self._mean, spread).div_(self._actor.half_range).tanh_()
        grad_density = grad_log_probabilities.unsqueeze(-1)
        # da/dz = 1 - tanh², d log π/dz = 2 tanh / h.
        grad_z = torch.addcmul(grad_actions, grad_actions, tanh * tanh, value=-1)
        grad_z.addcmul_(grad_density, tanh.div_(self._actor.half_range), value=2)
        self._grad_mean.copy_(grad_z)
        torch.sub(grad_z.mul_(spread), grad_density, out=self._grad_log_std)
        self._grad_log_std.mul_(self._log_std_head == log_std)
        return self._grad_heads


def critic_passes(
    critics: TwinCritics, trained: ParameterVector | None, rows: int
) -> "CriticPasses | StackedCritics":
    """Passes of both critics: one after the other, or together where that is faster."""
    made = StackedCritics if few_kernels(critics.first.output.weight) else CriticPasses
    return made(critics, trained, rows)


class CriticPasses:
    """Q1 and Q2 (rows,) of observations (rows, n) and actions (rows, m)."""

    def __init__(self, critics: TwinCritics, trained: ParameterVector | None, rows: int) -> None:
        self._inputs = critics.first.output.weight.new_empty(rows, critics.first.input_size)
        self._passes = [
            Pass(critic.hidden, [critic.output], self._inputs, trained=trained)
            for critic in critics
        ]
        self.outputs = [each.outputs for each in self._passes]

    def forward(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        torch.cat([observations, actions], 1, out=self._inputs)
        first, second = (each.forward()[:, 0] for each in self._passes)
        return first, second

    def train(self, *gradients: Tensor) -> None:
        """Gradients of both critics' parameters, from those of their values (rows,)."""
        for each, gradient in zip(self._passes, gradients, strict=True):
            each.train(gradient.unsqueeze(1))

    def smaller(self, observations: Tensor, actions: Tensor) -> Tensor:
        """min(Q1, Q2) (rows,)."""
        self._values = self.forward(observations, actions)
        return torch.minimum(*self._values)

    def gradient_of_smaller(self, gradient: Tensor) -> Tensor:
        """Gradient of `smaller` by the inputs (rows, n + m): in each row that of one critic."""
        first, second = self._values
        is_first = first <= second
        found = torch.empty_like(self._inputs)
        for each, chosen in zip(self._passes, (is_first, ~is_first), strict=True):
            rows = chosen.nonzero()[:, 0]
            part = gradient.index_select(0, rows).unsqueeze(1)
            found.index_copy_(0, rows, each.input_gradient_on(rows, part))
        return found


class StackedCritics:
    """`CriticPasses` with both critics in one product per layer, and no row count read back."""

    def __init__(self, critics: TwinCritics, trained: ParameterVector | None, rows: int) -> None:
        self._inputs = critics.first.output.weight.new_empty(rows, critics.first.input_size)
        first, second = (
            [each for each in critic.modules() if isinstance(each, nn.Linear)] for critic in critics
        )
        self._pass = StackedPass((first, second), self._inputs, trained)
        self.outputs = [self._pass.outputs]

    def forward(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        torch.cat([observations, actions], 1, out=self._inputs)
        first, second = self._pass.forward()
        return first, second

    def train(self, *gradients: Tensor) -> None:
        self._pass.train(torch.stack(gradients))

    def smaller(self, observations: Tensor, actions: Tensor) -> Tensor:
        self._values = self.forward(observations, actions)
        return torch.minimum(*self._values)

    def gradient_of_smaller(self, gradient: Tensor) -> Tensor:
        first, second = self._values
        is_first = first <= second
        parts = torch.where(torch.stack([is_first, ~is_first]), gradient, 0.0)
        return self._pass.input_gradient(parts)


class SoftValuePass:
    """min(Q1, Q2)(s, a) - temperature log π(a|s) (rows,), and its slope in s."""

    def __init__(self, actor: Actor, critics: TwinCritics, rows: int) -> None:
        self._size = actor.observation_size
        self._policy = PolicyPass(actor, None, rows)
        self._critics = critic_passes(critics, None, rows)
        self._ones = actor.mean_head.weight.new_ones(rows)

    def forward(self, observations: Tensor, temperature: Tensor, noise: Tensor) -> Tensor:
        actions, log_probabilities = self._policy.forward(observations, noise)
        return self._critics.smaller(observations, actions) - temperature * log_probabilities

    def slope(self, temperature: Tensor) -> Tensor:
        """Gradient with respect to the observations (rows, n) of the last `forward`."""
        found = self._critics.gradient_of_smaller(self._ones)
        grad_states, grad_actions = found[:, : self._size], found[:, self._size :]
        return grad_states + self._policy.input_gradient(grad_actions, -temperature * self._ones)


class DynamicsPass:
    """A dynamics model's outputs for observations (rows, n) and actions (rows, m)."""

    def __init__(self, model: GaussianDynamics, trained: ParameterVector, rows: int) -> None:
        sizes = [model.observation_size, model.action_size]
        inputs = trained.values.new_empty(rows, sum(sizes))
        self._inputs = inputs.split(sizes, 1)
        heads = [model.mean_head, model.log_std_head]
        self._pass = Pass(model.hidden, heads, inputs, swish=True, trained=trained)
        self.heads = self._pass.outputs

    def forward(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation (rows, n)."""
        for target, given in zip(self._inputs, (observations, actions), strict=True):
            target.copy_(given)
        mean, log_std_head = self._pass.forward().chunk(2, 1)
        log_std, self._slope = bounded_and_slope(log_std_head)
        return mean, log_std

    def train(self, grad_mean: Tensor, grad_log_std: Tensor) -> None:
        """Gradients of the parameters, from those of the outputs."""
        self._pass.train(torch.cat([grad_mean, self._slope * grad_log_std], 1))

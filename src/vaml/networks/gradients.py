"""What training differentiates: policy, critics, value functions and dynamics model.

Each gives the numbers and gradients of its module, by passes that are written out, over a fixed
number of rows; tests hold them to autograd's. What stays small is left to autograd itself.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from vaml.networks.actor_critic import Actor, Critic, clamped
from vaml.networks.dynamics import GaussianDynamics, Prediction, bounded_and_slope
from vaml.networks.passes import ParameterVector, Pass

Made = TypeVar("Made")


def kept(make: Callable[[int], Made], device: torch.device) -> Callable[[int], Made]:
    """Passes by their number of rows, made when first asked for; each has buffers of its own.

    The last few are kept; on a GPU all are, as a captured graph uses buffers without owning them.
    """
    return lru_cache(None if device.type == "cuda" else 4)(make)


def slope_needed(observations: Tensor) -> bool:
    """Whether autograd will ask for the gradient in the observations."""
    return torch.is_grad_enabled() and observations.requires_grad


class WithGradient(Function):
    """Values (...,) for autograd, as a function of inputs (..., n) with these gradients."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, values: Tensor, gradients: Tensor) -> Tensor:
        ctx.save_for_backward(gradients)
        return values

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_values: Tensor
    ) -> tuple[Tensor, None, None]:
        (gradients,) = ctx.saved_tensors
        return grad_values[0].unsqueeze(-1) * gradients, None, None


class CriticPasses:
    """Q1 and Q2 (rows,) on inputs (rows, n + m), observations and actions."""

    def __init__(
        self, critics: tuple[Critic, Critic], inputs: Tensor, trained: ParameterVector | None = None
    ) -> None:
        self._passes = [
            Pass(critic.hidden, [critic.output], inputs, trained=trained) for critic in critics
        ]
        self.inputs = inputs

    def forward(self) -> tuple[Tensor, Tensor]:
        first, second = (each.forward()[:, 0] for each in self._passes)
        return first, second

    def train(self, *gradients: Tensor) -> None:
        """Gradients of both critics' parameters, from those of their values (rows,)."""
        for each, gradient in zip(self._passes, gradients, strict=True):
            each.train(gradient.unsqueeze(1))

    def smaller(self) -> Tensor:
        """min(Q1, Q2) (rows,)."""
        self._values = self.forward()
        return torch.minimum(*self._values)

    def gradient_of_smaller(self, gradient: Tensor) -> Tensor:
        """Gradient with respect to the inputs, of `smaller` (rows,): each row has one critic's."""
        if self.inputs.is_cuda:
            return self._by_masks(gradient)
        first, second = self._values
        is_first = first <= second
        found = torch.empty_like(self.inputs)
        for each, chosen in zip(self._passes, (is_first, ~is_first), strict=True):
            rows = chosen.nonzero()[:, 0]
            part = gradient.index_select(0, rows).unsqueeze(1)
            found.index_copy_(0, rows, each.input_gradient_on(rows, part))
        return found

    def _by_masks(self, gradient: Tensor) -> Tensor:
        """The same through both critics: how many rows each has is not read back from a device."""
        first, second = self._values
        is_first = first <= second
        one, other = (
            each.input_gradient(torch.where(chosen, gradient, 0.0).unsqueeze(1))
            for each, chosen in zip(self._passes, (is_first, ~is_first), strict=True)
        )
        return one + other


class PolicyPass:
    """Reparameterised actions (rows, m) and log-probabilities (rows,) of an actor."""

    def __init__(
        self, actor: Actor, observations: Tensor, trained: ParameterVector | None = None
    ) -> None:
        self._actor = actor
        heads = [actor.mean_head, actor.log_std_head]
        self._pass = Pass(actor.hidden, heads, observations, trained=trained)
        self._mean, self._log_std_head = self._pass.outputs.chunk(2, 1)
        self._of_heads = torch.empty_like(self._pass.outputs)
        self._of_mean, self._of_log_std = self._of_heads.chunk(2, 1)

    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """For the present observations and this noise (rows, m)."""
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
        self._of_mean.copy_(grad_z)
        torch.sub(grad_z.mul_(spread), grad_density, out=self._of_log_std)
        self._of_log_std.mul_(self._log_std_head == log_std)
        return self._of_heads


class SoftValuePass:
    """min(Q1, Q2)(s, a) - temperature log π(a|s) (rows,), and its slope in s."""

    def __init__(self, actor: Actor, critics: tuple[Critic, Critic], rows: int) -> None:
        self._size = actor.observation_size
        inputs = actor.centre.new_empty(rows, self._size + len(actor.centre))
        self._observations, self._actions = inputs.split([self._size, len(actor.centre)], 1)
        self._states = self._observations.contiguous()
        self._policy = PolicyPass(actor, self._states)
        self._critics = CriticPasses(critics, inputs)
        self._ones = inputs.new_ones(rows)

    def forward(self, observations: Tensor, temperature: Tensor, noise: Tensor) -> Tensor:
        self._states.copy_(observations)
        self._observations.copy_(observations)
        actions, log_probabilities = self._policy.forward(noise)
        self._actions.copy_(actions)
        return self._critics.smaller() - temperature * log_probabilities

    def slope(self, temperature: Tensor) -> Tensor:
        """Gradient in the observations (rows, n) at the last call."""
        found = self._critics.gradient_of_smaller(self._ones)
        grad_states, grad_actions = found[:, : self._size], found[:, self._size :]
        return grad_states + self._policy.input_gradient(grad_actions, -temperature * self._ones)


class DynamicsPass:
    """A dynamics model's prediction for its inputs (rows, n + m), observations and actions."""

    def __init__(self, model: GaussianDynamics, trained: ParameterVector, rows: int) -> None:
        sizes = [model.observation_size, model.action_size]
        inputs = trained.values.new_empty(rows, sum(sizes))
        self._inputs = inputs.split(sizes, 1)
        heads = [model.mean_head, model.log_std_head]
        self._pass = Pass(model.hidden, heads, inputs, swish=True, trained=trained)
        self._mean, self._log_std_head = self._pass.outputs.chunk(2, 1)

    def forward(self, observations: Tensor, actions: Tensor) -> Prediction:
        """For observations (rows, n) and actions (rows, m)."""
        for target, given in zip(self._inputs, (observations, actions), strict=True):
            target.copy_(given)
        self._pass.forward()
        log_std, self._slope = bounded_and_slope(self._log_std_head)
        return Prediction(observations, self._mean, log_std)

    def train(self, grad_mean: Tensor, grad_log_std: Tensor) -> None:
        """Gradients of the parameters, from those of the prediction's mean and log_std."""
        self._pass.train(torch.cat([grad_mean, self._slope * grad_log_std], 1))

"""Losses and Bellman targets of soft actor-critic, model-free and model-based."""

import torch
from torch import Tensor
from torch.nn import functional


def bellman_target(
    rewards: Tensor, terminated: Tensor, next_values: Tensor, discount: float
) -> Tensor:
    """r + γ (1 - terminated) V(s'), eq. (1) at a sampled s', elementwise; arguments broadcast.

    `terminated` is the environment's own ending and never a time limit. Terminal values are
    masked, not multiplied by zero: V may be non-finite where a model predicts a non-finite state.
    """
    return rewards + discount * torch.where(terminated, 0.0, next_values)


def model_target(
    rewards: Tensor, terminated: Tensor, next_values: Tensor, discount: float
) -> Tensor:
    """Critic target of eq. (7): the mean over the K model samples of the Bellman target.

    Arguments are (K, batch), the rewards broadcastable to it; the result is (batch,).
    """
    return bellman_target(rewards, terminated, next_values, discount).mean(0)


def critic_loss(values: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
    """Sum over the two critics of the batch-mean squared error, eq. (3); no factor ½."""
    first, second = values
    return functional.mse_loss(first, targets) + functional.mse_loss(second, targets)


def actor_loss(smaller_values: Tensor, log_probabilities: Tensor, temperature: Tensor) -> Tensor:
    """Policy improvement, eq. (2), as a loss: -mean[min(Q1, Q2)(s, a) - temperature log π(a|s)].

    The actions a ~ π(·|s) are reparameterised. Arguments are (batch,), the temperature a scalar.
    """
    return (temperature * log_probabilities - smaller_values).mean()


def temperature_loss(
    log_temperature: Tensor, log_probabilities: Tensor, target_entropy: float
) -> Tensor:
    """mean[temperature (-log π(a|s) - target entropy)]; the policy is held fixed."""
    surplus = (-log_probabilities - target_entropy).detach().mean()
    return log_temperature.exp() * surplus

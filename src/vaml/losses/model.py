"""Losses of model learning: maximum likelihood, the paper's VAML, the table of losses, eq. (10)."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vaml.config.fields import by_name
from vaml.config.objectives import Objective
from vaml.losses.regression import mse
from vaml.losses.value_aware import vagram, vaml_debiased, vaml_exact, vaml_score_function
from vaml.networks.dynamics import Prediction
from vaml.networks.value import RandomValue, Value


def nll(prediction: Prediction, next_observations: Tensor) -> Tensor:
    """Batch mean of the negative log-likelihood, eq. (6), constants included (nats)."""
    return prediction.nll(next_observations).mean()


def nll_and_gradients(
    prediction: Prediction, next_observations: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """`nll`, and its gradients in the prediction's mean and log_std, written out.

    Autograd's bookkeeping takes longer than the rest of a maximum-likelihood step.
    """
    inverse_std = torch.exp(-prediction.log_std)
    standardised = (next_observations - prediction.observations - prediction.mean) * inverse_std
    squares = standardised.square()
    rows, size = squares.shape
    loss = (0.5 * squares + prediction.log_std).sum() / rows + 0.5 * size * math.log(2 * math.pi)
    of_mean = standardised.mul_(inverse_std).mul_(-1 / rows)
    return loss, (of_mean, (1 - squares).mul_(1 / rows))


def vaml(
    prediction: Prediction,
    next_observations: Tensor,
    value: Value,
    samples: int,
    generator: torch.Generator,
) -> Tensor:
    """Value-aware loss: batch mean of ½ (V(s') - mean over K samples of V(ŝ'))², eq. (9).

    Pathwise in the model's parameters. A stochastic V draws afresh for s' and for every ŝ'. All
    rows count alike: V is not zeroed at terminal states.

    Differs from eq. (9) by the factor ½, as in the authors' loss and figures; and the K-sample
    mean adds Var[V(ŝ')] / (2K) to its expectation.
    """
    with torch.no_grad():
        targets = value(next_observations, generator)
    predicted = value(prediction.sample(samples, generator), generator).mean(0)
    return 0.5 * (targets - predicted).square().mean()


class LossInput(NamedTuple):
    """What a loss may be computed from; each takes what it needs.

    samples: K. truth: the distribution of s', known in the artificial environment alone.
    """

    prediction: Prediction
    next_observations: Tensor
    value: Value
    samples: int
    generator: torch.Generator
    truth: Prediction | None


def _with_truth(given: LossInput) -> Tensor:
    if given.truth is None or not isinstance(given.value, RandomValue):
        raise TypeError("vaml_exact: needs the true dynamics and a RandomValue")
    return vaml_exact(given.prediction, given.truth, given.value)


# The losses that a config may name; docs/extending.md tells how to add one.
LOSSES: dict[str, Callable[[LossInput], Tensor]] = by_name(
    {
        "vaml": lambda given: vaml(*given[:5]),
        "vaml_debiased": lambda given: vaml_debiased(*given[:5]),
        "vaml_exact": _with_truth,
        "vaml_score_function": lambda given: vaml_score_function(*given[:5]),
        "vagram": lambda given: vagram(
            given.prediction, given.next_observations, given.value, given.generator
        ),
        "mse": lambda given: mse(given.prediction, given.next_observations),
    }
)


def model_loss(
    prediction: Prediction,
    next_observations: Tensor,
    value: Value,
    objective: Objective,
    mle_coefficient: float,
    generator: torch.Generator,
    truth: Prediction | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """c * NLL + (1 - c) * loss, eq. (10): a scalar, and its terms by name.

    A term with weight 0 is not computed. The coefficient c stands apart from the objective
    because experiment C lets it decay. truth: for `vaml_exact`, the distribution of s'.
    """
    terms: dict[str, Tensor] = {}
    total = torch.zeros(())
    if mle_coefficient > 0:
        terms["nll"] = nll(prediction, next_observations)
        total = total + mle_coefficient * terms["nll"]
    if mle_coefficient < 1:
        given = LossInput(
            prediction, next_observations, value, objective.model_samples, generator, truth
        )
        terms[objective.loss] = LOSSES[objective.loss](given)
        total = total + (1 - mle_coefficient) * terms[objective.loss]
    return total, terms


def model_loss_and_gradients(
    prediction: Prediction,
    next_observations: Tensor,
    value: Value,
    objective: Objective,
    mle_coefficient: float,
    generator: torch.Generator,
    truth: Prediction | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """`model_loss`, and its gradients in the prediction's mean and log_std (batch, n).

    A loss that leaves the standard deviation out has gradient 0 there.
    """
    if mle_coefficient == 1:
        return nll_and_gradients(prediction, next_observations)
    leaves = [field.detach().requires_grad_() for field in prediction[1:]]
    with torch.enable_grad():
        loss, _ = model_loss(
            Prediction(prediction.observations, *leaves),
            next_observations,
            value,
            objective,
            mle_coefficient,
            generator,
            truth,
        )
    of_mean, of_log_std = torch.autograd.grad(loss, leaves, materialize_grads=True)
    return loss.detach(), (of_mean, of_log_std)


def action_sampling_floor(
    value: Value, next_observations: Tensor, samples: int, generator: torch.Generator
) -> Tensor:
    """What the value-aware loss would be if the model returned s' itself.

    ½ Var[V(s')] (1 + 1/K) over V's own randomness (the sampled action), from two draws per state.
    """
    difference = value(next_observations, generator) - value(next_observations, generator)
    return 0.25 * (1 + 1 / samples) * difference.square().mean()

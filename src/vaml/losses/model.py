"""Losses of model learning: maximum likelihood, value-aware, and their mixture."""

from collections.abc import Callable

import torch
from torch import Tensor

from vaml.networks.dynamics import Prediction
from vaml.networks.value import Value
from vaml.study.objectives import Objective


def nll(prediction: Prediction, next_observations: Tensor) -> Tensor:
    """Batch mean of the negative log-likelihood, eq. (6), constants included (nats)."""
    return prediction.nll(next_observations).mean()


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


ValueLoss = Callable[[Prediction, Tensor, Value, int, torch.Generator], Tensor]

LOSSES: dict[str, ValueLoss] = {"vaml": vaml}


def model_loss(
    prediction: Prediction,
    next_observations: Tensor,
    value: Value,
    objective: Objective,
    mle_coefficient: float,
    generator: torch.Generator,
) -> tuple[Tensor, dict[str, Tensor]]:
    """c * NLL + (1 - c) * loss, eq. (10): a scalar, and its terms by name.

    A term with weight 0 is not computed. The coefficient c stands apart from the objective
    because experiment C lets it decay.
    """
    terms: dict[str, Tensor] = {}
    total = torch.zeros(())
    if mle_coefficient > 0:
        terms["nll"] = nll(prediction, next_observations)
        total = total + mle_coefficient * terms["nll"]
    if mle_coefficient < 1:
        terms[objective.loss] = LOSSES[objective.loss](
            prediction, next_observations, value, objective.model_samples, generator
        )
        total = total + (1 - mle_coefficient) * terms[objective.loss]
    return total, terms


def action_sampling_floor(
    value: Value, next_observations: Tensor, samples: int, generator: torch.Generator
) -> Tensor:
    """What the value-aware loss would be if the model returned s' itself.

    ½ Var[V(s')] (1 + 1/K) over V's own randomness (the sampled action), from two draws per state.
    """
    difference = value(next_observations, generator) - value(next_observations, generator)
    return 0.25 * (1 + 1 / samples) * difference.square().mean()

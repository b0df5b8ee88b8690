"""The objective of a dynamics model, eq. (10): the likelihood and one loss of the table."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vaml.config.fields import by_name
from vaml.config.objectives import Objective
from vaml.losses.likelihood import kl, nll
from vaml.losses.regression import mse
from vaml.losses.value_aware import (
    vagram,
    vaml,
    vaml_debiased,
    vaml_exact,
    vaml_noisy_samples,
    vaml_noisy_targets,
    vaml_score_function,
)
from vaml.networks.dynamics import Prediction
from vaml.networks.value import RandomValue, Value


class LossInput(NamedTuple):
    """The quantities that a loss may use; each takes those that it needs.

    samples: K. truth: the distribution of s', known in the artificial environment alone.
    """

    prediction: Prediction
    next_observations: Tensor
    value: Value
    samples: int
    generator: torch.Generator
    truth: Prediction | None


def _truth_and_value(given: LossInput) -> tuple[Prediction, RandomValue]:
    if given.truth is None or not isinstance(given.value, RandomValue):
        raise TypeError("this loss needs the true dynamics and a RandomValue")
    return given.truth, given.value


def _sampled(loss: Callable[..., Tensor]) -> Callable[[LossInput], Tensor]:
    """A loss that draws K samples of the model."""
    return lambda given: loss(
        given.prediction, given.next_observations, given.value, given.samples, given.generator
    )


# The losses that a config may name; docs/extending.md tells how to add one.
LOSSES: dict[str, Callable[[LossInput], Tensor]] = by_name(
    {
        "vaml": _sampled(vaml),
        "vaml_debiased": _sampled(vaml_debiased),
        "vaml_exact": lambda given: vaml_exact(given.prediction, *_truth_and_value(given)),
        "vaml_noisy_samples": lambda given: vaml_noisy_samples(
            given.prediction, *_truth_and_value(given), given.samples, given.generator
        ),
        "vaml_noisy_targets": lambda given: vaml_noisy_targets(
            given.prediction, given.next_observations, _truth_and_value(given)[1]
        ),
        "vaml_score_function": _sampled(vaml_score_function),
        "vagram": lambda given: vagram(
            given.prediction, given.next_observations, given.value, given.generator
        ),
        "mse": lambda given: mse(given.prediction, given.next_observations),
        "kl": lambda given: kl(given.prediction, _truth_and_value(given)[0]),
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
    because experiment C lets it decay. truth: the distribution of s', for the losses of
    NEED_TRUTH.
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

"""Metrics of a dynamics model on given transitions."""

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor

from vaml.algorithms.model_diagnostics import gradient_parts, slopes, spread
from vaml.config.objectives import Objective
from vaml.data.transitions import Transitions
from vaml.losses.value_aware import action_sampling_floor, vaml
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import Value
from vaml.seeding import Streams

Metrics = dict[str, float]

# Noise this small changes no single-precision number above 10: such a model is deterministic.
COLLAPSED_SIGMA = 1e-6
# Values drawn per transition for the parts of an error on a snapshot.
DECOMPOSITION_DRAWS = 20
# Number of test rows for a fit's diagnostics.
DIAGNOSTIC_ROWS = 1024


@torch.no_grad()
def batch_means(
    transitions: Transitions,
    batch_size: int,
    measure: Callable[[Transitions], dict[str, Tensor]],
) -> Metrics:
    """Means over batches, each batch with the same weight (also the shorter last one)."""
    measured = [measure(batch) for batch in transitions.batches(batch_size)]
    return {
        name: total([numbers[name] for numbers in measured]) / len(measured) for name in measured[0]
    }


def total(numbers: Sequence[Tensor]) -> float:
    """Sum of scalars, in their order and in double precision, read back from the device once."""
    return reduce(operator.add, torch.stack(list(numbers)).tolist(), 0.0)


def model_metrics(
    model: GaussianDynamics,
    transitions: Transitions,
    value: Value,
    samples: int,
    batch_size: int,
    generator: torch.Generator,
) -> Metrics:
    """Metrics of a model on these transitions.

    value_aware_error: ½ (V(s') - K-sample mean of V(ŝ'))², the quantity of the paper's figures.
    eq9_error: twice that, eq. (9) as printed. nll: nats per transition. sigma_l1 and mean_l1: L1
    norms, over the state's dimensions, of the model's standard deviation and mean residual.
    sigma_collapsed: share of the standard deviations below COLLAPSED_SIGMA.
    """

    def measure(batch: Transitions) -> dict[str, Tensor]:
        prediction = model(batch.observations, batch.actions)
        return {
            "value_aware_error": vaml(
                prediction, batch.next_observations, value, samples, generator
            ),
            "nll": prediction.nll(batch.next_observations).mean(),
            "sigma_l1": prediction.log_std.exp().sum(-1).mean(),
            "mean_l1": prediction.mean.abs().sum(-1).mean(),
            "sigma_collapsed": (prediction.log_std < math.log(COLLAPSED_SIGMA)).float().mean(),
        }

    metrics = batch_means(transitions, batch_size, measure)
    return {**metrics, "eq9_error": 2 * metrics["value_aware_error"]}


def snapshot_metrics(
    model: GaussianDynamics,
    test: Transitions,
    value: Value,
    next_value: Value | None,
    objective: Objective,
    batch_size: int,
    streams: Streams,
) -> Metrics:
    """Test metrics of a fit to a snapshot, the share of V's sampled action, and the error's parts.

    next_value: the value function of the following snapshot, if there is one. It gives
    next_value_aware_error, the model's error for SAC's later value function, and
    next_value_variance, the variance of that function at s' over the transitions. The numbers of
    model_diagnostics are those of the first DIAGNOSTIC_ROWS test rows.
    """
    generator = torch.Generator().manual_seed(streams.seed("test_metrics"))
    samples = objective.model_samples
    metrics = model_metrics(model, test, value, samples, batch_size, generator)
    metrics |= floor_metrics(test, value, samples, batch_size, generator)
    generator = torch.Generator().manual_seed(streams.seed("decomposition"))
    metrics |= decomposition(model, test, value, samples, batch_size, generator)
    if next_value is not None:
        generator = torch.Generator().manual_seed(streams.seed("next_value"))
        metrics |= later_metrics(model, test, next_value, samples, batch_size, generator)
    few = test.first(DIAGNOSTIC_ROWS)
    prediction = model(few.observations, few.actions)
    seeds = streams.seed("diagnostics", "samples"), streams.seed("diagnostics", "slopes")
    generator = torch.Generator().manual_seed(streams.seed("diagnostics", "gradients"))
    return {
        **metrics,
        **spread(prediction, few.next_observations),
        **slopes(value, prediction, few.next_observations, seeds),
        **gradient_parts(model, few, value, objective, objective.mle_coefficient, generator),
    }


def later_metrics(
    model: GaussianDynamics,
    transitions: Transitions,
    value: Value,
    samples: int,
    batch_size: int,
    generator: torch.Generator,
) -> Metrics:
    """next_value_aware_error and next_value_variance of `snapshot_metrics`."""

    def measure(batch: Transitions) -> dict[str, Tensor]:
        prediction = model(batch.observations, batch.actions)
        error = vaml(prediction, batch.next_observations, value, samples, generator)
        values = value(batch.next_observations, generator).double()
        return {"next_value_aware_error": error, **_moments(values)}

    metrics = batch_means(transitions, batch_size, measure)
    return {"next_value_variance": _variance(metrics), **metrics}


def floor_metrics(
    transitions: Transitions,
    value: Value,
    samples: int,
    batch_size: int,
    generator: torch.Generator,
) -> Metrics:
    """action_sampling_floor: the value-aware error of a model that returns s' itself."""
    return batch_means(
        transitions,
        batch_size,
        lambda batch: {
            "action_sampling_floor": action_sampling_floor(
                value, batch.next_observations, samples, generator
            )
        },
    )


def refit_metrics(
    model: GaussianDynamics,
    transitions: Transitions,
    value: Value,
    samples: int,
    batch_size: int,
    generator: torch.Generator,
) -> Metrics:
    """`model_metrics`, the floor, and the parts of the error, for an agent's many refits.

    model_variance_term and squared_bias as in `decomposition`, but from two draws per transition:
    E[value_aware_error] less the model's and V's own sampling, and so perhaps negative.
    """
    metrics = model_metrics(model, transitions, value, samples, batch_size, generator)
    metrics |= floor_metrics(transitions, value, samples, batch_size, generator)

    def measure(batch: Transitions) -> dict[str, Tensor]:
        drawn = model(batch.observations, batch.actions).sample(2, generator)
        first, second = value(drawn, generator)
        return {"model_variance_term": 0.25 * (first - second).square().mean() / samples}

    metrics |= batch_means(transitions, batch_size, measure)
    target_variance_term = metrics["action_sampling_floor"] / (1 + 1 / samples)
    without_model = metrics["value_aware_error"] - metrics["model_variance_term"]
    return {**metrics, "squared_bias": without_model - target_variance_term}


def decomposition(
    model: GaussianDynamics,
    transitions: Transitions,
    value: Value,
    samples: int,
    batch_size: int,
    generator: torch.Generator,
) -> Metrics:
    """Stateful of value_aware_error's expectation, by sampling, where s' is known but V is random.

    squared_bias: ½ (E[V(s')] - E[V(ŝ')])², without bias, and so perhaps negative where it is small.
    model_variance_term: ½ Var[V(ŝ')] / K. target_variance_term: ½ Var[V(s')] over V's own draws.
    The three sum up to the error that value_aware_error estimates. value_variance: Var[E[V(s')]]
    over the transitions. normalised_error: 2 squared_bias / value_variance, the share of that
    variance that the model does not explain.
    """

    def measure(batch: Transitions) -> dict[str, Tensor]:
        prediction = model(batch.observations, batch.actions)
        repeated = batch.next_observations.expand(DECOMPOSITION_DRAWS, -1, -1)
        targets = value(repeated, generator).double()
        values = value(prediction.sample(DECOMPOSITION_DRAWS, generator), generator).double()
        noise, model_noise = targets.var(0), values.var(0)
        bias = targets.mean(0) - values.mean(0)
        squared = bias.square() - (noise + model_noise) / DECOMPOSITION_DRAWS
        return {
            "squared_bias": 0.5 * squared.mean(),
            "model_variance_term": 0.5 * model_noise.mean() / samples,
            "target_variance_term": 0.5 * noise.mean(),
            **_moments(targets.mean(0)),
        }

    metrics = batch_means(transitions, batch_size, measure)
    metrics["value_variance"] = _variance(metrics)
    if metrics["value_variance"] > 0:
        metrics["normalised_error"] = 2 * metrics["squared_bias"] / metrics["value_variance"]
    return metrics


def _moments(values: Tensor) -> dict[str, Tensor]:
    return {"first_moment": values.mean(), "second_moment": values.square().mean()}


def _variance(metrics: Metrics) -> float:
    """Variance over all transitions, from the batch means of `_moments`, which it removes."""
    mean, square = metrics.pop("first_moment"), metrics.pop("second_moment")
    return max(square - mean**2, 0.0)

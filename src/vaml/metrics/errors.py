"""Metrics of a dynamics model on given transitions."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from vaml.config.objectives import Objective
from vaml.data.transitions import Transitions
from vaml.losses.value_aware import action_sampling_floor, vaml
from vaml.metrics.error_tails import mean_prediction_error, transition_metrics
from vaml.metrics.model_diagnostics import gradient_parts, slopes, spread
from vaml.metrics.model_test import DRAWS, Metrics, ModelTest
from vaml.networks.value import Value
from vaml.seeding import Streams

# About the spacing of single-precision numbers at 10: such a model counts as deterministic.
COLLAPSED_SIGMA = 1e-6
# Number of test rows for a fit's diagnostics.
DIAGNOSTIC_ROWS = 1024


def model_metrics(test: ModelTest, generator: torch.Generator) -> Metrics:
    """Metrics of a model on these transitions.

    value_aware_error: ½ (V(s') - K-sample mean of V(ŝ'))², the quantity of the paper's figures.
    eq9_error: twice that, eq. (9) as printed. nll: nats per transition. sigma_l1 and mean_l1: L1
    norms, over the state's dimensions, of the model's standard deviation and mean residual.
    sigma_collapsed: share of the standard deviations below COLLAPSED_SIGMA.
    """

    def measure(batch: Transitions) -> dict[str, Tensor]:
        prediction = test.predict(batch)
        return {
            "value_aware_error": vaml(
                prediction, batch.next_observations, test.value, test.samples, generator
            ),
            "nll": prediction.nll(batch.next_observations).mean(),
            "sigma_l1": prediction.log_std.exp().sum(-1).mean(),
            "mean_l1": prediction.mean.abs().sum(-1).mean(),
            "sigma_collapsed": (prediction.log_std < math.log(COLLAPSED_SIGMA)).float().mean(),
        }

    metrics = test.means(measure)
    return {**metrics, "eq9_error": 2 * metrics["value_aware_error"]}


def snapshot_metrics(
    test: ModelTest,
    terminal: np.ndarray,
    next_value: Value | None,
    objective: Objective,
    streams: Streams,
) -> Metrics:
    """Test metrics of a fit to a snapshot, the share of V's sampled action, and the error's parts.

    terminal: True for the transitions into a terminal state (N,), for `transition_metrics`.
    next_value: the value function of the following snapshot, if there is one. It gives
    next_value_aware_error, the model's error for SAC's later value function, and
    next_value_variance, the variance of that function at s' over the transitions. The numbers of
    model_diagnostics are those of the first DIAGNOSTIC_ROWS test rows.
    """

    def generator(*name: str) -> torch.Generator:
        return torch.Generator().manual_seed(streams.seed(*name))

    noise = generator("test_metrics")
    metrics = model_metrics(test, noise) | floor_metrics(test, noise)
    metrics |= decomposition(test, generator("decomposition"))
    if next_value is not None:
        metrics |= later_metrics(replace(test, value=next_value), generator("next_value"))
    few = test.transitions.first(DIAGNOSTIC_ROWS)
    prediction = test.predict(few)
    seeds = streams.seed("diagnostics", "samples"), streams.seed("diagnostics", "slopes")
    return {
        **metrics,
        **spread(prediction, few.next_observations),
        **slopes(test.value, prediction, few.next_observations, seeds),
        **gradient_parts(
            test.model,
            few,
            test.value,
            objective,
            objective.mle_coefficient,
            generator("diagnostics", "gradients"),
        ),
        **transition_metrics(test, terminal, generator("error_tails")),
        "mean_prediction_error": mean_prediction_error(test, generator("mean_prediction")),
    }


def later_metrics(test: ModelTest, generator: torch.Generator) -> Metrics:
    """next_value_aware_error and next_value_variance of `snapshot_metrics`, V being the next."""

    def measure(batch: Transitions) -> dict[str, Tensor]:
        prediction = test.predict(batch)
        error = vaml(prediction, batch.next_observations, test.value, test.samples, generator)
        values = test.value(batch.next_observations, generator).double()
        return {"next_value_aware_error": error, **_moments(values)}

    metrics = test.means(measure)
    return {"next_value_variance": _variance(metrics), **metrics}


def floor_metrics(test: ModelTest, generator: torch.Generator) -> Metrics:
    """action_sampling_floor: the value-aware error of a model that returns s' itself."""

    def measure(batch: Transitions) -> dict[str, Tensor]:
        floor = action_sampling_floor(test.value, batch.next_observations, test.samples, generator)
        return {"action_sampling_floor": floor}

    return test.means(measure)


def refit_metrics(test: ModelTest, generator: torch.Generator) -> Metrics:
    """`model_metrics`, the floor, and the parts of the error, for an agent's many refits.

    model_variance_term and squared_bias as in `decomposition`, but from two draws per transition:
    E[value_aware_error] less the model's and V's own sampling, and so perhaps negative.
    """
    metrics = model_metrics(test, generator) | floor_metrics(test, generator)

    def measure(batch: Transitions) -> dict[str, Tensor]:
        first, second = test.value(test.predict(batch).sample(2, generator), generator)
        return {"model_variance_term": 0.25 * (first - second).square().mean() / test.samples}

    metrics |= test.means(measure)
    target_variance_term = metrics["action_sampling_floor"] / (1 + 1 / test.samples)
    without_model = metrics["value_aware_error"] - metrics["model_variance_term"]
    return {**metrics, "squared_bias": without_model - target_variance_term}


def decomposition(test: ModelTest, generator: torch.Generator) -> Metrics:
    """Parts of value_aware_error's expectation, by sampling, where s' is known but V is random.

    squared_bias: ½ (E[V(s')] - E[V(ŝ')])², without bias, and so perhaps negative where it is small.
    model_variance_term: ½ Var[V(ŝ')] / K. target_variance_term: ½ Var[V(s')] over V's own draws.
    The three sum up to the error that value_aware_error estimates. value_variance: Var[E[V(s')]]
    over the transitions. normalised_error: 2 squared_bias / value_variance, the share of that
    variance that the model does not explain.
    """

    def measure(batch: Transitions) -> dict[str, Tensor]:
        prediction = test.predict(batch)
        repeated = batch.next_observations.expand(DRAWS, -1, -1)
        targets = test.value(repeated, generator).double()
        values = test.value(prediction.sample(DRAWS, generator), generator).double()
        noise, model_noise = targets.var(0), values.var(0)
        bias = targets.mean(0) - values.mean(0)
        squared = bias.square() - (noise + model_noise) / DRAWS
        return {
            "squared_bias": 0.5 * squared.mean(),
            "model_variance_term": 0.5 * model_noise.mean() / test.samples,
            "target_variance_term": 0.5 * noise.mean(),
            **_moments(targets.mean(0)),
        }

    metrics = test.means(measure)
    metrics["value_variance"] = _variance(metrics)
    if metrics["value_variance"] > 0:
        metrics["normalised_error"] = 2 * metrics["squared_bias"] / metrics["value_variance"]
    return metrics


def _moments(values: Tensor) -> dict[str, Tensor]:
    return {"first_moment": values.mean(), "second_moment": values.square().mean()}


def _variance(metrics: Metrics) -> float:
    """Variance over the transitions, from the batch means of `_moments`, which it removes."""
    mean, square = metrics.pop("first_moment"), metrics.pop("second_moment")
    return max(square - mean**2, 0.0)

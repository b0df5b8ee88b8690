"""Metrics that need the artificial environment: exact errors, and the distance from the truth."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vaml.data.transitions import Transitions
from vaml.losses.expected_value import expected_value
from vaml.losses.value_aware import vaml_exact
from vaml.metrics.errors import model_metrics
from vaml.metrics.model_diagnostics import spread
from vaml.metrics.model_test import Metrics, ModelTest
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue
from vaml.seeding import Streams

# Next states drawn per transition for variances without a closed form.
EXACT_DRAWS = 1000


@dataclass(frozen=True)
class SyntheticTest(ModelTest):
    """A model, and the true dynamics and value function of the artificial environment."""

    value: RandomValue
    truth: GaussianDynamics


def synthetic_metrics(test: SyntheticTest, streams: Streams) -> Metrics:
    """Test metrics of a fit, and its distance from the truth.

    mean_l1_error, sigma_l1_error: mean L1 distance, over the state's dimensions, between the two
    mean residuals and the two standard deviations. parameter_l2: distance between the parameters,
    where both have the same architecture. Also `spread` of the model's standard deviations.
    """
    model, truth, transitions = test.model, test.truth, test.transitions

    def distances(batch: Transitions) -> dict[str, Tensor]:
        predicted = test.predict(batch)
        true = truth(batch.observations, batch.actions)
        return {
            "mean_l1_error": (predicted.mean - true.mean).abs().sum(-1).mean(),
            "sigma_l1_error": (predicted.log_std.exp() - true.log_std.exp()).abs().sum(-1).mean(),
        }

    metrics = error_metrics(test, streams) | test.means(distances)
    metrics |= spread(test.predict(transitions), transitions.next_observations)
    if len(model.hidden) == len(truth.hidden):
        squares = [
            (mine.detach() - theirs).square().sum()
            for mine, theirs in zip(model.parameters(), truth.parameters(), strict=True)
        ]
        metrics["parameter_l2"] = float(torch.stack(squares).sum().sqrt())
    return metrics


def truth_metrics(test: SyntheticTest, streams: Streams) -> Metrics:
    """`error_metrics` of the true dynamics themselves, as a reference."""
    return error_metrics(replace(test, model=test.truth), streams)


def error_metrics(test: SyntheticTest, streams: Streams) -> Metrics:
    """`model_metrics` and `exact_metrics` under noise that all fits share."""
    noise = torch.Generator().manual_seed(streams.seed("test_metrics"))
    metrics = model_metrics(test, noise)
    noise = torch.Generator().manual_seed(streams.seed("exact_metrics"))
    return metrics | exact_metrics(test, noise)


def exact_metrics(test: SyntheticTest, generator: torch.Generator) -> Metrics:
    """The value-aware error without the noise of s', and what the K samples add to it.

    exact_error: ½ (E[V(s')] - E[V(ŝ')])² in closed form, half of eq. (8). skill: 1 less the ratio
    of exact_error to that of predicting no change; 1 is perfect, 0 no better than no change.
    model_variance_term: ½ Var[V(ŝ')] / K, by EXACT_DRAWS samples. value_aware_error_k1000: as
    value_aware_error, with that many samples. value_aware_error's expectation is exact_error +
    model_variance_term + noise_floor of `environment_metrics`.
    """
    value, truth = test.value, test.truth

    def measure(batch: Transitions) -> dict[str, Tensor]:
        prediction = test.predict(batch)
        draws = value(prediction.sample(EXACT_DRAWS, generator)).double()
        variance = (draws - expected_value(value, prediction)).square().mean()
        errors = value(batch.next_observations) - draws.mean(0)
        return {
            "exact_error": vaml_exact(prediction, truth(batch.observations, batch.actions), value),
            "model_variance_term": 0.5 * variance / test.samples,
            "value_aware_error_k1000": 0.5 * errors.square().mean(),
        }

    metrics = test.means(measure)
    no_change = no_change_error(test)
    if no_change > 0:
        metrics["skill"] = 1 - metrics["exact_error"] / no_change
    return metrics


def no_change_error(test: SyntheticTest) -> float:
    """The exact error of a model that predicts s' = s for certain: ½ (E[V(s')] - V(s))²."""

    def measure(batch: Transitions) -> dict[str, Tensor]:
        expected = expected_value(test.value, test.truth(batch.observations, batch.actions))
        return {"no_change": 0.5 * (expected - test.value(batch.observations)).square().mean()}

    return test.means(measure)["no_change"]


def environment_metrics(test: SyntheticTest, streams: Streams) -> Metrics:
    """Metrics of the data alone, the same for every model.

    noise_floor: ½ E[Var[V(s')]], a lower bound for every model. The variance has no closed form: it
    is the mean squared deviation of EXACT_DRAWS next states per transition from the exact mean;
    noise_floor_se is its standard error. no_change_error: see the function. state_rms: root mean
    square of the next states.
    """
    generator = torch.Generator().manual_seed(streams.seed("noise_floor"))

    def measure(batch: Transitions) -> dict[str, Tensor]:
        truth = test.truth(batch.observations, batch.actions)
        draws = test.value(truth.sample(EXACT_DRAWS, generator)).double()
        halves = 0.5 * (draws - expected_value(test.value, truth)).square()
        return {
            "noise_floor": halves.mean(),
            "squared_se": halves.var(0).sum() / EXACT_DRAWS / len(batch) ** 2,
            "square": batch.next_observations.double().square().mean(),
        }

    metrics = test.means(measure)
    batches = math.ceil(len(test.transitions) / test.batch_size)
    return {
        "noise_floor": metrics["noise_floor"],
        "noise_floor_se": math.sqrt(metrics["squared_se"] / batches),
        "no_change_error": no_change_error(test),
        "state_rms": math.sqrt(metrics["square"]),
    }

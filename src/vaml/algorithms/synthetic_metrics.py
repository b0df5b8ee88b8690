"""What only the artificial environment can tell: a model's distance from the true dynamics."""

import torch
from torch import Tensor

from vaml.algorithms.model_metrics import Metrics, batch_means, model_metrics
from vaml.data.transitions import Transitions
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import Value
from vaml.study.objectives import Objective
from vaml.study.seeding import Streams


def true_metrics(
    truth: GaussianDynamics,
    test: Transitions,
    value: Value,
    objective: Objective,
    batch_size: int,
    streams: Streams,
) -> Metrics:
    """The metrics that the true dynamics get on the test rows, under the fits' own test noise."""
    generator = torch.Generator().manual_seed(streams.seed("test_metrics"))
    return model_metrics(truth, test, value, objective.model_samples, batch_size, generator)


def synthetic_metrics(
    model: GaussianDynamics,
    truth: GaussianDynamics,
    test: Transitions,
    value: Value,
    objective: Objective,
    batch_size: int,
    streams: Streams,
) -> Metrics:
    """Test metrics of a fit, and its distance from the truth.

    mean_l1_error, sigma_l1_error: mean L1 distance, over the state's dimensions, between the two
    mean residuals and the two standard deviations. parameter_l2: distance between the parameters,
    where both have the same architecture.
    """

    def distances(batch: Transitions) -> dict[str, Tensor]:
        predicted = model(batch.observations, batch.actions)
        true = truth(batch.observations, batch.actions)
        return {
            "mean_l1_error": (predicted.mean - true.mean).abs().sum(-1).mean(),
            "sigma_l1_error": (predicted.log_std.exp() - true.log_std.exp()).abs().sum(-1).mean(),
        }

    metrics = true_metrics(model, test, value, objective, batch_size, streams)
    metrics |= batch_means(test, batch_size, distances)
    if len(model.hidden) == len(truth.hidden):
        squares = [
            (mine.detach() - theirs).square().sum()
            for mine, theirs in zip(model.parameters(), truth.parameters(), strict=True)
        ]
        metrics["parameter_l2"] = float(torch.stack(squares).sum().sqrt())
    return metrics

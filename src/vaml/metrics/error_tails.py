"""Whether all transitions make up a value-aware error, or only a few."""

import numpy as np
import torch

from vaml.metrics.model_test import Metrics, ModelTest

# Draws of V(s') and of V(ŝ') per transition, for the parts of an error on a snapshot.
DRAWS = 20
_TOP = 0.01  # of the transitions


def transition_metrics(test: ModelTest, generator: torch.Generator) -> Metrics:
    """Mean, median and largest of the transitions' `squared_errors`.

    transition_error_mean, transition_error_median; and the share of their total that the largest
    have: top_1_percent, rounded up to a whole number of transitions, and top_10.
    """
    return tail(squared_errors(test, generator))


def tail(errors: np.ndarray) -> Metrics:
    """`transition_metrics` of errors (N,), none below 0; without shares where all are 0."""
    metrics = {
        "transition_error_mean": float(errors.mean()),
        "transition_error_median": float(np.median(errors)),
    }
    largest = np.sort(errors)[::-1]
    if total := largest.sum():
        hundredth = int(np.ceil(_TOP * len(largest)))
        metrics["top_1_percent"] = float(largest[:hundredth].sum() / total)
        metrics["top_10"] = float(largest[:10].sum() / total)
    return metrics


@torch.no_grad()
def squared_errors(test: ModelTest, generator: torch.Generator) -> np.ndarray:
    """½ (V(s') - V(ŝ'))² per transition (N,), float64, each V a mean over DRAWS draws.

    V draws an action each time, and the model a next state. A transition without error therefore
    has, in expectation, a fortieth of the sum of the variances of V(s') and V(ŝ').
    """
    found = []
    for batch in test.transitions.batches(test.batch_size):
        repeated = batch.next_observations.expand(DRAWS, -1, -1)
        targets = test.value(repeated, generator)
        values = test.value(test.predict(batch).sample(DRAWS, generator), generator)
        found.append(0.5 * (targets.double().mean(0) - values.double().mean(0)).square())
    return torch.cat(found).cpu().numpy()

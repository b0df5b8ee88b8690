"""Which transitions make up a value-aware error: all of them, a few, or the terminal ones."""

import numpy as np
import torch
from torch import Tensor

from vaml.metrics.model_test import Metrics, ModelTest

# Draws of V(s') and of V(ŝ') per transition, for the parts of an error on a snapshot.
DRAWS = 20
_TOP = 0.01  # of the transitions


def transition_metrics(test: ModelTest, terminal: Tensor, generator: torch.Generator) -> Metrics:
    """Mean, median and largest of the transitions' `squared_errors`, and the terminal ones' part.

    transition_error_mean, transition_error_median. The share of their total that the largest have:
    top_1_percent, rounded up to a whole number of transitions, and top_10. terminal_rows: the share
    of the transitions that are terminal, `terminal` being True for them (N,); no target of the
    critics uses V there. terminal_share: their share of the total. lasting_error_mean: the mean
    over the others. A number that would be of nothing is left out.
    """
    return parts(squared_errors(test, generator), terminal.cpu().numpy())


def parts(errors: np.ndarray, terminal: np.ndarray) -> Metrics:
    """`transition_metrics` of errors (N,), none below 0."""
    metrics = {
        "transition_error_mean": float(errors.mean()),
        "transition_error_median": float(np.median(errors)),
        "terminal_rows": float(terminal.mean()),
    }
    if not terminal.all():
        metrics["lasting_error_mean"] = float(errors[~terminal].mean())
    largest = np.sort(errors)[::-1]
    if total := largest.sum():
        hundredth = int(np.ceil(_TOP * len(largest)))
        metrics["top_1_percent"] = float(largest[:hundredth].sum() / total)
        metrics["top_10"] = float(largest[:10].sum() / total)
        metrics["terminal_share"] = float(errors[terminal].sum() / total)
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

"""Spread of a value-aware error over the transitions: even, or on a few or the terminal ones."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vaml.metrics.model_diagnostics import value_slopes
from vaml.metrics.model_test import DRAWS, Metrics, ModelTest
from vaml.networks.dynamics import Prediction


def transition_metrics(
    test: ModelTest, terminal: np.ndarray, generator: torch.Generator
) -> Metrics:
    """Spread of the transitions' `squared_errors`, and which transitions the largest are of.

    terminal: True for transitions into a terminal state (N,); no target of the critics uses V
    there. `parts` says what the metrics are.
    """
    errors = squared_errors(test, generator)
    slopes = value_slopes(test.value, test.transitions.next_observations, generator)
    return parts(errors, terminal=terminal, residuals=residuals(test), slopes=slopes.cpu().numpy())


def parts(
    errors: np.ndarray, *, terminal: np.ndarray, residuals: np.ndarray, slopes: np.ndarray
) -> Metrics:
    """Measures of how errors, none below 0, are spread over transitions; all arrays (N,).

    transition_error_mean, transition_error_median; lasting_error_mean: the mean without the
    terminal transitions. top_1_percent and top_10: the share of the errors' total that the largest
    hundredth, rounded up, and the largest ten have. terminal_rows: the terminal transitions' share
    of the rows; terminal_share: of the total. top_residual: the median residual of the largest
    hundredth over the median of all; top_slope: the same of the slopes. A mean over no rows, and a
    ratio to 0, is left out.
    """
    metrics = {
        "transition_error_mean": float(errors.mean()),
        "transition_error_median": float(np.median(errors)),
        "terminal_rows": float(terminal.mean()),
    }
    if not terminal.all():
        metrics["lasting_error_mean"] = float(errors[~terminal].mean())
    largest = np.argsort(errors)[::-1]
    top = largest[: hundredth(len(largest))]
    if total := errors.sum():
        metrics["top_1_percent"] = float(errors[top].sum() / total)
        metrics["top_10"] = float(errors[largest[:10]].sum() / total)
        metrics["terminal_share"] = float(errors[terminal].sum() / total)
    for name, numbers in (("top_residual", residuals), ("top_slope", slopes)):
        if median := np.median(numbers):
            metrics[name] = float(np.median(numbers[top]) / median)
    return metrics


def hundredth(rows: int) -> int:
    """A hundredth of so many transitions, rounded up."""
    return int(np.ceil(0.01 * rows))


@torch.no_grad()
def residuals(test: ModelTest) -> np.ndarray:
    """Euclidean length of s' less its predicted mean, in units of the state (N,), float64."""
    found = []
    for batch in test.transitions.batches(test.batch_size):
        residual = test.predict(batch).residual(batch.next_observations)
        found.append(residual.double().norm(dim=-1))
    return torch.cat(found).cpu().numpy()


def squared_errors(test: ModelTest, generator: torch.Generator) -> np.ndarray:
    """½ (V(s') - V(ŝ'))² per transition, in value² (N,), float64, each V a mean over DRAWS draws.

    V draws an action each time, and the model a next state. A transition without error therefore
    has, in expectation, a fortieth of the sum of the variances of V(s') and V(ŝ').
    """
    return errors_with(test, lambda prediction: prediction.sample(DRAWS, generator), generator)


def mean_prediction_error(test: ModelTest, generator: torch.Generator) -> float:
    """The mean of `squared_errors` with the model's mean in place of each of its samples."""
    return float(errors_with(test, lambda found: found.repeated_mean(DRAWS), generator).mean())


@torch.no_grad()
def errors_with(
    test: ModelTest, states: Callable[[Prediction], Tensor], generator: torch.Generator
) -> np.ndarray:
    """`squared_errors` with other states in place of the model's samples (DRAWS, batch, n)."""
    found = []
    for batch in test.transitions.batches(test.batch_size):
        targets = test.value(batch.next_observations.expand(DRAWS, -1, -1), generator)
        values = test.value(states(test.predict(batch)), generator)
        found.append(0.5 * (targets.double().mean(0) - values.double().mean(0)).square())
    return torch.cat(found).cpu().numpy()

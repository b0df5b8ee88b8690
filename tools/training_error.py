"""Measure the fits to SAC's snapshots on training and test transitions, beside predicting nothing.

    python tools/training_error.py training.csv --configfile config/four_runs.yaml

Reads the models, histories and snapshots of results/<study>/, and trains nothing. One row per fit,
of its last weights, with `train_` before a number on as many training transitions as there are test
transitions, and `test_` before one on these: mean_prediction_error, the value-aware error with the
model's mean in place of its samples (vaml.metrics.error_tails); no_change_error, the same of
predicting that nothing changes; unexplained, the squared distance of s' from its predicted mean,
over that of the change from s to s' from its average.
"""

from dataclasses import replace

import numpy as np
import torch
from fits import Fit, write_fit_table
from torch import Tensor

from vaml.data.transitions import Transitions
from vaml.metrics.error_tails import errors_with, mean_prediction_error, residuals
from vaml.metrics.model_test import DRAWS, ModelTest
from vaml.networks.dynamics import Prediction


def both_parts(fit: Fit) -> dict[str, float]:
    """The row of one fit."""
    test = fit.data.test
    train = fit.data.train.take(np.arange(len(test.observations)))  # in random order
    return {
        f"{name}_{metric}": number
        for name, rows in (("train", train), ("test", test))
        for metric, number in on(replace(fit.test, transitions=rows), fit).items()
    }


def on(test: ModelTest, fit: Fit) -> dict[str, float]:
    """The numbers on the transitions of `test`."""
    return {
        "mean_prediction_error": mean_prediction_error(test, fit.noise()),
        "no_change_error": no_change_error(test, fit.noise()),
        "unexplained": float(np.square(residuals(test)).mean() / spread(test.transitions)),
    }


def no_change_error(test: ModelTest, generator: torch.Generator) -> float:
    """The error of s in place of each of the model's samples."""

    def present(found: Prediction) -> Tensor:
        return found.observations.expand(DRAWS, *found.observations.shape)

    return float(errors_with(test, present, generator).mean())


def spread(rows: Transitions) -> float:
    """Variance of the change from s to s', summed over the state's dimensions."""
    change = (rows.next_observations - rows.observations).double()
    return float(change.var(0, unbiased=False).sum())


if __name__ == "__main__":
    write_fit_table(__doc__ or "", both_parts)

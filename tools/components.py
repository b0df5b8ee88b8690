"""Measure which components of a residual V feels, in the fits to SAC's snapshots.

    python tools/components.py components.csv --configfile config/four_runs.yaml

Reads the models, histories and snapshots of results/<study>/, and trains nothing. One row per fit,
of its last weights on the first ROWS of the test transitions, which are in random order. With r =
s' less a prediction, mean_prediction_error and no_change_error are the means of
½ (V(s') - V(s' - r))² for the model's mean and for s. Behind their names stands what r is replaced
by:

    _positions, _velocities   r in these components of the state, 0 in the others
    _signs_drawn              r with a sign for each component that is drawn at random

The ratio of an error to the last is 1 on average if V takes the components as unrelated, and below
1 where their effects on V cancel. `other_` before a name: with the V of the next seed's run.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fits import Fit, other_value, read_fit, write_table
from torch import Tensor

from vaml.config.schema import Config
from vaml.data.transitions import Transitions
from vaml.metrics.model_test import DRAWS
from vaml.networks.value import Value
from vaml.pipeline import jobs

ROWS = 5000


def rows(study: Config, results: Path) -> list[dict[str, Any]]:
    """A row for each fit."""
    return [
        job | components(read_fit(study, results, job), other_value(study, results, job))
        for job in jobs.labels("fit_snapshot", study)
    ]


@torch.no_grad()
def components(fit: Fit, other: Value) -> dict[str, float]:
    """The numbers of a row. other: the V of another run."""
    generator = fit.noise()
    errors = defaultdict[str, list[Tensor]](list)
    first = fit.test.transitions.take(np.arange(min(ROWS, len(fit.test.transitions))))
    for batch in first.batches(fit.test.batch_size):
        target = batch.next_observations
        for prefix, value in (("", fit.test.value), ("other_", other)):
            expected = mean_value(value, target, generator)
            for name, residual in residuals(fit, batch, generator):
                off = mean_value(value, target - residual, generator)
                errors[prefix + name].append(0.5 * (expected - off).square())
    return {name: float(torch.cat(found).mean()) for name, found in errors.items()}


def mean_value(value: Value, states: Tensor, generator: torch.Generator) -> Tensor:
    """V at states (N, n), as a mean over DRAWS actions (N,), float64."""
    return value(states.expand(DRAWS, *states.shape), generator).double().mean(0)


def residuals(
    fit: Fit, batch: Transitions, generator: torch.Generator
) -> Iterator[tuple[str, Tensor]]:
    """The residuals of a batch (N, n), as they are and changed, with their column's name."""
    predictions = {
        "mean_prediction_error": fit.test.predict(batch).repeated_mean(1)[0],
        "no_change_error": batch.observations,
    }
    for name, prediction in predictions.items():
        residual = batch.next_observations - prediction
        yield name, residual
        yield f"{name}_positions", positions(residual)
        yield f"{name}_velocities", residual - positions(residual)
        yield f"{name}_signs_drawn", signs_drawn(residual, generator)


def signs_drawn(residual: Tensor, generator: torch.Generator) -> Tensor:
    """The residuals with a sign for each component that is drawn at random."""
    return residual * (2 * torch.randint(2, residual.shape, generator=generator) - 1)


def positions(residual: Tensor) -> Tensor:
    """The residuals in the positions alone: the first half, as the x-position is observed, too."""
    count = residual.shape[1] // 2
    return torch.cat([residual[:, :count], torch.zeros_like(residual[:, count:])], 1)


if __name__ == "__main__":
    write_table(__doc__ or "", rows)

"""Measure which components of a residual V feels, in the fits to SAC's snapshots.

    python tools/components.py components.csv --configfile config/four_runs.yaml

Reads the models, histories and snapshots of results/<study>/, and trains nothing. One row per fit,
of its last weights on the test transitions: mean_prediction_error and no_change_error, the
value-aware errors of the model's mean and of predicting no change (vaml.metrics.error_tails). With
r = s' less such a prediction, both are ½ (V(s') - V(s' - r))² on average. Behind their names stands
what r is replaced by:

    _positions, _velocities   r in these components of the state, 0 in the others
    _signs_drawn              r with a sign for each component that is drawn at random

The ratio of an error to the last is 1 on average if V takes the components as unrelated, and below
1 where their effects on V cancel. `other_` before a name: with the V of the next seed's run.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from fits import Fit, write_table
from torch import Tensor

from vaml.data.transitions import Transitions
from vaml.metrics.error_tails import mean_prediction_error, no_change_error
from vaml.metrics.model_test import DRAWS, ModelTest

Predict = Callable[[Transitions], Tensor]
Change = Callable[[Tensor, torch.Generator], Tensor]


def components(fit: Fit) -> dict[str, float]:
    """The row of one fit."""
    other = replace(fit.test, value=fit.other_value)
    drawn: dict[str, Change] = {"signs_drawn": signs_drawn}
    found = errors(other, fit, drawn)
    return {
        **errors(fit.test, fit, {"positions": positions, "velocities": velocities} | drawn),
        **{f"other_{name}": number for name, number in found.items()},
    }


def errors(test: ModelTest, fit: Fit, changes: dict[str, Change]) -> dict[str, float]:
    """The errors of the mean and of no change, as they are and with the residuals changed."""
    row = {
        "mean_prediction_error": mean_prediction_error(test, fit.noise()),
        "no_change_error": no_change_error(test, fit.noise()),
    }
    predictions: dict[str, Predict] = {
        "mean_prediction_error": lambda batch: test.predict(batch).repeated_mean(1)[0],
        "no_change_error": lambda batch: batch.observations,
    }
    for change_name, change in changes.items():
        for name, predict in predictions.items():
            row[f"{name}_{change_name}"] = error(test, predict, change, fit.noise())
    return row


@torch.no_grad()
def error(test: ModelTest, predict: Predict, change: Change, generator: torch.Generator) -> float:
    """Mean of ½ (V(s') - V(s' - r))² with r, s' less the prediction, changed first."""
    found = []
    for batch in test.transitions.batches(test.batch_size):
        target = batch.next_observations
        off = target - change(target - predict(batch), generator)
        at_target, at_off = (
            test.value(states.expand(DRAWS, *states.shape), generator).double().mean(0)
            for states in (target, off)
        )
        found.append(0.5 * (at_target - at_off).square())
    return float(torch.cat(found).mean())


def signs_drawn(residual: Tensor, generator: torch.Generator) -> Tensor:
    """The residuals with a sign for each component that is drawn at random."""
    return residual * (2 * torch.randint(2, residual.shape, generator=generator) - 1)


def positions(residual: Tensor, _: torch.Generator) -> Tensor:
    """The residuals in the positions, which come first: all but the distance travelled."""
    return torch.cat([residual[:, : places(residual)], 0 * residual[:, places(residual) :]], 1)


def velocities(residual: Tensor, generator: torch.Generator) -> Tensor:
    """The residuals in the velocities."""
    return residual - positions(residual, generator)


def places(residual: Tensor) -> int:
    """Number of positions in a state of Hopper or Walker2d: one less than its velocities."""
    return residual.shape[1] // 2


if __name__ == "__main__":
    write_table(__doc__ or "", components)

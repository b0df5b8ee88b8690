"""Measure how much of the errors on SAC's snapshots is where a thigh is at its stop.

    python tools/thigh_stop.py stop.csv --configfile config/four_runs.yaml

Reads the models, histories and snapshots of results/<study>/, and trains nothing. One row per fit,
of its last weights on its test transitions: rows, the share of the transitions that start with a
thigh within STOP of its stop; error, their share of the errors' total (the errors of
vaml.metrics.error_tails.squared_errors); top, the share of the largest hundredth that starts there;
top_sigma, how wide the model is in the largest hundredth: the median length of its standard
deviations there over that of all.
"""

import numpy as np
import torch
from fits import Fit, write_fit_table

from vaml.metrics.error_tails import hundredth, squared_errors
from vaml.metrics.model_test import ModelTest

# The thighs' angles in an observation with the x-position: from -150 degrees to a stop at 0.
THIGHS = {"Hopper": [3], "Walker2d": [3, 6]}
STOP = 0.05  # rad


def at_stop(fit: Fit) -> dict[str, float]:
    """The row of one fit."""
    thighs = THIGHS[fit.settings.environment_id.partition("-")[0]]
    angles = fit.data.test.observations.numpy()[:, thighs]
    return shares(angles, squared_errors(fit.test, fit.noise()), widths(fit.test))


@torch.no_grad()
def widths(test: ModelTest) -> np.ndarray:
    """Euclidean length of the model's standard deviations, in units of the state (N,)."""
    batches = test.transitions.batches(test.batch_size)
    return torch.cat([test.predict(each).log_std.exp().norm(dim=-1) for each in batches]).numpy()


def shares(angles: np.ndarray, errors: np.ndarray, sigmas: np.ndarray) -> dict[str, float]:
    """The table's numbers: thighs' angles (N, k), errors (N,) none below 0, widths (N,)."""
    stopped = np.any(angles > -STOP, axis=1)
    top = np.argsort(errors)[::-1][: hundredth(len(errors))]
    return {
        "rows": float(stopped.mean()),
        "error": float(errors[stopped].sum() / errors.sum()),
        "top": float(stopped[top].mean()),
        "top_sigma": float(np.median(sigmas[top]) / np.median(sigmas)),
    }


if __name__ == "__main__":
    write_fit_table(__doc__ or "", at_stop)

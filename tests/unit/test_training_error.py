"""tools/training_error.py: which rows are measured, and what by."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from fits import Fit
from training_error import both_parts

from vaml.algorithms.snapshot_fit import SnapshotData
from vaml.config.snapshots import FitSnapshotJob
from vaml.data.transitions import Transitions
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics


def rows(count: int, seed: int) -> Transitions:
    generator = torch.Generator().manual_seed(seed)
    observations, change = (torch.randn(count, 2, generator=generator) for _ in range(2))
    return Transitions(observations, torch.zeros(count, 1), observations + 3 * change)


def test_the_numbers_are_those_of_the_mean_on_both_parts() -> None:
    """V(s) = Σ s, so that an error of the mean is half the square of the residuals' sum."""

    def value(observations: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return observations.sum(-1)

    model = GaussianDynamics(2, 1, [4], "default", torch.Generator().manual_seed(0))
    train, test = rows(12, 1), rows(6, 2)
    data = SnapshotData(cast("Any", value), None, train, train, test, np.zeros(6, bool))
    settings = cast("FitSnapshotJob", None)
    measured = ModelTest(model, test, value, 10, 4)
    found = both_parts(Fit(settings, data, measured, seed=0))
    for name, part in (("train", train.take(np.arange(6))), ("test", test)):
        change = (part.next_observations - part.observations).numpy()
        with torch.no_grad():
            off = change - model(part.observations, part.actions).mean.numpy()
        error = 0.5 * np.square(off.sum(-1)).mean()
        assert found[f"{name}_mean_prediction_error"] == pytest.approx(error, rel=1e-4)
        nothing = 0.5 * np.square(change.sum(-1)).mean()
        assert found[f"{name}_no_change_error"] == pytest.approx(nothing, rel=1e-4)
        unexplained = np.square(off).sum() / np.square(change - change.mean(0)).sum()
        assert found[f"{name}_unexplained"] == pytest.approx(unexplained, rel=1e-4)

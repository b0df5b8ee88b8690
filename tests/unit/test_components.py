"""tools/components.py: the errors that a linear V makes of some components of a residual."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from components import components, signs_drawn
from fits import Fit
from torch import Tensor

from vaml.algorithms.snapshot_fit import SnapshotData
from vaml.config.snapshots import FitSnapshotJob
from vaml.data.transitions import Transitions
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics

SLOPE = torch.tensor([1.0, 2.0, -3.0, 0.5, 1.5, -1.0])
OTHER = torch.tensor([4.0, 1.0, 1.0, 1.0, -2.0, 1.0])


def linear(slope: Tensor) -> Any:
    return lambda observations, generator: observations @ slope


def test_the_errors_are_those_of_a_linear_value() -> None:
    """Three positions and velocities; the change's effects cancel, with SLOPE but for a tenth.

    V's error is half the square of Σ w_i r_i, with signs drawn half the sum of (w_i r_i)².
    """
    rng = torch.Generator().manual_seed(0)
    before = torch.randn(4000, 6, generator=rng)
    change = torch.randn(4000, 6, generator=rng)
    change[:, 0] -= 0.9 * (change @ SLOPE)
    test = Transitions(before, torch.zeros(4000, 1), before + change)
    model = GaussianDynamics(6, 1, [4], "default", rng)
    value = linear(SLOPE)
    data = SnapshotData(value, None, test, test, test, np.zeros(4000, bool))
    found = components(
        Fit(
            cast("FitSnapshotJob", None),
            data,
            test=ModelTest(model, test, value, 10, 1500),
            seed=0,
        ),
        linear(OTHER),
    )
    with torch.no_grad():
        off = change - model(before, test.actions).mean
    for name, residual in (("mean_prediction_error", off), ("no_change_error", change)):
        effects = (residual * SLOPE).numpy()
        expected = {
            name: np.square(effects.sum(1)).mean(),
            f"{name}_positions": np.square(effects[:, :3].sum(1)).mean(),
            f"{name}_velocities": np.square(effects[:, 3:].sum(1)).mean(),
        }
        for each, square in expected.items():
            assert found[each] == pytest.approx(square / 2, rel=1e-3)
        effects = (residual * OTHER).numpy()
        assert found[f"other_{name}"] == pytest.approx(
            np.square(effects.sum(1)).mean() / 2, rel=1e-3
        )
        for prefix, slope in (("", SLOPE), ("other_", OTHER)):
            drawn = 0.5 * np.square((residual * slope).numpy()).sum(1).mean()
            assert found[f"{prefix}{name}_signs_drawn"] == pytest.approx(drawn, rel=0.1)
        assert found[name] < 0.1 * found[f"{name}_signs_drawn"]
    assert len(found) == 16


def test_a_drawn_sign_changes_nothing_else() -> None:
    residual = torch.arange(1.0, 4001).reshape(800, 5)
    drawn = signs_drawn(residual, torch.Generator().manual_seed(0))
    assert torch.equal(drawn.abs(), residual)
    assert (drawn > 0).double().mean(0).numpy() == pytest.approx(np.full(5, 0.5), abs=0.06)

"""The picture of a residual's components: its points stand where its table says."""

from itertools import product
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from vaml.analysis.figures.components import components
from vaml.analysis.figures.rows import Bands

LABELS = ["environment", "seed", "step", "objective"]
COLUMNS = [
    f"{name}_error{change}"
    for name in ("mean_prediction", "no_change")
    for change in ("", "_positions", "_velocities", "_signs_drawn")
]


def fits() -> pd.DataFrame:
    """Two runs and snapshots; 10 to the power of the run, and a factor for each column."""
    labels = product(["Hopper-v4", "Walker2d-v4"], [1, 2], [100, 200], ["mle", "vaml"])
    rows = []
    for environment, seed, step, objective in labels:
        factor = 10.0**seed * (4.0 if step == 200 else 1.0) * (3.0 if objective == "vaml" else 1.0)
        columns = {name: factor * (1 + place) for place, name in enumerate(COLUMNS)}
        rows.append(
            {**dict(zip(LABELS, (environment, seed, step, objective), strict=True)), **columns}
        )
    return pd.DataFrame(rows)


def test_each_point_is_the_mean_over_runs_and_snapshots() -> None:
    figure, rows = components(fits(), Bands(0.95, 2))
    level = 10.0**1.5 * 2.0  # over the runs 10 and 100, and the snapshots' factors 1 and 4
    expected = {"no_change": 5 * level, "mle": level, "vaml": 3 * level}
    first = rows.loc[(rows["environment"] == "Hopper-v4") & (rows["residual"] == "")]
    assert dict(zip(first["prediction"], first["value"], strict=True)) == pytest.approx(expected)
    assert set(rows["n"]) == {2}
    half = 12.706 * np.log(10) / 2  # the t interval of two values, one decade apart
    assert np.log(first["high"] / first["value"]).to_numpy() == pytest.approx(half, rel=1e-3)
    for axes, environment in zip(figure.axes, ["Hopper-v4", "Walker2d-v4"], strict=True):
        own = rows.loc[rows["environment"] == environment]
        drawn = [list(each[0].get_ydata()) for each in cast("Any", axes.containers)]
        assert drawn == [list(group["value"]) for _, group in own.groupby("prediction", sort=False)]
        assert drawn[1] == pytest.approx([level, 2 * level, 3 * level, 4 * level])

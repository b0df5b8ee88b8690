"""Picture of the published fits to SAC's snapshots: which components of a residual V feels."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vaml.analysis.figures.drawing import Drawing
from vaml.analysis.figures.rows import Bands, mean_rows
from vaml.analysis.figures.style import finish

_PREDICTIONS: dict[str, dict[str, Any]] = {
    "no_change": {"color": "0.3", "marker": "s", "label": "predicting no change"},
    "mle": {"color": "#0072b2", "marker": "o", "label": "maximum likelihood’s mean"},
    "vaml": {"color": "#d55e00", "marker": "^", "label": "VAML’s mean"},
}
_MARKS: dict[str, Any] = {"linestyle": "none", "markersize": 4}
# The objective whose rows hold a prediction's error, and the column.
_ERRORS = {
    "no_change": ("mle", "no_change_error"),
    "mle": ("mle", "mean_prediction_error"),
    "vaml": ("vaml", "mean_prediction_error"),
}
_CHANGES = {
    "": "as it is",
    "_positions": "in the\npositions",
    "_velocities": "in the\nvelocities",
    "_signs_drawn": "with signs\ndrawn",
}


def components(fits: pd.DataFrame, bands: Bands) -> Drawing:
    """Value-aware errors of a residual and of its parts, for each prediction.

    fits: components.csv of maximum likelihood and VAML. Rows: the geometric mean over runs, and its
    t interval, taken in logs; a run's value is its geometric mean over its snapshots.
    """
    rows = pd.concat(_rows(fits, bands), ignore_index=True)
    environments = list(dict.fromkeys(rows["environment"]))
    figure = Figure(figsize=(7.0, 3.1), layout="constrained")
    panels = figure.subplots(1, len(environments), squeeze=False)[0]
    for axes, environment in zip(panels, environments, strict=True):
        for place, (prediction, look) in enumerate(_PREDICTIONS.items()):
            own = rows.loc[
                (rows["environment"] == environment) & (rows["prediction"] == prediction)
            ]
            off = 0.2 * (place - 1)
            values = own["value"].to_numpy()
            ends = np.abs(own[["low", "high"]].to_numpy().T - values)
            where = np.arange(len(_CHANGES)) + off
            axes.errorbar(where, values, yerr=ends, **look, **_MARKS)
        axes.set(yscale="log", title=environment)
        axes.set_xticks(range(len(_CHANGES)), list(_CHANGES.values()))
    panels[0].set_ylabel("Value-aware error (value²)")
    note = (
        f"Residual r of s′, error ½(V(s′) − V(s′ − r))²: geometric mean over n = "
        f"{rows['n'].max():.0f} SAC runs and {fits['step'].nunique()} snapshots each, with its "
        f"{100 * bands.confidence:g} % t interval over runs. Positions, velocities: r in these "
        "alone. Signs drawn: a random sign for each component of r; an error below that is one in "
        "which effects on V cancel."
    )
    finish(figure, [Line2D([], [], **look, **_MARKS) for look in _PREDICTIONS.values()], [note])
    return figure, rows


def _rows(fits: pd.DataFrame, bands: Bands) -> list[pd.DataFrame]:
    found = []
    for prediction, (objective, name) in _ERRORS.items():
        own = fits.loc[fits["objective"] == objective]
        for change in _CHANGES:
            logs = own.assign(logs=np.log(own[f"{name}{change}"]))
            runs = logs.groupby(["environment", "seed"], as_index=False)["logs"].mean()
            runs["error"] = np.exp(runs["logs"])
            rows = mean_rows(runs, ["environment"], "error", bands, logs=True)
            found.append(rows.assign(prediction=prediction, residual=change.removeprefix("_")))
    return found

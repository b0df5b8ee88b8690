"""A picture of paper/published: do all transitions make up experiment B's error, or only a few?"""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vaml.analysis.figures.drawing import Drawing
from vaml.analysis.figures.style import THOUSANDS, finish

_WIDTH = 7.0
_LOOKS: dict[str, dict[str, Any]] = {
    "mle": {"color": "#0072b2", "marker": "o", "label": "maximum likelihood"},
    "vaml": {"color": "#d55e00", "marker": "s", "label": "VAML"},
    "reg_vaml": {"color": "#e69f00", "marker": "^", "label": "regularised VAML"},
}
_LINES: dict[str, dict[str, Any]] = {
    "mean": {"linestyle": "-", "fillstyle": "full", "label": "mean over the test transitions"},
    "median": {"linestyle": ":", "fillstyle": "none", "label": "median, the typical transition"},
}


def error_tails(tails: pd.DataFrame) -> Drawing:
    """Mean and median error of the test transitions along a SAC run, by objective.

    tails: a row per fit, as tools/error_tails.py writes them, of one SAC run per environment. Rows:
    one per point, with the share of the error that the largest hundredth has.
    """
    labels = ["environment", "objective", "step", "transitions", "top_1_percent"]
    rows = tails.melt(labels, list(_LINES), "statistic", "value")
    figure = Figure(figsize=(_WIDTH, 3.4), layout="constrained")
    environments = list(tails["environment"].unique())
    panels = figure.subplots(1, len(environments), sharey=True, squeeze=False)[0]
    for axes, environment in zip(panels, environments, strict=True):
        for objective, look in _LOOKS.items():
            for statistic, line in _LINES.items():
                points = rows.loc[
                    (rows["environment"] == environment)
                    & (rows["objective"] == objective)
                    & (rows["statistic"] == statistic)
                ].sort_values("step")
                axes.plot(points["step"], points["value"], markersize=3.5, **{**look, **line})
        axes.set(yscale="log", title=environment, xlabel="SAC environment steps")
        axes.xaxis.set_major_formatter(THOUSANDS)
    panels[0].set_ylabel("Value-aware error")
    handles = [Line2D([], [], linestyle="none", markersize=4, **look) for look in _LOOKS.values()]
    handles += [Line2D([], [], color="0.3", **line) for line in _LINES.values()]
    note = (
        "Experiment B: one SAC run per environment (n = 1, no interval), each point one fit, on "
        "its held-out transitions. Error: ½ (V(s′) − V(ŝ′))², each V the mean of 20 draws."
    )
    finish(figure, handles, [note])
    return figure, rows

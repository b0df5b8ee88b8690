"""Pictures of published results alone: experiment A's errors, and Pusher's returns."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from vaml.analysis.figures.drawing import Drawing
from vaml.analysis.figures.rows import Bands, mean_rows
from vaml.analysis.figures.style import THOUSANDS, finish

WIDTH = 7.0
# Colours that also differ in grey, with one line style each.
_LOOKS: dict[str, dict[str, Any]] = {
    "vaml": {"color": "#d55e00", "linestyle": "-", "marker": "o", "label": "VAML"},
    "reg_vaml": {
        "color": "#e69f00",
        "linestyle": "--",
        "marker": "s",
        "label": "regularised VAML",
    },
    "vaml_exact": {
        "color": "#0072b2",
        "linestyle": "-.",
        "marker": "^",
        "label": "VAML with exact targets",
    },
    "mle_exact": {
        "color": "#009e73",
        "linestyle": (0, (1, 1)),
        "marker": "D",
        "label": "maximum likelihood with exact targets",
    },
}
_EXACT = {"vaml_exact", "mle_exact"}
_SAMPLES = 10
_BASELINE: dict[str, Any] = {"color": "0.3", "linewidth": 1.0, "label": "maximum likelihood"}
_COLLAPSED: dict[str, Any] = {
    "color": "0.3",
    "linewidth": 1.0,
    "linestyle": ":",
    "label": "the true mean, without its variance",
}
_METRICS = {
    "value_aware_error": f"The error as the paper plots it\n(one next state, K = {_SAMPLES})",
    "exact_error": "The error that the loss is about\n(eq. (8), without noise)",
}
_SOURCES: dict[str, dict[str, Any]] = {
    "text": {"color": "#0072b2", "linestyle": "-", "label": "ours, the paper’s text"},
    "settings": {"color": "#d55e00", "linestyle": "--", "label": "ours, the authors’ settings"},
    "settings_v5": {
        "color": "#e69f00",
        "linestyle": "-.",
        "linewidth": 1.0,
        "label": "the same, Pusher-v5",
    },
    "authors": {
        "color": "black",
        "linestyle": ":",
        "marker": "x",
        "markersize": 4,
        "label": "the paper’s figure (mean of 4 runs, Pusher-v2)",
    },
}
_DYNAMICS: dict[str, dict[str, Any]] = {
    "paper": {
        "color": "#0072b2",
        "linestyle": "-.",
        "marker": "^",
        "label": "the paper’s dynamics",
    },
    "moving": {
        "color": "#d55e00",
        "linestyle": "-",
        "marker": "o",
        "label": "ten times the motion",
    },
    "small": {
        "color": "#009e73",
        "linestyle": "--",
        "marker": "s",
        "label": "ten times the motion, a sixteenth of the width",
    },
    "still_small": {
        "color": "#e69f00",
        "linestyle": ":",
        "marker": "D",
        "label": "the paper’s, a sixteenth of the width",
    },
}
_AGENTS = {"mle": "Maximum likelihood", "reg_vaml": "Regularised VAML"}
_AS_RUN = "_as_run"


def exact_error(fits: pd.DataFrame, equal_terms: pd.DataFrame, bands: Bands) -> Drawing:
    """Errors of experiment A over those of maximum likelihood on the same data, by hidden size.

    equal_terms: the fits with exact targets, and those that they are compared with. Rows: geometric
    mean of the ratio over seeds, and its t interval, taken in logs.
    """
    found = []
    for metric in _METRICS:
        for objective in _LOOKS:
            made = equal_terms if objective in _EXACT else fits
            rows = _ratio_rows(made, metric, objective, "mle", bands)
            found.append(rows.assign(metric=metric, objective=objective))
    rows = pd.concat(found, ignore_index=True)
    rows = rows.loc[rows["setting"] == "realizable"].reset_index(drop=True)
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    for axes, (metric, title) in zip(figure.subplots(1, 2), _METRICS.items(), strict=True):
        axes.axhline(1.0, **_BASELINE)
        if metric == "value_aware_error":
            axes.axhline(1 / (1 + 1 / _SAMPLES), **_COLLAPSED)
        for objective, look in _LOOKS.items():
            shown = (rows["metric"] == metric) & (rows["objective"] == objective)
            _line(axes, rows.loc[shown], look)
        ticks = [0.9, 1.0, 1.1] if metric == "value_aware_error" else [0.01, 0.1, 1.0, 10.0]
        _ratios(axes, ticks, sorted(set(rows["hidden_size"])))
        axes.set_title(title)
    figure.axes[0].set_ylabel("Ratio to maximum likelihood")
    handles = [Line2D([], [], markersize=3.5, **look) for look in _LOOKS.values()]
    handles += [Line2D([], [], **look) for look in (_BASELINE, _COLLAPSED)]
    seeds = int(rows["n"].max())
    note = (
        f"Experiment A, realizable setting: ratio on the same data, geometric mean over n = "
        f"{seeds} seeds, with its {100 * bands.confidence:g} % t interval. Below 1: better than "
        "maximum likelihood on single next states."
    )
    finish(figure, handles, [note])
    return figure, rows


def equal_terms(studies: Mapping[str, pd.DataFrame], bands: Bands) -> Drawing:
    """VAML's exact error over maximum likelihood's, both with exact targets, by hidden size.

    studies: the fits of one each, by its label in `_DYNAMICS`. Rows: geometric mean over seeds, and
    its t interval, taken in logs.
    """
    found: list[pd.DataFrame] = []
    for dynamics, fits in studies.items():
        rows = _ratio_rows(fits, "exact_error", "vaml_exact", "mle_exact", bands)
        found.append(rows.assign(dynamics=dynamics))
    rows = pd.concat(found, ignore_index=True)
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, setting in zip(panels, ("realizable", "unrealizable"), strict=True):
        axes.axhline(1.0, **_BASELINE)
        for dynamics, look in _DYNAMICS.items():
            shown = (rows["setting"] == setting) & (rows["dynamics"] == dynamics)
            _line(axes, rows.loc[shown], look)
        _ratios(axes, [0.1, 0.3, 1.0, 3.0, 10.0], sorted(set(rows["hidden_size"])))
        axes.set_title(setting.capitalize())
    panels[0].set(ylim=(0.1, 12.0), ylabel="Ratio to maximum likelihood\nwith exact targets")
    handles = [Line2D([], [], markersize=3.5, **look) for look in _DYNAMICS.values()]
    handles.append(Line2D([], [], **_BASELINE))
    note = (
        f"Experiment A, exact error of VAML with exact targets: ratio on the same data, geometric "
        f"mean over n = {max(rows['n'])} seeds, with its {100 * bands.confidence:g} % t "
        "interval, cut where it leaves the panel. Below 1: better than maximum likelihood."
    )
    finish(figure, handles, [note])
    return figure, rows


def _ratio_rows(
    fits: pd.DataFrame, metric: str, objective: str, baseline: str, bands: Bands
) -> pd.DataFrame:
    """By setting and hidden size, the ratio of two objectives over the seeds."""
    index = ["setting", "hidden_size", "seed"]
    wide = fits.pivot(index=index, columns="objective", values=metric)
    ratio = wide.assign(ratio=wide[objective] / wide[baseline]).reset_index()
    return mean_rows(ratio, index[:2], "ratio", bands, logs=True)


def _line(axes: Axes, rows: pd.DataFrame, look: Mapping[str, Any]) -> None:
    """Ratios along the hidden size, with their band."""
    axes.plot(rows["hidden_size"], rows["value"], markersize=3.5, **look)
    axes.fill_between(
        rows["hidden_size"], rows["low"], rows["high"], color=look["color"], alpha=0.2
    )


def _ratios(axes: Axes, ticks: list[float], sizes: list[int]) -> None:
    axes.set_yscale("log")
    axes.set_xscale("log", base=2)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("Hidden size (units)")


def pusher(runs: pd.DataFrame, earlier: pd.DataFrame, authors: pd.DataFrame) -> Drawing:
    """Returns of the agents with a model in Pusher, beside the published curves.

    runs: whole runs, by the paper's text and, as <agent>_as_run, with the authors' settings: agent,
    seed, env_step, return. earlier: such runs in Pusher-v5, of which those with the authors'
    settings are drawn. authors: figure_3 of paper/reference. Rows: one per point.
    """
    published = authors.loc[
        authors["environment"].str.startswith("Pusher") & (authors["metric"] == "return")
    ]
    parts = {
        "text": runs.loc[~runs["agent"].str.endswith(_AS_RUN)],
        "settings": runs.loc[runs["agent"].str.endswith(_AS_RUN)],
        "settings_v5": earlier.loc[earlier["agent"].str.endswith(_AS_RUN)],
        "authors": published.rename(columns={"mean": "return"}).assign(seed=-1),
    }
    every = pd.concat([part.assign(source=source) for source, part in parts.items()])
    every["agent"] = every["agent"].str.removesuffix(_AS_RUN)
    rows = every.loc[every["agent"].isin(list(_AGENTS))].reset_index(drop=True)
    rows = rows[["source", "agent", "seed", "env_step", "return"]]
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (agent, title) in zip(panels, _AGENTS.items(), strict=True):
        for (source, _), run in rows.loc[rows["agent"] == agent].groupby(["source", "seed"]):
            axes.plot(run["env_step"], run["return"], **_SOURCES[str(source)])
        axes.set(xlabel="Environment steps", title=title)
        axes.xaxis.set_major_formatter(THOUSANDS)
    panels[0].set_ylabel("Return (mean of 10 episodes)")
    seeds = rows.groupby(["source", "agent"])["seed"].nunique()
    counts = {
        source: _and(seeds.get((source, agent), 0) for agent in _AGENTS) for source in _SOURCES
    }
    note = (
        f"Experiment C, Pusher, one line per run, no interval: n = {counts['text']} with the "
        f"paper’s text, with the authors’ settings {counts['settings']} and, in Pusher-v5, "
        f"{counts['settings_v5']}. The authors’ settings: their runs’ three departures from the "
        "paper’s text."
    )
    finish(figure, [Line2D([], [], **look) for look in _SOURCES.values()], [note])
    return figure, rows.assign(seed=rows["seed"].astype("Int64").mask(rows["source"] == "authors"))


def _and(numbers: Iterable[int]) -> str:
    """One number if all are equal."""
    return " and ".join(dict.fromkeys(map(str, numbers)))

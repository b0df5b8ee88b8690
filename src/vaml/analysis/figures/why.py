"""Figures that explain the three experiments' outcomes: exact errors, and model diagnostics.

Each function takes the tables by name and returns the figure and exactly the rows that it shows.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vaml.analysis.figures.drawing import ERROR_DEFINITION, Drawing, FigureSettings, Tables
from vaml.analysis.figures.panels import (
    FLOOR,
    above_note,
    curves,
    far_above,
    interval_note,
    mark_above,
    scale_to,
    steps_axis,
)
from vaml.analysis.figures.rows import floor_rows, joined, seeds_and_means
from vaml.analysis.figures.style import (
    Methods,
    counted_means,
    failures,
    finish,
    name_rows,
    panels,
)
from vaml.analysis.tables.aggregates import average_returns

# By panel: label, column, column that divides it, and reference level.
_Panel = tuple[str, str, str | None, float | None]
_SLOPE: _Panel = (
    "Slope of V at model samples\n÷ at data (95 % quantiles)",
    "slope_model_q95",
    "slope_data_q95",
    1.0,
)
_COVERAGE: _Panel = ("Share of s′ in the model’s\n90 % interval", "coverage_90", None, 0.9)
_SHARE: _Panel = ("Share of the update\nfrom the value term", "value_share", None, None)
_SNAPSHOTS: tuple[_Panel, ...] = (
    ("Squared error of E[V(ŝ′)],\nin variances of V(s′)", "normalised_error", None, None),
    (
        "Error for the next snapshot’s V\n÷ error for its own",
        "next_value_aware_error",
        "value_aware_error",
        1.0,
    ),
    _COVERAGE,
    _SLOPE,
)
_TAILS: tuple[_Panel, ...] = (
    ("Mean error", "transition_error_mean", None, None),
    (
        "Mean error, with the model’s\nmean for its samples",
        "mean_prediction_error",
        None,
        None,
    ),
    ("Typical transition’s error\n(median)", "transition_error_median", None, None),
    ("Share of the error that 1 %\nof the transitions have", "top_1_percent", None, None),
)
_WHERE: tuple[_Panel, ...] = (
    ("Average return\n(reward per episode)", "average_return", None, None),
    ("Error on replayed states\n(where the paper reports it)", "error_replay", None, None),
    ("Error on the policy’s\nown states", "error_on_policy", None, None),
    (
        "Error on replayed states, with the\nmodel’s mean for its samples",
        "mean_error_replay",
        None,
        None,
    ),
)
_AGENTS: tuple[_Panel, ...] = (
    (
        "Critic target’s error at policy’s\nactions (SD of V)",
        "bellman_error_policy",
        "value_sd",
        None,
    ),
    (
        "Error on the policy’s own\nstates ÷ on replayed ones",
        "error_on_policy",
        "error_replay",
        1.0,
    ),
    (
        "An older model’s error for\nV now ÷ for its own V",
        "error_stale",
        "error_previous",
        1.0,
    ),
    _COVERAGE,
    _SLOPE,
    _SHARE,
)


def why_synthetic(tables: Tables, settings: FigureSettings) -> Drawing:
    """Experiment A: the K-sample error with its floor, the exact error, and the variance."""
    fits = tables["synthetic"]
    fits = fits.assign(sigma_ratio=fits["sigma_l1"] / fits["true_sigma_l1"])
    by = ["setting", "objective", "hidden_size"]
    metrics = {
        "value_aware_error": ("Error, K samples (value²)\ndotted: ½ Var V(s′)", "noise_floor"),
        "exact_error": ("Exact error (value²)\ndotted: no change", "no_change_error"),
        "sigma_ratio": ("Model’s σ ÷ true σ\ndotted: equal", None),
    }
    parts = []
    for metric, (_, floor) in metrics.items():
        found = seeds_and_means(fits, by, metric, settings.bands, ["setting"])
        if floor:
            found.append(floor_rows(fits, ["setting", "hidden_size"], floor))
        else:
            found.append(_level_rows(fits, "setting", "hidden_size", 1.0))
        parts += [part.assign(metric=metric) for part in found]
    rows = joined(parts, ["metric", *by])
    methods = settings.methods(fits["objective"].unique())
    places = [(setting, metric) for setting in fits["setting"].unique() for metric in metrics]
    figure, grid = panels(settings.width, 2.3, len(places), len(metrics))
    far = far_above(rows.loc[rows["metric"] == "value_aware_error"], "objective")
    for axes, (setting, metric) in zip(grid, places, strict=True):
        panel = rows.loc[(rows["setting"] == setting) & (rows["metric"] == metric)]
        curves(axes, panel, "hidden_size", "objective", methods, marker=True)
        outside = far if metric == "value_aware_error" else []
        scale_to(axes, panel, panel.loc[~panel["objective"].isin(outside)])
        mark_above(axes, panel, "hidden_size", "objective", methods)
        axes.set(title=metrics[metric][0], xlabel="Hidden size")
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes := sorted(fits["hidden_size"].unique()), map(str, sizes))
        axes.minorticks_off()
    name_rows(grid, len(metrics), [setting.capitalize() for setting, _ in places])
    note = f"{above_note(far, methods)} Test rows. {ERROR_DEFINITION}".strip()
    _finish(figure, methods, rows, "fit", fits, settings, note)
    return figure, rows


def why_snapshots(tables: Tables, settings: FigureSettings) -> Drawing:
    """Experiment B: the error on V's own scale, its life after the snapshot, the variance."""
    note = "The next snapshot comes one SAC snapshot interval later; the last has none."
    return _snapshots(tables["snapshots"], _SNAPSHOTS, settings, note)


def error_tails(tables: Tables, settings: FigureSettings) -> Drawing:
    """Experiment B: do all transitions make up the error, or only a few?"""
    note = (
        "A transition’s error: ½ (V(s′) − V(ŝ′))², both averaged over draws of the policy’s action "
        "and of the model."
    )
    return _snapshots(tables["snapshots"], _TAILS, settings, note)


def why_mbac(tables: Tables, settings: FigureSettings) -> Drawing:
    """Experiment C: the critics' targets, where the model errs, and what trained it."""
    return _diagnostics(
        tables["mbac_diagnostics"],
        tables["mbac"],
        ("agent", "env_step", "run"),
        _AGENTS,
        "Environment steps",
        settings,
        "Replayed states, unless said otherwise. The policy’s own states: fresh episodes. Its "
        "actions elsewhere start from simulator states kept along the run.",
    )


def where_mbac(tables: Tables, settings: FigureSettings) -> Drawing:
    """Experiment C: the return, and the model's error on old data and where the policy is."""
    by = ["environment", "agent", "seed", "env_step"]
    returns = average_returns(tables["mbac_returns"], by)
    return _diagnostics(
        returns.merge(tables["mbac_diagnostics"], how="left", on=by),
        tables["mbac"],
        ("agent", "env_step", "run"),
        _WHERE,
        "Environment steps",
        settings,
        "Replayed states: a sample of all transitions so far. The policy’s own: fresh episodes. "
        f"{ERROR_DEFINITION}",
    )


def _snapshots(
    fits: pd.DataFrame, shown: tuple[_Panel, ...], settings: FigureSettings, note: str
) -> Drawing:
    names, xlabel = ("objective", "step", "fit"), "Snapshot (steps of SAC)"
    return _diagnostics(fits, fits, names, shown, xlabel, settings, f"Test rows. {note}")


def _everywhere(source: pd.DataFrame, column: str) -> bool:
    """True if each environment has a finite number in the column."""
    finite = np.isfinite(source[column].to_numpy(float))
    return set(source.loc[finite, "environment"]) == set(source["environment"])


def _diagnostics(
    source: pd.DataFrame,
    runs: pd.DataFrame,
    names: tuple[str, str, str],
    shown: tuple[_Panel, ...],
    xlabel: str,
    settings: FigureSettings,
    note: str,
) -> Drawing:
    """A row of panels per environment, without those that an environment has no number for.

    names: the columns of the methods and of the steps, and what a row of `runs` is.
    """
    method, step, noun = names
    by = ["environment", method, step]
    shown = tuple(panel for panel in shown if _everywhere(source, panel[1])) or shown
    parts = []
    for label, column, per, level in shown:
        value = source[column] / source[per] if per else source[column]
        source = source.assign(shown=value.astype(np.float64))
        found = seeds_and_means(source, by, "shown", settings.bands, ["environment"])
        if level is not None:
            found.append(_level_rows(source, "environment", step, level))
        parts += [part.assign(metric=label.replace("\n", " ")) for part in found]
    rows = joined(parts, ["metric", *by])
    # An agent without a model has no diagnostics.
    methods = settings.methods(runs.loc[runs[method].isin(source[method]), method].unique())
    environments = list(runs["environment"].unique())
    places = [(environment, panel) for environment in environments for panel in shown]
    columns = 3 if len(shown) % 3 == 0 else 2
    figure, grid = panels(settings.width, 2.1, len(places), columns)
    for axes, (environment, (label, *_)) in zip(grid, places, strict=True):
        metric = label.replace("\n", " ")
        panel = rows.loc[(rows["environment"] == environment) & (rows["metric"] == metric)]
        curves(axes, panel, step, method, methods)
        scale_to(axes, panel)
        steps_axis(axes, label, xlabel)
    name_rows(grid, columns, [environment for environment, _ in places])
    _finish(figure, methods, rows, noun, runs, settings, note)
    return figure, rows


def _level_rows(source: pd.DataFrame, place: str, x: str, level: float) -> pd.DataFrame:
    """The level from end to end of each panel, as rows."""
    ends = [
        {place: name, x: end, "kind": "floor", "value": level}
        for name, rows in source.groupby(place, sort=False)
        for end in np.unique(np.quantile(rows[x].to_numpy(), [0, 1]))
    ]
    return pd.DataFrame(ends)


def _finish(
    figure: Figure,
    methods: Methods,
    rows: pd.DataFrame,
    noun: str,
    runs: pd.DataFrame,
    settings: FigureSettings,
    note: str,
) -> None:
    handles = methods.line_handles
    if "floor" in set(rows["kind"]):
        handles = [*handles, Line2D([], [], **FLOOR, label="level to compare with")]
    finish(
        figure,
        handles,
        [
            f"Study “{settings.study}”. Thin lines: one seed each; thick lines: mean over n = "
            f"{counted_means(rows, 'seed')}. {interval_note('Bands', settings, rows)} "
            f"{failures(noun, runs)} {note}"
        ],
    )

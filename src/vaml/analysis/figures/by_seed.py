"""The paper's figures with the information that a reader needs to judge them.

Single seeds, intervals that are named, log scales, what the metric gives without any error of the
model, and the authors' published numbers, marked as theirs. Each function takes the tables by name,
the authors' as `published_<name>`, and returns the figure and exactly the rows that it shows.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vaml.analysis.figures.authors import (
    published_curves,
    published_fits,
    published_snapshots,
    their_environments,
    with_room,
)
from vaml.analysis.figures.drawing import (
    ERROR_DEFINITION,
    ERROR_LABEL,
    METRIC_LABELS,
    Drawing,
    FigureSettings,
    Tables,
)
from vaml.analysis.figures.panels import (
    FLOOR,
    UNTRAINED,
    above_note,
    curves,
    far_above,
    interval_note,
    left_out_note,
    legend,
    mark_above,
    published,
    scale_to,
    steps_axis,
)
from vaml.analysis.figures.rows import (
    Bands,
    floor_rows,
    joined,
    seeds_and_means,
    untrained_rows,
)
from vaml.analysis.figures.style import (
    Methods,
    counted,
    counted_means,
    failures,
    finish,
    name_rows,
    panels,
)
from vaml.analysis.tables.aggregates import METRICS, average_returns

_TRUTH = "the true dynamics under the same metric"
_SAMPLING = "action-sampling floor"
_SAMPLING_NOTE = (
    "Action-sampling floor: the error of a model that returns the true next state, as V(s′) and "
    "V(ŝ′) each sample an action."
)
_RATIO_LABEL = "Error ÷ true dynamics’"
_FIT = ["setting", "hidden_size", "objective"]


def figure_1_seeds(tables: Tables, settings: FigureSettings) -> Drawing:
    """Figure 1 by seed, and each error relative to what the true dynamics score."""
    fits, left_out = with_room(tables["synthetic"], tables["published_figure_1"])
    rows = _fit_rows(fits, tables["published_figure_1"], settings.bands)
    methods = settings.methods(fits["objective"].unique())
    sizes = list(fits["hidden_size"].unique())
    kinds = list(fits["setting"].unique())
    places = [(metric, kind) for metric in ("value_aware_error", "error_ratio") for kind in kinds]
    figure, grid = panels(settings.width, 2.3, len(places), len(kinds), same_y=True)
    far = far_above(rows.loc[rows["metric"] == "error_ratio"], "objective")
    for axes, (metric, kind) in zip(grid, places, strict=True):
        panel = rows.loc[(rows["setting"] == kind) & (rows["metric"] == metric)]
        placed = _groups(axes, panel, methods, sizes)
        shared = rows.loc[rows["metric"] == metric]
        scale_to(axes, shared, shared.loc[~shared["objective"].isin(far)])
        mark_above(axes, placed, "x", "objective", methods)
        axes.set(title=kind.capitalize(), xlabel="Hidden size (units per layer)")
        if kind == kinds[0]:
            axes.set_ylabel(ERROR_LABEL if metric == "value_aware_error" else _RATIO_LABEL)
    errors = rows.loc[rows["metric"] == "value_aware_error"]
    finish(
        figure,
        legend(methods, rows, _TRUTH, linestyle="", marker="s", markersize=4),
        [
            f"Study “{settings.study}”. Dots: one fit each, n = {counted_means(errors, 'seed')}; "
            "grey lines join the fits of one seed, which share dynamics and data. Squares: mean "
            "over seeds. "
            f"{interval_note('Bars', settings, rows)} {failures('fit', fits)} "
            f"{above_note(far, methods)}",
            _their_note(rows, "their means over 4 or 5 runs, read off figure 1"),
            f"{ERROR_DEFINITION} {left_out_note(left_out, settings)}".rstrip(),
        ],
    )
    return figure, rows


def _fit_rows(fits: pd.DataFrame, reference: pd.DataFrame, bands: Bands) -> pd.DataFrame:
    error, truth = fits["value_aware_error"], fits["true_value_aware_error"]
    fits = fits.assign(error_ratio=error / truth)
    errors = [
        *seeds_and_means(fits, _FIT, "value_aware_error", bands),
        floor_rows(fits, _FIT[:2], "true_value_aware_error"),
        published_fits(reference, fits),
    ]
    ratios = seeds_and_means(fits, _FIT, "error_ratio", bands)
    ratios.append(fits[_FIT[:2]].drop_duplicates().assign(kind="floor", value=1.0))
    parts = [part.assign(metric="value_aware_error") for part in errors]
    parts += [part.assign(metric="error_ratio") for part in ratios]
    return joined(parts, ["metric", *_FIT])


def _groups(axes: Axes, rows: pd.DataFrame, methods: Methods, sizes: list[int]) -> pd.DataFrame:
    """A group per hidden size; in it, a place per objective: its seeds, mean and published mean.

    Returns the rows with their places, `x`.
    """
    width = 0.84 / len(methods.names)
    place = {
        name: (i - (len(methods.names) - 1) / 2) * width for i, name in enumerate(methods.names)
    }
    centre = {size: i for i, size in enumerate(sizes)}
    at = rows["hidden_size"].map(centre.get) + rows["objective"].map(place.get).fillna(0.0)
    rows = rows.assign(x=at.astype(np.float64))
    seeds = rows.loc[rows["kind"] == "seed"]
    for _, pair in seeds.groupby(["hidden_size", "seed"], sort=False):
        axes.plot(pair["x"] - 0.2 * width, pair["value"], color="0.8", linewidth=0.5, zorder=1.5)
    for name in methods.names:
        colour = methods.colours[name]
        mine = rows.loc[rows["objective"] == name]
        points = mine.loc[mine["kind"] == "seed"]
        axes.plot(
            points["x"] - 0.2 * width, points["value"], "o", color=colour, markersize=2, alpha=0.7
        )
        mean = mine.loc[mine["kind"] == "mean"]
        axes.errorbar(
            mean["x"] + 0.08 * width,
            mean["value"],
            yerr=np.nan_to_num([mean["value"] - mean["low"], mean["high"] - mean["value"]]),
            color=colour,
            marker="s",
            markersize=3,
            linestyle="",
            elinewidth=1.0,
            label=name,
        )
        theirs = mine.loc[mine["kind"] == "authors"]
        published(axes, theirs["x"].to_numpy() + 0.34 * width, theirs, "s")
    floor = rows.loc[rows["kind"] == "floor"]
    axes.hlines(
        floor["value"], floor["x"] - 0.45, floor["x"] + 0.45, **FLOOR, gid="floor", zorder=1.8
    )
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    return rows


def figure_2_seeds(tables: Tables, settings: FigureSettings) -> Drawing:
    """Figure 2 by SAC run, on a log scale."""
    fits, reference = tables["snapshots"], tables["published_figure_2"]
    by = ["environment", "step", "objective"]
    parts = [
        *seeds_and_means(fits, by, "value_aware_error", settings.bands),
        floor_rows(fits, by[:2], "action_sampling_floor"),
        published_snapshots(reference, fits),
    ]
    rows = joined(parts, by)
    methods = settings.methods(fits["objective"].unique())
    environments = list(fits["environment"].unique())
    figure, grid = panels(settings.width, 2.9, len(environments), 2, same_y=True)
    for axes, environment in zip(grid, environments, strict=True):
        curves(
            axes, rows.loc[rows["environment"] == environment], "step", "objective", methods, True
        )
        scale_to(axes, rows)
        steps_axis(axes, environment, "Snapshot (environment steps of SAC)")
    grid[0].set_ylabel(ERROR_LABEL)
    runs = fits.groupby("environment")["seed"].nunique()
    theirs = their_environments(reference, environments)
    finish(
        figure,
        legend(methods, rows, _SAMPLING),
        [
            f"Study “{settings.study}”. Small markers joined by thin lines: the fits on one SAC "
            f"run; thick lines: mean over n = {counted(runs, 'SAC run')} per environment. "
            f"{interval_note('Bands', settings, rows)} {failures('fit', fits)}",
            _their_note(rows, f"one SAC run each of {theirs}; test rows overlap training rows"),
            f"{ERROR_DEFINITION} {_SAMPLING_NOTE}",
        ],
    )
    return figure, rows


def figure_3_seeds(tables: Tables, settings: FigureSettings) -> Drawing:
    """Figure 3 by run, with intervals of the mean in place of standard deviations."""
    runs, fits = tables["mbac"], tables["mbac_fits"]
    run = ["environment", "agent", "seed", "env_step"]
    averages = average_returns(tables["mbac_returns"], run)
    sources = dict.fromkeys(METRICS, fits) | {"average_return": averages}
    by = ["environment", "agent", "env_step"]
    parts = [
        part.assign(metric=metric)
        for metric, source in sources.items()
        for part in seeds_and_means(source, by, metric, settings.bands, ["environment"])
    ]
    floor = floor_rows(fits, by, "action_sampling_floor").assign(metric="value_aware_error")
    untrained = untrained_rows(averages).assign(metric="average_return")
    shown = pd.concat([source.loc[:, by] for source in sources.values()])
    theirs = published_curves(tables["published_figure_3"], shown)
    labels = ["environment", "agent", "metric", "env_step"]
    rows = joined([*parts, floor, untrained, theirs], labels)
    methods = settings.methods(runs["agent"].unique())
    environments = list(runs["environment"].unique())
    places = [(place, metric) for place in environments for metric in METRICS]
    figure, grid = panels(settings.width, 2.3, len(places), len(METRICS))
    for axes, (environment, metric) in zip(grid, places, strict=True):
        panel = rows.loc[(rows["environment"] == environment) & (rows["metric"] == metric)]
        curves(axes, panel, "env_step", "agent", methods)
        scale_to(axes, panel)
        for level in panel.loc[panel["kind"] == "untrained", "value"]:
            axes.axhline(level, **UNTRAINED)
        steps_axis(axes, METRIC_LABELS[metric], "Environment steps")
    name_rows(grid, len(METRICS), [place for place, _ in places])
    names = their_environments(tables["published_figure_3"], environments)
    finish(
        figure,
        [
            *legend(methods, rows, f"{_SAMPLING}, by agent"),
            *([Line2D([], [], **UNTRAINED, label="untrained policy")] if len(untrained) else []),
        ],
        [
            f"Study “{settings.study}”. Thin lines: one run each; thick lines: mean over n = "
            f"{counted_means(rows, 'run')}. {interval_note('Bands', settings, rows)} "
            f"{failures('run', runs)}",
            _their_note(
                rows,
                f"means of 4 runs on {names}, read off figure 3 (bars: error of reading; errors "
                "too small to read left out)",
            ),
            f"{ERROR_DEFINITION} {_SAMPLING_NOTE}",
        ],
    )
    return figure, rows


def _their_note(rows: pd.DataFrame, what: str) -> str:
    if "authors" in set(rows["kind"]):
        return f"Hollow: the authors’ published values: {what}."
    return "No published value of the authors lies within what is shown here."

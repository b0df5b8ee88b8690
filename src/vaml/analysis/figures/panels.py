"""Parts of the figures with single seeds: curves with bands, scales, legends and notes."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from vaml.analysis.figures.drawing import FigureSettings
from vaml.analysis.figures.rows import spans_decades
from vaml.analysis.figures.style import THOUSANDS, Methods

FLOOR: dict[str, Any] = {"color": "0.15", "linestyle": (0, (1, 1.2)), "linewidth": 1.1}
UNTRAINED: dict[str, Any] = {"color": "0.45", "linestyle": (0, (6, 2, 1, 2)), "linewidth": 0.9}
AUTHORS: dict[str, Any] = {
    "markerfacecolor": "none",
    "markeredgecolor": "0.1",
    "markersize": 4.2,
    "markeredgewidth": 0.8,
    "linestyle": "",
}
_SEED: dict[str, Any] = {"linewidth": 0.5, "alpha": 0.5}
# Number of points in a panel's width above which a thick line hides those under it.
_DENSE = 60

# From how many methods on, and from which ratio on, some are left above a panel.
_MANY, _FAR = 5, 5.0
NOTHING = "no finite value"
_DECADES_WITH_EVEN_TICKS = 3


def set_scale(axes: Axes, values: np.ndarray, seeds: np.ndarray | None = None) -> None:
    """Set a scale that separates all of these values, and limits that just hold them.

    The scale is logarithmic where the seeds' values span decades, as in `seeds_and_means`. If some
    are not positive and the largest are a thousand times the typical one, it is logarithmic beyond
    the typical one. seeds: by default all values.
    """
    values = values[np.isfinite(values)]
    logarithmic = spans_decades(values if seeds is None else seeds)
    if not len(values):
        axes.text(0.5, 0.5, NOTHING, transform=axes.transAxes, ha="center", va="center")
        return
    if logarithmic:
        values = values[values > 0]
        axes.set_yscale("log")
        if values.max() / values.min() < 10**_DECADES_WITH_EVEN_TICKS:
            within_a_decade = values.max() / values.min() < 10
            ticks = (
                MaxNLocator(5, steps=[1, 2, 5, 10])
                if within_a_decade
                else LogLocator(subs=(1.0, 3.0))
            )
            axes.yaxis.set_major_locator(ticks)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
            axes.yaxis.set_minor_formatter(FuncFormatter(lambda number, _: ""))
    elif values.min() <= 0 < np.median(np.abs(values)) < np.abs(values).max() / 1000:
        typical = 10 ** np.ceil(np.log10(np.median(np.abs(values))))
        axes.set_yscale("symlog", linthresh=typical)
    to_axis = axes.yaxis.get_transform()
    low, high = to_axis.transform(np.array([values.min(), values.max()]))
    room = 0.06 * (high - low) or 0.05 * max(abs(high), 1.0)
    axes.set_ylim(*to_axis.inverted().transform(np.array([low - room, high + room])))


def steps_axis(axes: Axes, title: str, xlabel: str) -> None:
    """Title and x label of a panel over training steps."""
    axes.set(title=title, xlabel=xlabel)
    axes.xaxis.set_major_formatter(THOUSANDS)


def curves(
    axes: Axes, rows: pd.DataFrame, x: str, method: str, methods: Methods, marker: bool = False
) -> None:
    """Draw the rows of one panel: seeds, means, intervals, floors, authors' numbers.

    It leaves the axes' scale to `scale_to`.

    x, method: columns of the step, and of the objective or agent. marker: also a marker at every
    value of a seed, for curves of few points.
    """
    for name in methods.names:
        mine = rows.loc[rows[method] == name]
        colour: dict[str, Any] = {"color": methods.colours[name]}
        points: dict[str, Any] = (
            {"marker": methods.markers[name], "markersize": 2.2} if marker else {}
        )
        mean = mine.loc[mine["kind"] == "mean"]
        alone = (mean["n"] == 1).all()  # the mean of one run is that run
        for _, seed in mine.loc[mine["kind"] == "seed"].groupby("seed", sort=False):
            if not alone:
                axes.plot(seed[x], seed["value"], **colour, **_SEED, **points)
        numbers = mean[[x, "low", "high"]].to_numpy(np.float64)
        axes.fill_between(*numbers.T, alpha=0.12, linewidth=0, label=name, **colour)
        look: dict[str, Any] = {
            "linestyle": methods.lines[name],
            "linewidth": 0.9 if len(mean) > _DENSE else 1.4,
        }
        if alone:
            look |= points
        if len(mean) == 1:  # one point makes no line
            look["marker"] = methods.markers[name]
        axes.plot(mean[x], mean["value"], label=name, **look, **colour)
        floor = mine.loc[mine["kind"] == "floor"]
        axes.plot(floor[x], floor["value"], **{**FLOOR, **colour}, gid="floor")
        theirs = mine.loc[mine["kind"] == "authors"]
        published(axes, theirs[x].to_numpy(np.float64), theirs, methods.markers[name])
    floor = rows.loc[(rows["kind"] == "floor") & rows[method].isna()]
    if len(floor) == 1:
        axes.axhline(floor["value"].item(), **FLOOR, gid="floor", zorder=1.9)
    else:
        axes.plot(floor[x], floor["value"], **FLOOR, gid="floor", zorder=1.9)


def scale_to(axes: Axes, rows: pd.DataFrame, shown: pd.DataFrame | None = None) -> None:
    """Set the scale of a panel with these rows, or of each of the panels that share one.

    shown: the rows that the limits must hold; by default all.
    """
    seeds = rows.loc[rows["kind"] == "seed", "value"].to_numpy(np.float64)
    set_scale(axes, (rows if shown is None else shown)["value"].to_numpy(np.float64), seeds)


def far_above(rows: pd.DataFrame, method: str) -> list[str]:
    """Name the methods of a panel that would flatten all others, if there are at least five.

    They are a minority whose typical (median) values are all _FAR times those of the others.
    """
    seeds = rows.loc[(rows["kind"] == "seed") & (rows["value"] > 0)]
    typical = seeds.groupby(method)["value"].median().sort_values()
    names, values = list(typical.index), typical.to_numpy(np.float64)
    if len(names) < _MANY:
        return []
    jumps = [i for i in range(1, len(names)) if values[i] > _FAR * values[i - 1]]
    return next((names[i:] for i in jumps if 2 * i > len(names)), [])


def mark_above(axes: Axes, rows: pd.DataFrame, x: str, method: str, methods: Methods) -> None:
    """Mark the means that lie above a panel by triangles below its upper edge."""
    means = rows.loc[(rows["kind"] == "mean") & (rows["value"] > axes.get_ylim()[1])]
    for name in methods.names:
        at = means.loc[means[method] == name, x].to_numpy(np.float64)
        axes.plot(
            at,
            np.full(len(at), 0.97),
            "^",
            color=methods.colours[name],
            markersize=4,
            transform=axes.get_xaxis_transform(),
            gid="above",
        )


def above_note(far: Iterable[str], methods: Methods) -> str:
    """Sentence on the triangles of `mark_above`; empty without any."""
    labels = [str(methods.handle(name).get_label()) for name in methods.names if name in set(far)]
    if not labels:
        return ""
    return f"Triangles: means above the panel, of {' and '.join(labels)}; the CSV file has them."


def left_out_note(names: Iterable[str], settings: FigureSettings) -> str:
    """Sentence on the objectives of `with_room` that have none; empty without any."""
    methods = settings.methods(names)
    labels = "; ".join(methods.label(name) for name in methods.names)
    return f"Shown in why_synthetic alone, for want of room: {labels}." if labels else ""


def published(axes: Axes, x: np.ndarray, rows: pd.DataFrame, marker: str) -> None:
    """The authors' numbers: hollow, with the error of reading them where they were read off."""
    value = rows["value"].to_numpy(np.float64)
    error = np.nan_to_num([value - rows["low"], rows["high"] - value])
    drawn = axes.errorbar(
        x, value, yerr=error, ecolor="0.1", marker=marker, **AUTHORS, elinewidth=0.7, zorder=2.5
    )
    drawn.lines[0].set_gid("authors")


def legend(methods: Methods, rows: pd.DataFrame, floor: str, **look: Any) -> list[Line2D]:
    """One entry per method and per kind of number that is drawn.

    floor: what the floor is called. look: of the methods' entries.
    """
    kinds = set(rows["kind"])
    entries = []
    for name in methods.names:
        shape = {"marker": methods.markers[name], "markersize": 3.5} if "authors" in kinds else {}
        entries.append(methods.handle(name, **{"linestyle": methods.lines[name], **shape, **look}))
    if "floor" in kinds:
        entries.append(Line2D([], [], **FLOOR, label=floor))
    if "authors" in kinds:
        hollow = Line2D([], [], marker="o", **AUTHORS, label="authors’ values, by shape")
        entries.append(hollow)
    return entries


def interval_note(bands: str, settings: FigureSettings, rows: pd.DataFrame) -> str:
    """Sentence on the meaning of the bands or bars, and on where they are missing."""
    means = rows.loc[rows["kind"] == "mean"]
    known = np.isfinite(means["low"].to_numpy(np.float64))
    without = f"n < {settings.minimum_seeds} or all values are the same"
    if not known.any():
        return f"{bands}: none, as {without}."
    some = "" if known.all() else f" (none where {without})"
    return (
        f"{bands}: {settings.interval}{some}, cut where they leave the panel; on log axes means "
        "and intervals are taken in logs."
    )

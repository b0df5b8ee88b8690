"""The paper's three figures, drawn as the paper draws them.

Each function takes the tables by name and returns the figure and the rows that it shows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from vaml.analysis.figures.authors import with_room
from vaml.analysis.figures.drawing import (
    ERROR_DEFINITION,
    ERROR_LABEL,
    METRIC_LABELS,
    Drawing,
    FigureSettings,
    Tables,
)
from vaml.analysis.figures.panels import left_out_note
from vaml.analysis.figures.style import (
    THOUSANDS,
    Methods,
    counted,
    failures,
    finish,
    name_rows,
    panels,
)
from vaml.analysis.tables.aggregates import METRICS, finite, fit_errors, learning_curves


def figure_1(tables: Tables, settings: FigureSettings) -> Drawing:
    """Bars of the test value-aware error in the artificial environment, from `synthetic`."""
    fits, left_out = with_room(tables["synthetic"], tables["published_figure_1"])
    errors = fit_errors(fits)
    methods = settings.methods(errors["objective"].unique())
    sizes = list(errors["hidden_size"].unique())
    kinds = list(errors["setting"].unique())
    figure, row = panels(settings.width, 2.2, len(kinds), 2, same_y=True)
    for axes, kind in zip(row, kinds, strict=True):
        _bars(axes, errors.loc[errors["setting"] == kind], methods, sizes)
        axes.set(title=kind.capitalize(), xlabel="Hidden size (units per layer)")
    row[0].set_ylabel(ERROR_LABEL)
    scale = _keep_small_ones_apart(row, errors["mean"].to_numpy(np.float64))
    finish(
        figure,
        [
            Patch(
                facecolor=methods.colours[name],
                hatch=methods.hatches[name],
                edgecolor="white",
                label=methods.label(name),
            )
            for name in methods.names
        ],
        [
            f"Study “{settings.study}”. Bars: mean over n = {counted(errors['n'], 'seed')}. "
            f"{_interval('Error bars', 'population', errors)} {failures('fit', fits)}",
            f"{ERROR_DEFINITION}{scale} {left_out_note(left_out, settings)}".rstrip(),
        ],
    )
    return figure, errors


# Values this many times above the lower quartile would flatten the lower ones on a linear axis.
_FLATTENING = 20.0


def _keep_small_ones_apart(grid: Sequence[Axes], values: np.ndarray) -> str:
    """Make the axis logarithmic above the lower values if others dwarf them; return the note."""
    values = values[np.isfinite(values)]
    typical = np.quantile(values, 0.25) if len(values) else 0.0
    if not (typical > 0 and values.max() > _FLATTENING * typical):
        return ""
    end = float(f"{2 * typical:.1g}")
    for axes in grid:
        axes.set_yscale("symlog", linthresh=end, linscale=2.0)
        axes.set_ylim(bottom=0)
    return f" The axis is linear up to {end:g} and logarithmic above."


def _bars(axes: Axes, errors: pd.DataFrame, methods: Methods, sizes: list[int]) -> None:
    """A group of bars per hidden size, one bar per objective, each with its error bar."""
    width = 0.8 / len(methods.names)
    for i, name in enumerate(methods.names):
        rows = errors.loc[errors["objective"] == name].set_index("hidden_size").reindex(sizes)
        axes.bar(
            np.arange(len(sizes)) + (i - (len(methods.names) - 1) / 2) * width,
            rows["mean"],
            width,
            yerr=rows["sd"],
            color=methods.colours[name],
            hatch=methods.hatches[name],
            edgecolor="white",
            linewidth=0,
            error_kw={"elinewidth": 0.9, "capsize": 1.5, "capthick": 0.9, "ecolor": "0.15"},
        )
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])


def figure_2(tables: Tables, settings: FigureSettings) -> Drawing:
    """Points of the test value-aware error along SAC training, from `snapshots`."""
    columns = ["environment", "step", "objective", "seed", "status", "value_aware_error"]
    points = finite(tables["snapshots"].loc[:, columns], "value_aware_error")
    methods = settings.methods(points["objective"].unique())
    environments = list(points["environment"].unique())
    figure, grid = panels(settings.width, 2.2, len(environments), 2, same_y=True)
    for axes, environment in zip(grid, environments, strict=True):
        sns.scatterplot(
            points.loc[points["environment"] == environment],
            x="step",
            y="value_aware_error",
            hue="objective",
            style="objective",
            hue_order=methods.names,
            style_order=methods.names,
            palette=methods.colours,
            markers=methods.markers,
            s=18,
            linewidth=0.9,
            legend=False,
            clip_on=False,  # shows a point at zero whole
            zorder=3,
            ax=axes,
        )
        for drawn in axes.collections:  # hollow, so that no fit hides another
            drawn.set(edgecolor=drawn.get_facecolor(), facecolor="none")
        axes.set(title=environment, xlabel="Snapshot (environment steps of SAC)", ylabel="")
        axes.xaxis.set_major_formatter(THOUSANDS)
    grid[0].set_ylim(bottom=0)  # after all panels that share the axis
    grid[0].set_ylabel(ERROR_LABEL)
    scale = _keep_small_ones_apart(grid, points["value_aware_error"].to_numpy(np.float64))
    runs = points.groupby("environment")["seed"].nunique()
    finish(
        figure,
        [
            methods.handle(name, marker=methods.markers[name], markerfacecolor="none", linestyle="")
            for name in methods.names
        ],
        [
            f"Study “{settings.study}”. One point per model fit, no interval; n = "
            f"{counted(runs, 'SAC run')} per environment. {failures('fit', points)}",
            f"{ERROR_DEFINITION}{scale}",
        ],
    )
    return figure, points


def figure_3(tables: Tables, settings: FigureSettings) -> Drawing:
    """Learning curves of the model-based agents, from `mbac`, `mbac_returns`, `mbac_fits`."""
    runs, fits = tables["mbac"], tables["mbac_fits"]
    curves = learning_curves(runs, tables["mbac_returns"], fits)
    methods = settings.methods(runs["agent"].unique())
    places = [(place, metric) for place in runs["environment"].unique() for metric in METRICS]
    figure, grid = panels(settings.width, 2.0, len(places), len(METRICS))
    for axes, (environment, metric) in zip(grid, places, strict=True):
        panel = curves.loc[(curves["environment"] == environment) & (curves["metric"] == metric)]
        _bands(axes, panel, methods)
        axes.set(title=METRIC_LABELS[metric], xlabel="Environment steps")
        axes.xaxis.set_major_formatter(THOUSANDS)
    name_rows(grid, len(METRICS), [place for place, _ in places])
    finish(
        figure,
        methods.line_handles,
        [
            f"Study “{settings.study}”. Lines: mean over runs ({_n_by_environment(curves)}). "
            f"{_interval('Bands', 'sample', curves)} {failures('run', runs)}{_not_finite(fits)}",
            ERROR_DEFINITION,
        ],
    )
    return figure, curves


def _bands(axes: Axes, curves: pd.DataFrame, methods: Methods) -> None:
    """A line per agent at its mean, with a band of one standard deviation on either side."""
    for name in methods.names:
        rows = curves.loc[curves["agent"] == name]
        steps, mean, sd = rows["env_step"], rows["mean"], rows["sd"]
        look: dict[str, Any] = {"color": methods.colours[name], "label": name}
        axes.fill_between(steps, mean - sd, mean + sd, alpha=0.22, linewidth=0, **look)
        axes.plot(steps, mean, linestyle=methods.lines[name], **look)


def _n_by_environment(curves: pd.DataFrame) -> str:
    groups = curves.groupby("environment", sort=False)["n"]
    return "; ".join(f"{name}: n = {counted(n)}" for name, n in groups)


def _not_finite(fits: pd.DataFrame) -> str:
    values = fits[["value_aware_error", "nll"]].to_numpy(np.float64)
    lost = ~np.isfinite(values).all(axis=1)
    return f" {lost.sum()} of {len(fits)} model fits have no finite value." if lost.any() else ""


def _interval(what: str, kind: str, summary: pd.DataFrame) -> str:
    n = summary["n"].to_numpy()
    if (n < 2).all():
        return f"{what}: none, as one value has no spread."
    some = " (none where n < 2)" if (n < 2).any() else ""
    return f"{what}: ±1 {kind} standard deviation{some}."

"""Figures of training: returns of SAC, validation losses of model fits, the models' σ.

Each function takes the tables by name and returns the figure and exactly the rows that it shows.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vaml.analysis.figures.drawing import METRIC_LABELS, Drawing, FigureSettings, Tables
from vaml.analysis.figures.panels import (
    FLOOR,
    curves,
    interval_note,
    scale_to,
    set_scale,
    steps_axis,
)
from vaml.analysis.figures.rows import (
    floor_rows,
    joined,
    seed_rows,
    seeds_and_means,
)
from vaml.analysis.figures.style import (
    Methods,
    counted,
    counted_means,
    failures,
    finish,
    panels,
)
from vaml.analysis.tables.aggregates import average_returns

_SCALARS = {
    "episode_return": "Return of the last\ntraining episode",
    "critic_loss": "Critic loss",
    "actor_loss": "Actor loss",
    "value": "Q at the policy’s\nactions",
    "entropy": "Policy’s entropy\n(nats)",
    "temperature": "Temperature",
}
_LEGEND_ENTRIES = 6
_SIGMA = "Model’s σ, L1 norm\n(state’s units)"
_TRUE_SIGMA = "the true dynamics’ σ, by size"


def sac_returns(tables: Tables, settings: FigureSettings) -> Drawing:
    """Evaluation returns of the SAC runs along training."""
    runs, returns = tables["sac"], tables["sac_returns"]
    averages = average_returns(returns, ["environment", "seed", "env_step"]).assign(agent="sac")
    by = ["environment", "agent", "env_step"]
    rows = joined(seeds_and_means(averages, by, "average_return", settings.bands, by[:1]), by)
    methods = settings.methods(["sac"])
    environments = list(runs["environment"].unique())
    figure, grid = panels(settings.width, 2.4, len(environments), 2)
    for axes, environment in zip(grid, environments, strict=True):
        panel = rows.loc[rows["environment"] == environment]
        curves(axes, panel, "env_step", "agent", methods, marker=True)
        scale_to(axes, panel)
        steps_axis(axes, environment, "Environment steps")
    grid[0].set_ylabel(METRIC_LABELS["average_return"])
    look: dict[str, Any] = {"color": methods.colours["sac"]}
    finish(
        figure,
        [
            Line2D(
                [],
                [],
                **look,
                linewidth=0.6,
                marker=methods.markers["sac"],
                markersize=2.2,
                label="one SAC run",
            ),
            Line2D([], [], **look, label="mean over runs"),
        ],
        [
            f"Study “{settings.study}”. Each point: mean of "
            f"{counted(averages['episodes'], 'episode')} with the deterministic policy. "
            f"n = {counted_means(rows, 'run')} per environment. "
            f"{interval_note('Bands', settings, rows)} {failures('run', runs)}",
        ],
    )
    return figure, rows


def training_sac(tables: Tables, settings: FigureSettings) -> Drawing:
    """Losses, values, entropy and episode returns along the SAC runs."""
    found = tables["sac_training"].assign(agent="sac")
    return _training(found, tables["sac"], _SCALARS, settings)


def training_mbac(tables: Tables, settings: FigureSettings) -> Drawing:
    """The numbers of `training_sac` along the agents' runs, and the loss of their models."""
    scalars = _SCALARS | {"model_loss": "Model’s validation loss\n(each agent’s own)"}
    return _training(tables["mbac_training"], tables["mbac"], scalars, settings)


def _training(
    found: pd.DataFrame, runs: pd.DataFrame, scalars: dict[str, str], settings: FigureSettings
) -> Drawing:
    """A panel per environment and number. scalars: what each column is called."""
    by = ["environment", "agent", "env_step"]
    rows = joined(
        [
            part.assign(metric=name)
            for name in scalars
            for part in seeds_and_means(found, by, name, settings.bands, by[:1])
        ],
        ["metric", *by],
    )
    methods = settings.methods(runs["agent"].unique() if "agent" in runs else ["sac"])
    environments = list(runs["environment"].unique())
    places = [(environment, name) for name in scalars for environment in environments]
    columns = len(environments)
    figure, grid = panels(settings.width, 1.5, len(places), columns, same_x=False)
    for axes, (environment, name) in zip(grid, places, strict=True):
        panel = rows.loc[(rows["environment"] == environment) & (rows["metric"] == name)]
        curves(axes, panel, "env_step", "agent", methods)
        first, last = name == next(iter(scalars)), name == next(reversed(scalars))
        steps_axis(axes, environment if first else "", "Environment steps" if last else "")
        if environment == environments[0]:
            axes.set_ylabel(scalars[name])
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        scale_to(axes, panel)
    finish(
        figure,
        methods.line_handles,
        [
            f"Study “{settings.study}”. Each point is of one gradient step and its batch; the "
            "return is that of the last episode in training. Thin lines: single runs; thick: mean "
            f"over n = {counted_means(rows, 'run')}. {interval_note('Bands', settings, rows)} "
            f"{failures('run', runs)}",
        ],
    )
    return figure, rows


def fit_curves_synthetic(tables: Tables, settings: FigureSettings) -> Drawing:
    """Validation losses of experiment A's fits, by hidden size."""
    return _fit_curves(
        tables["synthetic_curves"],
        tables["synthetic"],
        ("setting", "hidden_size", "hidden size"),
        settings,
    )


def fit_curves_snapshots(tables: Tables, settings: FigureSettings) -> Drawing:
    """Validation losses of experiment B's fits, by snapshot."""
    return _fit_curves(
        tables["snapshots_curves"],
        tables["snapshots"],
        ("environment", "step", "snapshot at step"),
        settings,
    )


def _fit_curves(
    epochs: pd.DataFrame,
    fits: pd.DataFrame,
    labels: tuple[str, str, str],
    settings: FigureSettings,
) -> Drawing:
    """A panel per group and objective; a line per fit, coloured by size or step.

    labels: the column of the groups, the column of the colours, and what the latter is.
    """
    group, shade, meaning = labels
    by = [group, "objective", shade, "epoch"]
    rows = seed_rows(epochs, by, "validation_loss")
    methods = settings.methods(fits["objective"].unique())
    levels = sorted(fits[shade].unique())
    colours = dict(
        zip(levels, colormaps["viridis"](np.linspace(0, 0.85, len(levels))), strict=True)
    )
    places = [(place, name) for place in fits[group].unique() for name in methods.names]
    figure, grid = panels(settings.width, 1.9, len(places), min(3, len(methods.names)))
    for axes, (place, name) in zip(grid, places, strict=True):
        panel = rows.loc[(rows[group] == place) & (rows["objective"] == name)]
        for (level, _), fit in panel.groupby([shade, "seed"], sort=False):
            axes.plot(
                fit["epoch"],
                fit["value"],
                color=colours[level],
                linewidth=0.8,
                alpha=0.8,
                marker="." if len(fit) == 1 else "",  # one epoch makes no line
            )
        set_scale(axes, panel["value"].to_numpy(np.float64))
        axes.set(
            title=f"{place[0].upper()}{place[1:]}: {methods.label(name)}",
            xlabel="Epoch",
        )
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        if axes in grid[:: min(3, len(methods.names))]:
            axes.set_ylabel("Validation loss")
    spread = np.unique(np.linspace(0, len(levels) - 1, _LEGEND_ENTRIES).round().astype(int))
    lost = len(epochs) - len(rows)
    finish(
        figure,
        [Line2D([], [], color=colours[levels[i]], label=f"{meaning} {levels[i]}") for i in spread],
        [
            f"Study “{settings.study}”. One line per fit, no interval; n = "
            f"{counted([len(set(fits['seed']))], 'seed')}. Each objective has its own loss and "
            f"scale. {failures('fit', fits)}"
            + (f" {lost} of {len(epochs)} epochs have no finite loss." if lost else ""),
        ],
    )
    return figure, rows


def model_sigma(tables: Tables, settings: FigureSettings) -> Drawing:
    """The L1 norm of σ: over epochs in A, by snapshot in B, over an agent's refits in C."""
    fits, epochs = tables["synthetic"], tables["synthetic_curves"]
    snapshots, refits = tables["snapshots"], tables["mbac_fits"]
    in_a = epochs.rename(columns={"setting": "panel", "objective": "method", "epoch": "x"})
    in_b = snapshots.rename(columns={"environment": "panel", "objective": "method", "step": "x"})
    in_c = refits.rename(columns={"environment": "panel", "agent": "method", "env_step": "x"})
    by = ["panel", "method", "x"]
    # Each size has true dynamics of its own.
    in_truth = fits.rename(columns={"setting": "panel"})
    truth = floor_rows(in_truth, ["panel", "hidden_size"], "true_sigma_l1")
    parts = [
        seed_rows(in_a, [*by, "hidden_size"], "validation_sigma_l1").assign(experiment="A"),
        truth.assign(experiment="A"),
    ]
    for experiment, source in (("B", in_b), ("C", in_c)):
        found = seeds_and_means(source, by, "sigma_l1", settings.bands, ["panel"])
        parts += [part.assign(experiment=experiment) for part in found]
    rows = joined(parts, ["experiment", *by, "hidden_size"])
    methods = settings.methods(
        dict.fromkeys([*fits["objective"], *snapshots["objective"], *tables["mbac"]["agent"]])
    )
    experiments = {
        "A": ("Epoch", fits["setting"].unique()),
        "B": ("Snapshot (environment steps of SAC)", snapshots["environment"].unique()),
        "C": ("Environment steps", tables["mbac"]["environment"].unique()),
    }
    columns = max(len(names) for _, names in experiments.values())
    figure, grid = panels(settings.width, 2.0, 3 * columns, columns, same_x=False)
    for i, (experiment, (xlabel, names)) in enumerate(experiments.items()):
        row = grid[i * columns : (i + 1) * columns]
        for spare in row[len(names) :]:
            spare.remove()
        for axes, name in zip(row, names, strict=False):
            panel = rows.loc[(rows["experiment"] == experiment) & (rows["panel"] == name)]
            _sigmas(axes, panel, methods)
            steps_axis(axes, f"{experiment}: {name[0].upper()}{name[1:]}", xlabel)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        row[0].set_ylabel(_SIGMA)
    finish(
        figure,
        [*methods.line_handles, Line2D([], [], **FLOOR, label=_TRUE_SIGMA)],
        [
            f"Study “{settings.study}”. Thin lines: A, validation rows of one fit each, all hidden "
            "sizes; B, test rows of the fits on one SAC run; C, validation rows of one run’s "
            f"refits. Thick lines, B and C: mean over n = "
            f"{counted_means(rows, 'run')}. "
            f"{interval_note('Bands', settings, rows)} Log scale where values span decades.",
            f"A: {failures('fit', fits)} B: {failures('fit', snapshots)} "
            f"C: {failures('run', tables['mbac'])}",
        ],
    )
    return figure, rows


def _sigmas(axes: Axes, rows: pd.DataFrame, methods: Methods) -> None:
    """Single fits over epochs where there are such; else runs, their mean and interval."""
    single = rows.loc[(rows["kind"] == "seed") & rows["hidden_size"].notna()]
    for (name, _, _), fit in single.groupby(["method", "hidden_size", "seed"], sort=False):
        axes.plot(fit["x"], fit["value"], color=methods.colours[name], linewidth=0.7, alpha=0.6)
    curves(axes, rows.loc[rows["kind"] != "floor"].drop(single.index), "x", "method", methods)
    levels = rows.loc[rows["kind"] == "floor", "value"]
    for level in levels:
        axes.axhline(level, **FLOOR | {"linewidth": FLOOR["linewidth"] / (1 + (len(levels) > 1))})
    scale_to(axes, rows)

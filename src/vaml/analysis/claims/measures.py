"""The numbers that config/claims.yaml defines, one per run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from vaml.analysis.claims.stats import rank_correlation
from vaml.config.claims import LAYOUTS, Comparison, Table
from vaml.config.environments import unversioned

Tables = Mapping[str, pd.DataFrame]
Details = dict[str, float]

_DIVERGED = "diverged"
# Tables that lack a number for jobs on a GPU.
_TIMED = ("snapshots_costs",)


class NotMeasurable(Exception):
    """Raised when the tables lack what a measure needs; the message says what."""


@dataclass(frozen=True)
class Sample:
    """Numbers of one comparison, one per run.

    treatment: by seed, the method's numbers or, if paired, their differences from the baseline.
    baseline: by seed, the other sample; None without one. diverged: runs with at least one value
    that was missing or not finite, and was replaced by the worst. cells: hidden sizes, snapshots or
    steps behind a run's number. details: other descriptive numbers of the sample.
    """

    treatment: Mapping[int, float]
    baseline: Mapping[int, float] | None = None
    diverged: int = 0
    cells: int = 1
    details: Details = field(default_factory=dict)

    @property
    def arms(self) -> list[list[float]]:
        """The one or two samples, as values."""
        both = [self.treatment] if self.baseline is None else [self.treatment, self.baseline]
        return [list(arm.values()) for arm in both]


def measure(comparison: Comparison, part: str, method: str, tables: Tables) -> Sample:
    """The numbers of one method in one part. Raises NotMeasurable."""
    if comparison.summary == "diverged":
        return _divergence(comparison, part, method, tables)
    values = _values(comparison, part, method, tables)
    if comparison.pairing == "none":
        (values,), diverged = _complete(comparison, [values])
        details = _describe(comparison, values)
        (numbers,) = _numbers(comparison, [values], details)
        return Sample(_by_seed(values, numbers), None, diverged, values.shape[1], details)
    other = _values(comparison, part, comparison.baseline, tables)
    steps = values.columns.union(other.columns)
    both = [frame.reindex(columns=steps) for frame in (values, other)]
    if comparison.pairing == "paired":
        seeds = values.index.intersection(other.index)
        both = [frame.reindex(index=seeds) for frame in both]
        if seeds.empty:
            raise NotMeasurable(f"{method} and {comparison.baseline} share no seed in {part}")
    both, diverged = _complete(comparison, both)
    details = _contrast(comparison, *both)
    if comparison.pairing == "unpaired":
        arms = _numbers(comparison, both, details)
        return Sample(
            *map(_by_seed, both, arms), diverged=diverged, cells=len(steps), details=details
        )
    values, other = both
    if comparison.summary in _OF_DIFFERENCES:
        numbers = _OF_DIFFERENCES[comparison.summary]((values - other).to_numpy(np.float64))
    else:
        first, second = _numbers(comparison, both, details)
        numbers = first - second
    return Sample(_by_seed(values, numbers), None, diverged, len(steps), details)


# Summaries of a run's values, (seeds, cells) to (seeds,).
_SUMMARIES: dict[str, Callable[[np.ndarray], Any]] = {
    "mean": lambda values: values.mean(axis=1),
    "median": lambda values: np.median(values, axis=1),
    "last": lambda values: values[:, -1],
}
# And of the differences within a seed: a median of differences is not a difference of medians.
_OF_DIFFERENCES = _SUMMARIES | {
    "lower_everywhere": lambda differences: (differences < 0).all(axis=1) - 0.5,
}


def _rows(table: Table, part: str, method: str | None, tables: Tables) -> pd.DataFrame:
    """The rows of one part and method."""
    if table not in tables:
        raise NotMeasurable(f"there is no table {table}")
    rows, layout = tables[table], LAYOUTS[table]
    column = layout.part
    names = [name for name in rows[column].unique() if name == part or unversioned(name) == part]
    if len(names) != 1:
        what = f"more than one: {', '.join(names)}" if names else f"no {column} {part}"
        raise NotMeasurable(f"the table {table} has {what}")
    rows = rows.loc[rows[column] == names[0]]
    if method is not None:
        rows = rows.loc[rows[layout.method] == method]
        if rows.empty:
            raise NotMeasurable(f"the table {table} has no {layout.method} {method} in {part}")
    return rows


def _values(comparison: Comparison, part: str, method: str | None, tables: Tables) -> pd.DataFrame:
    """The metric by seed (rows) and hidden size, snapshot or step (columns); NaN: no number."""
    table = comparison.table
    layout = LAYOUTS[table]
    runs = _rows(layout.runs or table, part, method, tables)
    rows = _rows(table, part, method, tables) if layout.runs else runs
    columns = [name for name in (comparison.metric, comparison.minus, comparison.per) if name]
    for column in columns:
        if column not in rows:
            raise NotMeasurable(f"the table {table} has no column {column}")
        if rows[column].dtype.kind not in "iuf":
            raise NotMeasurable(f"the column {column} of the table {table} holds no numbers")
    if table in _TIMED and bool((rows[comparison.metric].isna() & (rows["status"] == "ok")).any()):
        raise NotMeasurable(f"some {method} fits in {part} have no CPU seconds: they ran on a GPU")
    for column in columns:
        _require_numbers(column, rows, runs, f"{method} in {part}")
    rows = rows.loc[~_without_number(table, comparison.metric, rows, tables)]
    metric = rows[comparison.metric].to_numpy(np.float64)
    if comparison.minus is not None:
        metric = metric - rows[comparison.minus].to_numpy(np.float64)
    if comparison.per is not None:
        metric = metric / rows[comparison.per].to_numpy(np.float64)
    metric = metric / (comparison.divide_by or 1.0)
    if "status" in rows:
        metric = np.where(rows["status"] == _DIVERGED, np.nan, metric)
    cells = rows[layout.cell] if layout.cell else 0
    values = rows.assign(value=np.where(np.isfinite(metric), metric, np.nan), cell=cells)
    # The episodes of an evaluation make one value; an episode without a number leaves none.
    means = values.groupby(["seed", "cell"])["value"].agg(["mean", "count", "size"]).reset_index()
    means["mean"] = means["mean"].where(means["count"] == means["size"])
    frame = means.pivot(index="seed", columns="cell", values="mean")
    return frame.reindex(index=pd.Index(runs["seed"].unique(), name="seed"))


def _require_numbers(column: str, rows: pd.DataFrame, runs: pd.DataFrame, where: str) -> None:
    """Refuse a run that did not diverge and has no number at all in this column.

    Such a run is of a version that did not measure it yet: it must not count as the worst.
    """
    diverged = runs.loc[runs["status"] == _DIVERGED, "seed"]
    measured = rows.loc[rows[column].notna(), "seed"]
    lacking = [str(seed) for seed in runs["seed"].unique() if seed not in {*diverged, *measured}]
    if lacking:
        raise NotMeasurable(f"no {column} of {where}, seed {', '.join(lacking)}, which is finished")


def _without_number(table: Table, metric: str, rows: pd.DataFrame, tables: Tables) -> np.ndarray:
    """Mask of the rows whose cell cannot have a number.

    An example is the error for the next snapshot's value function at the last snapshot: no run of
    any method has it, and none of them diverged.
    """
    cell = LAYOUTS[table].cell
    if cell is None or "status" not in rows:
        return np.zeros(len(rows), bool)
    # A cell in which every fit diverged could have had one.
    others = tables[table].loc[tables[table]["status"] != _DIVERGED]
    numbers = others.groupby(cell)[metric].count()
    return np.isin(rows[cell], numbers.index[numbers == 0])


def _complete(comparison: Comparison, frames: list[pd.DataFrame]) -> tuple[list[pd.DataFrame], int]:
    """Replace each missing value by the worst finite one of any run, on the claim's scale.

    Also returns the number of runs with at least one such value.
    """
    everything = np.concatenate([frame.to_numpy().ravel() for frame in frames])
    if not np.isfinite(everything).any():
        raise NotMeasurable("no run has a finite value")
    worst = np.nanmax(everything) if comparison.worst == "highest" else np.nanmin(everything)
    diverged = sum(int(frame.isna().any(axis=1).sum()) for frame in frames)
    if comparison.scale == "log" and np.nanmin(everything) <= 0:
        raise NotMeasurable(f"a log ratio needs values above 0: {np.nanmin(everything):.3g}")
    full = []
    for frame in frames:
        numbers = frame.fillna(worst).to_numpy(np.float64)
        numbers = np.log(numbers) if comparison.scale == "log" else numbers
        full.append(pd.DataFrame(numbers, frame.index, frame.columns))
    return full, diverged


def _numbers(
    comparison: Comparison, frames: list[pd.DataFrame], details: Details
) -> list[np.ndarray]:
    """One number per seed, for each frame."""
    values = [frame.to_numpy(np.float64) for frame in frames]
    match comparison.summary:
        case "log_of_mean":
            return _logs([each.mean(axis=1) for each in values], details)
        case "rank_correlation":
            steps = list(frames[0].columns)
            if len(steps) < 3:
                raise NotMeasurable(f"a rank correlation of {len(steps)} snapshots says nothing")
            return [
                np.array([rank_correlation(steps, list(row))[0] for row in each]) for each in values
            ]
        case summary:
            return [_SUMMARIES[summary](each) for each in values]


def _logs(means: list[np.ndarray], details: Details) -> list[np.ndarray]:
    """Logs of the means; a mean that is not above 0 counts as the smallest positive one of any run.

    An unbiased estimate of a square falls below 0 where the square is too small to be measured.
    """
    everything = np.concatenate(means)
    positive = everything[everything > 0]
    if not len(positive):
        raise NotMeasurable(f"a log ratio needs means above 0: {everything.max():.3g}")
    if len(positive) < len(everything):
        details["means_not_above_0"] = float(len(everything) - len(positive))
    return [np.log(np.where(each > 0, each, positive.min())) for each in means]


def _by_seed(values: pd.DataFrame, numbers: np.ndarray) -> dict[int, float]:
    return {int(seed): float(x) for seed, x in zip(values.index, numbers, strict=True)}


def _divergence(comparison: Comparison, part: str, method: str, tables: Tables) -> Sample:
    """1 for each run that diverged, 0 for each that did not."""

    def flags(name: str | None) -> dict[int, float]:
        runs = _rows(LAYOUTS[comparison.table].runs or comparison.table, part, name, tables)
        failed = (runs["status"] == _DIVERGED).groupby(runs["seed"]).any()
        return {int(seed): float(flag) for seed, flag in failed.items()}  # type: ignore[arg-type]

    mine, theirs = flags(method), flags(comparison.baseline)
    return Sample(mine, theirs, int(sum(mine.values()) + sum(theirs.values())))


def _describe(comparison: Comparison, values: pd.DataFrame) -> Details:
    """Range of the values over snapshots; only one run's own p can be given."""
    if comparison.summary != "rank_correlation":
        return {}
    numbers = values.to_numpy(np.float64)
    details = {
        "lowest": float(numbers.min()),
        "highest": float(numbers.max()),
        "highest_over_median": float((numbers.max(axis=1) / np.median(numbers, axis=1)).mean()),
    }
    if len(values) == 1:
        p = rank_correlation(list(values.columns), list(numbers[0]))[1]
        details |= {"snapshots": float(numbers.size), "p_as_if_snapshots_were_runs": p}
    return details


def _contrast(comparison: Comparison, values: pd.DataFrame, other: pd.DataFrame) -> Details:
    """Number of cells in which the method is lower than the baseline, and the ratio."""
    if comparison.pairing == "unpaired":
        lower = values.mean() < other.mean()
        return {"lower": float(lower.sum()), "of": float(len(lower))} if len(lower) > 1 else {}
    differences = (values - other).to_numpy(np.float64)
    details = {
        "lower": float((differences < 0).sum()),
        "tied": float((differences == 0).sum()),
        "of": float(differences.size),
    }
    if comparison.scale == "log":
        details["mean_ratio"] = float(np.exp(differences).mean())
        details["median_ratio"] = float(np.exp(np.median(differences)))
        if len(values) > 1:
            mine, theirs = values.apply(np.exp), other.apply(np.exp)
            distance = (mine.mean() - theirs.mean()).abs()
            details["overlapping"] = float((distance < mine.std(ddof=0) + theirs.std(ddof=0)).sum())
    return details

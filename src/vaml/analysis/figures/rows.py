"""Rows of the figures with single seeds: values, their mean and its interval, and reference levels.

Every row has a `kind`: "seed" (one run's value), "mean" (over seeds, with `low`, `high`, `n`),
"floor" (what the metric gives without any error of the model), "untrained" (the mean return before
any learning) or "authors" (a published number; `low` and `high` bound the error of reading it off a
figure).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaml.analysis.claims.stats import mean_of

NUMBERS = ["kind", "seed", "value", "low", "high", "n"]

# Ratio of the largest to the smallest value above which a linear axis hides the small ones.
WIDE = 30.0


@dataclass(frozen=True)
class Bands:
    """Intervals of the means: t intervals at this confidence, from this number of seeds on."""

    confidence: float
    minimum_seeds: int


def spans_decades(values: np.ndarray) -> bool:
    """True if the finite values are positive and so far apart that they need a logarithmic axis."""
    values = values[np.isfinite(values)]
    return len(values) > 0 and values.min() > 0 and values.max() / values.min() > WIDE


def seed_rows(rows: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """One row per finite value: columns `by`, then NUMBERS."""
    finite = rows.loc[np.isfinite(rows[value].to_numpy(np.float64))]
    found = finite.loc[:, [*by, "seed"]].assign(value=finite[value], kind="seed")
    return found.reindex(columns=[*by, *NUMBERS])


def mean_rows(
    rows: pd.DataFrame, by: Sequence[str], value: str, bands: Bands | None, logs: bool = False
) -> pd.DataFrame:
    """The mean over the seeds of each group, with its t interval: columns `by`, then NUMBERS.

    low, high: NaN without `bands`, with fewer seeds than they ask for, or where all values are the
    same. n: seeds with a finite value; a group without any has no row. logs: the geometric mean of
    positive values, and the interval of the mean of their logarithms.
    """
    finite = seed_rows(rows, by, value)
    found = []
    for _, group in finite.groupby(list(by), sort=False):
        values = group["value"].to_numpy(np.float64)
        mean = mean_of((np.log(values) if logs else values).tolist())
        ends = (np.nan, np.nan)
        if bands and len(group) >= bands.minimum_seeds:
            ends = mean.interval(bands.confidence)
        numbers = np.array([mean.effect, *ends])
        value, low, high = np.exp(numbers) if logs else numbers
        shown = {"kind": "mean", "value": value, "low": low, "high": high, "n": len(group)}
        found.append({**group.iloc[0][list(by)], **shown})
    return pd.DataFrame(found).reindex(columns=[*by, *NUMBERS])


def floor_rows(rows: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """The mean of a floor over the seeds of each group; a seed counts once, however many fits."""
    once = seed_rows(rows, by, value).drop_duplicates([*by, "seed"])
    # No interval: a floor is a reference level, not a result.
    return mean_rows(once, by, "value", None).assign(kind="floor")


def seeds_and_means(
    rows: pd.DataFrame, by: Sequence[str], value: str, bands: Bands, panel: Sequence[str] = ()
) -> list[pd.DataFrame]:
    """Rows of the seeds and of their means, to be passed to `joined` with others.

    panel: the columns of `by` that identify a panel of the figure. If a panel's seeds span decades,
    so that its axis will be logarithmic, the means and intervals are taken in logs.
    """
    found = []
    for _, part in rows.groupby(list(panel), sort=False) if panel else [((), rows)]:
        logs = spans_decades(part[value].to_numpy(np.float64))
        found += [seed_rows(part, by, value), mean_rows(part, by, value, bands, logs)]
    return found


def untrained_rows(averages: pd.DataFrame) -> pd.DataFrame:
    """Mean return of the first evaluation, before learning, by environment; a seed counts once.

    averages: rows of `average_returns`. Agents of one seed start with the same policy.
    """
    first = averages.groupby(["environment", "seed"], sort=False)["env_step"].transform("min")
    once = averages.loc[averages["env_step"] == first].drop_duplicates(["environment", "seed"])
    found = mean_rows(once, ["environment"], "average_return", None)
    return found.assign(kind="untrained")


def joined(parts: Sequence[pd.DataFrame], labels: Sequence[str]) -> pd.DataFrame:
    """All rows, with the columns `labels`, then NUMBERS."""
    kept = [part.reindex(columns=[*labels, *NUMBERS]).astype(object) for part in parts if len(part)]
    # If every run diverged, there is nothing to draw.
    nothing = pd.DataFrame(columns=[*labels, *NUMBERS], dtype=object)
    rows = pd.concat(kept, ignore_index=True) if kept else nothing
    numbers = ["value", "low", "high"]
    return rows.assign(**{name: rows[name].astype(np.float64) for name in numbers})

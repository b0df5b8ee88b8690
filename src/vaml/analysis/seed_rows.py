"""Rows of the figures with single seeds: values, their mean and its interval, what bounds them.

Every row has a `kind`: "seed" (one run's value), "mean" (over seeds, with `low`, `high`, `n`),
"floor" (what the metric gives without any error of the model), "untrained" (the mean return before
any learning) or "authors" (a published number; `low` and `high` bound the error of reading it off a
figure).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vaml.analysis.stats import mean_of

NUMBERS = ["kind", "seed", "value", "low", "high", "n"]


def seed_rows(rows: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """One row per finite value: columns `by`, then NUMBERS."""
    finite = rows.loc[np.isfinite(rows[value].to_numpy(np.float64))]
    found = finite.loc[:, [*by, "seed"]].assign(value=finite[value], kind="seed")
    return found.reindex(columns=[*by, *NUMBERS])


def mean_rows(rows: pd.DataFrame, by: Sequence[str], value: str, confidence: float) -> pd.DataFrame:
    """The mean over the seeds of each group, with its t interval: columns `by`, then NUMBERS.

    low, high: NaN where n < 2 or where all values are the same. n: seeds with a finite value;
    a group without any has no row.
    """
    finite = seed_rows(rows, by, value)
    found = []
    for _, group in finite.groupby(list(by), sort=False):
        mean = mean_of(group["value"].tolist())
        low, high = mean.interval(confidence)
        numbers = {"kind": "mean", "value": mean.effect, "low": low, "high": high}
        found.append({**group.iloc[0][list(by)], **numbers, "n": len(group)})
    return pd.DataFrame(found).reindex(columns=[*by, *NUMBERS])


def floor_rows(rows: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """The mean of a floor over the seeds of each group; a seed counts once, however many fits."""
    once = seed_rows(rows, by, value).drop_duplicates([*by, "seed"])
    means = mean_rows(once, by, "value", confidence=0.5)
    # Without an interval: it is a level to compare with, not a result.
    return means.assign(kind="floor", low=np.nan, high=np.nan)


def seeds_and_means(
    rows: pd.DataFrame, by: Sequence[str], value: str, confidence: float
) -> list[pd.DataFrame]:
    """Both, to be joined with others."""
    return [seed_rows(rows, by, value), mean_rows(rows, by, value, confidence)]


def untrained_rows(averages: pd.DataFrame) -> pd.DataFrame:
    """By environment, the mean return of the first evaluation, before learning; a seed counts once.

    averages: as from `average_returns`. Agents of one seed start with the same policy.
    """
    first = averages.groupby(["environment", "seed"], sort=False)["env_step"].transform("min")
    once = averages.loc[averages["env_step"] == first].drop_duplicates(["environment", "seed"])
    found = mean_rows(once, ["environment"], "average_return", confidence=0.5)
    return found.assign(kind="untrained", low=np.nan, high=np.nan)


def joined(parts: Sequence[pd.DataFrame], labels: Sequence[str]) -> pd.DataFrame:
    """All rows, with the columns `labels`, then NUMBERS."""
    kept = [part.reindex(columns=[*labels, *NUMBERS]).astype(object) for part in parts if len(part)]
    # Where every run diverged there is nothing to draw.
    nothing = pd.DataFrame(columns=[*labels, *NUMBERS], dtype=object)
    rows = pd.concat(kept, ignore_index=True) if kept else nothing
    numbers = ["value", "low", "high"]
    return rows.assign(**{name: rows[name].astype(np.float64) for name in numbers})


def average_returns(returns: pd.DataFrame, run: Sequence[str]) -> pd.DataFrame:
    """Of each evaluation: columns `run`, average_return over its episodes, and their number.

    run: the columns that tell evaluations apart.
    """
    episodes = returns.groupby(list(run), sort=False)
    return episodes.agg(
        average_return=("return", "mean"), episodes=("return", "size")
    ).reset_index()

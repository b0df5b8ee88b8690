"""The authors' published numbers (paper/reference) as rows of our figures: kind "authors"."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from vaml.analysis.figures.rows import NUMBERS
from vaml.config.environments import unversioned

# Objectives that figure 1 has room for, in a group of bars per hidden size.
_ROOM = 5


def with_room(fits: pd.DataFrame, reference: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The fits that figure 1 shows, and the objectives that it leaves out.

    Of more objectives than there is room for it shows the authors' alone; `why_synthetic` has all.
    """
    names = list(fits["objective"].unique())
    theirs = [name for name in names if name in set(reference["objective"])]
    if len(names) <= _ROOM or not theirs:
        return fits, []
    return fits.loc[fits["objective"].isin(theirs)], [name for name in names if name not in theirs]


def published_fits(reference: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Figure 1's means, for the settings, hidden sizes and objectives that are shown."""
    labels = ["setting", "hidden_size", "objective"]
    theirs = _numbers(reference.rename(columns={"mean": "value"}), "mean_reading_error")
    return theirs.merge(shown[labels].drop_duplicates(), on=labels).loc[:, [*labels, *NUMBERS]]


def published_snapshots(reference: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Figure 2's points, as far as the snapshots that are shown reach; known exactly."""
    theirs = _numbers(reference.rename(columns={"value_aware_error": "value"}), None)
    theirs = _placed(theirs, shown, "step", "objective")
    return theirs.loc[:, ["environment", "step", "objective", *NUMBERS]]


def published_curves(reference: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Figure 3's means over runs, as far as the runs that are shown reach.

    An error no larger than its reading error is left out: it is only known to be small.
    """
    theirs = reference.replace({"metric": {"return": "average_return"}})
    theirs = _numbers(theirs.rename(columns={"mean": "value"}), "mean_reading_error")
    unknown = (theirs["metric"] == "value_aware_error") & (theirs["low"] <= 0)
    theirs = _placed(theirs.loc[~unknown], shown, "env_step", "agent")
    return theirs.loc[:, ["environment", "agent", "metric", "env_step", *NUMBERS]]


def their_environments(reference: pd.DataFrame, ours: Iterable[str]) -> str:
    """The authors' names of these environments."""
    names = {unversioned(name): name for name in reference["environment"].unique()}
    return ", ".join(names[unversioned(each)] for each in ours if unversioned(each) in names)


def _numbers(reference: pd.DataFrame, error: str | None) -> pd.DataFrame:
    reach = reference[error] if error else np.nan
    return reference.assign(
        kind="authors",
        seed=np.nan,
        n=np.nan,
        low=reference["value"] - reach,
        high=reference["value"] + reach,
    )


def _placed(theirs: pd.DataFrame, shown: pd.DataFrame, step: str, method: str) -> pd.DataFrame:
    """Rows under our environment names, for our methods, up to our last step in each.

    Versions of one environment share a panel: Hopper-v3 was the authors', Hopper-v4 is ours.
    """
    names = theirs["environment"].map(unversioned)
    known = theirs[method].isin(list(set(shown[method])))
    parts = [theirs.iloc[:0]]
    for environment in shown["environment"].unique():
        end = shown.loc[shown["environment"] == environment, step].max()
        mine = theirs.loc[(names == unversioned(environment)) & known & (theirs[step] <= end)]
        parts.append(mine.assign(environment=environment))
    return pd.concat(parts, ignore_index=True)

"""The rows that the paper's figures draw; the same rows are written beside the figures."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vaml.files import UnreadableFile

_TEXT = ("setting", "environment", "objective", "agent", "key", "status", "diverged_where")
# And in the authors' tables: what is measured, how well it could be read off the figure.
_AUTHORS_TEXT = ("metric", "confidence")
METRICS = ("average_return", "value_aware_error", "nll")


def read_table(path: Path) -> pd.DataFrame:
    """A table's CSV, of the study or of the authors (paper/reference).

    Names are text, whole numbers integers, an empty field is NaN.

    UnreadableFile: the file is cut short, a line has more or fewer fields than the header, or a
    numeric field holds no number.
    """
    try:
        text = path.read_bytes().decode()
        if not text.endswith("\n"):
            raise ValueError("its last line is cut short" if text else "it is empty")
        header, *lines = csv.reader(io.StringIO(text, newline=""))
        # pandas' own parser would take an objective called `nan` for a number.
        fields = list(zip(header, *lines, strict=True))
        return pd.DataFrame({name: _column(name, texts) for name, *texts in fields})
    except (ValueError, csv.Error) as error:
        raise UnreadableFile(f"{path}: not a table: {error}") from error


def _column(name: str, texts: list[str]) -> pd.Series:
    if name in (*_TEXT, *_AUTHORS_TEXT):
        return pd.Series(texts, dtype=object)
    try:
        return pd.Series([int(text) for text in texts], dtype=np.int64)
    except ValueError:
        return pd.Series([float(text) if text else math.nan for text in texts], dtype=np.float64)


def mean_and_sd(rows: pd.DataFrame, by: Sequence[str], value: str, ddof: int) -> pd.DataFrame:
    """Columns `by`, mean, sd, n over the finite values of each group, in order of appearance.

    ddof: 0 for the population's standard deviation, 1 for the sample's. sd is NaN where n < 2:
    one value has no spread to show. A group without a finite value stays, with n = 0.
    """
    groups = finite(rows, value).groupby(list(by), sort=False)[value]
    summary = pd.DataFrame(
        {"mean": groups.mean(), "sd": groups.std(ddof=ddof), "n": groups.count()}
    ).reset_index()
    summary["sd"] = summary["sd"].where(summary["n"] > 1)
    return summary


def finite(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """A copy in which an infinite value is NaN."""
    numbers = rows[value].to_numpy(np.float64)
    return rows.assign(**{value: np.where(np.isfinite(numbers), numbers, np.nan)})


def fit_errors(synthetic: pd.DataFrame) -> pd.DataFrame:
    """Figure 1: test value-aware error over seeds, with the population's standard deviation.

    Columns setting, hidden_size, objective, mean, sd, n, jobs, diverged: n of the jobs have a
    finite error.
    """
    by = ["setting", "hidden_size", "objective"]
    errors = mean_and_sd(synthetic, by, "value_aware_error", ddof=0)
    status = synthetic.assign(diverged=synthetic["status"] == "diverged")
    counts = status.groupby(by, sort=False)["diverged"].agg(["size", "sum"]).reset_index()
    return errors.assign(jobs=counts["size"], diverged=counts["sum"])


def average_returns(returns: pd.DataFrame, run: Sequence[str]) -> pd.DataFrame:
    """Mean return of each evaluation: columns `run`, average_return, and the number of episodes.

    run: the columns that tell evaluations apart.
    """
    episodes = returns.groupby(list(run), sort=False)
    return episodes.agg(
        average_return=("return", "mean"), episodes=("return", "size")
    ).reset_index()


def learning_curves(runs: pd.DataFrame, returns: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Figure 3: means over runs, with the sample's standard deviation.

    runs, returns, fits: the tables mbac, mbac_returns, mbac_fits. A run's return at a step is the
    mean over that evaluation's episodes. Columns environment, agent, metric (one of METRICS),
    env_step, mean, sd, n: n runs have a finite value at that step.
    """
    run = ["environment", "agent", "seed", "env_step"]
    sources = dict.fromkeys(METRICS, fits) | {"average_return": average_returns(returns, run)}
    curves = []
    # The order is that of the runs: one that diverged early may have no return and no fit.
    for environment, agent in runs[["environment", "agent"]].drop_duplicates().to_numpy():
        for metric, rows in sources.items():
            mine = rows.loc[(rows["environment"] == environment) & (rows["agent"] == agent)]
            curve = mean_and_sd(mine, ["env_step"], metric, ddof=1).sort_values("env_step")
            curves.append(curve.assign(environment=environment, agent=agent, metric=metric))
    columns = ["environment", "agent", "metric", "env_step", "mean", "sd", "n"]
    return pd.concat(curves, ignore_index=True).loc[:, columns]

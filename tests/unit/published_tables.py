"""The published tables, their claims and how documents write numbers of them."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "paper" / "published"


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(PUBLISHED / f"{name}.csv")


def page(name: str) -> str:
    """The text of a document, by its path in the repository, on one line."""
    return re.sub(r"\s+", " ", (ROOT / name).read_text(encoding="utf-8"))


def findings() -> str:
    """The findings in short and those of each experiment, on one line."""
    pages = ("findings", *(f"findings/experiment_{name}" for name in "abc"))
    return " ".join(page(f"docs/{name}.md") for name in pages)


def three_digits(number: float) -> str:
    return f"{number:.3g}".replace("-", "−")


def integers(values: list[float], between: str = " and ") -> str:
    return between.join(f"{value:.0f}".replace("-", "−") for value in values)


def per_cent(value: float) -> str:
    return f"{100 * value:.0f} %"


def only(found: set[Any]) -> Any:
    """The one value that both settings, or all snapshots, have."""
    (value,) = found
    return value


def compared(
    part: str,
    claim: str,
    measured: str,
    method: str = "reg_vaml",
    baseline: str = "mle",
    study: str = "reduced",
) -> tuple[list[float], str]:
    """Effect with the ends of its interval, and the verdict on it; no baseline: an empty one."""
    rows = table(f"{study}/claims")
    rows = rows.loc[(rows["part"] == part) & (rows["claim"] == claim)]
    rows = rows.loc[(rows["method"] == method) & (rows["measured"] == measured)]
    same = rows["baseline"] == baseline if baseline else rows["baseline"].isna()
    (row,) = rows.loc[same].to_dict("records")
    return [row[name] for name in ("effect", "low", "high")], row["verdict"]


def short(number: float) -> str:
    """Two digits, or an integer where that has more."""
    return f"{number:.0f}" if number >= 100 else f"{number:.2g}"


def verdict_of(claim: str, study: str = "reduced") -> str:
    rows = table(f"{study}/claims")
    return only(set(rows.loc[rows["claim"] == claim, "claim_verdict"]))


def exp(numbers: list[float]) -> list[float]:
    return [float(np.exp(number)) for number in numbers]


def bracketed(numbers: list[float], write: str = ".0f") -> str:
    effect, low, high = (f"{number:{write}}".replace("-", "−") for number in numbers)
    return f"{effect} [{low}, {high}]"


def over_seeds(logs: Any) -> str:
    """The ratio whose logarithms these are, with its interval over the seeds' means."""
    return bracketed(exp(with_interval(logs.groupby("seed").mean())), ".2g")


def with_interval(by_run: Any) -> list[float]:
    """Mean over runs with its 95 % t interval."""
    numbers = np.asarray(by_run, float)
    half = stats.t.ppf(0.975, len(numbers) - 1) * numbers.std(ddof=1) / np.sqrt(len(numbers))
    return [numbers.mean(), numbers.mean() - half, numbers.mean() + half]


def ratio_with_interval(effect: Any) -> str:
    """An effect in logs as a ratio, with its interval."""
    return "{} [{}, {}]".format(*map(short, exp(effect)))

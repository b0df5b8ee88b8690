"""The authors' published numbers (paper/reference), judged by the rules of this study.

Figure 2 is one SAC run per environment, figures 1 and 3 are means over few runs: a verdict is
possible only where the spread between runs was published with the mean.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vaml.analysis.claims.measures import NotMeasurable, Sample, Tables, measure
from vaml.analysis.claims.stats import Estimate, scaled, total
from vaml.analysis.claims.verdicts import Judgement, Rule, from_estimate
from vaml.analysis.tables.aggregates import read_table
from vaml.config.claims import Comparison
from vaml.config.environments import unversioned
from vaml.files import UnreadableFile
from vaml.pipeline.figures import AUTHORS

# Figure 1 has 5 runs per bar by the paper, 4 by the authors' code; figure 3 has 4 by the paper.
_RUNS = {"figure_1": 4, "figure_3": 4}
_UNITS = {
    "figure_1": "means of 4 or 5 runs (4 assumed), not paired",
    "figure_1_runs": "one run",
    "figure_2": "one SAC run per environment",
    "figure_3": "means of 4 runs",
}


@dataclass(frozen=True)
class Reference:
    """The tables of paper/reference by name, and the choice of the one for a comparison."""

    files: Tables

    def source(self, comparison: Comparison) -> str | None:
        """Name of the file that has the comparison's metric; None without one."""
        wanted = {comparison.metric, comparison.minus, comparison.per} - {None}
        match comparison.table:
            case "synthetic":
                runs = set(self.files["figure_1_runs"].columns)
                if wanted == {"value_aware_error"}:
                    return "figure_1"
                return "figure_1_runs" if wanted <= runs else None
            case "snapshots" | "snapshots_costs":
                return "figure_2" if wanted <= set(self.files["figure_2"].columns) else None
            case "mbac_returns" | "mbac_fits":
                metrics = set(self.files["figure_3"]["metric"])
                return "figure_3" if wanted <= metrics and len(wanted) == 1 else None
            case _:
                return None

    def unit(self, comparison: Comparison) -> str:
        """Wording of the unit behind the authors' numbers: one run, or a mean of runs."""
        source = self.source(comparison)
        return _UNITS[source] if source else ""


def read_reference(paths: Iterable[Path]) -> Reference:
    """The tables of paper/reference. UnreadableFile: one is missing or damaged."""
    files = {path.stem: read_table(path) for path in paths}
    lacking = [name for name in AUTHORS if name not in files]
    if lacking:
        raise UnreadableFile(f"the authors' tables: {', '.join(lacking)} not given")
    return Reference(files)


def assess_published(
    comparison: Comparison, part: str, method: str, reference: Reference, rule: Rule
) -> tuple[Sample | None, Judgement]:
    """Estimate of a comparison from the authors' numbers, and the verdict."""
    source = reference.source(comparison)
    if source is None:
        return None, Judgement(reason="not published")
    rows = reference.files[source]
    try:
        sample = measure(comparison, part, method, _as_tables(comparison, source, rows))
    except NotMeasurable as lack:
        return None, Judgement(reason=f"not published: {lack}")
    arms = [_published(source, part, name, rows) for name in (method, comparison.baseline)]
    estimate = None
    if source == "figure_1" and (comparison.scale, comparison.summary) == ("log", "mean"):
        estimate = _mean_log_ratio(*arms)
        distance = np.abs(arms[0]["mean"].to_numpy() - arms[1]["mean"].to_numpy())
        reach = arms[0]["sd"].to_numpy() + arms[1]["sd"].to_numpy()
        sample.details["overlapping"] = float((distance < reach).sum())
    elif source == "figure_3" and (comparison.metric, comparison.summary) == ("return", "last"):
        estimate = _final_difference(*arms)
    if estimate is not None:
        return sample, from_estimate(comparison, estimate, (_RUNS[source],) * 2, rule)
    treatment, *baseline = [arm[0] for arm in sample.arms]
    spread = "; the spread of this number was not published" if source in _RUNS else ""
    n = (1,) * len(sample.arms)
    return sample, Judgement(n, treatment - sum(baseline), reason=_UNITS[source] + spread)


def _as_tables(comparison: Comparison, source: str, rows: pd.DataFrame) -> Tables:
    """The comparison's tables in the study's own form, with the published numbers as one run."""
    rows = rows.assign(seed=0, status="ok")
    if source == "figure_3":
        rows = rows.loc[rows["metric"] == comparison.metric]
    if source in _RUNS:
        rows = rows.rename(columns={"mean": comparison.metric})
    return {comparison.table: rows, "mbac": rows}


def _published(source: str, part: str, method: str | None, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one method in one part of figure 1, or of its returns in figure 3."""
    if source == "figure_1":
        return rows.loc[(rows["setting"] == part) & (rows["objective"] == method)]
    if source == "figure_3":
        mine = (rows["environment"].map(unversioned) == part) & (rows["agent"] == method)
        return rows.loc[mine & (rows["metric"] == "return")].sort_values("env_step")
    return rows.iloc[:0]


def _mean_log_ratio(treatment: pd.DataFrame, baseline: pd.DataFrame) -> Estimate:
    """Mean log ratio over hidden sizes, by the delta method, with the figure's reading error."""
    n = _RUNS["figure_1"]
    parts = []
    for sign, bars in ((1, treatment), (-1, baseline)):
        for mean, sd, error in bars[["mean", "sd", "mean_reading_error"]].to_numpy():
            # The bars show the population's deviation: sd² / (n - 1) is the mean's variance.
            standard_error = math.sqrt(sd**2 / (n - 1) + error**2) / mean
            parts.append(Estimate(sign * math.log(mean), standard_error, n - 1))
    return scaled(total(parts), 1 / len(treatment))


def _final_difference(treatment: pd.DataFrame, baseline: pd.DataFrame) -> Estimate | None:
    """Difference of the final returns; None where a band is too thin to read."""
    n = _RUNS["figure_3"]
    parts = []
    for sign, curve in ((1, treatment), (-1, baseline)):
        mean, sd, error = curve[["mean", "sd", "mean_reading_error"]].to_numpy()[-1]
        # Without any spread, the reading error must not count as one.
        standard_error = math.sqrt(sd**2 / n + error**2) if sd != 0 else 0.0
        parts.append(Estimate(sign * mean, standard_error, n - 1))
    known = all(math.isfinite(part.standard_error) for part in parts)
    return total(parts) if known else None

"""Summaries of the experiments, one manuscript table each."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaml.analysis.claims.stats import mean_of
from vaml.analysis.tables.rendering import Table

Row = dict[str, Any]
Group = tuple[str, ...]

_EXACT = (
    "Noise floor: ½ Var V(s′), in every model’s error. Exact error: ½(E V(s′) − E V(ŝ′))², half of "
    "eq. (8), free of it. Skill: 1 − exact error / that of predicting no change."
)
_DEFINITION = "Value-aware error: ½(V(s′) − K-sample mean of V)², averaged over batches."

_SPREAD = {"sd": "SD", "interval": "Interval of the mean"}


def synthetic_table(tables: Mapping[str, pd.DataFrame], confidence: float) -> Table:
    """Experiment A: one row per setting, hidden size and objective."""
    fits = tables["synthetic"]
    fits = fits.assign(sigma_ratio=fits["sigma_l1"] / fits["true_sigma_l1"])

    def row(group: pd.DataFrame) -> Row:
        means = ("true_value_aware_error", "noise_floor", "exact_error", "skill")
        return {
            **_mean(_finite(group, "value_aware_error"), confidence),
            **{name: _of(np.mean, _finite(group, name)) for name in means},
            **{name: _of(np.median, _finite(group, name)) for name in ("nll", "sigma_ratio")},
        }

    headers = {
        "setting": "Model class",
        "hidden_size": "Hidden size",
        "objective": "Objective",
        "n": "n",
        "diverged": "Diverged",
        "mean": "Value-aware error",
        **_SPREAD,
        "true_value_aware_error": "True dynamics’",
        "noise_floor": "Noise floor",
        "exact_error": "Exact error",
        "skill": "Skill",
        "nll": "NLL (median)",
        "sigma_ratio": "σ / true σ (median)",
    }
    return Table(
        "Experiment A: fits in the artificial environment",
        [_note("seeds", confidence), _DEFINITION, _EXACT],
        headers,
        _grouped(fits, ("setting", "hidden_size", "objective"), row),
    )


def snapshots_table(tables: Mapping[str, pd.DataFrame], confidence: float) -> Table:
    """Experiment B: one row per environment and objective."""

    def row(group: pd.DataFrame) -> Row:
        errors = _finite(group, "value_aware_error")
        runs = [_finite(run, "value_aware_error") for _, run in group.groupby("seed", sort=False)]
        medians = np.array([np.median(run) for run in runs if run.size])
        return {
            "fits": len(group),
            **_mean(medians, confidence),
            "lowest": _of(np.min, errors),
            "highest": _of(np.max, errors),
            **{name: _of(np.median, _finite(group, name)) for name in ("nll", "epochs")},
        }

    headers = {
        "environment": "Environment",
        "objective": "Objective",
        "n": "n",
        "fits": "Fits",
        "diverged": "Diverged",
        "mean": "Value-aware error",
        **_SPREAD,
        "lowest": "Lowest",
        "highest": "Highest",
        "nll": "NLL (median)",
        "epochs": "Epochs (median)",
    }
    note = "The error of a run is its median over snapshots; lowest and highest are over all fits."
    return Table(
        "Experiment B: fits to the snapshots of SAC",
        [_note("SAC runs", confidence), note, _DEFINITION],
        headers,
        _grouped(tables["snapshots"], ("environment", "objective"), row),
    )


def mbac_table(tables: Mapping[str, pd.DataFrame], confidence: float) -> Table:
    """Experiment C: one row per environment and agent."""
    returns, fits = tables["mbac_returns"], tables["mbac_fits"]
    errors = ("value_aware_error", "nll")

    def row(group: pd.DataFrame) -> Row:
        finished = group.loc[group["status"] != "diverged"]
        return {
            **_mean(_finite(finished, "final_return"), confidence),
            "mean_return": _of(np.mean, _run_means(returns, finished, "return")),
            **{name: _of(np.mean, _run_means(fits, finished, name)) for name in errors},
        }

    headers = {
        "environment": "Environment",
        "agent": "Agent",
        "n": "n",
        "diverged": "Diverged",
        "mean": "Final return",
        **_SPREAD,
        "mean_return": "Return over training",
        "value_aware_error": "Value-aware error",
        "nll": "NLL",
    }
    return Table(
        "Experiment C: model-based actor-critic",
        [_note("runs", confidence), "The last three: means over a run.", _DEFINITION],
        headers,
        _grouped(tables["mbac"], ("environment", "agent"), row),
    )


# An experiment's summary, by the name of its section in the configuration.
OF_EXPERIMENT = {"synthetic": synthetic_table, "snapshots": snapshots_table, "mbac": mbac_table}


def _grouped(rows: pd.DataFrame, by: Group, summarise: Callable[[pd.DataFrame], Row]) -> list[Row]:
    """Groups of a table in its order, with the number of diverged jobs."""
    found = []
    for _, group in rows.groupby(list(by), sort=False):
        diverged = int(np.sum(group["status"].to_numpy() == "diverged"))
        labels = group.iloc[0][list(by)].to_dict()
        found.append({**labels, "diverged": diverged, **summarise(group)})
    return found


def _finite(rows: pd.DataFrame, column: str) -> np.ndarray:
    numbers = rows[column].to_numpy(np.float64)
    return numbers[np.isfinite(numbers)]


def _run_means(curves: pd.DataFrame, runs: pd.DataFrame, column: str) -> np.ndarray:
    """One mean per run; `runs` are seeds of one environment and agent."""
    mine = curves.merge(runs[["environment", "agent", "seed"]])
    means = [_finite(curve, column) for _, curve in mine.groupby("seed", sort=False)]
    return np.array([mean.mean() for mean in means if mean.size])


def _mean(values: np.ndarray, confidence: float) -> Row:
    """n, mean, the sample's deviation and Student's interval; None or NaN where n is too small."""
    if not values.size:
        return {"n": 0, "mean": None, "sd": None, "interval": (None, None)}
    estimate = mean_of(values.tolist())
    return {
        "n": len(values),
        "mean": estimate.effect,
        "sd": float(np.std(values, ddof=1)) if values.size > 1 else None,
        "interval": estimate.interval(confidence),
    }


def _of(function: Callable[[np.ndarray], Any], values: np.ndarray) -> float | None:
    return float(function(values)) if values.size else None


def _note(unit: str, confidence: float) -> str:
    return (
        f"n: {unit} with a finite value, over which the means are; diverged ones are counted "
        f"beside. SD: the sample’s. Interval: Student’s, {confidence:.0%}."
    )

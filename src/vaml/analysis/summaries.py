"""Each experiment in brief, as a table for a manuscript."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaml.analysis.rendering import Table
from vaml.analysis.stats import mean_of

Row = dict[str, Any]
Group = tuple[str, ...]

_DEFINITION = "Value-aware error: ½(V(s′) − K-sample mean of V)², the mean over transitions."


def synthetic_table(tables: Mapping[str, pd.DataFrame], confidence: float) -> Table:
    """Experiment A: one row per setting, hidden size and objective."""
    fits = tables["synthetic"]
    fits = fits.assign(sigma_ratio=fits["sigma_l1"] / fits["true_sigma_l1"])

    def row(group: pd.DataFrame) -> Row:
        return {
            **_counts(group),
            **_mean(group["value_aware_error"], confidence),
            "true_value_aware_error": _average(group["true_value_aware_error"], np.mean),
            "nll": _average(group["nll"], np.median),
            "sigma_ratio": _average(group["sigma_ratio"], np.median),
        }

    headers = {
        "setting": "Model class",
        "hidden_size": "Hidden size",
        "objective": "Objective",
        "n": "n",
        "diverged": "Diverged",
        "mean": "Value-aware error",
        "sd": "SD",
        "interval": "Interval of the mean",
        "true_value_aware_error": "True dynamics’",
        "nll": "NLL (median)",
        "sigma_ratio": "σ / true σ (median)",
    }
    return Table(
        "Experiment A: fits in the artificial environment",
        [_finite_note("seeds", confidence), _DEFINITION],
        headers,
        _grouped(fits, ("setting", "hidden_size", "objective"), row),
    )


def snapshots_table(tables: Mapping[str, pd.DataFrame], confidence: float) -> Table:
    """Experiment B: one row per environment and objective."""

    def row(group: pd.DataFrame) -> Row:
        errors = _finite(group["value_aware_error"])
        per_run = errors.groupby(group["seed"]).median()
        return {
            "n": int(per_run.notna().sum()),
            "fits": len(group),
            "diverged": int((group["status"] == "diverged").sum()),
            **_mean(per_run, confidence),
            "lowest": _average(errors, np.min),
            "highest": _average(errors, np.max),
            "nll": _average(group["nll"], np.median),
            "epochs": _average(group["epochs"], np.median),
        }

    headers = {
        "environment": "Environment",
        "objective": "Objective",
        "n": "n",
        "fits": "Fits",
        "diverged": "Diverged",
        "mean": "Value-aware error",
        "sd": "SD",
        "interval": "Interval of the mean",
        "lowest": "Lowest",
        "highest": "Highest",
        "nll": "NLL (median)",
        "epochs": "Epochs (median)",
    }
    note = "The error of a run is its median over snapshots; lowest and highest are over all fits."
    return Table(
        "Experiment B: fits to the snapshots of SAC",
        [_finite_note("SAC runs", confidence), note, _DEFINITION],
        headers,
        _grouped(tables["snapshots"], ("environment", "objective"), row),
    )


def mbac_table(tables: Mapping[str, pd.DataFrame], confidence: float) -> Table:
    """Experiment C: one row per environment and agent."""
    runs = tables["mbac"]
    keys = ["environment", "agent", "seed"]
    evaluations = tables["mbac_returns"].groupby([*keys, "env_step"], sort=False)["return"].mean()
    curves = {
        "mean_return": evaluations.groupby(keys).mean(),
        "value_aware_error": _run_means(tables["mbac_fits"], keys, "value_aware_error"),
        "nll": _run_means(tables["mbac_fits"], keys, "nll"),
    }
    for name, values in curves.items():
        runs = runs.merge(values.rename(name).reset_index(), on=keys, how="left")

    def row(group: pd.DataFrame) -> Row:
        return {
            **_counts(group, "final_return"),
            **_mean(group["final_return"], confidence),
            **{name: _average(group[name], np.mean) for name in curves},
        }

    headers = {
        "environment": "Environment",
        "agent": "Agent",
        "n": "n",
        "diverged": "Diverged",
        "mean": "Final return",
        "sd": "SD",
        "interval": "Interval of the mean",
        "mean_return": "Return over training",
        "value_aware_error": "Value-aware error",
        "nll": "NLL",
    }
    return Table(
        "Experiment C: model-based actor-critic",
        [_finite_note("runs", confidence), "The last three: means over a run.", _DEFINITION],
        headers,
        _grouped(runs, ("environment", "agent"), row),
    )


def _grouped(
    rows: pd.DataFrame, by: Group, summarise: Callable[[pd.DataFrame], Row]
) -> list[Row]:
    """In the order of the table."""
    groups = rows.groupby(list(by), sort=False)
    return [
        dict(zip(by, names, strict=True)) | summarise(group)  # type: ignore[arg-type]
        for names, group in groups
    ]


def _counts(group: pd.DataFrame, value: str = "value_aware_error") -> Row:
    return {
        "n": int(_finite(group[value]).notna().sum()),
        "diverged": int((group["status"] == "diverged").sum()),
    }


def _run_means(fits: pd.DataFrame, keys: list[str], column: str) -> pd.Series:
    return fits.assign(**{column: _finite(fits[column])}).groupby(keys, sort=False)[column].mean()


def _mean(values: pd.Series, confidence: float) -> Row:
    """Mean, the sample's standard deviation and Student's interval; None where n is too small."""
    finite = _finite(values).dropna().to_list()
    if not finite:
        return {"mean": None, "sd": None, "interval": (None, None)}
    estimate = mean_of(finite)
    return {
        "mean": estimate.effect,
        "sd": float(np.std(finite, ddof=1)) if len(finite) > 1 else None,
        "interval": estimate.interval(confidence),
    }


def _average(values: pd.Series, of: Callable[[np.ndarray], Any]) -> float | None:
    finite = _finite(values).dropna().to_numpy(np.float64)
    return float(of(finite)) if finite.size else None


def _finite(values: pd.Series) -> pd.Series:
    numbers = values.to_numpy(np.float64)
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan), index=values.index)


def _finite_note(unit: str, confidence: float) -> str:
    return (
        f"n: {unit} with a finite value, over which the means are; diverged ones are counted "
        f"beside. SD: the sample’s. Interval: Student’s, {confidence:.0%}."
    )

"""Tidy tables: the results of all jobs of a stage, one row per job or per point of a curve.

The jobs come from the config, never from what lies in the folder. Every file is read only if its
manifest says that this config and this code made it, and if its bytes are those recorded there.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vaml.config.schema import Config
from vaml.files import UnreadableFile, read_json
from vaml.pipeline.jobs import TABLES, Labels, folder, key, labels, require_result
from vaml.runtime.manifest import read_manifest
from vaml.runtime.provenance import verify

Row = dict[str, Any]

_DIVERGED = ("status", "diverged_where", "diverged_step")
_FIT = ("epochs", "gradient_steps", "best_epoch")
_METRICS = ("value_aware_error", "eq9_error", "nll", "sigma_l1", "mean_l1", "sigma_collapsed")
_DISTANCES = ("mean_l1_error", "sigma_l1_error", "parameter_l2")
_SPREAD = ("sigma_q05", "sigma_q50", "sigma_q95", "coverage_90")
_EXACT = ("exact_error", "skill", "model_variance_term", "value_aware_error_k1000")
_ENVIRONMENT = ("noise_floor", "noise_floor_se", "no_change_error", "state_rms")
_PARTS = (
    "action_sampling_floor",
    "squared_bias",
    "model_variance_term",
    "target_variance_term",
    "value_variance",
    "normalised_error",
)
_DIAGNOSTICS = (
    "next_value_aware_error",
    "next_value_variance",
    "slope_data",
    "slope_data_q95",
    "slope_model",
    "slope_model_q95",
    "nll_gradient",
    "value_gradient",
    "gradient_cosine",
    "value_share",
)
_TRANSITIONS = (
    "transition_error_mean",
    "transition_error_median",
    "top_1_percent",
    "top_10",
    "terminal_rows",
    "terminal_share",
    "lasting_error_mean",
    "top_residual",
    "top_slope",
    "mean_prediction_error",
)
_RUN = ("env_steps", "gradient_steps", "final_return", "final_temperature")


def _last_and_best(metrics: tuple[str, ...]) -> tuple[str, ...]:
    return (*metrics, *(f"best_{name}" for name in metrics))


# Columns of a job's outcome, by stage; a diverged job fills fewer of them.
_OUTCOMES: dict[str, tuple[str, ...]] = {
    "measure_synthetic": (
        *_DIVERGED,
        *_FIT,
        *_last_and_best((*_METRICS, *_EXACT, *_DISTANCES, *_SPREAD)),
        *(f"true_{name}" for name in (*_METRICS, *_EXACT)),
        *_ENVIRONMENT,
    ),
    "train_sac": (*_DIVERGED, *_RUN),
    "measure_snapshot": (
        *_DIVERGED,
        *_FIT,
        *_last_and_best((*_METRICS, *_PARTS, *_SPREAD, *_DIAGNOSTICS, *_TRANSITIONS)),
    ),
    "train_mbac": (*_DIVERGED, *_RUN, "fits"),
}
# Columns of a table of costs; measured times differ from run to run.
_COSTS = {"snapshots_costs": ("status", "epochs", "gradient_steps", "seconds")}
# The metrics of the last weights, which the paper reports, need no prefix.
_PREFIXES = {"last": "", "best": "best_", "truth": "true_", "diverged": "diverged_"}


def gather(
    table: str, study: Config, results: Path, jobs: Iterable[Labels] | None = None
) -> tuple[list[str], list[Row]]:
    """Columns and rows of a table: the job's labels, its key, then what its file says.

    table: a name in vaml.pipeline.jobs.TABLES. study: the config, or the branch that the table's
    stage uses. results: the study's folder. jobs: which ones; by default all, in the order of the
    config.

    UnreadableFile: a job's file is missing, altered, or was made by another config or code.
    """
    stage, file = TABLES[table]
    columns: list[str] = []
    rows: list[Row] = []
    for job in labels(stage, study) if jobs is None else jobs:
        path = results / folder(stage, job) / file
        identity = {**job, "key": key(stage, study, job)}
        _check(path, stage, identity["key"])
        if table in _COSTS:
            found, entries = _costs(path, _COSTS[table])
        else:
            found, entries = _outcome(path, stage) if path.suffix == ".json" else _points(path)
        if columns and columns != [*identity, *found]:
            raise UnreadableFile(
                f"{path}: its columns are {found}, unlike those of the jobs before"
            )
        columns = [*identity, *found]
        rows += [identity | entry for entry in entries]
    return columns, rows


def _check(path: Path, stage: str, expected_key: str) -> None:
    """Refuse a file that is not, byte for byte, what the job with this key wrote."""
    manifest = path.with_name("manifest.json")
    for file in (path, manifest):
        if not file.is_file():
            raise UnreadableFile(f"{file}: not there; run snakemake to make it")
    require_result(path, stage, expected_key)
    verify(path, manifest, path.stem)


def _outcome(path: Path, stage: str) -> tuple[list[str], list[Row]]:
    columns = list(_OUTCOMES[stage])
    row = dict.fromkeys(columns)
    row |= {name: entry for name, entry in _flat(read_json(path)) if name != "key"}
    unknown = [name for name in row if name not in columns]
    if unknown:
        raise UnreadableFile(f"{path}: reports {', '.join(unknown)}; {stage} has no such column")
    return columns, [row]


def _costs(path: Path, columns: Sequence[str]) -> tuple[list[str], list[Row]]:
    """Row of a job's costs: `seconds`, the manifest's CPU seconds, then fields of its outcome.

    A job on a GPU has no `seconds`: the time of its CPU core is not its cost.
    """
    run = read_manifest(path.with_name("manifest.json")).volatile
    outcome = read_json(path) | {"seconds": run.cpu_seconds if run.device == "cpu" else None}
    return list(columns), [{name: outcome.get(name) for name in columns}]


def _flat(outcome: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, entry in outcome.items():
        if name in _PREFIXES:
            for inner, number in (entry or {}).items():
                yield f"{_PREFIXES[name]}{inner}", number
        else:
            yield name, entry


def _points(path: Path) -> tuple[list[str], list[Row]]:
    """Points of a curve. The fields stay text, so that no digit changes."""
    with path.open(newline="", encoding="utf-8") as file:
        columns, *lines = csv.reader(file)
    return columns, [dict(zip(columns, line, strict=True)) for line in lines]

"""Measure how much of the errors on SAC's snapshots is where a thigh is at its stop.

    python tools/thigh_stop.py stop.csv --configfile config/four_runs.yaml

Reads the models, histories and snapshots of results/<study>/, and trains nothing. One row per fit,
of its last weights on its test transitions: rows, the share of the transitions that start with a
thigh within STOP of its stop; error, their share of the errors' total (the errors of
vaml.metrics.error_tails.squared_errors); top, the share of the largest hundredth that starts there;
top_sigma, how wide the model is in the largest hundredth: the median length of its standard
deviations there over that of all.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaml.algorithms.snapshot_fit import fit_streams, read_snapshot, snapshot_model
from vaml.config.schema import Config, ConfigError, load
from vaml.config.snapshots import FitSnapshotJob
from vaml.config.yaml_file import merged
from vaml.files import UnreadableFile, read_tensors, write_rows
from vaml.metrics.error_tails import hundredth, squared_errors
from vaml.metrics.model_test import ModelTest
from vaml.pipeline import jobs
from vaml.saving import load_module

ROOT = Path(__file__).parents[1]
# The thighs' angles in an observation with the x-position: from -150 degrees to a stop at 0.
THIGHS = {"Hopper": [3], "Walker2d": [3, 6]}
STOP = 0.05  # rad


def at_stop(study: Config, results: Path, job: dict[str, Any]) -> dict[str, Any]:
    """The row of one fit, with the noise of its `measure_snapshot`."""
    settings = FitSnapshotJob.model_validate_json(jobs.settings("fit_snapshot", study, job))
    run, fit = (results / jobs.folder(stage, job) for stage in ("train_sac", "fit_snapshot"))
    history, snapshots = run / "history.npz", run / "snapshots.safetensors"
    data = read_snapshot(history, snapshots, settings, torch.device("cpu"))
    model = snapshot_model(settings, data, torch.Generator())
    load_module(model, read_tensors(fit / "model.safetensors", "last/"))
    samples, batch_size = settings.objective.model_samples, settings.fit.batch_size
    test = ModelTest(model, data.test, data.value, samples, batch_size)
    generator = torch.Generator().manual_seed(fit_streams(settings).seed("error_tails"))
    thighs = THIGHS[settings.environment_id.partition("-")[0]]
    angles = data.test.observations.numpy()[:, thighs]
    return {**job, **shares(angles, squared_errors(test, generator), widths(test))}


@torch.no_grad()
def widths(test: ModelTest) -> np.ndarray:
    """Euclidean length of the model's standard deviations, in units of the state (N,)."""
    batches = test.transitions.batches(test.batch_size)
    return torch.cat([test.predict(each).log_std.exp().norm(dim=-1) for each in batches]).numpy()


def shares(angles: np.ndarray, errors: np.ndarray, sigmas: np.ndarray) -> dict[str, float]:
    """The table's numbers: thighs' angles (N, k), errors (N,) none below 0, widths (N,)."""
    stopped = np.any(angles > -STOP, axis=1)
    top = np.argsort(errors)[::-1][: hundredth(len(errors))]
    return {
        "rows": float(stopped.mean()),
        "error": float(errors[stopped].sum() / errors.sum()),
        "top": float(stopped[top].mean()),
        "top_sigma": float(np.median(sigmas[top]) / np.median(sigmas)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("table", type=Path, help="output file, CSV")
    parser.add_argument("--configfile", nargs="+", default=[], help="overlays, in order")
    parser.add_argument("--results", type=Path, help="by default results/<study>")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        overlays = map(Path, arguments.configfile)
        study = load(merged([ROOT / "config" / "config.yaml", *overlays]))
        results = arguments.results or Path("results") / study.study.name
        rows = [at_stop(study, results, job) for job in jobs.labels("fit_snapshot", study)]
        write_rows(arguments.table, list(rows[0]), rows)
    except (ConfigError, UnreadableFile, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

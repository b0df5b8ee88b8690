"""Take the errors of finished fits to snapshots apart by transition: all of them, or a few?

    python tools/error_tails.py tails.csv --configfile config/snapshots.yaml

Reads the models, histories and snapshots of results/<study>/, and trains nothing. One row per fit:
vaml.metrics.error_tails says what the columns are.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from vaml.algorithms.snapshot_fit import read_snapshot, snapshot_model
from vaml.config.schema import Config, ConfigError, load
from vaml.config.snapshots import FitSnapshotJob
from vaml.config.yaml_file import merged
from vaml.files import UnreadableFile, read_tensors, write_rows
from vaml.metrics.error_tails import error_tail, squared_errors
from vaml.metrics.model_test import ModelTest
from vaml.pipeline import jobs
from vaml.saving import load_module
from vaml.seeding import Streams

ROOT = Path(__file__).parents[1]


def tail(study: Config, results: Path, job: dict[str, Any]) -> dict[str, Any]:
    """The row of one fit, on the test split that it was measured on."""
    settings = FitSnapshotJob.model_validate_json(jobs.settings("fit_snapshot", study, job))
    streams = Streams(settings.seed, "fit_snapshot", settings.environment_id, settings.step)
    run, fit = (results / jobs.folder(stage, job) for stage in ("train_sac", "fit_snapshot"))
    history, snapshots = run / "history.npz", run / "snapshots.safetensors"
    cpu = torch.device("cpu")
    data = read_snapshot(history, snapshots, settings, streams.numpy("split"), cpu)
    model = snapshot_model(settings, data, torch.Generator())
    load_module(model, read_tensors(fit / "model.safetensors", "last/"))
    samples, batch_size = settings.objective.model_samples, settings.fit.batch_size
    test = ModelTest(model, data.test, data.value, samples, batch_size)
    generator = torch.Generator().manual_seed(streams.seed("error_tails"))
    errors = squared_errors(test, generator)
    return {**job, "transitions": len(errors), **error_tail(errors)}


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
        rows = [tail(study, results, job) for job in jobs.labels("fit_snapshot", study)]
        write_rows(arguments.table, list(rows[0]), rows)
    except (ConfigError, UnreadableFile, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

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

from vaml.config.schema import Config, ConfigError, load
from vaml.config.yaml_file import merged
from vaml.data.snapshot import snapshot_parts
from vaml.files import UnreadableFile, read_arrays, read_tensors, write_rows
from vaml.metrics.error_tails import error_tail, squared_errors
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import SoftValue
from vaml.pipeline.jobs import folder, labels
from vaml.saving import load_module
from vaml.seeding import Streams

ROOT = Path(__file__).parents[1]


def tail(study: Config, results: Path, job: dict[str, Any]) -> dict[str, Any]:
    """The row of one fit, on the test split that it was measured on."""
    fit, step = study.snapshots.fit, job["step"]
    streams = Streams(job["seed"], "fit_snapshot", job["environment"], step)
    run = results / folder("train_sac", job)
    history = read_arrays(run / "history.npz")
    *_, test = snapshot_parts(history, step, fit, streams.numpy("split"))
    model = GaussianDynamics(
        test.observations.shape[1],
        test.actions.shape[1],
        study.snapshots.model_hidden_sizes,
        "orthogonal",
        torch.Generator(),
    )
    load_module(
        model, read_tensors(results / folder("fit_snapshot", job) / "model.safetensors", "last/")
    )
    value = SoftValue.from_snapshot(read_tensors(run / "snapshots.safetensors", f"{step}/"))
    generator = torch.Generator().manual_seed(streams.seed("error_tails"))
    samples = study.objectives[job["objective"]].model_samples
    errors = squared_errors(ModelTest(model, test, value, samples, fit.batch_size), generator)
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
        rows = [tail(study, results, job) for job in labels("fit_snapshot", study)]
        write_rows(arguments.table, list(rows[0]), rows)
    except (ConfigError, UnreadableFile, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

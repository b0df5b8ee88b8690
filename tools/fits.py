"""The finished fits of a study to SAC's snapshots, and tables of them, for the tools."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from vaml.algorithms.snapshot_fit import SnapshotData, fit_streams, read_snapshot, snapshot_model
from vaml.config.schema import Config, ConfigError, load
from vaml.config.snapshots import FitSnapshotJob
from vaml.config.yaml_file import merged
from vaml.files import UnreadableFile, read_tensors, write_rows
from vaml.metrics.model_test import ModelTest
from vaml.networks.value import SoftValue, Value
from vaml.pipeline import jobs
from vaml.saving import load_module

ROOT = Path(__file__).parents[1]
SNAPSHOTS = "snapshots.safetensors"


class Fit(NamedTuple):
    """A fit's settings, its data, its last weights on its test transitions, and their noise."""

    settings: FitSnapshotJob
    data: SnapshotData
    test: ModelTest
    seed: int

    def noise(self) -> torch.Generator:
        """The noise with which `measure_snapshot` takes an error apart, from its start."""
        return torch.Generator().manual_seed(self.seed)


def read_fit(study: Config, results: Path, job: dict[str, Any]) -> Fit:
    """Read one fit, with its SAC run. results: the study's folder.

    UnreadableFile, OSError: a file is damaged, or not there.
    """
    settings = FitSnapshotJob.model_validate_json(jobs.settings("fit_snapshot", study, job))
    run, fit = (results / jobs.folder(stage, job) for stage in ("train_sac", "fit_snapshot"))
    data = read_snapshot(run / "history.npz", run / SNAPSHOTS, settings, torch.device("cpu"))
    model = snapshot_model(settings, data, torch.Generator())
    load_module(model, read_tensors(fit / "model.safetensors", "last/"))
    samples, batch_size = settings.objective.model_samples, settings.fit.batch_size
    test = ModelTest(model, data.test, data.value, samples, batch_size)
    return Fit(settings, data, test, fit_streams(settings).seed("error_tails"))


def other_value(study: Config, results: Path, job: dict[str, Any]) -> Value:
    """V of the next seed's SAC run at the same step; of the first seed's, after the last.

    ConfigError: the study has one seed.
    """
    seeds = study.sac.seeds
    if len(seeds) == 1:
        raise ConfigError(f"config: sac.seeds: got {seeds}; allowed here: more than one seed")
    after = job | {"seed": seeds[(seeds.index(job["seed"]) + 1) % len(seeds)]}
    weights = read_tensors(results / jobs.folder("train_sac", after) / SNAPSHOTS, f"{job['step']}/")
    return SoftValue.from_snapshot(weights, torch.device("cpu"))


def write_fit_table(description: str, row: Callable[[Fit], dict[str, float]]) -> None:
    """`write_table` with a row for each fit to SAC's snapshots."""
    write_table(
        description,
        lambda study, results: [
            {**job, **row(read_fit(study, results, job))}
            for job in jobs.labels("fit_snapshot", study)
        ],
    )


def write_table(description: str, rows: Callable[[Config, Path], list[dict[str, Any]]]) -> None:
    """Write a CSV table of a study, of which `rows` are made, as the command line asks."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("table", type=Path, help="output file, CSV")
    parser.add_argument("--configfile", nargs="+", default=[], help="overlays, in order")
    parser.add_argument("--results", type=Path, help="by default results/<study>")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        overlays = map(Path, arguments.configfile)
        study = load(merged([ROOT / "config" / "config.yaml", *overlays]))
        found = rows(study, arguments.results or Path("results") / study.study.name)
        write_rows(arguments.table, list(found[0]), found)
    except (ConfigError, UnreadableFile, OSError) as error:
        sys.exit(str(error))

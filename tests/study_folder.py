"""A study in a folder of its own, run by Snakemake as in a fresh clone."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.pipeline.jobs import TABLES

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
FEWER_JOBS = ROOT / "tests" / "reliability" / "fewer_jobs.yaml"
# All tables, the paper's figures and the verdicts.
RESULTS = [
    *(f"results/tiny/tables/{table}.csv" for table in TABLES),
    *(
        f"results/tiny/figures/figure_{number}.{kind}"
        for number in "123"
        for kind in ("pdf", "png")
    ),
    "results/tiny/claims.json",
]
# Tables of seconds, which differ from run to run.
_TIMINGS = ("snapshots_costs.csv",)
# They name these tables' digests.
_OF_TIMINGS = ("snapshots_costs.manifest.json", "claims.manifest.json")


def copy_project(source: Path, folder: Path) -> None:
    """Copy the files of a fresh clone that Snakemake needs, and the tiny study's overlay."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("config", "paper", "src", "workflow"):
        shutil.copytree(source / name, folder / name, ignore=ignored)
    tiny = TINY.relative_to(ROOT)
    (folder / tiny).parent.mkdir(parents=True)
    for name in ("environment.yml", "pyproject.toml", tiny):
        shutil.copy2(source / name, folder / name)


class StudyFolder:
    """A folder with what a fresh clone holds and Snakemake needs, and the tiny study's overlays.

    environment: variables for Snakemake, on top of this process's.
    """

    def __init__(
        self, folder: Path, *overlays: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.results = folder / "results" / "tiny"
        self._overlays = (TINY, *overlays)
        self._environment = environment or {}

    def create(self) -> "StudyFolder":
        copy_project(ROOT, self.folder)
        return self

    def config(self) -> Config:
        return load(merged([self.folder / "config/config.yaml", *self._overlays]))

    @contextmanager
    def started(self, *flags: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Snakemake with these targets and flags; if it is still at work at the end, it is killed.

        It leads a process group of its own; all that it says goes into one pipe.
        """
        hidden = ("PYTHONPATH", "SNAKEMAKE_PROFILE")
        given = {name: value for name, value in os.environ.items() if name not in hidden}
        given |= {**self._environment, "OMP_NUM_THREADS": "1", **environment}
        with subprocess.Popen(
            [sys.executable, "-m", "snakemake", *flags, "--configfile", *map(str, self._overlays)],
            cwd=self.folder,
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, *flags: str, status: int = 0, **environment: str) -> str:
        """Snakemake from start to end, and what it said."""
        with self.started(*flags, **environment) as process:
            return finish(process, status)

    def owners(self) -> list[Mapping[str, Any]]:
        """Host, process and SLURM job of each job at work, from its lock."""
        return lock_owners(self.results / ".state")

    def volatile(self, job: str) -> Mapping[str, Any]:
        """The part of a job's manifest that differs from run to run."""
        return json.loads((self.results / job / "manifest.json").read_bytes())["volatile"]

    def digests(self) -> dict[str, str]:
        """Digests of all results, without logs, timings and saved states."""
        found = {}
        for path in sorted(self.results.rglob("*")):
            name = path.relative_to(self.results)
            if path.name in (*_TIMINGS, *_OF_TIMINGS) or not path.is_file():
                continue
            if not {"logs", "benchmarks", ".state"}.intersection(name.parts):
                block = path.read_bytes()
                if path.name == "manifest.json":
                    block = json.dumps(json.loads(block)["stable"]).encode()
                if path.name == "claims.json":
                    document = json.loads(block)
                    inputs = [document["inputs"].pop(name) for name in _TIMINGS]
                    assert inputs
                    block = json.dumps(document).encode()
                found[str(name)] = hashlib.sha256(block).hexdigest()
        return found


def lock_owners(states: Path) -> list[Mapping[str, Any]]:
    """The owners of the locks in a folder of saved states."""
    found = []
    for path in states.glob("*/lock"):
        try:
            found.append(json.loads(path.read_bytes()))
        except (ValueError, FileNotFoundError):  # just being written or removed
            continue
    return found


def finish(process: subprocess.Popen[str], status: int = 0) -> str:
    """Snakemake's output, once it has ended with this status."""
    text, _ = process.communicate(timeout=900)
    assert process.returncode == status, text
    return text

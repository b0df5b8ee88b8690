"""The study in a folder of its own, run on a cluster or without one."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster import Cluster

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
# A run that lasts long enough to be interrupted, and what it leaves last.
LONG_RUN = Path(__file__).parent / "long_run.yaml"
RUN = "train_sac/Hopper-v4/s0"
# Tables of seconds, which differ from run to run.
TIMINGS = ("snapshots_costs.csv",)
# They name these tables' digests.
OF_TIMINGS = ("snapshots_costs.manifest.json", "claims.manifest.json")
TARGET = f"results/tiny/{RUN}/manifest.json"
# What a run on one quiet node may do faster than the profile, which is made for real ones.
QUICK = (
    "--profile",
    "workflow/profiles/slurm",
    "--slurm-init-seconds-before-status-checks",
    "1",
    "--latency-wait",
    "5",
)


class Study:
    """A folder with what a fresh clone holds and Snakemake needs."""

    def __init__(self, folder: Path, cluster: Cluster | None, *overlays: Path) -> None:
        self.folder = folder
        self.results = folder / "results" / "tiny"
        self._cluster = cluster
        self._overlays = (TINY, *overlays)
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for name in ("config", "paper", "src", "workflow"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in ("environment.yml", "pyproject.toml"):
            shutil.copy2(ROOT / name, folder)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Snakemake with these targets, then flags.

        It leads a process group of its own; all that it says goes into one pipe.
        """
        hidden = ("PYTHONPATH", "SNAKEMAKE_PROFILE")
        given = {name: value for name, value in os.environ.items() if name not in hidden}
        given |= self._cluster.environment if self._cluster else {}
        given |= {"OMP_NUM_THREADS": "1"} | environment
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *words, "--configfile", *map(str, self._overlays)],
            cwd=self.folder,
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, status: int = 0, **environment: str) -> str:
        with self.started(*words, **environment) as process:
            return finish(process, status)

    @contextmanager
    def started(self, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """As `start`; when the test fails, Snakemake ends with it."""
        with self.start(*words, **environment) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def owners(self) -> list[Mapping[str, Any]]:
        """Host, process and SLURM job of each job at work, from its lock."""
        found = []
        for path in self.results.glob(".state/*/lock"):
            try:
                found.append(json.loads(path.read_bytes()))
            except (ValueError, FileNotFoundError):  # just being written or removed
                continue
        return found

    def volatile(self, job: str) -> Mapping[str, Any]:
        """The part of a job's manifest that differs from run to run."""
        return json.loads((self.results / job / "manifest.json").read_bytes())["volatile"]

    def digests(self) -> Mapping[str, str]:
        """Digests of all results, without logs, timings and saved states."""
        found = {}
        for path in sorted(self.results.rglob("*")):
            name = path.relative_to(self.results)
            if path.name in (*TIMINGS, *OF_TIMINGS) or not path.is_file():
                continue
            if not {"logs", "benchmarks", ".state"}.intersection(name.parts):
                block = path.read_bytes()
                if path.name == "manifest.json":
                    block = json.dumps(json.loads(block)["stable"]).encode()
                if path.name == "claims.json":
                    document = json.loads(block)
                    inputs = [document["inputs"].pop(name) for name in TIMINGS]
                    assert inputs
                    block = json.dumps(document).encode()
                found[str(name)] = hashlib.sha256(block).hexdigest()
        return found


def finish(process: subprocess.Popen[str], status: int = 0) -> str:
    """Snakemake's output, once it has ended with this status."""
    text, _ = process.communicate(timeout=900)
    assert process.returncode == status, text
    return text


def submitted(text: str) -> Sequence[str]:
    """The SLURM jobs that Snakemake says it submitted."""
    marker = "has been submitted with SLURM jobid "
    return [line.split(marker)[1].split()[0] for line in text.splitlines() if marker in line]

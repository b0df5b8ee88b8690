"""The whole workflow in a folder of its own, with a few short jobs of each stage."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged

ROOT = Path(__file__).parents[2]
OVERLAYS = [ROOT / "tests/workflow/tiny.yaml", Path(__file__).parent / "fewer_jobs.yaml"]


@dataclass
class SmallStudy:
    """A folder with what a fresh clone holds and Snakemake needs."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results" / "tiny"

    def create(self) -> "SmallStudy":
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for name in ("config", "src", "workflow"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=ignored)
        for name in ("environment.yml", "pyproject.toml"):
            shutil.copy2(ROOT / name, self.folder)
        return self

    def config(self) -> Config:
        return load(merged([self.folder / "config/config.yaml", *OVERLAYS]))

    def start(self, *flags: str) -> subprocess.Popen[str]:
        """Snakemake as the leader of a process group of its own; all that it says in one pipe."""
        hidden = ("PYTHONPATH", "SNAKEMAKE_PROFILE")
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *flags, "--configfile", *map(str, OVERLAYS)],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name not in hidden},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *flags: str) -> str:
        """Snakemake from start to end; it must succeed."""
        with self.start(*flags) as process:
            text, _ = process.communicate()
        assert process.returncode == 0, text
        return text

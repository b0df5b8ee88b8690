"""The Makefile's targets: each means the study that CONFIG names, and makes what TARGETS names."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG, TARGETS = "CONFIG=a.yaml b.yaml", "TARGETS=x.csv y.csv"


def said(target: str, *variables: str, folder: Path = ROOT) -> str:
    """The commands that a target would run."""
    command = ["make", "--dry-run", "--silent", "--old-file=.venv/installed", target, *variables]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("target", "before"),
    [
        ("study", ""),
        ("dry", ""),
        ("paper", ""),
        ("report", ""),
        ("plan", ""),
        ("status", ""),
        ("clean-stale", ""),
        ("demo", "config/demo.yaml "),
        ("why", "config/demo.yaml config/why.yaml config/demo_why.yaml "),
    ],
)
def test_every_target_takes_the_overlays_of_config(target: str, before: str) -> None:
    assert f"--configfile {before}a.yaml b.yaml" in said(target, CONFIG)
    plain = said(target)
    assert (f"--configfile {before.strip()}" in plain) if before else "--configfile" not in plain


@pytest.mark.parametrize("target", ["study", "dry", "report", "demo", "why"])
def test_targets_stand_behind_the_overlays(target: str) -> None:
    assert " -- x.csv y.csv" in said(target, CONFIG, TARGETS)
    assert " -- " not in said(target, CONFIG).split("printf")[0]


def test_a_plan_takes_targets_too() -> None:
    assert "vaml.plan x.csv y.csv --cores" in said("plan", CONFIG, TARGETS)


def test_a_report_in_a_path_with_a_space_finds_the_name_of_its_study(tmp_path: Path) -> None:
    folder = tmp_path / "a clone"
    folder.mkdir()
    shutil.copy2(ROOT / "Makefile", folder)
    command = said("report", folder=folder)
    assert f'"{folder}/.venv/bin/python" -c' in command
    # A name that cannot be found stops it, and no other file is written.
    assert command.startswith('name="$(')

"""The user's shell and folder change no byte of a result."""

import os
import re
import sys
from pathlib import Path

import pytest
from finished_study import PROJECT, TINY, Project
from study_folder import copy_project

from vaml.pipeline.jobs import FOLDERS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# What says when, how long and where a job ran, and what is made of that.
MEASURED = re.compile(
    r"(logs|benchmarks)/|.*manifest\.json$|tables/(snapshots_costs|costs|summary_comparisons)\."
    r"|claims|paper\.|overview\.html"
)
TRAP = "raise SystemExit('a file of the working folder was imported')\n"


def test_a_hostile_shell_and_folder_leave_the_same_bytes(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    copy_project(PROJECT, folder)
    # Snakemake's own process, which draws and computes nothing, starts from an installed script.
    (folder / "random.py").write_text(TRAP, encoding="utf-8")
    (elsewhere / "numpy").mkdir(parents=True)
    (elsewhere / "numpy" / "__init__.py").write_text(TRAP, encoding="utf-8")
    (elsewhere / "matplotlibrc").write_text("figure.dpi: 3\nfont.size: 40\n", encoding="utf-8")
    hostile = {
        "MUJOCO_GL": "nonsense",
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "LC_ALL": "C",
        "MPLBACKEND": "svg",
        "MATPLOTLIBRC": str(elsewhere),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    before = os.umask(0o077)
    try:
        done = Project(folder, [], (TINY,)).run(
            *(sys.executable, "-P", "-c", START.format(path=str(elsewhere)), "--cores", "2"),
            *("--set-threads", "fit_synthetic=2", "--configfile", TINY),
        )
    finally:
        os.umask(before)
    assert f"jobs ignore PYTHONPATH's {elsewhere}" in done.stderr
    made, clean = results_of(folder / "results" / "tiny"), results_of(finished.results)
    assert made.keys() == clean.keys()
    assert [name for name in clean if made[name] != clean[name]] == []
    kinds = {name.split("/")[0] for name in clean}
    assert kinds == {*FOLDERS, "tables", "figures"}


def results_of(study: Path) -> dict[str, bytes]:
    """Every file of a study but those that tell times and places."""
    files = {
        str(path.relative_to(study)): path.read_bytes()
        for path in study.rglob("*")
        if path.is_file() and ".state" not in path.parts
    }
    return {name: block for name, block in files.items() if not MEASURED.match(name)}


# Snakemake, started with a folder on PYTHONPATH that its own process has already passed by.
START = """
import os, sys
import snakemake.cli
os.environ["PYTHONPATH"] = os.pathsep.join(["src", {path!r}])
snakemake.cli.main()
"""

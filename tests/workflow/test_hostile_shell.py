"""What is in the user's shell and folder changes no byte of a result."""

import os
import sys
from pathlib import Path

import pytest
from finished_study import PROJECT, TINY, Project, copy_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# A job of every kind of step, and a figure.
FILES = [
    "simulate_dynamics/h8_s0/transitions.npz",
    "fit_synthetic/realizable/h8_s0/mle/model.safetensors",
    "fit_synthetic/realizable/h8_s0/mle/outcome.json",
    "train_sac/Hopper-v4/s0/snapshots.safetensors",
    "fit_snapshot/Hopper-v4/s0/t50/reg_vaml/model.safetensors",
    "train_mbac/Pusher-v5/reg_vaml/s0/networks.safetensors",
    "figures/figure_1.png",
]
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
        "MUJOCO_GL": "osmesa",
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
            *("--set-threads", "fit_synthetic=2", "--configfile", TINY, "--"),
            *(f"results/tiny/{name}" for name in FILES),
        )
    finally:
        os.umask(before)
    assert f"jobs ignore PYTHONPATH's {elsewhere}" in done.stderr
    for name in FILES:
        made = (folder / "results" / "tiny" / name).read_bytes()
        assert made == (finished.results / name).read_bytes(), name


# Snakemake, started with a folder on PYTHONPATH that its own process has already passed by.
START = """
import os, sys
import snakemake.cli
os.environ["PYTHONPATH"] = os.pathsep.join(["src", {path!r}])
snakemake.cli.main()
"""

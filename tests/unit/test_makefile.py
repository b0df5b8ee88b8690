"""The Makefile's targets: each means the study that CONFIG names, and makes what TARGETS names."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vaml.__main__ import COMMANDS

ROOT = Path(__file__).parents[2]
CONFIG, TARGETS = "CONFIG=a.yaml b.yaml", "TARGETS=x.csv y.csv"


OLD = ("--old-file=.venv/installed", "--old-file=.venv/developed")


def said(target: str, *variables: str, folder: Path = ROOT) -> str:
    """The commands that a target would run."""
    command = ["make", "--dry-run", "--silent", *OLD, target, *variables]
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
        ("pack", ""),
        ("unpack", ""),
        ("demo", "config/demo.yaml "),
        ("why", "config/demo.yaml config/why.yaml config/demo_why.yaml "),
    ],
)
def test_every_target_takes_the_overlays_of_config(target: str, before: str) -> None:
    assert f"--configfile {before}a.yaml b.yaml" in said(target, CONFIG)
    plain = said(target)
    assert (f"--configfile {before.strip()}" in plain) if before else "--configfile" not in plain


@pytest.mark.parametrize("target", ["study", "plan", "status", "pack", "published", "test"])
def test_a_target_ignores_the_packages_of_another_environment(target: str) -> None:
    """Snakemake itself would import a numpy on PYTHONPATH before it can be told not to."""
    command = said(target)
    programs = command.count("/bin/python") + command.count(" python ") + command.count("snakemake")
    assert command.count("env -u PYTHONPATH") == programs > 0


@pytest.mark.parametrize("target", ["plan", "status", "check-results", "clean-stale", "pack"])
def test_a_file_of_the_working_folder_is_not_imported(target: str) -> None:
    """`python -m` would put the folder first, and run a random.py that lies there."""
    assert "python -P -m vaml " in said(target)
    assert "python -m vaml" not in said(target)


def test_commands_of_the_makefile_exist() -> None:
    called = re.findall(r"-m vaml (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert len(called) == 6
    assert {*called} <= {*COMMANDS}


@pytest.mark.parametrize("code", [0, 1])
def test_a_study_that_fails_ends_with_what_failed(code: int, tmp_path: Path) -> None:
    """Snakemake is told to show no job, and so shows no job's error either."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name, script in {
        "snakemake": f"echo snakemake; exit {code}",
        "python": 'echo "$*"',
    }.items():
        (programs / name).write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    done = subprocess.run(
        ["make", "--silent", *OLD, "study", CONFIG], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode == 0) == (code == 0)
    assert ("-m vaml status --cores all --configfile a.yaml b.yaml" in done.stdout) == (code == 1)
    assert ("Done. Read results/" in done.stdout) == (code == 0)


def test_set_up_installs_into_its_own_environment_whatever_pip_is_told(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["make", "--dry-run", "--always-make", "setup", "dev", "extras"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    installs = [line for line in listed.stdout.splitlines() if " -m pip " in line]
    assert len(installs) == 5
    locked = [line for line in installs if "--require-hashes" in line]
    assert len(locked) == 3  # all but torch, whose build is free, and the project itself
    (start,) = {line.partition(" install ")[0] for line in installs}
    user = {"PIP_USER": "1", "PIP_TARGET": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        f"{start.replace('.venv/bin/python', sys.executable)} config debug",
        shell=True,
        env=os.environ | user,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PIP_USER='0'" in done.stdout
    assert "PIP_TARGET" not in done.stdout


@pytest.mark.parametrize("target", ["study", "dry", "report", "demo", "why"])
def test_targets_stand_behind_the_overlays(target: str) -> None:
    assert " -- x.csv y.csv" in said(target, CONFIG, TARGETS)
    assert " -- " not in said(target, CONFIG).split("printf")[0]


def test_the_papers_target_stands_behind_the_overlays() -> None:
    assert said("paper", CONFIG).split("--configfile")[1].split() == [
        "a.yaml",
        "b.yaml",
        "--",
        "compile_paper",
    ]


def test_a_plan_takes_targets_too() -> None:
    assert "vaml plan x.csv y.csv --cores" in said("plan", CONFIG, TARGETS)


def test_a_report_in_a_path_with_a_space_finds_the_name_of_its_study(tmp_path: Path) -> None:
    folder = tmp_path / "a clone"
    folder.mkdir()
    shutil.copy2(ROOT / "Makefile", folder)
    command = said("report", folder=folder)
    assert f'"{folder}/.venv/bin/python" -P -c' in command
    # A name that cannot be found stops it, and no other file is written.
    assert command.startswith('name="$(')


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_a_python_that_is_too_old_or_too_new_is_refused_first(
    tmp_path: Path, version: tuple[int, int]
) -> None:
    project = ("Makefile", "pyproject.toml", "requirements.txt", "requirements-torch.txt")
    for name in project:
        shutil.copy2(ROOT / name, tmp_path)
    pretended = f"import sys; sys.version_info = {(*version, 1)}; exec(sys.argv[1])"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{pretended}' \"$2\"\n")
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "setup", f"PYTHON={python}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert f"vaml needs Python 3.11, 3.12 or 3.13, and {python} is {version[0]}.{version[1]}: " in (
        done.stderr
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*project, "python"])

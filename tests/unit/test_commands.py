"""The program `vaml`: it names its commands, loads the one that is called, and ends in one line."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from vaml import __main__ as program
from vaml.__main__ import COMMANDS

ROOT = Path(__file__).parents[2]
MODULES = {name: f"vaml.commands.{name.replace('-', '_')}" for name in COMMANDS}


def vaml(*words: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m vaml`, or this code in its place."""
    start = ["-c", code] if code else ["-m", "vaml"]
    return subprocess.run(
        [sys.executable, *start, *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "100"} | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


# As `-m vaml`; at the end the names of all loaded modules go to the standard error stream.
LISTING = """
import atexit, runpy, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
runpy.run_module("vaml", run_name="__main__", alter_sys=True)
"""


def loaded(*words: str) -> tuple[str, set[str]]:
    """What the program prints, and the names of the modules that it loads."""
    done = vaml(*words, code=LISTING)
    assert done.returncode == 0, done.stderr
    return done.stdout, {*done.stderr.split()}


def test_the_entry_point_is_the_program() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert list(project["scripts"]) == ["vaml"]
    entry = EntryPoint("vaml", project["scripts"]["vaml"], "console_scripts")
    assert entry.load() is program.main


def test_the_commands_are_the_modules_of_their_folder() -> None:
    files = {path.stem for path in (ROOT / "src/vaml/commands").glob("*.py")}
    assert files - {"__init__", "flags"} == {name.replace("-", "_") for name in COMMANDS}


def test_help_names_every_command_in_a_line_and_loads_none() -> None:
    text, names = loaded("--help")
    for name, line in COMMANDS.items():
        assert re.search(rf"^    {name}\s+{re.escape(line)}$", text, re.MULTILINE), name
    assert "vaml.runtime.terminal" in names
    assert not {"pydantic", "numpy", *MODULES.values()} & names


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_loads_it_alone_and_no_torch(name: str) -> None:
    text, names = loaded(name, "--help")
    assert text.startswith(f"usage: vaml {name} ")
    assert names & {*MODULES.values()} == {MODULES[name]}
    assert "torch" not in names


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plan", "status"])
def test_a_command_at_work_loads_no_torch(name: str) -> None:
    text, names = loaded(name, "--configfile", "config/demo.yaml")
    assert text
    assert "vaml.pipeline.dry_run" in names
    assert "torch" not in names


def test_an_unknown_command_is_named_in_one_line_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        program.run(["clean_stale", "--apply"])
    assert end.value.code == 2
    line = f"vaml: no command 'clean_stale'; allowed: {', '.join(COMMANDS)}\n"
    assert capsys.readouterr() == ("", line)


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        program.run([])
    assert end.value.code == 2
    shown = capsys.readouterr()
    with pytest.raises(SystemExit):
        program.run(["--help"])
    assert shown == ("", capsys.readouterr().out)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "export-minari"])
def test_what_the_user_is_to_mend_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        program.run([name, *(["a.tar.gz"] if name in ("pack", "unpack") else [])])
    start = "export-tensorboard: " if name == "export-tensorboard" else ""
    assert end.value.code == (
        f"{start}{tmp_path}: no workflow/Snakefile; start in the project's folder"
    )


def test_a_target_behind_the_flag_of_the_config_is_named() -> None:
    done = vaml("plan", "--configfile", "config/demo.yaml", "results/none/tables/mbac.csv")
    assert done.returncode == 1
    assert done.stderr == (
        "--configfile: got results/none/tables/mbac.csv, which is not there; allowed: overlays of "
        "config/config.yaml (a target stands before the flag, or behind --)\n"
    )


@pytest.mark.parametrize("seconds", ["0", "nan", "3601", "soon"])
def test_a_pause_that_nobody_waits_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        program.run(["status", "--watch", seconds])
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(f"got {seconds}; allowed: seconds, 0.1 to 3600\n")


def test_a_fault_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise KeyError("a fault")

    monkeypatch.setattr("vaml.commands.plan.run", fail)
    with pytest.raises(KeyError, match="a fault"):
        program.run(["plan"])


def test_a_command_prints_anywhere() -> None:
    done = vaml(
        "plan",
        code="from vaml.commands import plan; from vaml.__main__ import main\n"
        "plan.run = lambda _: print('0.001 \\u2192 0.01')\nmain()",
        PYTHONIOENCODING="ascii",
    )
    assert done.stdout == "0.001 \\u2192 0.01\n"

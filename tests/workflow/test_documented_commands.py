"""Every command of the documents: Snakemake accepts it, the program has its flags, or why not."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from finished_study import PROJECT

DOCUMENTS = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    PROJECT / "config" / "README.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
]
# Words that a command starts with.
PROGRAMS = (
    "snakemake",
    "vaml",
    "python",
    "make",
    "conda",
    "pip",
    "sbatch",
    "scancel",
    "squeue",
    "rsync",
)

# Start of a command: why it is not run here.
NOT_RUN = {
    "conda": "needs conda; that its environment file agrees is tests/unit/test_environment.py",
    "pip install": "make setup is the same, and .ci/run does it",
    "make": "tests/unit/test_docs.py holds that the target exists",
    "snakemake --unlock": "tests/reliability does it",
    "snakemake --profile workflow/profiles/slurm": "needs a SLURM: tests/slurm",
    "snakemake -n -p -f <file>": "<file> is the reader's",
    "snakemake results/paper/figures/figure_1.pdf --profile": "the same",
    "snakemake --version": "asks for nothing",
    "python benchmarks/": "measures for minutes",
    "python tools/pusher_contact.py": "tests/unit/test_pusher.py runs it",
    "rsync": "needs another machine",
    "sbatch": "needs a SLURM",
    "squeue": "needs a SLURM",
}


def commands() -> dict[str, Path]:
    """Each command of the documents, in blocks and in lines of text, and where it stands."""
    found: dict[str, Path] = {}
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        every = re.findall(r"^ *```([a-z]*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
        blocks = [block for language, block in every if language in ("", "sh", "bash")]
        text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        inline = [code.replace("\n", " ") for code in re.findall(r"`([^`]+)`", text)]
        for line in (*lines, *inline):
            command = " ".join(line.partition(" #")[0].removeprefix(".venv/bin/").split())
            # A program's name alone is no command.
            if command.startswith(tuple(f"{program} " for program in PROGRAMS)):
                found.setdefault(command, document)
    return found


COMMANDS = commands()
RUN = [command for command in COMMANDS if not command.startswith(tuple(NOT_RUN))]
WORKFLOWS = [command for command in RUN if command.startswith("snakemake")]
STEPS = [command for command in RUN if command.startswith(("vaml ", "python -m vaml"))]


def test_every_command_is_tried_or_has_a_reason() -> None:
    assert sorted(RUN) == sorted([*WORKFLOWS, *STEPS])
    assert all(any(command.startswith(start) for command in COMMANDS) for start in NOT_RUN)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with an overlay `my.yaml` of the documents; test_extending.py has the others."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("config", "paper", "src", "workflow"):
        shutil.copytree(PROJECT / name, folder / name)
    for name in ("environment.yml", "pyproject.toml"):
        shutil.copy2(PROJECT / name, folder)
    (folder / "my.yaml").write_text("study:\n  name: my\n", encoding="utf-8")
    return folder


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [each for each in WORKFLOWS if COMMANDS[each].name != "extending.md"]
)
def test_snakemake_plans_what_the_command_asks_for(command: str, copy: Path) -> None:
    words = shlex.split(command)
    out = _run([words[0], "--quiet", "rules", "--dry-run", *words[1:]], copy)
    wanted = "flowchart" if "--rulegraph" in words else r"^total +[1-9]"
    assert re.search(wanted, out, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("command", STEPS)
def test_the_program_has_these_flags(command: str, copy: Path) -> None:
    words = shlex.split(command)
    program = ["-m", *words[:2]] if words[0] == "vaml" else words[1:3]
    usage = _run([sys.executable, *program, "--help"], copy)
    flags = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
    assert flags <= set(re.findall(r"--[a-z_-]+", usage))

"""The recipes of docs/extending.md, followed in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from finished_study import PROJECT

from vaml.config.claims import load_claims
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.pipeline.jobs import FOLDERS, every_job, labels, names
from vaml.runtime.digest import code_digest

PAGE = (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8")


def blocks(heading: str) -> list[str]:
    """The code of a recipe, in order, without the indent of its list."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    found = re.findall(r"^( *)```[a-z]*\n(.*?)^ *```$", section, re.M | re.S)
    return [re.sub(rf"^{indent}", "", code, flags=re.M) for indent, code in found]


def insert(path: Path, code: str, before: str) -> None:
    """Write `code` where the line `before` stands for the first time."""
    text = path.read_text(encoding="utf-8")
    start = text.index(f"\n{before}") + 1
    path.write_text(text[:start] + code + text[start:], encoding="utf-8")


def replace(path: Path, line: str) -> None:
    """Write `line` for the line of the same first three words."""
    text = path.read_text(encoding="utf-8")
    start = re.escape(" ".join(line.split()[:3]))
    changed, times = re.subn(rf"^{start}.*\n", lambda _: line, text, flags=re.M)
    assert times == 1
    path.write_text(changed, encoding="utf-8")


def run(folder: Path, *command: str) -> str:
    """Run a command in a copy of the project; returns what it writes."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(folder: Path, *tests: str) -> None:
    run(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    left_out = (".git", ".venv", ".snakemake", "results", "__pycache__", "*.egg-info")
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*left_out))
    return folder


def new_jobs(overlay: str) -> dict[str, int]:
    """Number of jobs by stage that the overlay adds to the paper's study."""
    config = yaml.safe_load((PROJECT / "config" / "config.yaml").read_text(encoding="utf-8"))
    before = load(config)
    for section, change in yaml.safe_load(overlay).items():
        config[section] |= change
    added = {stage: _labels(stage, load(config)) - _labels(stage, before) for stage in FOLDERS}
    return {stage: len(jobs) for stage, jobs in added.items() if jobs}


def _labels(stage: str, study: Config) -> set[str]:
    return {str(job) for job in labels(stage, study)}


@pytest.mark.parametrize(
    ("heading", "simulations", "fits"), [("Add a seed", 6, 36), ("Add a hidden size", 5, 30)]
)
def test_a_longer_list_adds_these_jobs(heading: str, simulations: int, fits: int) -> None:
    (overlay,) = blocks(heading)
    assert new_jobs(overlay) == {
        "simulate_dynamics": simulations,
        **dict.fromkeys(("fit_synthetic", "measure_synthetic"), fits),
    }
    assert re.search(rf"{simulations} simulations\s+and\s+{fits} fits", PAGE)


@pytest.mark.slow
def test_an_environment(copy: Path) -> None:
    facts, reward, known, read, overlay, test_command, command, for_b, command_for_b = blocks(
        "Add an environment"
    )
    insert(copy / "src/vaml/config/environments.py", facts, before="    }\n)\n")
    source = copy / "src/vaml/envs/known.py"
    insert(source, f"{reward}\n\n", before="_KNOWN: ")
    insert(source, known, before="    }\n)\nKNOWN")
    test = copy / "tests/unit/test_known.py"
    insert(test, read, before="}\n# Environments whose reward is a speed")
    check(copy, *test_command.split()[3:-1], "Reacher or listed")
    (copy / "my.yaml").write_text(overlay, encoding="utf-8")
    words = command.split()
    run(copy, *words[:-1], "results/reacher/train_mbac/Reacher-v5/reg_vaml/s0/outcome.json")
    # The table has more agents; that it can be asked for is enough.
    run(copy, *words[:1], "--dry-run", *words[1:])
    (copy / "my.yaml").write_text(for_b, encoding="utf-8")
    words = command_for_b.split()
    run(copy, *words[:1], "--dry-run", *words[1:])


SWIMMER = '''
def _swimmer_reward(observations: Tensor, actions: Tensor, next_observations: Tensor) -> Tensor:
    """Speed along x less the cost of the action."""
    moved = next_observations[..., 0] - observations[..., 0]
    return moved / 0.04 - 1e-4 * actions.square().sum(-1)


'''


@pytest.mark.slow
def test_an_environment_that_moves_hides_two_positions_and_never_ends(copy: Path) -> None:
    """As the recipe says, for one that differs from its example in all that the tests ask for."""
    facts = '        "Swimmer-v4": EnvironmentFacts(keeps_position=True, known=True),\n'
    insert(copy / "src/vaml/config/environments.py", facts, before="    }\n)\n")
    source, test = copy / "src/vaml/envs/known.py", copy / "tests/unit/test_known.py"
    insert(source, SWIMMER, before="_KNOWN: ")
    known = '        "Swimmer-v4": (10, _swimmer_reward, _never_terminated),\n'
    insert(source, known, before="    }\n)\nKNOWN")
    insert(
        test, '    "Swimmer-v4": slice(1),\n', before="}\n# Environments whose reward is a speed"
    )
    insert(test, '    "Swimmer-v4": 0.04,\n', before="}\nTERMINATING")
    check(copy, str(test), "tests/unit/test_mujoco.py", "-k", "Swimmer or listed")


@pytest.mark.slow
def test_a_figure(copy: Path) -> None:
    row, function, caption, command = blocks("Add a figure")
    insert(copy / "src/vaml/pipeline/figures.py", row, before="    }\n)\n")
    source = copy / "src/vaml/analysis/figures/training.py"
    insert(source, f"{function}\n\n", before="def fit_curves_synthetic")
    insert(copy / "workflow/report/figures.rst", caption, before="{% elif ")
    readme = copy / "docs" / "running.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("`sac_returns`,", "`sac_returns`, `agent_returns`,", 1))
    check(
        copy,
        *("tests/unit/test_improved_figures.py", "tests/unit/test_figures.py", "-k"),
        "agent_returns or within_the_figure",
    )
    check(copy, "tests/unit/test_docs.py", "-k", "where_results_land")
    words = command.split()
    run(copy, *words[:1], "--dry-run", *words[1:])


@pytest.mark.slow
def test_a_claim(copy: Path) -> None:
    claim, command = blocks("Add a claim")
    path = copy / "config" / "claims.yaml"
    path.write_text(path.read_text(encoding="utf-8") + claim, encoding="utf-8")
    assert load_claims(path).claims["X1"].prediction.seen == "nothing"
    check(copy, "tests/unit/test_claims_file.py", "tests/unit/test_judge_claims.py")
    words = command.split()
    run(copy, *words[:1], "--dry-run", *words[1:])


@pytest.mark.slow
def test_a_loss(copy: Path) -> None:
    function, line, imported, name, _, overlay, agent, test, means, formula, command = blocks(
        "Add a loss"
    )
    losses, table = copy / "src/vaml/losses/regression.py", copy / "src/vaml/losses/objective.py"
    losses.write_text(f"{losses.read_text(encoding='utf-8')}\n\n{function}", encoding="utf-8")
    insert(table, line, before="    }\n)\n")
    replace(table, imported)
    insert(copy / "src/vaml/config/objectives.py", name, before="]\n\n# Losses that need the true")
    schema = run(copy, sys.executable, "tools/schema.py")
    (copy / "workflow/schemas/config.schema.yaml").write_text(schema, encoding="utf-8")
    tests = copy / "tests/unit/test_value_aware_losses.py"
    insert(tests, f"{test}\n\n", before="def test_the_nll_alone_is_that")
    replace(tests, imported)
    replace(tests, means)
    insert(copy / "paper/style.typ", formula, before=")\n\n// The names of the study's objectives")
    check(copy, str(tests), "-k", "mae")
    check(copy, "tests/unit/test_sentences.py", "tests/unit/test_schema.py", "-k", "loss or schema")
    (copy / "my.yaml").write_text(f"{overlay}{agent}", encoding="utf-8")
    words = command.split()
    run(copy, *words[:1], "--dry-run", *words[1:])
    # No finished job runs again.
    study = load(merged([PROJECT / "config" / name for name in ("config.yaml", "why.yaml")]))
    for stage, known in {(stage, names(stage, study, job)) for stage, job in every_job(study)}:
        digests = {
            code_digest(f"vaml.{stage}", known, root=root / "src") for root in (PROJECT, copy)
        }
        assert len(digests) == 1, (stage, known)

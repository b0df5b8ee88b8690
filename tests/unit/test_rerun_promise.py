"""The jobs of the paper's study that an edit of the source runs again: docs/reruns.md's table."""

import functools
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.pipeline import jobs
from vaml.pipeline.cost import table_seconds
from vaml.pipeline.figures import FIGURES
from vaml.runtime.digest import code_digest

ROOT = Path(__file__).parents[2]
REAL = ROOT / "src"
A, B, C = "fit_synthetic", "fit_snapshot", "train_mbac"
OF_A, OF_B = "measure_synthetic", "measure_snapshot"

# File, what stands there, what it becomes; then the stages that run again.
Edit = tuple[str, str, str]
EDITS: dict[str, tuple[list[Edit], set[str]]] = {
    "a help text, the wording of an error that ends a job or of a log message, the version of "
    "the package": (
        [
            ("runtime/job.py", 'help="input file"', 'help="an input file"'),
            ("config/sac.py", 'description="keep the x', 'description="whether to keep the x'),
            ("runtime/checkpoint.py", "%s; it is ignored", "%s; it is passed over"),
            ("algorithms/offline_fit.py", 'warning("%s"', 'warning("it ended: %s"'),
            ("envs/known.py", "known reward and termination: got", "reward and end: got"),
            ("files.py", "it is a pickle, which is never loaded", "it is a pickle"),
            ("__init__.py", '__version__ = "', '__version__ = "9.'),
        ],
        set(),
    ),
    "a lock's heartbeat, the pause between progress lines, a package more in manifests": (
        [
            ("runtime/lock.py", "HEARTBEAT_SECONDS = 20.0", "HEARTBEAT_SECONDS = 25.0"),
            ("runtime/progress.py", "= 1.0, 15.0", "= 1.0, 30.0"),
            ("runtime/provenance.py", '    "scipy",\n', '    "rich",\n    "scipy",\n'),
            ("runtime/torch_device.py", 'f"cuda (', 'f"CUDA ('),
            ("files.py", "_flush_folder(path.parent)", "pass"),
        ],
        set(),
    ),
    "a command of the user": (
        [
            ("__main__.py", '    "plan": "', '    "draw": "draw a study",\n    "plan": "'),
            ("commands/plan.py", "_MANY = 4", "_MANY = 5"),
            ("commands/flags.py", 'default="all"', 'default="1"'),
        ],
        set(),
    ),
    "names of variables and functions, annotations, bounds, order and place of definitions": (
        [
            ("metrics/errors.py", "few", "first_rows"),
            ("losses/value_aware.py", "_debiased", "_without_bias"),
            ("losses/regression.py", "from torch import", "import math\n\nfrom torch import"),
            ("losses/expected_value.py", "(value: RandomValue,", "(value,"),
            ("metrics/error_tails.py", "    largest = np", "    largest: np.ndarray = np"),
            ("config/fields.py", "Field(gt=0, le=2**14)", "Field(gt=0, le=2**13)"),
        ],
        set(),
    ),
    "a new loss": (
        [
            ("config/objectives.py", '    "mse",\n', '    "mse",\n    "mae",\n'),
            (
                "losses/objective.py",
                '    "mse": lambda',
                '    "mae": lambda given: mae(given.prediction, given.next_observations),\n'
                '        "mse": lambda',
            ),
            (
                "losses/objective.py",
                "class LossInput",
                "def mae(given):\n    return given[0]\n\n\nclass LossInput",
            ),
        ],
        set(),
    ),
    "a new environment, with its known reward and termination": (
        [
            (
                "config/environments.py",
                '        "HalfCheetah-v5"',
                '        "Ant-v5": EnvironmentFacts(keeps_position=True, known=True),\n'
                '        "HalfCheetah-v5"',
            ),
            (
                "envs/known.py",
                '        "Hopper-v4": (',
                '        "Ant-v5": (27, _ant_reward, _never_terminated),\n        "Hopper-v4": (',
            ),
            (
                "envs/known.py",
                "def _never_terminated",
                "def _ant_reward(s, a, n):\n    return n[..., 0]\n\n\ndef _never_terminated",
            ),
        ],
        set(),
    ),
    "a constant of the dynamics network": (
        [("networks/dynamics.py", "MAX_LOG_STD = 2.0", "MAX_LOG_STD = 2.5")],
        {"simulate_dynamics", A, OF_A, B, OF_B, C},
    ),
    "a layer of SAC's networks": (
        [("networks/actor_critic.py", "class Critic(nn.Module):", "class Critic(nn.Module, x=1):")],
        {"train_sac", B, OF_B, C},
    ),
    "a diagnostic of agents": (
        [
            (
                "algorithms/diagnostics.py",
                "class Diagnostics(Stateful):",
                "class Diagnostics(Stateful, object):",
            )
        ],
        {C},
    ),
    "a metric of fits to snapshots": (
        [("metrics/errors.py", "DIAGNOSTIC_ROWS = 1024", "DIAGNOSTIC_ROWS = 2048")],
        {OF_B},
    ),
    "a metric of fits in the artificial environment": (
        [("metrics/exact.py", "DRAWS = ", "DRAWS = 1 + ")],
        {OF_A},
    ),
    "the gradient of the likelihood": (
        [("losses/likelihood.py", "(1 - squares)", "(2 - squares)")],
        {A, OF_A, B, OF_B, C},
    ),
    "the number of threads": (
        [("determinism.py", 'os.environ[variable] = "1"', 'os.environ[variable] = "2"')],
        set(jobs.FOLDERS),
    ),
}


@functools.cache
def study() -> Config:
    return load(merged([ROOT / "config" / "config.yaml"]))


@functools.cache
def unedited(stage: str, names: frozenset[str]) -> str:
    """The digest that every edit is held against."""
    return code_digest(f"vaml.{stage}", names, root=REAL)


def planned(after: Path) -> tuple[Counter[str], float]:
    """The jobs of each stage that run again with the source in `after`, and their core-hours by
    the plan's table."""
    config, counts, seconds = study(), Counter[str](), 0.0
    again: set[tuple[str, str]] = set()
    known: dict[tuple[str, frozenset[str]], bool] = {}
    for stage in jobs.FOLDERS:
        for labels in jobs.labels(stage, config):
            names = jobs.names(stage, config, labels)
            if (stage, names) not in known:
                edited = code_digest(f"vaml.{stage}", names, root=after)
                known[stage, names] = edited != unedited(stage, names)
            start = jobs.source(stage, labels)
            origin = (start[0], jobs.folder(*start)) if start else None
            if known[stage, names] or origin in again:
                again.add((stage, jobs.folder(stage, labels)))
                counts[stage] += 1
                seconds += table_seconds(stage, json.loads(jobs.settings(stage, config, labels)))
    return counts, seconds / 3600


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_runs_again_what_its_numbers_are_in(edit: str, tmp_path: Path) -> None:
    changes, stages = EDITS[edit]
    shutil.copytree(REAL / "vaml", tmp_path / "vaml")
    for file, old, new in changes:
        path = tmp_path / "vaml" / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    counts, hours = planned(tmp_path)
    config = study()
    assert counts == {stage: len(list(jobs.labels(stage, config))) for stage in stages}
    row = f"| {edit} | {counts.total()} of 636 | {hours:.1f} |"
    assert row in (ROOT / "docs" / "reruns.md").read_text(encoding="utf-8")


def test_the_table_of_edits_has_no_other_row() -> None:
    text = (ROOT / "docs" / "reruns.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (.+) \| \d+ of 636 \|", text, re.MULTILINE) == list(EDITS)


def test_a_new_figure_draws_no_other_again(tmp_path: Path) -> None:
    shutil.copytree(REAL / "vaml", tmp_path / "vaml")
    catalogue = tmp_path / "vaml/pipeline/figures.py"
    row = '        "why_not": CatalogueEntry("Why", "Why not?", ("mbac",)),\n'
    text = catalogue.read_text(encoding="utf-8")
    catalogue.write_text(text.replace('        "why_mbac":', f'{row}        "why_mbac":'))
    drawings = tmp_path / "vaml/analysis/figures/why.py"
    with drawings.open("a", encoding="utf-8") as file:
        file.write("\n\ndef why_not(tables, settings):\n    return why_mbac(tables, settings)\n")
    assert len({code_digest("vaml.plot", ["why_not"], root=each) for each in (REAL, tmp_path)}) == 2
    for figure in FIGURES:
        before, after = (code_digest("vaml.plot", [figure], root=r) for r in (REAL, tmp_path))
        assert before == after, figure

"""Dry runs of the project's configs list the right jobs, and a bad config starts nothing."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from finished_study import PROJECT, Project
from study_folder import copy_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# The paper's: six widths and five seeds; two settings and three objectives; two environments;
# nineteen snapshots; two environments, two agents, four seeds.
PAPER = {
    "simulate_dynamics": 6 * 5,
    "fit_synthetic": 6 * 5 * 2 * 3,
    "measure_synthetic": 6 * 5 * 2 * 3,
    "train_sac": 2,
    "fit_snapshot": 2 * 19 * 3,
    "measure_snapshot": 2 * 19 * 3,
    "train_mbac": 2 * 2 * 4,
}
EXTENDED = {
    "simulate_dynamics": 6 * 20,
    "fit_synthetic": 6 * 20 * 2 * 3,
    "measure_synthetic": 6 * 20 * 2 * 3,
    "train_sac": 2 * 5,
    "fit_snapshot": 2 * 5 * 19 * 3,
    "measure_snapshot": 2 * 5 * 19 * 3,
    "train_mbac": 2 * 10 + 2 * 5,
}


@pytest.mark.parametrize(
    ("overlays", "expected"), [((), PAPER), (("config/extended.yaml",), EXTENDED)]
)
def test_the_jobs_of_a_config(
    tmp_path: Path, overlays: tuple[str, ...], expected: dict[str, int]
) -> None:
    project = Project(tmp_path / "clone", [], overlays)
    copy_project(PROJECT, project.folder)
    counts = Counter(rule for rule, _ in project.planned())
    assert {stage: counts[stage] for stage in expected} == expected


BAD = {
    "synthetic: {fit: {learning_rat: 0.1}}": (
        "config: synthetic.fit.learning_rat: unknown key; did you mean learning_rate? "
        "allowed: batch_size, "
    ),
    "snapshots: {steps: [50, 60]}": ("config: snapshots.steps: got 60; allowed (sac.training): "),
    "mbac: {agents: [mle, vaml]}": "config: mbac.agents: got 'vaml'; allowed: mle, reg_vaml",
}


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Date and size of all files of a study, Snakemake's records among them."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for place in ("results", ".snakemake/metadata", ".snakemake/incomplete")
        for path in (folder / place).rglob("*")
    }


@pytest.mark.parametrize("text", BAD)
def test_a_bad_config_starts_nothing_and_deletes_nothing(
    finished: Project, tmp_path: Path, text: str
) -> None:
    overlay = tmp_path / "bad.yaml"
    overlay.write_text(text, encoding="utf-8")
    project = Project(finished.folder, finished.dag, (*finished.overlays, overlay))
    before = contents(project.folder)
    done = project.snakemake("--cores", "1", check=False)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("config: ")]
    assert [line[: len(BAD[text])] for line in said] == [BAD[text]]
    assert not done.stdout
    for command in ("plan", "clean-stale"):
        flags = ("--configfile", *map(str, project.overlays))
        done = project.run("python", "-m", "vaml", command, *flags, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines() == said
    assert contents(project.folder) == before


MODULE = """
configfile: "study.yaml"


module vaml:
    snakefile:
        {snakefile!r}
    config:
        config


use rule * from vaml as vaml_*
"""


def test_as_a_module_of_another_workflow_it_plans_the_same_jobs(tmp_path: Path) -> None:
    """From a folder that holds nothing but the other workflow and its config."""
    snakefile = str(PROJECT / "workflow" / "Snakefile")
    (tmp_path / "Snakefile").write_text(MODULE.format(snakefile=snakefile), encoding="utf-8")
    shutil.copy2(PROJECT / "config" / "config.yaml", tmp_path / "study.yaml")
    project = Project(tmp_path, [], ())
    done = project.run("snakemake", "--dry-run", "--cores", "1", "--", "vaml_all")
    counts = dict(re.findall(r"^vaml_(\w+) +(\d+)$", done.stdout, re.MULTILINE))
    assert {stage: int(counts[stage]) for stage in PAPER} == PAPER
    assert int(counts["compile_paper"]) == 1

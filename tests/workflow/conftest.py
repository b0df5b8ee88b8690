"""The finished study that all these tests plan from: built once per run, read by all workers."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from finished_study import PROJECT, Project, parse_dag
from study_folder import copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A finished tiny study. Never written to: `editable` is a copy."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    project, dag = Project(base / "finished", []), base / "finished.dag"
    with (base / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not dag.exists():
            if project.folder.exists():
                pytest.fail("the tiny study did not finish: the first error says why")
            copy_project(PROJECT, project.folder)
            project.snakemake("--cores", "2")
            everything = project.snakemake("--dry-run", "--forceall").stdout
            dag.write_text(everything, encoding="utf-8")
    project.dag = parse_dag(dag.read_text(encoding="utf-8"))
    with project.new_planner() as project.planner:
        yield project


@pytest.fixture
def editable(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished study, to change."""
    return finished.copy(tmp_path / "study")


@pytest.fixture
def changed(finished: Project, tmp_path: Path) -> Callable[[str], Project]:
    """The finished study with one more overlay of its config: YAML text."""

    def with_overlay(text: str) -> Project:
        overlay = tmp_path / "change.yaml"
        overlay.write_text(text, encoding="utf-8")
        overlays = (*finished.overlays, overlay)
        return Project(finished.folder, finished.dag, overlays, finished.planner)

    return with_overlay

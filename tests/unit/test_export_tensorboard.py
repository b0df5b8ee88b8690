"""A study's curves as TensorBoard event files; needs the extra `tensorboard`."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from finished_jobs import DIVERGED, leave, outcome, small_study

from vaml.__main__ import run as run_command
from vaml.commands import export_tensorboard
from vaml.commands.export_tensorboard import export, points
from vaml.files import UnreadableFile, read_json, write_json, write_rows
from vaml.pipeline import jobs
from vaml.runtime.checkpoint import Checkpoint
from vaml.runtime.extras import MissingExtra

STUDY = small_study()
STAGES = ("fit_synthetic", "train_sac", "fit_snapshot", "train_mbac")
FIRST = {stage: next(jobs.labels(stage, STUDY)) for stage in STAGES}
EVENTS = "tensorboard.backend.event_processing.event_accumulator"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The first job of each stage has finished, and a second fit that diverged."""
    for stage, job in FIRST.items():
        leave(tmp_path, STUDY, stage, job)
    second = list(jobs.labels("fit_synthetic", STUDY))[1]
    leave(tmp_path, STUDY, "fit_synthetic", second, outcome("fit_synthetic", second) | DIVERGED)
    return tmp_path


@pytest.fixture
def tensorboard() -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")


def read_back(run: Path) -> dict[str, list[tuple[int, float]]]:
    """The points of a TensorBoard run by tag."""
    events: Any = importlib.import_module(EVENTS)
    found = events.EventAccumulator(str(run), size_guidance={events.SCALARS: 0}).Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def expected(job: Path, stage: str) -> dict[str, list[tuple[int, float]]]:
    """The same from the CSV files, by pandas; TensorBoard keeps float32."""
    found: dict[str, list[tuple[int, float]]] = {}
    for name in jobs.RESULTS[stage]:
        if name.endswith(".csv"):
            table = pd.read_csv(job / name)
            steps = table.columns[0]
            for column in table.columns.drop([steps, "episode"], errors="ignore"):
                means: Any = table.groupby(steps)[column].mean()
                points = [
                    (int(step), float(np.float32(mean))) for step, mean in means.dropna().items()
                ]
                found[f"{Path(name).stem}/{column}"] = points
    return found


@pytest.mark.usefixtures("tensorboard")
@pytest.mark.parametrize("stage", STAGES)
def test_the_events_hold_the_numbers_of_the_files(results: Path, stage: str) -> None:
    list(export(STUDY, results))
    folder = jobs.folder(stage, FIRST[stage])
    found = read_back(results / "tensorboard" / folder)
    assert found == expected(results / folder, stage)
    assert all(found.values())


@pytest.mark.usefixtures("tensorboard")
def test_every_finished_job_is_a_run(results: Path) -> None:
    # This one is of another config or code.
    old = results / jobs.folder("train_sac", FIRST["train_sac"]) / "manifest.json"
    write_json(old, {**read_json(old), "stable": {"key": "0123456789abcdef"}})
    *_, last = export(STUDY, results)
    home = results / "tensorboard"
    runs = {str(path.parent.relative_to(home)) for path in home.rglob("events.*")}
    fits = list(jobs.labels("fit_synthetic", STUDY))[:2]
    assert runs == {
        *(jobs.folder("fit_synthetic", fit) for fit in fits),
        *(jobs.folder(stage, FIRST[stage]) for stage in ("fit_snapshot", "train_mbac")),
    }
    total = sum(len(list(jobs.labels(stage, STUDY))) for stage in STAGES)
    assert last.startswith(f"{home}: 4 of {total} jobs; ")


@pytest.mark.usefixtures("tensorboard")
def test_a_run_under_way_has_its_curves_so_far(results: Path) -> None:
    job = list(jobs.labels("train_mbac", STUDY))[1]
    state = results / ".state" / jobs.key("train_mbac", STUDY, job)
    checkpoint = Checkpoint(state.parent, state.name)
    with checkpoint.lock():
        checkpoint.save({}, {})
        checkpoint.show(["env_step", "value"], [{"env_step": 1000, "value": 2.5}])
    *lines, last = export(STUDY, results)
    total = sum(len(list(jobs.labels(stage, STUDY))) for stage in STAGES)
    assert last.startswith(f"{results / 'tensorboard'}: 5 of {total} jobs, 1 so far; ")
    found = read_back(results / "tensorboard" / jobs.folder("train_mbac", job))
    assert found == {"training/value": [(1000, 2.5)]}
    assert lines


@pytest.mark.usefixtures("tensorboard")
def test_a_second_export_replaces_the_first(results: Path) -> None:
    def everything() -> set[Path]:
        return {*results.rglob("*")}

    before = everything()
    list(export(STUDY, results))
    run = results / "tensorboard" / jobs.folder("train_sac", FIRST["train_sac"])
    first = read_back(run)
    (run / "left.txt").touch()
    count = len(everything())
    list(export(STUDY, results))
    assert read_back(run) == first
    assert len(everything()) == count - 1
    assert {path for path in everything() - before if path.parent == results} == {
        results / "tensorboard"
    }


@pytest.mark.usefixtures("tensorboard")
def test_a_failed_export_leaves_the_first(results: Path) -> None:
    list(export(STUDY, results))
    before = {*results.rglob("*")}
    altered = results / jobs.folder("train_mbac", FIRST["train_mbac"]) / "fits.csv"
    altered.write_text(altered.read_text().replace("0.1", "0.2"))
    with pytest.raises(UnreadableFile, match=r"fits\.csv: its SHA-256 is"):
        list(export(STUDY, results))
    assert {*results.rglob("*")} == before


@pytest.mark.usefixtures("tensorboard")
def test_a_link_is_not_followed(results: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "mine").touch()
    (results / "tensorboard").symlink_to(other)
    with pytest.raises(UnreadableFile, match="tensorboard: is a link"):
        list(export(STUDY, results))
    assert [path.name for path in other.iterdir()] == ["mine"]


@pytest.mark.usefixtures("tensorboard")
def test_a_study_without_results_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no job of this config has finished"):
        list(export(STUDY, tmp_path))


def test_episodes_become_their_mean(tmp_path: Path) -> None:
    rows = [(100, 0, 1.0), (100, 1, 4.0), (200, 0, -2.0), (200, 1, None)]
    columns = ("env_step", "episode", "return")
    path = tmp_path / "evaluations.csv"
    write_rows(path, columns, [dict(zip(columns, row, strict=True)) for row in rows])
    found = [("evaluations/return", 100, 2.5), ("evaluations/return", 200, -2.0)]
    assert list(points(path)) == found


def test_a_step_may_be_written_as_a_float(tmp_path: Path) -> None:
    path = tmp_path / "diagnostics.csv"
    write_rows(path, ["env_step", "value_sd"], [{"env_step": 650.0, "value_sd": 0.5}])
    assert list(points(path)) == [("diagnostics/value_sd", 650, 0.5)]


def test_without_the_extra_one_line_says_so(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    line = "tensorboard is not installed; the extra 'tensorboard' brings it: make extras, .*"
    with pytest.raises(MissingExtra, match=f"^{line}$"):
        list(export(STUDY, results))
    monkeypatch.setattr(export_tensorboard, "read_study", lambda _: STUDY)
    monkeypatch.chdir(results)
    with pytest.raises(SystemExit, match=f"^export-tensorboard: {line}$"):
        run_command(["export-tensorboard"])

"""`vaml status` tells the state of every job from the files that the job leaves."""

import io
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from finished_jobs import DIVERGED, ROOT, leave, manifest, outcome, small_study
from rich.console import Console
from saved_states import arrays_of

from vaml.__main__ import run as command
from vaml.commands.status import view
from vaml.config.claims import load_claims
from vaml.files import write_json
from vaml.pipeline import jobs
from vaml.pipeline.derived import derived, finished
from vaml.pipeline.states import JobState, job_states
from vaml.runtime.checkpoint import Checkpoint
from vaml.runtime.job import FINISHED

CLAIMS = load_claims(ROOT / "config" / "claims.yaml")
STUDY = small_study(seeds=[0, 1, 2, 3])
STAGE = "fit_synthetic"
JOBS = list(jobs.labels(STAGE, STUDY))
MADE = derived(STUDY, CLAIMS.tables)
KEYS = [jobs.key(STAGE, STUDY, job) for job in JOBS]


def found(results: Path) -> list[JobState]:
    return [state for state in job_states(STUDY, results) if state.stage == STAGE]


def write_log(results: Path, job: int, *lines: str) -> None:
    path = results / "logs" / f"{jobs.folder(STAGE, JOBS[job])}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_lock(results: Path, job: int, age: float = 0.0, **owner: object) -> None:
    lock = results / ".state" / KEYS[job] / "lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    owner = {"host": socket.gethostname(), "pid": os.getpid(), "slurm_job_id": None} | owner
    lock.write_text(json.dumps(owner), encoding="utf-8")
    then = lock.stat().st_mtime - age
    os.utime(lock, (then, then))


def dead_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The first jobs of the stage, each in another state."""
    leave(tmp_path, STUDY, STAGE, JOBS[0])
    leave(tmp_path, STUDY, STAGE, JOBS[1], outcome(STAGE, JOBS[1]) | DIVERGED)
    home = leave(tmp_path, STUDY, STAGE, JOBS[2])
    write_json(home / "manifest.json", manifest(STAGE))
    write_lock(tmp_path, 3, slurm_job_id="4711")
    write_log(
        tmp_path,
        3,
        "2026-01-01 12:00:00 epoch 10 of 80, 2.5/s, 0:00:28 left",
        "2026-01-01 12:00:15 epoch 20 of 80, 2.5/s, 0:00:24 left",
        "a warning",
    )
    write_lock(tmp_path, 4, pid=dead_process())
    write_log(tmp_path, 4, "2026-01-01 12:00:00 ValueError: no such thing")
    checkpoint = Checkpoint(tmp_path / ".state", KEYS[5])
    with checkpoint.lock():
        checkpoint.save(arrays_of(1), {})
    write_log(tmp_path, 5, "2026-01-01 12:00:00 goes on from epoch 40 of 80")
    write_lock(tmp_path, 6, host="another", age=60)
    write_lock(tmp_path, 7, host="another", age=180)
    return tmp_path


def test_each_state_is_told_from_the_files(results: Path) -> None:
    states = found(results)
    assert [each.state for each in states[:9]] == [
        *("done", "diverged", "stale", "running", "failed", "interrupted", "running"),
        *("waiting", "waiting"),
    ]
    assert [each.labels for each in states] == JOBS
    assert f"process {os.getpid()}, SLURM job 4711" in states[3].told
    assert states[4].told.endswith("ValueError: no such thing")
    assert states[6].told.startswith("another, process ")


def test_results_that_were_removed_have_not_failed(tmp_path: Path) -> None:
    write_log(tmp_path, 0, "2026-01-01 12:00:00 a warning", f"2026-01-01 12:00:01 {FINISHED}")
    assert found(tmp_path)[0].state == "waiting"


def test_a_state_that_goes_while_it_is_read_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a job removes the folder of its state."""
    checkpoint = Checkpoint(tmp_path / ".state", KEYS[0])
    with checkpoint.lock():
        checkpoint.save(arrays_of(1), {})
    assert found(tmp_path)[0].state == "interrupted"
    names = os.listdir

    def removed_first(place: Path) -> list[str]:
        if Path(place) == tmp_path / ".state" / KEYS[0]:
            shutil.rmtree(place)
        return names(place)

    monkeypatch.setattr("vaml.pipeline.states.os.listdir", removed_first)
    assert found(tmp_path)[0].state == "waiting"
    assert not (tmp_path / ".state" / KEYS[0]).exists()


def test_where_there_is_no_proc_running_jobs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: "proc" not in path.parts and exists(path))
    write_lock(tmp_path, 0)
    write_log(tmp_path, 0, "2026-01-01 12:00:00 epoch 10 of 80, 2.5/s, 0:00:28 left")
    assert found(tmp_path)[0].state == "running"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux numbers threads like processes")
def test_a_thread_with_the_number_of_a_dead_owner_is_not_the_owner(tmp_path: Path) -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        assert thread.native_id
        os.kill(thread.native_id, 0)  # as if it were a process
        write_lock(tmp_path, 0, pid=thread.native_id)
        assert found(tmp_path)[0].state == "waiting"
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("owner", [{"pid": 2**31}, {"pid": 0}, {"pid": "4711"}, {"host": None}])
def test_a_lock_that_names_no_process_has_no_owner(tmp_path: Path, owner: dict[str, Any]) -> None:
    write_lock(tmp_path, 0, **owner)
    assert found(tmp_path)[0].state == "waiting"


def test_progress_is_that_of_the_last_line(results: Path) -> None:
    states = found(results)
    running, interrupted = states[3].progress, states[5].progress
    assert running is not None
    assert (running.unit, running.done, running.total) == ("epoch", 20, 80)
    assert (running.rate, running.left) == (2.5, "0:00:24")
    assert interrupted is not None
    assert (interrupted.done, interrupted.total) == (40, 80)


def test_nothing_is_written_or_removed(results: Path) -> None:
    def everything() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in results.rglob("*")}

    before = everything()
    list(job_states(STUDY, results))
    assert everything() == before


def touch(path: Path, seconds: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (seconds, seconds))


def test_what_is_made_of_the_results_is_done_when_no_older_than_they(tmp_path: Path) -> None:
    inputs = {path for needed in MADE.values() for path in needed} - MADE.keys()
    assert inputs == {f"{jobs.folder(s, job)}/manifest.json" for s, job in every_job()}
    for path in inputs:
        touch(tmp_path / path, 1000)
    assert finished(MADE, tmp_path) == set()
    for path in MADE:
        touch(tmp_path / path, 1000)
    assert finished(MADE, tmp_path) == set(MADE)
    # One more fit of experiment B: what A and C alone are shown in stays.
    for stage in ("fit_snapshot", "measure_snapshot"):
        made = jobs.folder(stage, next(jobs.labels(stage, STUDY)))
        touch(tmp_path / made / "manifest.json", 2000)
    undone = MADE.keys() - finished(MADE, tmp_path)
    assert {"tables/snapshots.csv", "figures/figure_2.pdf", "claims.json", "paper.pdf"} <= undone
    assert not {"tables/mbac.csv", "figures/figure_1.pdf", "tables/summary_mbac.csv"} & undone
    assert "tables/costs.csv" in undone


def every_job() -> list[tuple[str, dict[str, object]]]:
    return [(stage, job) for stage in jobs.FOLDERS for job in jobs.labels(stage, STUDY)]


def test_the_view_counts_and_adds_up(results: Path, tmp_path: Path) -> None:
    home = results / jobs.folder(STAGE, JOBS[0])
    write_json(home / "manifest.json", manifest(STAGE, key=KEYS[0], cpu_seconds=5400.0))
    root = tmp_path / "root"
    root.mkdir()
    (root / STUDY.study.name).symlink_to(results)
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(view(STUDY, MADE, root, 2))
    lines = console.export_text().splitlines()
    cells = [cell.strip() for cell in next(line for line in lines if STAGE in line).split("│")]
    # done, diverged, stale, running, interrupted, failed, waiting, core-hours
    rest = len(JOBS) - 7
    assert cells[2:10] == ["1", "1", "1", "2", "1", "1", str(rest), "1:31"]
    made = next(line for line in lines if "figures, paper" in line).split("│")
    assert [cell.strip() for cell in made[2:9]] == ["·", *"·····", str(len(MADE))]
    # Each is taken to need four seconds.
    assert made[10].strip() == f"0:{math.ceil(len(MADE) * 4 / 60):02d}"
    assert any("20 of 80 epochs" in line and "0:00:24" in line for line in lines)
    assert any(line.startswith("failed: fit_synthetic") for line in lines)
    (caption,) = [line for line in lines if "to go on 2 cores, until" in line]
    hours, minutes = map(int, caption.split()[1].split(":"))
    whole = next(line for line in lines if line.strip("│ ").startswith("all")).split("│")[10]
    sum_hours, sum_minutes = map(int, whole.split(":"))
    # Two cores at work take half of the core-hours at least.
    assert 0.5 <= (60 * hours + minutes) / (60 * sum_hours + sum_minutes) < 0.7


def test_a_mistake_in_the_claims_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("src", "workflow"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").symlink_to(ROOT / "config" / "config.yaml")
    (tmp_path / "config/claims.yaml").write_text("claims: 3\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"config/claims\.yaml: claims: got 3; "):
        command(["status"])

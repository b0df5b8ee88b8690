"""Two copies of a job that start together: one runs, and the other says who runs."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
import tiny_jobs
from conftest import Count
from study_folder import lock_owners

pytestmark = pytest.mark.slow


def owner(folder: Path) -> int:
    """The process that holds the job's lock, 0 without one."""
    return next((int(owner["pid"]) for owner in lock_owners(folder / ".state")), 0)


def test_one_result_and_one_refusal(reference: Path, tmp_path: Path, count: Count) -> None:
    step = "fit_synthetic"
    flags = tiny_jobs.arguments(step, tmp_path, reference)
    copies = {
        process.pid: (process, slurm_job)
        for slurm_job in ("4711", "4712")
        for process in [tiny_jobs.start(step, flags, SLURM_JOB_ID=slurm_job)]
    }
    while not (first := owner(tmp_path)):
        time.sleep(0.002)
    # However fast it is, it must not be done before the other one comes.
    os.kill(first, signal.SIGSTOP)
    winner, slurm_job = copies.pop(first)
    (loser, _) = next(iter(copies.values()))
    status, text = tiny_jobs.finish(loser)
    refusal = text.strip()
    os.kill(first, signal.SIGCONT)
    won, progress = tiny_jobs.finish(winner)
    named = f"host {socket.gethostname()}, process {first}, SLURM job {slurm_job};" in refusal
    good = status == 1 and named and "\n" not in refusal and won == 0
    good = good and tiny_jobs.results(tmp_path) == tiny_jobs.results(reference / step)
    count("pairs of copies with one result and one refusal", int(good), 1)
    assert good, (refusal, progress)


def test_a_killed_copy_makes_way_at_once(reference: Path, tmp_path: Path, count: Count) -> None:
    step = "fit_synthetic"
    flags = tiny_jobs.arguments(step, tmp_path, reference)
    with tiny_jobs.start(step, flags) as process:
        while not owner(tmp_path):
            time.sleep(0.002)
        process.kill()
    status, text = tiny_jobs.run(step, flags)
    good = status == 0 and tiny_jobs.results(tmp_path) == tiny_jobs.results(reference / step)
    count("stale locks taken over", int(good), 1)
    assert good, text

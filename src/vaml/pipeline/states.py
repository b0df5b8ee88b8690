"""The state of each training job, read from a study's files without a lock or a write."""

import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import psutil

from vaml.config.schema import Config
from vaml.files import UnreadableFile, read_json
from vaml.pipeline.jobs import Labels, every_job, folder, is_result, key
from vaml.runtime.checkpoint import STATE
from vaml.runtime.job import FINISHED
from vaml.runtime.lock import STALE_SECONDS, Owner, read_owner
from vaml.runtime.manifest import found_manifest

State = Literal["done", "diverged", "stale", "running", "interrupted", "failed", "waiting"]
STATES: tuple[State, ...] = get_args(State)

_LINE = re.compile(r"(\S+) (\d+) of (\d+), (\S+)/s, (.+) left$")
_GOES_ON = re.compile(r"goes on from (\S+) (\d+) of (\d+)$")
_TAIL = 4096  # bytes of a log that are read


@dataclass(frozen=True)
class ProgressLine:
    """A job's last progress line: units done of all, units per second, time left as text."""

    unit: str
    done: int
    total: int
    rate: float
    left: str


@dataclass(frozen=True)
class JobState:
    """State of one job. told: the owner of a running job, the log's last line of a failed one.

    stale: its results are of another config, code or versions. interrupted: nobody runs it, and it
    will go on from a saved state. cpu_seconds: known for finished jobs.
    """

    stage: str
    labels: Labels
    state: State
    progress: ProgressLine | None = None
    told: str = ""
    cpu_seconds: float = 0.0


def job_states(study: Config, results: Path) -> Iterator[JobState]:
    """The state of every training job of a study, in the order of the stages and the config."""
    for stage, job in every_job(study):
        yield _state(stage, job, key(stage, study, job), results)


def _state(stage: str, job: Labels, expected: str, results: Path) -> JobState:
    home = results / folder(stage, job)
    if manifest := found_manifest(home / "manifest.json"):
        if not is_result(stage, expected, manifest.stable):
            return JobState(stage, job, "stale")
        diverged = _status(home / "outcome.json") == "diverged"
        cpu = manifest.volatile.cpu_seconds
        return JobState(stage, job, "diverged" if diverged else "done", cpu_seconds=cpu)
    saved = results / ".state" / expected
    lines = _last_lines(results / "logs" / f"{folder(stage, job)}.log")
    progress = next(filter(None, map(_progress, reversed(lines))), None)
    if owner := _living_owner(saved / "lock"):
        return JobState(stage, job, "running", progress, str(owner))
    if any(STATE.fullmatch(name) for name in _names_in(saved)):
        return JobState(stage, job, "interrupted", progress)
    if lines and not lines[-1].endswith(FINISHED):
        return JobState(stage, job, "failed", told=lines[-1])
    return JobState(stage, job, "waiting")


def _names_in(place: Path) -> list[str]:
    """Names of the files in a folder, none of one that is not there; a job's end removes it."""
    try:
        return os.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _status(outcome: Path) -> object:
    try:
        found = read_json(outcome)
    except (OSError, UnreadableFile):
        return None
    return found.get("status") if isinstance(found, dict) else None


def _living_owner(lock: Path) -> Owner | None:
    """Owner of the lock; None without one that is alive, as far as this machine can tell."""
    if lock.is_symlink() or not lock.is_file():
        return None
    try:
        owner = read_owner(lock.read_bytes())
        age = time.time() - lock.stat().st_mtime
    except OSError:
        return None
    if owner is None or age > STALE_SECONDS:
        return None
    here = owner.host == socket.gethostname()
    return None if here and not psutil.pid_exists(owner.pid) else owner


def _last_lines(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()]


def _progress(line: str) -> ProgressLine | None:
    if found := _LINE.search(line):
        unit, done, total, rate, left = found.groups()
        return ProgressLine(unit, int(done), int(total), float(rate), left)
    if found := _GOES_ON.search(line):
        return ProgressLine(found[1], int(found[2]), int(found[3]), 0.0, "")
    return None

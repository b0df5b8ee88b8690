"""The state of an unfinished job: saved now and then, whole or not at all, for that job only."""

import hashlib
import json
import logging
import math
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vaml.files import (
    UnreadableFile,
    atomic,
    reading,
    tensor_bytes,
    tensors_from,
    write_rows,
)
from vaml.runtime.lock import AlreadyRunning, Lock
from vaml.runtime.manifest import Amount, Record
from vaml.runtime.versions import keeps_others

logger = logging.getLogger(__name__)

# The name contains the content's digest, so that one rename publishes both.
STATE = re.compile(r"state-(\d{8})-([0-9a-f]{64})\.safetensors")
META = "checkpoint.json"
# The curves of a run so far, for users; the run itself continues from its states.
LIVE = "training.csv"

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
INTERVAL_VARIABLE = "VAML_STATE_SECONDS"


def save_interval() -> float:
    """Seconds from one save to the next, by an environment variable that changes no result.

    UnreadableFile: the variable holds no such number.
    """
    text = os.environ.get(INTERVAL_VARIABLE, "300")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UnreadableFile(f"{INTERVAL_VARIABLE}: got {text!r}; allowed: seconds, 0 or more")
    return seconds


class _Saved(Record):
    """The part of a state that is not arrays. spent: wall and CPU seconds."""

    key: str
    versions: str
    spent: Annotated[list[Amount], Field(min_length=2, max_length=2)]
    meta: dict[str, Any]


class Checkpoint:
    """Saved states of the job with this key, in directory/key/.

    with checkpoint.install_signals(), checkpoint.lock():
        saved = checkpoint.load()
        for ...:
            if checkpoint.due():
                checkpoint.save(arrays, meta)
                checkpoint.exit_if_terminated()
        ...                                 # write the outputs
        checkpoint.remove()

    interval: seconds from one save to the next; with 0, `due` is always true. versions: those of
    the libraries that compute; a state of other versions is ignored, unless VAML_VERSIONS=keep.
    """

    def __init__(
        self, directory: Path, key: str, interval: float = 300.0, versions: str = ""
    ) -> None:
        self.path = directory / key
        self.key = key
        self.versions = versions
        self.interval = interval
        self._lock = Lock(self.path / "lock", self.exit_if_terminated)
        self._last_save = time.monotonic()
        self._whole: Path | None = None  # the newest state that is known to be whole
        self._requested = False
        self._terminated = 0  # the number of the signal
        self._started = time.monotonic()
        self._before = (0.0, 0.0)  # time of earlier processes, up to the loaded state

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer. AlreadyRunning: another copy of the job is alive.

        A signal that ends the job also ends the wait for the lock.
        """
        self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()
            self._remove_if_empty()

    @contextmanager
    def install_signals(self) -> Iterator[None]:
        """Let SIGTERM, SIGINT and SIGUSR1 make `due` true; restore the earlier handlers at the end.

        After SIGTERM or SIGINT it leaves the three signals ignored instead: one more must not
        change the exit status.
        """
        before = {number: signal.signal(number, self._notice) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                after = signal.SIG_IGN if self._terminated else handler
                signal.signal(number, after or signal.SIG_DFL)

    def _notice(self, number: int, _frame: FrameType | None) -> None:
        self._requested = True
        if number != signal.SIGUSR1:
            self._terminated = number

    def due(self) -> bool:
        """True if it is time to save: since the last save the interval passed, or a signal came."""
        return self._requested or time.monotonic() - self._last_save >= self.interval

    def exit_if_terminated(self) -> None:
        """Exit with status 128 + signal if SIGTERM or SIGINT came; a run saves its state first."""
        if self._terminated:
            logger.info("%s: terminated; the next start goes on from the saved state", self.path)
            sys.exit(128 + self._terminated)

    @property
    def spent(self) -> tuple[float, float]:
        """Wall and CPU seconds that the job took so far, with those of earlier processes.

        Their time after their last save is not counted, because that work is lost.
        """
        wall, cpu = self._before
        return wall + time.monotonic() - self._started, cpu + time.process_time()

    def save(self, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
        """Write the whole state, and keep the one before it.

        meta: JSON values; NaN and infinity are allowed, tuples come back as lists.
        AlreadyRunning: the lock is not, or no longer, this process's.
        """
        # A signal that comes from here on asks for one more save.
        self._requested = False
        if not self._lock.is_held():
            raise AlreadyRunning(f"{self.path}: not saved: this process does not hold the lock")
        text = json.dumps(
            {"key": self.key, "versions": self.versions, "spent": self.spent, "meta": meta}
        )
        block = tensor_bytes({**arrays, META: np.frombuffer(text.encode(), dtype=np.uint8)})
        number = max((number for number, _ in self._states()), default=0) + 1
        path = self.path / f"state-{number:08d}-{hashlib.sha256(block).hexdigest()}.safetensors"
        with atomic(path) as temporary:
            temporary.write_bytes(block)
        self._keep(path, self._whole)
        self._whole = path
        self._last_save = time.monotonic()

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The arrays and meta of the newest whole state of this job; None without one.

        A damaged state is named in the log and ignored.
        """
        for _, path in sorted(self._states(), reverse=True):
            try:
                arrays, record = self._read(path)
            except UnreadableFile as error:
                logger.warning("%s; it is ignored", error)
            else:
                self._whole = path
                wall, cpu = record.spent
                self._before = wall, cpu
                return arrays, record.meta
        return None

    def show(self, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the job's curves so far beside its states, for users who follow the run.

        The job does not need them: if they cannot be written, it goes on.
        """
        try:
            write_rows(self.path / LIVE, columns, rows)
        except OSError as error:
            logger.warning("%s; the job goes on without this file", error)

    def remove(self) -> None:
        """Remove the job's states after its end; the lock's release removes the folder."""
        self._keep()
        # The curves so far, and the temporary files of a killed writer of them.
        for path in (self.path / LIVE, *self.path.glob(".training.*.csv")):
            path.unlink(missing_ok=True)
        self._whole = None
        self._remove_if_empty()

    def _read(self, path: Path) -> tuple[dict[str, np.ndarray], _Saved]:
        with reading(path, "state"):
            block = path.read_bytes()
            if hashlib.sha256(block).hexdigest() not in path.name:
                raise ValueError("its SHA-256 is not the one in its name")
            arrays = tensors_from(block)
            record = _Saved.model_validate(json.loads(arrays.pop(META).tobytes()))
            if record.key != self.key:
                raise ValueError(f"another job, {record.key}, saved it")
            if record.versions != self.versions and not keeps_others():
                raise ValueError(f"it was saved with {record.versions}, not {self.versions}")
            return arrays, record

    def _states(self) -> list[tuple[int, Path]]:
        paths = self.path.iterdir() if self.path.is_dir() else ()
        files = [path for path in paths if path.is_file() and not path.is_symlink()]
        return [(int(match[1]), path) for path in files if (match := STATE.fullmatch(path.name))]

    def _keep(self, *kept: Path | None) -> None:
        """Remove older and damaged states and the temporary files of a killed writer."""
        for path in self.path.iterdir() if self.path.is_dir() else ():
            if path.name.startswith(("state-", ".state-")) and path not in kept:
                with suppress(IsADirectoryError, PermissionError):  # made by somebody else
                    path.unlink()

    def _remove_if_empty(self) -> None:
        with suppress(OSError):
            self.path.rmdir()

"""One writer per state folder, also across the machines that share a file system.

`filelock.SoftFileLease` (4.2.11) is not used: a process that is killed between creating its file
and writing it leaves an empty one, which no other process ever takes over. It decides by
process ids where flock asks the kernel, names no SLURM job, and waits until its timeout for an
owner elsewhere that the first heartbeat shows to be alive.
"""

import errno
import fcntl
import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from vaml.files import UnreadableFile
from vaml.runtime.manifest import Record

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 20.0
STALE_SECONDS = 120.0
# Whatever the clocks say, an owner counts as dead only if it misses two heartbeats while watched.
WATCH_SECONDS = 45.0
POLL_SECONDS = 1.0
# Follows no link, and waits for no pipe.
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
# Errors of file systems without flock, some parallel ones among them.
NO_FLOCK = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)


class AlreadyRunning(Exception):
    """Raised if another copy of the same job is alive; the one-line message names it."""


class Owner(Record):
    """The holder of a lock, as its file says. since: nanoseconds, which no two owners share."""

    host: str
    pid: Annotated[int, Field(gt=0, lt=2**31)]
    slurm_job_id: str | None = None
    since: int = 0

    def __str__(self) -> str:
        slurm = f", SLURM job {self.slurm_job_id}" if self.slurm_job_id else ""
        return f"{self.host}, process {self.pid}{slurm}"


def read_owner(block: bytes) -> Owner | None:
    """The owner that a lock's content names; None if the content is empty or not whole."""
    try:
        return Owner.model_validate_json(block)
    except ValidationError:
        return None


class Lock:
    """An exclusive lock on a file, owned by one process.

    On one machine flock decides, so that a process that dies, however it dies, frees its lock.
    Across machines the owner touches the file every HEARTBEAT_SECONDS; an owner on another
    machine counts as dead when its last touch is STALE_SECONDS old.

    while_waiting: called every POLL_SECONDS of a wait for such an owner; its exception ends the
    wait.
    """

    def __init__(self, path: Path, while_waiting: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._while_waiting = while_waiting
        self._descriptor = -1
        self._owner = b""
        self._released = threading.Event()
        self._heart = threading.Thread()

    def acquire(self) -> None:
        """Own the lock, or raise AlreadyRunning. UnreadableFile: the path is no regular file.

        Waits, for STALE_SECONDS at most, only while it is unknown whether an owner on another
        machine is alive.
        """
        while True:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(self.path, _OPEN, 0o666)
            except FileNotFoundError:  # its owner just ended and removed the folder
                continue
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                raise UnreadableFile(f"{self.path}: is a link; remove it") from None
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise UnreadableFile(f"{self.path}: is not a file; remove it")
                self._require_free(descriptor)
                # Its owner may have ended, and removed the file, between opening and locking.
                if not self._is_current(descriptor):
                    os.close(descriptor)
                    continue
            except BaseException:
                os.close(descriptor)
                raise
            break
        self._descriptor = descriptor
        owner = Owner(
            host=socket.gethostname(),
            pid=os.getpid(),
            slurm_job_id=os.environ.get("SLURM_JOB_ID"),
            since=time.time_ns(),
        )
        self._owner = owner.model_dump_json().encode()
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, self._owner, 0)
        except OSError as error:  # a full disk
            self.path.unlink()
            os.close(descriptor)
            self._owner = b""
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        self._released.clear()
        self._heart = threading.Thread(target=self._beat, name="lock heartbeat", daemon=True)
        self._heart.start()

    def release(self) -> None:
        """Remove the lock file and let others in."""
        # The heart stops first: it must not touch whatever file gets the descriptor next.
        self._released.set()
        self._heart.join()
        if self.is_held():
            self.path.unlink()
        os.close(self._descriptor)
        self._owner = b""

    def is_held(self) -> bool:
        """True if this process owns the lock; another machine may have taken it over meanwhile."""
        try:
            return bool(self._owner) and self.path.read_bytes() == self._owner
        except FileNotFoundError:
            return False

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def _require_free(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            local = True
        except BlockingIOError:
            raise AlreadyRunning(self._refusal(_owner_in(descriptor))) from None
        except OSError as error:
            if error.errno not in NO_FLOCK:
                raise
            local = False
        owner = _owner_in(descriptor)
        if owner and not (local and owner.host == socket.gethostname()):
            self._require_dead(descriptor, owner)

    def _require_dead(self, descriptor: int, owner: Owner) -> None:
        """Return when the heartbeat of another machine has stopped; raise when it beats."""
        last = os.fstat(descriptor).st_mtime_ns
        # The age is by two clocks, either of which may run ahead.
        age = max(0.0, time.time() - last / 1e9)
        wait = max(STALE_SECONDS - age, WATCH_SECONDS)
        give_up = time.monotonic() + wait
        logger.info(
            "%s: its owner on host %s may be alive; waiting up to %.0f s to see",
            self.path,
            owner.host,
            wait,
        )
        while time.monotonic() < give_up:
            time.sleep(POLL_SECONDS)
            self._while_waiting()
            if not self._is_current(descriptor) or not _owner_in(descriptor):
                return
            if os.fstat(descriptor).st_mtime_ns != last:
                raise AlreadyRunning(self._refusal(owner))

    def _refusal(self, owner: Owner | None) -> str:
        return (
            f"{self.path.parent}: another copy of this job is running: "
            f"host {owner or 'unknown'}; wait for it or stop it"
        )

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            try:
                if not self.is_held():
                    break
                os.utime(self._descriptor)
            except OSError as error:  # a network file system may answer the next time
                logger.warning("%s: heartbeat failed: %s", self.path, error)


def _owner_in(descriptor: int) -> Owner | None:
    return read_owner(os.pread(descriptor, 4096, 0))

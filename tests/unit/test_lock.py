import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from saved_states import (
    KEY,
    LOOP,
    SOURCE,
    arrays_of,
    assert_is_state,
    first_line,
    start,
)

from vaml.runtime import lock
from vaml.runtime.checkpoint import Checkpoint
from vaml.runtime.lock import AlreadyRunning, Lock


def test_a_second_copy_is_refused_by_name_until_the_first_dies(tmp_path: Path) -> None:
    process = start(LOOP, tmp_path, SLURM_JOB_ID="4711")
    assert first_line(process) == "0"
    second = Checkpoint(tmp_path, "key")
    with pytest.raises(AlreadyRunning) as caught, second.lock():
        pass
    message = str(caught.value)
    assert f"host {os.uname().nodename}, process {process.pid}, SLURM job 4711" in message
    assert "\n" not in message
    process.kill()
    process.communicate(timeout=60)
    with second.lock():
        second.save({}, {})


def test_of_copies_started_together_one_runs(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from vaml.runtime.checkpoint import Checkpoint\n"
        "from vaml.runtime.lock import AlreadyRunning\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "try:\n"
        "    with Checkpoint(Path(sys.argv[1]), 'key').lock():\n"
        "        print('runs', flush=True); sys.stdin.readline()\n"
        "except AlreadyRunning as error:\n"
        "    print(error)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert [first_line(process) for process in processes] == ["ready"] * 3
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = sorted(first_line(process) for process in processes)
    for process in processes:
        process.communicate("end\n", timeout=60)
    assert answers[2] == "runs"
    assert all("another copy of this job is running" in answer for answer in answers[:2])
    assert list(tmp_path.iterdir()) == []


def test_without_the_lock_nothing_is_saved(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, KEY)
    with pytest.raises(AlreadyRunning, match="does not hold the lock"):
        checkpoint.save({}, {})
    with checkpoint.lock():
        checkpoint.save({}, {})
    with pytest.raises(AlreadyRunning):
        checkpoint.save({}, {})


def test_an_owner_is_watched_for_more_than_two_heartbeats() -> None:
    assert lock.WATCH_SECONDS > 2 * lock.HEARTBEAT_SECONDS


def write_owner(path: Path, host: str, age: float = 0.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"host": host, "pid": 17, "slurm_job_id": "99"}))
    os.utime(path, (time.time() - age, time.time() - age))


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats count as stopped after 0.5 s."""
    monkeypatch.setattr(lock, "STALE_SECONDS", 0.5)
    monkeypatch.setattr(lock, "WATCH_SECONDS", 0.2)
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.01)


def test_a_dead_owner_on_this_machine_is_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    write_owner(path, os.uname().nodename)
    mine = Lock(path)
    mine.acquire()
    assert mine.is_held()
    assert json.loads(path.read_text())["pid"] == os.getpid()
    mine.release()
    assert not path.exists()


@pytest.mark.usefixtures("short_wait")
def test_a_living_owner_on_another_machine_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    write_owner(path, "node7")
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(0.05):
            os.utime(path)

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        with pytest.raises(AlreadyRunning, match="host node7, process 17, SLURM job 99"):
            Lock(path).acquire()
    finally:
        stopped.set()
        heart.join()
    assert json.loads(path.read_text())["host"] == "node7"


@pytest.mark.usefixtures("short_wait")
@pytest.mark.parametrize("age", [0.0, -3600.0])
def test_a_silent_owner_on_another_machine_is_replaced(tmp_path: Path, age: float) -> None:
    """Also where the other machine's clock is an hour ahead."""
    path = tmp_path / "lock"
    write_owner(path, "node7", age)
    mine = Lock(path)
    mine.acquire()
    assert mine.is_held()
    mine.release()


@pytest.mark.usefixtures("short_wait")
def test_a_clock_that_runs_ahead_takes_no_lock_of_a_living_owner(tmp_path: Path) -> None:
    """To it each heartbeat is 150 s old, longer than a dead owner's need be."""
    path = tmp_path / "lock"
    write_owner(path, "node7", age=150.0)
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(0.05):
            os.utime(path, (time.time() - 150.0, time.time() - 150.0))

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        with pytest.raises(AlreadyRunning, match="host node7"):
            Lock(path).acquire()
    finally:
        stopped.set()
        heart.join()


@pytest.mark.usefixtures("short_wait")
def test_a_long_silent_owner_is_replaced_after_two_heartbeats(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    write_owner(path, "node7", age=3600.0)
    started = time.monotonic()
    mine = Lock(path)
    mine.acquire()
    assert 0.2 <= time.monotonic() - started < 5
    mine.release()


@pytest.mark.usefixtures("short_wait")
def test_an_owner_that_ends_meanwhile_makes_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "STALE_SECONDS", 3600.0)
    path = tmp_path / "job" / "lock"
    write_owner(path, "node7")
    timer = threading.Timer(0.1, shutil.rmtree, [path.parent])
    timer.start()
    mine = Lock(path)
    mine.acquire()
    assert mine.is_held()
    mine.release()
    timer.join()


@pytest.mark.usefixtures("short_wait")
def test_a_signal_ends_the_wait_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "STALE_SECONDS", 3600.0)
    checkpoint = Checkpoint(tmp_path, KEY)
    write_owner(checkpoint.path / "lock", "node7")
    before = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGTERM])
    timer.start()
    with pytest.raises(SystemExit) as caught, checkpoint.install_signals(), checkpoint.lock():
        pass
    signal.signal(signal.SIGTERM, before)
    timer.join()
    assert caught.value.code == 143
    assert json.loads((checkpoint.path / "lock").read_text())["host"] == "node7"


def test_the_owners_heart_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.01)
    path = tmp_path / "lock"
    mine = Lock(path)
    mine.acquire()
    os.utime(path, (1, 1))
    deadline = time.monotonic() + 30
    while path.stat().st_mtime < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.stat().st_mtime > time.time() - 60
    mine.release()


def test_the_heart_beats_on_after_a_fault_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network file system may fail once."""
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.01)
    mine = Lock(tmp_path / "lock")
    faults = iter([OSError(errno.ESTALE, "Stale file handle")])
    held = mine.is_held

    def once_faulty() -> bool:
        for fault in faults:
            raise fault
        return held()

    monkeypatch.setattr(mine, "is_held", once_faulty)
    mine.acquire()
    os.utime(mine.path, (1, 1))
    deadline = time.monotonic() + 30
    while mine.path.stat().st_mtime < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert next(faults, None) is None
    assert mine.path.stat().st_mtime > time.time() - 60
    mine.release()


def test_who_lost_the_lock_to_another_machine_saves_no_more(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, KEY)
    with checkpoint.lock():
        checkpoint.save(arrays_of(1), {"step": 1})
        write_owner(checkpoint.path / "lock", "node7")
        with pytest.raises(AlreadyRunning):
            checkpoint.save(arrays_of(2), {"step": 2})
    assert json.loads((checkpoint.path / "lock").read_text())["host"] == "node7"
    assert_is_state(Checkpoint(tmp_path, KEY).load(), 1)


@pytest.mark.usefixtures("short_wait")
def test_without_flock_the_heartbeat_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.02)
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()

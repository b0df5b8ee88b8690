import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from offline_fits import flags
from saved_states import KEY, LOOP, arrays_of, assert_is_state, first_line, start

from vaml.config.fields import JobSettings
from vaml.files import UnreadableFile
from vaml.runtime.checkpoint import Checkpoint, save_interval
from vaml.runtime.job import running
from vaml.runtime.lock import Lock

# One process forks the writers, so that a kill costs milliseconds and not a Python start.
KILLED_WRITERS = """
import os, random, signal, sys, time
from pathlib import Path
import numpy as np
from vaml.runtime.checkpoint import Checkpoint

directory, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)

def newest():
    # The step of the whole state that load returns, 0 without one.
    loaded = Checkpoint(directory, "key").load()
    if loaded is None:
        return 0
    arrays, meta = loaded
    assert sorted(arrays) == ["a", "b"], sorted(arrays)
    assert (arrays["a"] == meta["step"]).all() and (arrays["b"] == -meta["step"]).all()
    assert arrays["a"].shape == (150_000,) and arrays["b"].shape == (300,)
    return meta["step"]

def half_written(child):
    return any(directory.glob(f"key/.state-*.{child}.*"))

torn = 0
for kill in range(kills):
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        checkpoint = Checkpoint(directory, "key", interval=0)
        with checkpoint.lock():
            step = newest()
            checkpoint.load()
            os.write(tell, b"%d\\n" % step)
            while True:
                step += 1
                arrays = {"a": np.full(150_000, step, float), "b": np.full(300, -step)}
                checkpoint.save(arrays, {"step": step})
                os.write(tell, b"%d\\n" % step)
    os.close(tell)
    lines = os.read(told, 100)
    if kill % 2:  # a write has begun
        deadline = time.monotonic() + 60
        while not half_written(child) and time.monotonic() < deadline:
            pass
    else:
        time.sleep(chance.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(told, 10_000):
        lines += more
    os.close(told)
    saved = int(lines.split()[-1])
    assert saved <= newest() <= saved + 1, (saved, newest())
    torn += half_written(child)
print(f"{kills} of {kills} kills left a whole state, {torn} of them during a write")
"""


def test_a_kill_at_any_moment_leaves_a_whole_state(tmp_path: Path) -> None:
    process = start(KILLED_WRITERS, tmp_path, 40, 1)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert output.startswith("40 of 40 kills left a whole state")
    assert ", 0 of them" not in output
    print(output)


def test_the_interval_makes_a_save_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    checkpoint = Checkpoint(tmp_path, KEY, interval=300)
    assert not checkpoint.due()
    now += 299
    assert not checkpoint.due()
    now += 1
    assert checkpoint.due()
    with checkpoint.lock():
        checkpoint.save({}, {})
    assert not checkpoint.due()


def test_the_environment_sets_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAML_STATE_SECONDS", raising=False)
    assert save_interval() == 300
    for text in ("0", "2.5"):
        monkeypatch.setenv("VAML_STATE_SECONDS", text)
        assert save_interval() == float(text)


@pytest.mark.parametrize("text", ["", "-1", "nan", "inf", "5 minutes"])
def test_another_interval_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("VAML_STATE_SECONDS", text)
    with pytest.raises(UnreadableFile, match=f"VAML_STATE_SECONDS: got '{text}'; allowed"):
        save_interval()


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Put the signal handlers back after the test."""
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_makes_a_save_due_and_usr1_goes_on(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, KEY)
    with checkpoint.install_signals(), checkpoint.lock():
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert checkpoint.due()
        checkpoint.save({}, {})
        assert not checkpoint.due()
        checkpoint.exit_if_terminated()


@pytest.mark.usefixtures("own_signals")
def test_sigterm_ends_the_job_after_a_save(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, KEY)
    with checkpoint.install_signals(), checkpoint.lock():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        assert checkpoint.due()
        checkpoint.save(arrays_of(1), {"step": 1})
        with pytest.raises(SystemExit) as caught:
            checkpoint.exit_if_terminated()
    os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == 143
    assert_is_state(Checkpoint(tmp_path, KEY).load(), 1)


def test_a_signal_during_a_save_asks_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(tmp_path, KEY)
    flush = os.fsync

    def interrupted(descriptor: int) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        flush(descriptor)

    with checkpoint.install_signals(), checkpoint.lock():
        monkeypatch.setattr("os.fsync", interrupted)
        checkpoint.save({}, {})
    assert checkpoint.due()


def test_the_handlers_found_are_put_back(tmp_path: Path) -> None:
    numbers = (signal.SIGTERM, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]
    with Checkpoint(tmp_path, KEY).install_signals():
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before
    with suppress(RuntimeError), Checkpoint(tmp_path, KEY).install_signals():
        raise RuntimeError
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_that_comes_with_the_lock_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Neither a traceback of Python's nor a process that ends without a save."""

    def acquire(lock: Lock) -> None:
        os.kill(os.getpid(), number)
        original(lock)

    original = Lock.acquire
    monkeypatch.setattr(Lock, "acquire", acquire)
    job_flags = flags(tmp_path, JobSettings(seed=0), ())
    noticed = False
    with (
        suppress(LookupError),
        running("simulate_dynamics", JobSettings, job_flags, outputs=()) as job,
    ):
        noticed = job.checkpoint.due()
        raise LookupError  # no results are made here
    assert noticed


@pytest.mark.parametrize(
    "told",
    [
        "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 1 GiB",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_a_gpu_without_memory_ends_a_job_in_a_line(tmp_path: Path, told: str) -> None:
    """Other errors of PyTorch are faults of ours, whose place has to be seen."""

    class Settings(JobSettings):
        rows: int

    job_flags = flags(tmp_path, Settings(seed=0, rows=2000), ())
    for error, ends in (
        (torch.OutOfMemoryError(told), SystemExit),
        (RuntimeError("x"), RuntimeError),
    ):
        with (
            pytest.raises(ends) as caught,
            running("simulate_dynamics", Settings, job_flags, outputs=()),
        ):
            raise error
        if ends is SystemExit:
            line = str(caught.value)
            assert line.startswith(
                "simulate_dynamics: it does not fit into the memory; its largest"
            )
            assert line.endswith(told)


def test_a_terminated_process_saves_says_so_and_goes_on_later(tmp_path: Path) -> None:
    process = start(LOOP, tmp_path)
    assert first_line(process) == "0"
    process.send_signal(signal.SIGUSR1)
    saved = int(first_line(process))
    assert saved >= 1
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert errors == ""
    # Nothing more where SIGTERM came between the save and what follows it.
    last = int(output or saved)
    assert last >= saved
    resumed = start(LOOP, tmp_path)
    assert first_line(resumed) == str(last)
    resumed.kill()
    resumed.communicate(timeout=60)

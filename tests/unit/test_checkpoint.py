import logging
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from saved_states import KEY, arrays_of, assert_is_state, save_states

from vaml.runtime.checkpoint import Checkpoint


def test_the_newest_state_comes_back(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path, KEY).load() is None
    save_states(tmp_path, 1, 2, 3)
    assert_is_state(Checkpoint(tmp_path, KEY).load(), 3)


def test_meta_keeps_every_bit_and_what_json_lacks(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, KEY)
    meta = {"best": float("inf"), "loss": 0.1 + 0.2, "rows": [[1, None, "a"]], "done": True}
    with checkpoint.lock():
        checkpoint.save({}, meta)
    assert Checkpoint(tmp_path, KEY).load() == ({}, meta)


def test_the_time_of_earlier_processes_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"wall": 1000.0, "cpu": 7.0}
    monkeypatch.setattr("time.monotonic", lambda: clock["wall"])
    monkeypatch.setattr("time.process_time", lambda: clock["cpu"])
    first = Checkpoint(tmp_path, KEY)
    with first.lock():
        clock |= {"wall": 1060.0, "cpu": 57.0}
        first.save({}, {})
        clock |= {"wall": 1090.0, "cpu": 80.0}  # lost
    clock |= {"wall": 2000.0, "cpu": 3.0}
    second = Checkpoint(tmp_path, KEY)
    assert second.spent == (0.0, 3.0)
    second.load()
    clock |= {"wall": 2010.0, "cpu": 12.0}
    assert second.spent == (60.0 + 10.0, 57.0 + 12.0)


def test_two_states_are_kept_and_more_are_not(tmp_path: Path) -> None:
    paths = save_states(tmp_path, *range(1, 6))
    assert [path.name[:14] for path in paths] == ["state-00000004", "state-00000005"]


def test_loaded_arrays_can_be_written_to(tmp_path: Path) -> None:
    save_states(tmp_path, 1)
    loaded = Checkpoint(tmp_path, KEY).load()
    assert loaded is not None
    assert all(array.flags.writeable for array in loaded[0].values())


def test_removal_leaves_nothing(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "state", KEY)
    with checkpoint.lock():
        checkpoint.save(arrays_of(1), {})
        checkpoint.remove()
        assert checkpoint.load() is None
    assert list((tmp_path / "state").iterdir()) == []


def test_a_job_that_saved_nothing_leaves_nothing(tmp_path: Path) -> None:
    with Checkpoint(tmp_path / "state", KEY).lock():
        pass
    assert list((tmp_path / "state").iterdir()) == []


def test_another_jobs_state_is_never_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_states(tmp_path, 1)
    other = Checkpoint(tmp_path, "fedcba9876543210")
    assert other.load() is None
    shutil.copytree(tmp_path / KEY, other.path)
    assert other.load() is None
    assert f"another job, {KEY}, saved it" in caplog.text


def damaged(whole: bytes) -> Iterator[bytes]:
    """Every region of a file cut or flipped: length, header, arrays, end."""
    for position in [*range(0, len(whole), 7), len(whole) - 1]:
        yield whole[:position]
        yield (
            whole[:position]
            + bytes([whole[position] ^ (1 << position % 8)])
            + whole[position + 1 :]
        )
    yield whole + b"\0"
    yield b"\0" * len(whole)


def test_a_damaged_state_is_named_and_the_one_before_it_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    older, newest = save_states(tmp_path, 1, 2)
    damages = list(damaged(newest.read_bytes()))
    assert len(damages) > 200
    for content in damages:
        newest.write_bytes(content)
        caplog.clear()
        assert_is_state(Checkpoint(tmp_path, KEY).load(), 1)
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert caplog.messages[0].startswith(f"{newest}: ")
        assert "\n" not in caplog.messages[0]

    older.write_bytes(b"")
    assert Checkpoint(tmp_path, KEY).load() is None


def test_saving_after_damage_keeps_the_whole_state(tmp_path: Path) -> None:
    older, newest = save_states(tmp_path, 1, 2)
    newest.write_bytes(newest.read_bytes()[:-1])
    checkpoint = Checkpoint(tmp_path, KEY)
    with checkpoint.lock():
        assert_is_state(checkpoint.load(), 1)
        checkpoint.save(arrays_of(3), {"step": 3})
    assert_is_state(Checkpoint(tmp_path, KEY).load(), 3)
    assert older.exists()
    assert not newest.exists()


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow beyond 500 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_states_before(tmp_path: Path) -> None:
    save_states(tmp_path, 1, 2)
    checkpoint = Checkpoint(tmp_path, KEY)
    with checkpoint.lock():
        checkpoint.load()
        with full_disk(), pytest.raises(OSError, match=f"File too large: '{checkpoint.path}"):
            checkpoint.save(arrays_of(3), {"step": 3})
    assert len(list(checkpoint.path.iterdir())) == 2
    assert_is_state(Checkpoint(tmp_path, KEY).load(), 2)

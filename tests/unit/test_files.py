import csv
import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import file_kinds
import numpy as np
import pytest
import safetensors.numpy
from file_kinds import ARRAYS, READERS, WRITERS, assert_same_arrays

from vaml import files
from vaml.files import UnreadableFile


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow beyond 1000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_atomic_replaces_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with files.atomic(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
    with files.atomic(path) as temporary:
        temporary.write_text("second")
        assert path.read_text() == "first"
    assert path.read_text() == "second"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_atomic_leaves_the_old_file_on_any_error(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with files.atomic(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_the_content_is_on_the_disk_before_the_name_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    flush, replace = os.fsync, os.replace

    def recording_flush(descriptor: int) -> None:
        calls.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        flush(descriptor)

    def recording_replace(source: Path, target: Path) -> None:
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr("os.fsync", recording_flush)
    monkeypatch.setattr("os.replace", recording_replace)
    with files.atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    assert calls == [temporary.name, "replace", tmp_path.name]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSPC])
def test_a_folder_that_cannot_be_flushed_stops_no_job_and_a_full_disk_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    flush = os.fsync

    def refused(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        flush(descriptor)

    monkeypatch.setattr("os.fsync", refused)
    path = tmp_path / "a.txt"
    if number == errno.ENOSPC:
        with pytest.raises(OSError, match="No space"), files.atomic(path) as temporary:
            temporary.write_text("new")
    else:
        with files.atomic(path) as temporary:
            temporary.write_text("new")
        assert path.read_text() == "new"


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from vaml.files import atomic\n"
        "with atomic(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(files.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code, path], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_keeps_the_old_file_and_names_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")
    with full_disk(), pytest.raises(OSError, match="File too large") as caught:
        WRITERS[name](path)
    assert str(caught.value) == f"[Errno 27] File too large: '{path}'"
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_an_error_about_another_file_keeps_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="input"), files.atomic(tmp_path / "output"):
        (tmp_path / "input").read_text()


def test_json_is_sorted_and_ends_with_a_newline(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"b": [1, 0.1], "a": None})
    assert path.read_text() == '{\n "a": null,\n "b": [\n  1,\n  0.1\n ]\n}\n'
    assert files.read_json(path) == {"a": None, "b": [1, 0.1]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_holds_finite_numbers_only(tmp_path: Path, value: float) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match=r"a\.json: .*; write null instead"):
        files.write_json(path, {"x": value})
    assert not path.exists()
    path.write_text(f'{{"x": {"NaN" if value != value else "Infinity"}}}')
    with pytest.raises(UnreadableFile, match=r"is not JSON"):
        files.read_json(path)


def test_rows_keep_every_bit_of_a_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    third = np.float32(1 / 3)
    columns = ["name", "x", "n"]
    files.write_rows(
        path,
        columns,
        [
            {"name": "a, b", "x": 0.1 + 0.2, "n": 1},
            {"n": np.int64(2), "x": third, "name": "c"},
            {"name": "d", "x": None, "n": True},
            {"name": "e", "x": float("nan"), "n": -3},
        ],
    )
    assert path.read_bytes().count(b"\r") == 0
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == columns
    assert [row["name"] for row in rows] == ["a, b", "c", "d", "e"]
    assert [row["n"] for row in rows] == ["1", "2", "True", "-3"]
    assert float(rows[0]["x"]) == 0.1 + 0.2
    assert np.float32(rows[1]["x"]) == third
    assert rows[2]["x"] == ""
    assert rows[3]["x"] == "nan"


@pytest.mark.parametrize("row", [{"x": 1}, {"x": 1, "y": 2, "z": 3}, {"x": 1, "z": 2}])
def test_a_row_of_other_columns_is_refused(tmp_path: Path, row: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"not \['x', 'y'\]"):
        files.write_rows(tmp_path / "a.csv", ["x", "y"], [{"x": 0, "y": 0}, row])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors"])
def test_arrays_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    found = READERS[name](tmp_path / name)
    assert_same_arrays(found, ARRAYS)
    assert all(array.flags.writeable for array in found.values())


@pytest.mark.parametrize(("name", "write"), list(WRITERS.items()))
def test_the_same_content_gives_the_same_bytes(
    tmp_path: Path, name: str, write: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / name)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    other = tmp_path / "other" / name
    monkeypatch.setattr(file_kinds, "ARRAYS", dict(reversed(ARRAYS.items())))
    write(other)
    assert files.sha256(other) == files.sha256(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors"])
def test_views_are_stored_as_they_look(tmp_path: Path, name: str) -> None:
    base = np.arange(24, dtype=np.float64).reshape(4, 6)
    views = {"transposed": base.T, "strided": base[::2, 1::2], "reversed": base[::-1]}
    write = files.write_arrays if name == "a.npz" else files.write_tensors
    write(tmp_path / name, views)
    assert_same_arrays(READERS[name](tmp_path / name), views)


def test_a_prefix_selects_tensors(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {"actor/weight": np.ones(2), "actor/bias": np.zeros(1), "critic/weight": np.ones(3)}
    files.write_tensors(path, tensors)
    assert_same_arrays(
        files.read_tensors(path, "actor/"), {"weight": np.ones(2), "bias": np.zeros(1)}
    )
    with pytest.raises(UnreadableFile, match="no tensor whose name starts with 'value/'"):
        files.read_tensors(path, "value/")


def test_object_arrays_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        files.write_arrays(tmp_path / "a.npz", {"x": np.array([{}], dtype=object)})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("read", READERS.values())
def test_a_missing_file_is_missing_not_damaged(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read(tmp_path / "nowhere")


def test_safetensors_files_are_plain_ones(tmp_path: Path) -> None:
    files.write_tensors(tmp_path / "a.safetensors", ARRAYS)
    assert_same_arrays(safetensors.numpy.load_file(tmp_path / "a.safetensors"), ARRAYS)


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256(tmp_path / "a") == expected

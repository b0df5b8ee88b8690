import errno
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from file_kinds import ARRAYS, READERS, WRITERS, assert_same_arrays

from vaml import files
from vaml.files import UnreadableFile


class Payload:
    """Runs code when it is unpickled."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.sentinel,)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_not_run(tmp_path: Path, name: str, protocol: int) -> None:
    path, sentinel = tmp_path / name, tmp_path / "ran"
    path.write_bytes(pickle.dumps(Payload(sentinel), protocol=protocol))
    with pytest.raises(UnreadableFile) as caught:
        READERS[name](path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert ("it is a pickle" in str(caught.value)) == (protocol >= 2)
    assert not sentinel.exists()


def test_a_pickle_inside_an_npz_is_refused_and_not_run(tmp_path: Path) -> None:
    path, sentinel = tmp_path / "a.npz", tmp_path / "ran"
    np.savez(path, x=np.array([Payload(sentinel)], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableFile, match="Object arrays cannot be loaded"):
        files.read_arrays(path)
    assert not sentinel.exists()


def test_a_header_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    files.write_arrays(path, {"x": np.zeros(10)})
    with zipfile.ZipFile(path) as archive:
        member = archive.read("x.npy")
    for claim in (b"(11,), ", b"(9,),  ", b"(1<<9),", b"(9e9,),"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", member.replace(b"(10,), ", claim))
        with pytest.raises(UnreadableFile):
            files.read_arrays(path)
    header = str({"descr": "<f8", "fortran_order": False, "shape": (2**50,)}).ljust(117) + "\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\1\0v\0" + header.encode() + b"\0" * 80)
    with pytest.raises(UnreadableFile, match="a size that no memory holds"):
        files.read_arrays(path)


def test_a_compressed_npz_is_refused(tmp_path: Path) -> None:
    """It may be small on disk and fill the memory."""
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(10**6))
    with pytest.raises(UnreadableFile, match=r"x\.npy is compressed"):
        files.read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_full_or_broken_disk_is_no_damaged_file(tmp_path: Path, number: int) -> None:
    """Such as where an archive is unpacked, and is read as it goes."""
    (tmp_path / "a").touch()
    with (
        pytest.raises(OSError, match="of the disk") as caught,
        files.reading(tmp_path / "a", "archive"),
    ):
        raise OSError(number, "of the disk")
    assert caught.value.errno == number
    with pytest.raises(UnreadableFile), files.reading(tmp_path / "a", "archive"):
        raise OSError(errno.EINVAL, "a seek before the start")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", [b"", b"\x80", b"no such format", b"\0" * 100])
def test_another_content_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        READERS[name](path)
    assert str(caught.value).startswith(f"{path}: not a whole ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", READERS)
def test_every_truncation_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    # The last byte of the JSON file is its newline, which no value needs.
    for length in [*range(0, len(whole) - 1, 197), len(whole) - 2]:
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableFile):
            READERS[name](path)


def test_a_flipped_bit_in_an_npz_changes_no_array_unseen(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    files.write_arrays(path, {name: array for name, array in ARRAYS.items() if name != "large"})
    expected, whole = files.read_arrays(path), path.read_bytes()
    history = whole.index(ARRAYS["history"].tobytes())
    data = range(history, history + ARRAYS["history"].nbytes)
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            found = files.read_arrays(path)
        except UnreadableFile:
            continue
        else:  # dates and the like; a damaged directory may hide arrays, which the digest shows
            assert_same_arrays(found, {name: expected[name] for name in found})
            assert position not in data

"""Reading and writing results: whole or not at all, the same bytes each time, never a pickle."""

import csv
import errno
import glob
import hashlib
import json
import math
import os
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load, save

# Errors of file systems that cannot flush a folder, such as some on networks and in containers.
_NO_FOLDER_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES)
# Errors of a disk, which say nothing of the file that is read.
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class UnreadableFile(Exception):
    """Raised for a damaged, hostile or wrong file; the one-line message names it and the reason."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` if the block ends without an error.

    On an error the temporary file is removed and the old file stays. The temporary name keeps the
    suffix, because some writers choose the format by it. An OSError names `path`.

    A file has one writer at a time: the temporary file of a killed writer is removed first.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.stem)}.[0-9]*{path.suffix}"):
            left.unlink(missing_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, temporary, str(temporary)):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(path: Path) -> None:
    """Flush a folder, so that the new name survives a power loss if the file system allows it."""
    try:
        _flush_to_disk(path)
    except OSError as error:
        if error.errno not in _NO_FOLDER_FLUSH:
            raise


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn any exception of a parser that meets a damaged file into UnreadableFile.

    OSError: the path cannot be opened, or a disk is full or broken.
    """
    # A path that cannot be opened at all (missing, no permission, a folder) stays an OSError.
    if stat.S_ISFIFO(path.stat().st_mode):  # open would wait for a writer
        raise UnreadableFile(f"{path}: not a whole {kind} file: it is a pipe")
    with path.open("rb") as file:
        start = file.read(2)
    try:
        yield
    except (UnreadableFile, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if not start:
            reason = "it is empty"
        elif start[0] == 0x80 and start[1:] in (b"\2", b"\3", b"\4", b"\5"):
            reason = "it is a pickle, which is never loaded"
        raise UnreadableFile(f"{path}: not a whole {kind} file: {reason}") from error


def finite_or_null(value: Any) -> Any:
    """Replace NaN and infinity by None in JSON values, in maps of any depth."""
    if isinstance(value, Mapping):
        return {name: finite_or_null(entry) for name, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, one per line. NaN and infinity are errors: use None."""
    try:
        text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; write null instead") from error
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read the value that `write_json` wrote."""
    with reading(path, "JSON"):
        return json.loads(path.read_bytes(), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV file with a header, floats in full precision, and None as an empty field.

    ValueError: a row does not have exactly the named columns.
    """
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if set(row) != set(columns):
                raise ValueError(f"{path}: a row has columns {list(row)}, not {list(columns)}")
            writer.writerow([_field(row[column]) for column in columns])


def _field(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an uncompressed npz file whose bytes depend only on the names and arrays."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(arrays):
            # A ZipInfo made by hand carries a fixed date.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(arrays[name]), allow_pickle=False)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of an npz file that `write_arrays` wrote, and check their checksums."""
    with reading(path, "npz"), zipfile.ZipFile(path) as archive:
        return {
            member.filename.removesuffix(".npy"): _read_member(archive, member)
            for member in archive.infolist()
        }


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename} is compressed")
    with archive.open(member) as file:
        try:
            array = np.lib.format.read_array(file, allow_pickle=False)
        except MemoryError as error:
            raise ValueError(f"{member.filename} claims a size that no memory holds") from error
        # Only reading to the end makes zipfile compare the checksum.
        if file.read(1):
            raise ValueError(f"{member.filename} has bytes after its array")
    return array


def tensor_bytes(tensors: Mapping[str, np.ndarray]) -> bytes:
    """Pack arrays into one safetensors block."""
    # safetensors reads raw memory: a view that is not contiguous would be stored scrambled.
    return save({name: np.asarray(array, order="C") for name, array in tensors.items()})


def tensors_from(block: bytes) -> dict[str, np.ndarray]:
    """Unpack the writable arrays of a safetensors block."""
    return {name: np.require(array, requirements="W") for name, array in load(block).items()}


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write a safetensors file."""
    block = tensor_bytes(tensors)
    with atomic(path) as temporary:
        temporary.write_bytes(block)


def read_tensors(path: Path, prefix: str = "") -> dict[str, np.ndarray]:
    """Read only the arrays whose names start with `prefix`, and strip it from their names."""
    with reading(path, "safetensors"), safe_open(path, framework="numpy") as file:
        tensors = {
            name.removeprefix(prefix): np.require(file.get_tensor(name), requirements="W")
            for name in file.keys()  # noqa: SIM118  (the file is no mapping)
            if name.startswith(prefix)
        }
        if prefix and not tensors:
            raise UnreadableFile(f"{path}: holds no tensor whose name starts with {prefix!r}")
    return tensors


def tensor_names(path: Path) -> list[str]:
    """Read the names of the arrays in a safetensors file, but not the arrays."""
    with reading(path, "safetensors"), safe_open(path, framework="numpy") as file:
        return list(file.keys())


def sha256(path: Path) -> str:
    """Compute the digest of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""One file of each kind that results are kept in: how to write, read and compare it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vaml import files

ARRAYS = {
    "history": np.arange(24, dtype=np.float32).reshape(4, 6),
    "flags": np.array([True, False, True]),
    "empty": np.zeros((0, 3)),
    "scalar": np.asarray(2.5),
    "large": np.arange(3000, dtype=np.int64),
}
WRITERS: dict[str, Callable[[Path], None]] = {
    "a.json": lambda path: files.write_json(path, list(range(2000))),
    "a.npz": lambda path: files.write_arrays(path, ARRAYS),
    "a.safetensors": lambda path: files.write_tensors(path, ARRAYS),
    "a.csv": lambda path: files.write_rows(path, ["x"], [{"x": n} for n in range(5000)]),
}
READERS: dict[str, Callable[[Path], Any]] = {
    "a.json": files.read_json,
    "a.npz": files.read_arrays,
    "a.safetensors": files.read_tensors,
}


def assert_same_arrays(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)

"""States that show which save they belong to, and processes that save them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from vaml.runtime import lock
from vaml.runtime.checkpoint import Checkpoint

KEY = "0123456789abcdef"
SOURCE = Path(lock.__file__).parents[2]

# Counts steps, saves when it is due, and says so.
LOOP = """
import sys, time
from pathlib import Path
import numpy as np
from vaml.runtime.checkpoint import Checkpoint

checkpoint = Checkpoint(Path(sys.argv[1]), "key")
with checkpoint.install_signals(), checkpoint.lock():
    _, meta = checkpoint.load() or ({}, {"step": 0})
    step = meta["step"]
    print(step, flush=True)
    while True:
        step += 1
        time.sleep(0.001)
        if checkpoint.due():
            checkpoint.save({"a": np.full(3, step)}, {"step": step})
            print(step, flush=True)
            checkpoint.exit_if_terminated()
"""


def arrays_of(number: int) -> dict[str, np.ndarray]:
    """A state that shows by its content which save it belongs to."""
    return {
        "actor/weight": np.full((3, 4), number, dtype=np.float32).T,
        "replay": np.arange(number, number + 100, dtype=np.int64),
        "done": np.asarray(number % 2 == 0),
    }


def assert_is_state(loaded: tuple[dict[str, np.ndarray], dict[str, Any]] | None, n: int) -> None:
    assert loaded is not None
    arrays, meta = loaded
    assert meta == {"step": n}
    assert arrays.keys() == arrays_of(n).keys()
    for name, array in arrays_of(n).items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)


def save_states(directory: Path, *numbers: int) -> list[Path]:
    """Save one state after the other; the files that are there in the end, oldest first."""
    checkpoint = Checkpoint(directory, KEY)
    with checkpoint.lock():
        for number in numbers:
            checkpoint.save(arrays_of(number), {"step": number})
    return sorted(checkpoint.path.glob("state-*"))


def start(code: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()

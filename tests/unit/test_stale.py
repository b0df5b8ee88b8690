"""Saved states of keys that no job has: a killed writer's temporary file goes with them."""

from pathlib import Path

import numpy as np
from finished_jobs import small_study

from vaml.files import atomic
from vaml.pipeline.jobs import FOLDERS
from vaml.pipeline.stale import remove, stale_files
from vaml.runtime.checkpoint import Checkpoint

NO_KEY = "0123456789abcdef"


def test_a_state_that_a_killed_process_was_writing_is_stale(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / ".state", NO_KEY)
    with checkpoint.lock():
        checkpoint.save({"x": np.zeros(1)}, {})
    (whole,) = checkpoint.path.iterdir()
    with atomic(whole) as half:
        half.touch()
    half.touch()
    (checkpoint.path / "notes.txt").touch()
    found = stale_files(small_study(), tmp_path, dict.fromkeys(FOLDERS, ()))
    assert found == sorted([whole, half])
    remove(found, tmp_path)
    assert [path.name for path in checkpoint.path.iterdir()] == ["notes.txt"]

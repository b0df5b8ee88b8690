"""Links, pipes and folders in the places of a lock or a state hang no job and lose no state."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from saved_states import KEY, arrays_of, assert_is_state

from vaml.files import UnreadableFile, read_json, sha256, tensor_bytes
from vaml.runtime.checkpoint import META, Checkpoint
from vaml.runtime.lock import Lock

pytestmark = pytest.mark.timeout(20)


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere" / "at all")


def link_to_a_new_file(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize("make", [dangling, link_to_a_new_file, os.mkfifo])
def test_what_is_no_file_is_no_lock(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "lock")
    with pytest.raises(UnreadableFile, match=r"lock: is (a link|not a file); remove it$"):
        Lock(tmp_path / "lock").acquire()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("make", [dangling, os.mkfifo, os.mkdir])
def test_what_is_no_file_is_no_state(tmp_path: Path, make: Callable[[Path], None]) -> None:
    checkpoint = Checkpoint(tmp_path, KEY)
    odd = checkpoint.path / f"state-00000009-{'0' * 64}.safetensors"
    with checkpoint.lock():
        checkpoint.save(arrays_of(1), {"step": 1})
        make(odd)
        assert_is_state(checkpoint.load(), 1)
        checkpoint.save(arrays_of(2), {"step": 2})
        assert_is_state(Checkpoint(tmp_path, KEY).load(), 2)
        checkpoint.remove()


@pytest.mark.parametrize(
    "record",
    [
        {"key": KEY, "meta": {}},
        {"key": KEY, "spent": [1.0], "meta": {}},
        {"key": KEY, "spent": ["long", 1.0], "meta": {}},
        {"key": KEY, "spent": [1.0, -1.0], "meta": {}},
        {"key": KEY, "spent": [1.0, 1.0], "meta": []},
        {"spent": [1.0, 1.0], "meta": {}},
        [],
        None,
    ],
)
def test_a_whole_state_of_another_form_is_passed_over(
    tmp_path: Path, record: object, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = Checkpoint(tmp_path, KEY)
    with checkpoint.lock():
        checkpoint.save(arrays_of(1), {"step": 1})
        text = np.frombuffer(json.dumps(record).encode(), dtype=np.uint8)
        path = checkpoint.path / "other"
        path.write_bytes(tensor_bytes({**arrays_of(2), META: text}))
        path.rename(checkpoint.path / f"state-00000002-{sha256(path)}.safetensors")
        assert_is_state(Checkpoint(tmp_path, KEY).load(), 1)
    assert "it is ignored" in caplog.text


def test_a_result_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "outcome.json")
    with pytest.raises(UnreadableFile, match="it is a pipe"):
        read_json(tmp_path / "outcome.json")

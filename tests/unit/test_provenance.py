import hashlib
import json
import os
import platform
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaml.files import UnreadableFile, sha256, write_json
from vaml.runtime import provenance
from vaml.runtime.manifest import read_manifest
from vaml.runtime.provenance import job_key, manifest, revision, verify, versions


def describe(folder: Path, **changes: Any) -> dict[str, Any]:
    (folder / "data.npz").write_bytes(b"data")
    (folder / "model.safetensors").write_bytes(b"model")
    arguments: dict[str, Any] = {
        "step": "fit_synthetic",
        "config": '{"seed":3}',
        "code": "c0de",
        "modules": {"vaml": "e3b0", "vaml.fit_synthetic": "c442"},
        "source": "5a17ce5a17ce5a17",
        "seed": 3,
        "inputs": {"data": folder / "data.npz"},
        "outputs": {"model": folder / "model.safetensors"},
        "started": time.time() - 2.5,
        "spent": (12.5, 11.25),
        "device": "cpu",
    }
    return manifest(**{**arguments, **changes}).model_dump(mode="json")


def test_a_key_stands_for_config_code_and_source() -> None:
    key = job_key('{"seed":3}', "c0de")
    assert len(key) == 16
    assert int(key, 16) >= 0
    assert key == job_key('{"seed":3}', "c0de")
    others = [
        job_key('{"seed":4}', "c0de"),
        job_key('{"seed":3}', "c0df"),
        job_key("c0de", '{"seed":3}'),
        job_key('{"seed":3}', "c0de", "source"),
        job_key('{"seed":3}', "c0de", "other"),
        job_key('{"seed":3}', "source", "c0de"),
    ]
    assert len({key, *others}) == 7


def test_a_job_without_a_source_says_so(tmp_path: Path) -> None:
    stable = describe(tmp_path, source="", inputs={})["stable"]
    assert stable["source"] is None
    assert stable["key"] == job_key('{"seed":3}', "c0de")


def test_the_stable_part_says_what_made_the_outputs(tmp_path: Path) -> None:
    stable = describe(tmp_path)["stable"]
    assert stable == {
        "step": "fit_synthetic",
        "key": job_key('{"seed":3}', "c0de", "5a17ce5a17ce5a17"),
        "source": "5a17ce5a17ce5a17",
        "config": hashlib.sha256(b'{"seed":3}').hexdigest(),
        "code": "c0de",
        "modules": {"vaml": "e3b0", "vaml.fit_synthetic": "c442"},
        "seed": 3,
        "versions": versions(),
        "inputs": {"data": sha256(tmp_path / "data.npz")},
        "outputs": {"model": sha256(tmp_path / "model.safetensors")},
    }


def test_only_the_volatile_part_differs_between_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = describe(tmp_path)
    monkeypatch.setattr("socket.gethostname", lambda: "node7")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    second = describe(tmp_path, spent=(1.0, 2.0), resumed_from=[200, 1400])
    assert first["stable"] == second["stable"]
    volatile = second["volatile"]
    assert volatile["host"] == "node7"
    assert volatile["slurm_job_id"] == "4711"
    assert volatile["environment"]["OMP_NUM_THREADS"] == "3"
    assert volatile["resumed_from"] == [200, 1400]
    assert first["volatile"]["resumed_from"] == []


def test_the_volatile_part_measures_the_run(tmp_path: Path) -> None:
    volatile = describe(tmp_path)["volatile"]
    assert (volatile["wall_seconds"], volatile["cpu_seconds"]) == (12.5, 11.25)
    assert 5 < volatile["max_rss_mb"] < 100_000
    assert volatile["processor"]
    started, ended = (datetime.fromisoformat(volatile[name]) for name in ("started", "ended"))
    assert 2 <= (ended - started).total_seconds() <= 10
    assert started.tzinfo is not None


def test_a_manifest_is_json(tmp_path: Path) -> None:
    described = describe(tmp_path)
    write_json(tmp_path / "manifest.json", described)
    assert json.loads((tmp_path / "manifest.json").read_text()) == described


def test_versions_name_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-package"))
    assert versions() == {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "no-such-package": None,
    }


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one commit that holds package/__init__.py."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text("__pycache__/\n")
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e@e", "commit", "--quiet", "--message", "m"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return package


def head(folder: Path) -> str:
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_commit_is_that_of_the_source(repository: Path) -> None:
    (repository / "__pycache__").mkdir()
    (repository / "__pycache__" / "x.pyc").touch()
    assert revision(repository) == (head(repository), False)
    (repository.parent / "notes.txt").touch()
    assert revision(repository) == (head(repository), False)


def test_changed_or_new_source_is_dirty(repository: Path) -> None:
    (repository / "new.py").touch()
    assert revision(repository) == (head(repository), True)
    (repository / "new.py").unlink()
    (repository / "__init__.py").write_text("x = 2\n")
    assert revision(repository) == (head(repository), True)


def test_a_hook_of_another_repository_does_not_mislead(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = head(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert revision(repository) == (expected, False)


def test_source_outside_any_commit_has_none(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    untracked = repository.parent / ".venv" / "package"
    untracked.mkdir(parents=True)
    (untracked / "__init__.py").touch()
    assert revision(untracked) == (None, None)
    outside = tmp_path_factory.mktemp("outside")
    (outside / "__init__.py").touch()
    assert revision(outside) == (None, None)


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_a_clone_of_another_user_has_its_commit(repository: Path) -> None:
    expected = head(repository)
    for path in (repository.parent, *repository.parent.rglob("*")):
        os.chown(path, 12345, 12345)
    assert revision(repository) == (expected, False)


def test_without_git_there_is_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert revision(repository) == (None, None)


def test_verify_accepts_the_recorded_file_only(tmp_path: Path) -> None:
    path, manifest_path = tmp_path / "model.safetensors", tmp_path / "manifest.json"
    write_json(manifest_path, describe(tmp_path))
    verify(path, manifest_path, "model")

    path.write_bytes(b"m0del")
    with pytest.raises(UnreadableFile) as caught:
        verify(path, manifest_path, "model")
    assert str(path) in str(caught.value)
    assert str(manifest_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_verify_refuses_a_manifest_without_the_output(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    write_json(tmp_path / "manifest.json", describe(tmp_path))
    with pytest.raises(UnreadableFile, match=r"manifest\.json: records no file 'other'"):
        verify(tmp_path / "a", tmp_path / "manifest.json", "other")


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    described = describe(tmp_path)
    write_json(path, described)
    found = read_manifest(path)
    assert found.model_dump(mode="json") == described
    assert found.stable.key == job_key('{"seed":3}', "c0de", "5a17ce5a17ce5a17")


@pytest.mark.parametrize(
    ("block", "name", "value"),
    [
        ("stable", "key", None),
        ("stable", "versions", []),
        ("stable", "outputs", {"model": 3}),
        ("volatile", "cpu_seconds", "long"),
        ("volatile", "cpu_seconds", None),
        ("volatile", "wall_seconds", -1.0),
        ("volatile", "resumed_from", 3),
    ],
)
def test_a_manifest_of_other_types_is_refused_in_a_line(
    tmp_path: Path, block: str, name: str, value: object
) -> None:
    path = tmp_path / "manifest.json"
    described = describe(tmp_path)
    described[block][name] = value
    write_json(path, described)
    with pytest.raises(UnreadableFile) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}: not a whole manifest file: {block}.{name}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"stable": null}', '{"stable": {}'])
def test_a_file_that_is_no_manifest_is_refused_in_a_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(UnreadableFile, match=r"manifest\.json: not a whole manifest file: [^\n]+$"):
        read_manifest(path)

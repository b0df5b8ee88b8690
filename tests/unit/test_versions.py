from pathlib import Path

import pytest

from vaml.files import UnreadableFile
from vaml.runtime.checkpoint import Checkpoint
from vaml.runtime.versions import COMPUTING, accepted, differences, installed, recorded, words


def test_a_stage_computes_with_what_its_manifest_records() -> None:
    for stage, packages in COMPUTING.items():
        now = installed(stage)
        assert tuple(now) == packages
        assert "none" not in now.values()
        assert accepted(stage, {**now, "matplotlib": "0.1"})
        older = now | {"torch": "1.0"}
        assert not accepted(stage, older)
        assert differences(older, now) == [f"made with torch 1.0, installed is {now['torch']}"]
    assert "mujoco" not in installed("fit_snapshot")


def test_builds_of_a_version_are_one_version() -> None:
    versions = {"numpy": "2.4.6", "torch": "2.13.0+cu130", "mujoco": None}
    assert recorded("fit_synthetic", versions) == {"numpy": "2.4.6", "torch": "2.13.0"}
    assert words(recorded("fit_synthetic", versions)) == "numpy 2.4.6, torch 2.13.0"
    assert recorded("train_mbac", versions)["mujoco"] == "none"


def test_the_switch_takes_any_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAML_VERSIONS", "keep")
    assert accepted("train_sac", {"torch": "1.0"})
    monkeypatch.setenv("VAML_VERSIONS", "match")
    assert not accepted("train_sac", {"torch": "1.0"})
    monkeypatch.setenv("VAML_VERSIONS", "all")
    with pytest.raises(UnreadableFile, match="VAML_VERSIONS: got 'all'; allowed: match, keep"):
        accepted("train_sac", installed("train_sac"))


def test_a_state_of_another_version_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = Checkpoint(tmp_path, "key", versions="torch 1.0")
    with before.lock():
        before.save({}, {"step": 3})
    after = Checkpoint(tmp_path, "key", versions="torch 2.0")
    assert after.load() is None
    assert "it was saved with torch 1.0, not torch 2.0" in caplog.text
    monkeypatch.setenv("VAML_VERSIONS", "keep")
    assert after.load() == ({}, {"step": 3})

"""What is missing beside a result is named by its path."""

from pathlib import Path

from derived_files import vouch

from vaml.pipeline.job_files import damages_beside
from vaml.runtime.derivation import manifest_of


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    table = tmp_path / "costs.csv"
    table.write_text("stage\n", encoding="utf-8")
    vouch(table)
    manifest = manifest_of(table)
    assert list(damages_beside(manifest, [table.name])) == []
    manifest.unlink()
    assert list(damages_beside(manifest, [table.name])) == [(manifest, "is missing")]


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path / "costs.csv")
    manifest.mkdir()
    (found,) = damages_beside(manifest, [])
    assert found == (manifest, "cannot be read: Is a directory")

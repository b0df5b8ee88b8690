"""What tables, figures, verdicts and the manuscript were made of, and that they are still so.

Beside the first file of each lies `<its stem>.manifest.json`. A rule that reads such a file holds
it against that manifest, so that what was edited by hand or damaged goes no further.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from vaml.files import UnreadableFile, sha256, write_json
from vaml.runtime.digest import code_digest
from vaml.runtime.manifest import Record, read_record
from vaml.runtime.provenance import versions


class Derivation(Record):
    """What made some files. inputs, outputs: SHA-256 by path, relative to the manifest's folder."""

    step: str
    code: str
    versions: dict[str, str | None]
    inputs: dict[str, str]
    outputs: dict[str, str]


def manifest_of(path: Path) -> Path:
    """Where the manifest of a derived file lies: `synthetic.csv` has `synthetic.manifest.json`."""
    return path.with_suffix(".manifest.json")


def record(step: str, inputs: Iterable[Path], outputs: Sequence[Path]) -> None:
    """Write the manifest of files that are whole now, beside the first of them."""
    path = manifest_of(outputs[0])
    made = Derivation(
        step=step,
        code=code_digest(f"vaml.{step}"),
        versions=versions(),
        inputs={_relative(each, path): sha256(each) for each in inputs},
        outputs={_relative(each, path): sha256(each) for each in outputs},
    )
    write_json(path, made.model_dump())


def require_derived(*paths: Path) -> None:
    """UnreadableFile: one of these files is not as the rule that made it left it."""
    for path in paths:
        found, manifest = sha256(path), manifest_of(path)
        if read_record(manifest, Derivation).outputs.get(path.name) != found:
            raise UnreadableFile(
                f"{path}: was changed after it was made, as {manifest} says; remove both and run "
                "snakemake again"
            )


def _relative(path: Path, manifest: Path) -> str:
    return Path(os.path.relpath(path, manifest.parent)).as_posix()

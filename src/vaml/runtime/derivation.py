"""The inputs of tables, figures, verdicts and the manuscript, and checks against them.

The manifest of each lies beside its first file, as `<stem>.manifest.json`. A rule that reads a
derived file checks it against this manifest, so that files that were edited by hand or damaged are
not used.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vaml.files import UnreadableFile, sha256, write_json
from vaml.runtime.digest import code_digest
from vaml.runtime.manifest import Record, read_record
from vaml.runtime.provenance import versions


class Derivation(Record):
    """Manifest of derived files. inputs, outputs: SHA-256 by path, relative to its folder."""

    step: str
    code: str
    versions: dict[str, str | None]
    inputs: dict[str, str]
    outputs: dict[str, str]


def manifest_of(path: Path) -> Path:
    """Path of a derived file's manifest: `synthetic.csv` has `synthetic.manifest.json`."""
    return path.with_suffix(".manifest.json")


def record(step: str, inputs: Iterable[Path], outputs: Sequence[Path]) -> None:
    """Write the manifest of finished files beside the first of them."""
    path = manifest_of(outputs[0])
    made = Derivation(
        step=step,
        code=code_digest(f"vaml.{step}"),
        versions=versions(),
        inputs={_relative(each, path): sha256(each) for each in inputs},
        outputs={_relative(each, path): sha256(each) for each in outputs},
    )
    write_json(path, made.model_dump())


@contextmanager
def deriving(
    step: str, inputs: Iterable[Path], outputs: Sequence[Path], *errors: type[Exception]
) -> Iterator[None]:
    """Write the manifest once the block has made the files.

    Unreadable files, the system's errors and `errors` end the program with one line.
    """
    try:
        yield
        record(step, inputs, outputs)
    except (UnreadableFile, OSError, *errors) as error:
        sys.exit(f"{step}: {error}")


def require_derived(*paths: Path) -> None:
    """Raise UnreadableFile if one of these files changed after its rule made it."""
    for path in paths:
        found, manifest = sha256(path), manifest_of(path)
        if read_record(manifest, Derivation).outputs.get(path.name) != found:
            raise UnreadableFile(
                f"{path}: was changed after it was made, as {manifest} says; remove both and run "
                "snakemake again"
            )


def _relative(path: Path, manifest: Path) -> str:
    return Path(os.path.relpath(path, manifest.parent)).as_posix()

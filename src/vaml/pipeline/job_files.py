"""The files of finished jobs: their names, checks that they are whole, and copies."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from vaml.files import UnreadableFile, atomic, read_json, sha256
from vaml.pipeline.jobs import BESIDE, FOLDERS, RESULTS, any_folder, canonical
from vaml.runtime.manifest import read_manifest

MANIFEST, SETTINGS = "manifest.json", "config.json"


def job_digests(manifest: Path) -> dict[Path, str]:
    """Digests of a job's files by its manifest, whose flags are the stems of the files' names.

    UnreadableFile: the manifest is damaged, or the settings beside it are not those it records.
    """
    made, home = read_manifest(manifest).stable, manifest.parent
    found = {
        path: made.outputs[path.stem]
        for path in sorted(home.iterdir())
        if path.stem in made.outputs
    }
    settings = home / SETTINGS
    text = canonical(read_json(settings))
    if hashlib.sha256(text.encode()).hexdigest() != made.config:
        raise UnreadableFile(f"{settings}: is not what its manifest says")
    return found


def damages(digests: Mapping[Path, str], required: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Files that do not match their digests, or are required and missing, and the reasons."""
    for path in dict.fromkeys([*digests, *required]):
        if not path.exists():
            yield path, "is missing"
        elif digests.get(path) != sha256(path):
            yield path, "is not the file that was made: damaged, or changed since"


def whole_job(home: Path, stage: str) -> list[Path]:
    """The files of a finished job, its manifest last.

    Large files that only later jobs read may have been removed to save space.

    UnreadableFile: a file is damaged, or missing.
    """
    manifest = home / MANIFEST
    digests = job_digests(manifest)
    for path, reason in damages(digests, [home / name for name in RESULTS.get(stage, ())]):
        raise UnreadableFile(f"{path}: {reason}")
    return [*digests, home / SETTINGS, manifest]


def finished_jobs(results: Path) -> Iterator[tuple[str, Path]]:
    """Stage and folder of each job below a study's folder that has a manifest."""
    for stage in FOLDERS:
        for manifest in sorted(results.glob(f"{any_folder(stage)}/{MANIFEST}")):
            yield stage, manifest.parent


def beside(results: Path, folder: str) -> list[Path]:
    """A job's log and its measured time, if they exist."""
    paths = (results / kind / f"{folder}{suffix}" for kind, suffix in BESIDE.items())
    return [path for path in paths if path.is_file()]


def link_or_copy(source: Path, target: Path) -> None:
    """Link or copy a file to another place, whole or not at all.

    Results are never written in place, so that a link is as safe as a copy.
    """
    if target.exists() and target.samefile(source):  # which no rename would replace
        return
    with atomic(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copy2(source, temporary)

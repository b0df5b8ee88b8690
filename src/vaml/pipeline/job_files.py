"""The files of finished jobs and those derived from them: names, checks, and copies."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from vaml.config.fields import canonical
from vaml.config.schema import Config
from vaml.files import UnreadableFile, atomic, read_json, sha256
from vaml.pipeline.derived import derived
from vaml.pipeline.jobs import BESIDE, FOLDERS, RESULTS, any_folder, every_job, folder
from vaml.runtime.derivation import Derivation, manifest_of
from vaml.runtime.manifest import read_manifest, read_record

MANIFEST, SETTINGS = "manifest.json", "config.json"


def job_digests(manifest: Path) -> dict[Path, str]:
    """Digests of a job's files by its manifest, whose flags are the stems of the files' names.

    UnreadableFile: the manifest is damaged, or the settings beside it are missing or not those that
    it records.
    """
    made, home = read_manifest(manifest).stable, manifest.parent
    found = {
        path: made.outputs[path.stem]
        for path in sorted(home.iterdir())
        if path.stem in made.outputs
    }
    settings = home / SETTINGS
    if not settings.is_file():
        raise UnreadableFile(f"{settings}: is missing")
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


def manifests(
    study: Config, judged: Sequence[str], results: Path
) -> Iterator[tuple[Path, Sequence[str]]]:
    """Existing manifests, with the names of the files that must lie beside each.

    study: the config. judged: the tables that the claims read. results: the study's folder. Large
    files that only later jobs read may have been removed to save space.
    """
    for stage, job in every_job(study):
        manifest = results / folder(stage, job) / MANIFEST
        if manifest.exists():
            yield manifest, RESULTS.get(stage, ())
    for file in derived(study, judged):
        path = results / file
        manifest = manifest_of(path)
        if manifest.exists() or path.exists():
            yield manifest, [path.name]


def damages_beside(manifest: Path, files: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Files that differ from the manifest beside them, and the reasons."""
    home = manifest.parent
    try:
        digests = job_digests(manifest) if manifest.name == MANIFEST else _of_derived(manifest)
    # Of the manifest, or of the settings beside it.
    except UnreadableFile as error:
        path, _, reason = str(error).partition(": ")
        yield Path(path), reason
        return
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "is missing" if missing else f"cannot be read: {error.strerror}"
        yield Path(error.filename or manifest), reason
        return
    yield from damages(digests, [home / name for name in files])


def _of_derived(manifest: Path) -> dict[Path, str]:
    outputs = read_record(manifest, Derivation).outputs
    return {manifest.parent / name: digest for name, digest in outputs.items()}


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


def beside(results: Path, place: str) -> list[Path]:
    """A job's log and its measured time, if they exist. place: the job's folder, below results."""
    paths = (results / kind / f"{place}{suffix}" for kind, suffix in BESIDE.items())
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

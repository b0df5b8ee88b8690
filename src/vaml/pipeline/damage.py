"""Results of a study that differ from their manifests: damaged, edited, or missing."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from vaml.config.schema import Config
from vaml.files import UnreadableFile
from vaml.pipeline.derived import derived
from vaml.pipeline.job_files import damages, job_digests
from vaml.pipeline.jobs import FOLDERS, RESULTS, folder, labels
from vaml.runtime.derivation import Derivation, manifest_of
from vaml.runtime.manifest import read_record


def manifests(
    study: Config, judged: Sequence[str], results: Path
) -> Iterator[tuple[Path, Sequence[str]]]:
    """Existing manifests, with the names of the files that must lie beside each.

    study: the config. judged: the tables that the claims read. results: the study's folder. Large
    files that only later jobs read may have been removed to save space.
    """
    for stage in FOLDERS:
        for job in labels(stage, study):
            manifest = results / folder(stage, job) / "manifest.json"
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
        digests = (
            job_digests(manifest) if manifest.name == "manifest.json" else _of_derived(manifest)
        )
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

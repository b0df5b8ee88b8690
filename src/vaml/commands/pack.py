"""Pack the finished jobs of a study into one archive, for `unpack` in another clone."""

import argparse
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vaml.commands.flags import add_configfile
from vaml.config.schema import Config
from vaml.files import UnreadableFile, atomic
from vaml.pipeline.dry_run import read_study
from vaml.pipeline.job_files import MANIFEST, beside, whole_job
from vaml.pipeline.jobs import FOLDERS, folder, key, labels
from vaml.runtime.manifest import read_manifest

_LEVEL = 4  # numbers with noise hardly shrink


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("archive", type=Path, help="output file, .tar.gz")
    add_configfile(parser)
    parser.add_argument(
        "--stages", nargs="+", choices=FOLDERS, default=list(FOLDERS), help="by default all"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the archive; count the jobs left out: unfinished, or of another config or code.

    A damaged file ends the program with one line, and no archive is written.
    """
    study = read_study(arguments.configfile)
    results = Path("results") / study.study.name
    with atomic(arguments.archive) as temporary:
        with tarfile.open(temporary, "w:gz", compresslevel=_LEVEL, dereference=True) as archive:
            packed, left = _add(archive, study, results, arguments.stages)
        if not packed:
            raise UnreadableFile(f"{results}: holds no finished job of {arguments.stages}")
    size = arguments.archive.stat().st_size / 1e6
    counts = ", ".join(f"{stage} {count}" for stage, count in packed.items())
    print(f"{arguments.archive}: {size:.1f} MB: {counts}; {left} jobs not finished here")


def _add(
    archive: tarfile.TarFile, study: Config, results: Path, stages: Sequence[str]
) -> tuple[Counter[str], int]:
    """Numbers of jobs that were added, by stage, and of those left out."""
    packed, left = Counter[str](), 0
    for stage in stages:
        for job in labels(stage, study):
            place = folder(stage, job)
            manifest = results / place / MANIFEST
            known = manifest.exists() and read_manifest(manifest).stable.key
            if known != key(stage, study, job):
                left += 1
                continue
            for path in (*whole_job(results / place, stage), *beside(results, place)):
                archive.add(path, str(path.relative_to(results)))
            packed[stage] += 1
    return packed, left

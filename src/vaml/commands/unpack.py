"""Take finished jobs into a study: from an archive of `pack`, or from the folder of another study.

A job is taken where the study has one of the same key: the same settings, code and source.
Snakemake has no records of what is taken, and goes by dates there.
"""

import argparse
import os
import shutil
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from vaml.commands.flags import add_configfile, for_snakemake
from vaml.files import UnreadableFile, atomic, reading
from vaml.pipeline.dry_run import forget_records, read_study, require_no_snakemake
from vaml.pipeline.job_files import MANIFEST, beside, finished_jobs, link_or_copy, whole_job
from vaml.pipeline.jobs import BESIDE, FOLDERS, Labels, every_job, folder, key, source
from vaml.runtime.manifest import read_manifest
from vaml.runtime.versions import VARIABLE, accepted, differences, installed, recorded


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("source", type=Path, help="an archive, or a folder such as results/paper")
    add_configfile(parser)


def run(arguments: argparse.Namespace) -> None:
    """Copy the jobs, and overwrite nothing. Exit status 1 where a job of an archive was refused.

    What is damaged, hostile, or of no job of the study is named in one line each.
    """
    study = read_study(arguments.configfile)
    results = Path("results") / study.study.name
    require_no_snakemake(results, "nothing is taken")
    wanted = {key(stage, study, job): (stage, job) for stage, job in every_job(study)}
    is_folder = arguments.source.is_dir()
    with _as_folder(arguments.source, results) as place:
        written, taken, here, refused = _take(place, results, wanted)
    forget_records(written, *for_snakemake(arguments))
    for stage, count in taken.items():
        print(f"{stage}: {count} jobs taken from {arguments.source}")
    for line in () if is_folder else refused:
        print(f"refused: {line}")
    others = f"{len(refused)} of another config or code, or damaged"
    print(f"{results}: {taken.total()} jobs taken, {here} were here, {others}")
    sys.exit(bool(refused) and not is_folder)


def _take(
    origin: Path, results: Path, wanted: Mapping[str, tuple[str, Labels]]
) -> tuple[list[Path], Counter[str], int, list[str]]:
    """The files of the jobs taken, the numbers of these, by stage, and of those already there.

    The last of the four has a line for each that was refused.
    """
    written, taken, here, refused = list[Path](), Counter[str](), 0, list[str]()
    for stage, home in finished_jobs(origin):
        place = str(home.relative_to(origin))
        try:
            made = read_manifest(home / MANIFEST).stable
            found = made.key
            if found not in wanted:
                refused.append(f"{place}: its key {found} is of no job of this study")
                continue
            if not accepted(stage, made.versions):
                other = differences(recorded(stage, made.versions), installed(stage))
                refused.append(f"{place}: {'; '.join(other)}; {VARIABLE}=keep takes it")
                continue
            target = results / folder(*wanted[found])
            if (target / MANIFEST).exists():
                if read_manifest(target / MANIFEST).stable.key == found:
                    here += 1
                else:
                    refused.append(f"{place}: {target} holds a result of another config or code")
                continue
            files = whole_job(home, stage)
        except UnreadableFile as error:
            refused.append(str(error).removeprefix(f"{origin}/"))
            continue
        written += _put(files, beside(origin, place), origin, results, wanted[found])
        taken[stage] += 1
    return written, taken, here, refused


def _put(
    files: Sequence[Path],
    others: Sequence[Path],
    origin: Path,
    results: Path,
    job: tuple[str, Labels],
) -> list[Path]:
    """Put a job's files, and the others beside it, where the study has the job; returns the files.

    None of them is left older than the job that it was made from.
    """
    place = folder(*job)
    copies = [
        results / path.relative_to(origin).parts[0] / f"{place}{path.suffix}" for path in others
    ]
    for path, copy in zip(others, copies, strict=True):
        # Snakemake writes these in place, so that a link would change the origin's too.
        with atomic(copy) as temporary:
            shutil.copy2(path, temporary)
    made = [results / place / path.name for path in files]
    start = source(*job)
    started = start and results / folder(*start) / MANIFEST
    date = started.stat().st_mtime_ns if started and started.exists() else 0
    for path, result in zip(files, made, strict=True):
        if path.stat().st_mtime_ns < date:  # a link would date the origin's, too
            with atomic(result) as temporary:
                shutil.copy2(path, temporary)
        else:
            link_or_copy(path, result)
    for path in [*copies, *made]:
        if path.stat().st_mtime_ns < date:
            os.utime(path, ns=(date, date))
    return made


@contextmanager
def _as_folder(origin: Path, results: Path) -> Iterator[Path]:
    """An archive's files, below the study's folder for as long as they are needed."""
    if origin.is_dir():
        yield origin
        return
    results.mkdir(parents=True, exist_ok=True)
    spare = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=results))
    try:
        with reading(origin, "archive"), tarfile.open(origin, "r:gz") as archive:
            for member in archive:
                _require_harmless(member)
                archive.extract(member, spare, filter="data")
        yield spare
    finally:
        shutil.rmtree(spare)


def _require_harmless(member: tarfile.TarInfo) -> None:
    """Refuse what `pack` never writes: links, devices, and paths that leave the folder."""
    kind, *place = PurePosixPath(member.name).parts or ("",)
    known = kind in {*FOLDERS, *BESIDE}
    if not (member.isfile() and known and place and ".." not in place):
        raise UnreadableFile(f"{member.name!r}: is no file of a job; nothing is taken")

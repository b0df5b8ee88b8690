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
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vaml.commands.flags import add_configfile, for_snakemake
from vaml.files import UnreadableFile, atomic, reading
from vaml.pipeline.dry_run import forget_records, read_study, require_no_snakemake
from vaml.pipeline.job_files import MANIFEST, beside, finished_jobs, link_or_copy, whole_job
from vaml.pipeline.jobs import BESIDE, FOLDERS, Labels, every_job, folder, key, source
from vaml.runtime.manifest import Stable, read_manifest
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
    outcome = _Outcome()
    with _as_folder(arguments.source, results) as place:
        try:
            _take(place, results, wanted, outcome)
        finally:  # a disk that is full by now has some of the jobs
            forget_records(outcome.written, *for_snakemake(arguments))
    for stage, count in outcome.taken.items():
        print(f"{stage}: {count} jobs taken from {arguments.source}")
    for line in () if is_folder else outcome.refused:
        print(f"refused: {line}")
    others = f"{len(outcome.refused)} of another config or code, or damaged"
    print(f"{results}: {outcome.taken.total()} jobs taken, {outcome.here} were here, {others}")
    sys.exit(bool(outcome.refused) and not is_folder)


@dataclass
class _Outcome:
    """Files written, jobs taken by stage, jobs that were here, and a line for each refused."""

    written: list[Path] = field(default_factory=list[Path])
    taken: Counter[str] = field(default_factory=Counter[str])
    here: int = 0
    refused: list[str] = field(default_factory=list[str])


def _take(
    origin: Path, results: Path, wanted: Mapping[str, tuple[str, Labels]], outcome: _Outcome
) -> None:
    """Take each finished job that the study has and lacks, and note in `outcome` what came of it.

    wanted: the study's jobs, by their keys.
    """
    for stage, home in finished_jobs(origin):
        place = str(home.relative_to(origin))
        try:
            made = read_manifest(home / MANIFEST).stable
            job = _wanted(stage, made, place, wanted)
            if _is_here(made.key, place, results / folder(*job)):
                outcome.here += 1
                continue
            files = whole_job(home, stage)
        except UnreadableFile as error:
            outcome.refused.append(str(error).removeprefix(f"{origin}/"))
            continue
        outcome.written += _put(files, beside(origin, place), origin, results, job)
        outcome.taken[stage] += 1


def _wanted(
    stage: str, made: Stable, place: str, wanted: Mapping[str, tuple[str, Labels]]
) -> tuple[str, Labels]:
    """The study's job of the same key. UnreadableFile: there is none, or of other versions."""
    if made.key not in wanted:
        raise UnreadableFile(f"{place}: its key {made.key} is of no job of this study")
    if not accepted(stage, made.versions):
        other = differences(recorded(stage, made.versions), installed(stage))
        raise UnreadableFile(f"{place}: {'; '.join(other)}; {VARIABLE}=keep takes it")
    return wanted[made.key]


def _is_here(found: str, place: str, target: Path) -> bool:
    """Tell whether the study has the result of this key. UnreadableFile: it has another there."""
    if not (target / MANIFEST).exists():
        return False
    if read_manifest(target / MANIFEST).stable.key == found:
        return True
    raise UnreadableFile(f"{place}: {target} holds a result of another config or code")


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

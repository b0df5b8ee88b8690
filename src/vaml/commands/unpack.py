"""Take finished jobs into a study: from an archive of `pack`, or from the folder of another study.

A job is taken where the study has one of the same key: the same settings, code and source.
"""

import argparse
import shutil
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from vaml.commands.flags import add_configfile
from vaml.files import UnreadableFile, reading
from vaml.pipeline.dry_run import read_study, require_no_snakemake
from vaml.pipeline.job_files import MANIFEST, beside, finished_jobs, link_or_copy, whole_job
from vaml.pipeline.jobs import BESIDE, FOLDERS, every_job, folder, key
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
    wanted = {key(stage, study, job): folder(stage, job) for stage, job in every_job(study)}
    is_folder = arguments.source.is_dir()
    with _as_folder(arguments.source, results) as source:
        taken, here, refused = _take(source, results, wanted)
    for stage, count in taken.items():
        print(f"{stage}: {count} jobs taken from {arguments.source}")
    for line in () if is_folder else refused:
        print(f"refused: {line}")
    others = f"{len(refused)} of another config or code, or damaged"
    print(f"{results}: {taken.total()} jobs taken, {here} were here, {others}")
    sys.exit(bool(refused) and not is_folder)


def _take(
    source: Path, results: Path, wanted: dict[str, str]
) -> tuple[Counter[str], int, list[str]]:
    """Numbers of jobs taken, by stage, and already there; a line for each that was refused."""
    taken, here, refused = Counter[str](), 0, list[str]()
    for stage, home in finished_jobs(source):
        place = str(home.relative_to(source))
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
            target = results / wanted[found]
            if (target / MANIFEST).exists():
                if read_manifest(target / MANIFEST).stable.key == found:
                    here += 1
                else:
                    refused.append(f"{place}: {target} holds a result of another config or code")
                continue
            files = whole_job(home, stage)
        except UnreadableFile as error:
            refused.append(str(error).removeprefix(f"{source}/"))
            continue
        for path in beside(source, place):
            kind = path.relative_to(source).parts[0]
            link_or_copy(path, results / kind / f"{wanted[found]}{path.suffix}")
        for path in files:
            link_or_copy(path, target / path.name)
        taken[stage] += 1
    return taken, here, refused


@contextmanager
def _as_folder(source: Path, results: Path) -> Iterator[Path]:
    """An archive's files, below the study's folder for as long as they are needed."""
    if source.is_dir():
        yield source
        return
    results.mkdir(parents=True, exist_ok=True)
    spare = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=results))
    try:
        with reading(source, "archive"), tarfile.open(source, "r:gz") as archive:
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

"""List, and with --apply remove, the results of jobs that the present config does not have."""

import argparse
from collections import Counter, defaultdict
from pathlib import Path

from vaml.commands.flags import add_configfile, for_snakemake
from vaml.files import UnreadableFile
from vaml.pipeline.dry_run import dry_run, read_study, require_no_snakemake
from vaml.pipeline.stale import remove, stale_files


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add_configfile(parser)
    parser.add_argument("--apply", action="store_true", help="remove what is listed")


def run(arguments: argparse.Namespace) -> None:
    """List or remove stale files below results/<study>/, but only those that a rule writes."""
    study = read_study(arguments.configfile)
    names: dict[str, set[str]] = defaultdict(set)  # none of a stage without jobs
    for job in dry_run("--forceall", *for_snakemake(arguments)):
        names[job.rule].update(Path(output).name for output in job.outputs)
    results = Path("results") / study.study.name
    for place in (results.parent, results):
        if place.is_symlink():
            raise UnreadableFile(
                f"{place}: is a link, and links are not followed; nothing is removed"
            )
    files = stale_files(study, results, names)
    if not files:
        print(f"{results}: every result is of a job of this config")
        return
    if arguments.apply:
        require_no_snakemake(results, "nothing is removed")
    size = sum(file.stat().st_size for file in files)
    for place, count in Counter(file.parent for file in files).items():
        print(f"  {place}: {count} {'file' if count == 1 else 'files'}")
    if arguments.apply:
        remove(files, results)
    done = "removed" if arguments.apply else "of no job of this config; --apply removes them"
    print(f"{results}: {len(files)} files, {size / 1e6:.1f} MB: {done}")

"""Check every result of a study against its manifest, and name what is damaged or missing."""

import argparse
import sys
from pathlib import Path

from vaml.commands.flags import add_configfile
from vaml.pipeline.dry_run import read_judged_study, require_no_snakemake
from vaml.pipeline.job_files import damages_beside, manifests


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add_configfile(parser)
    parser.add_argument(
        "--apply", action="store_true", help="remove what is damaged, so that it is made again"
    )


def run(arguments: argparse.Namespace) -> None:
    """Name each file that is not as its manifest says; exit status 1 if there is one."""
    study, judged = read_judged_study(arguments.configfile)
    results = Path("results") / study.study.name
    checked, damaged = 0, list[Path]()
    for manifest, files in manifests(study, judged, results):
        checked += 1
        for path, reason in damages_beside(manifest, files):
            print(f"{path}: {reason}")
            damaged += [path, manifest]
    if arguments.apply and damaged:
        require_no_snakemake(results, "nothing is removed")
        for path in dict.fromkeys(damaged):
            path.unlink(missing_ok=True)
    done = "removed" if arguments.apply else "--apply removes it, so that it is made again"
    print(f"{results}: {checked} manifests; {f'damaged: {done}' if damaged else 'all is whole'}")
    sys.exit(bool(damaged) and not arguments.apply)

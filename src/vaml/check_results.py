"""Hold every result of a study against its manifest, and name what is damaged or missing."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vaml.config.schema import ConfigError
from vaml.pipeline.damage import damages_beside, manifests
from vaml.pipeline.dry_run import DryRunFailed, read_judged_study
from vaml.runtime.terminal import print_anywhere


def main(argv: Sequence[str] | None = None) -> None:
    """Exit status 1 where a finished job's or table's file is not as its manifest says."""
    parser = argparse.ArgumentParser(prog="python -m vaml.check_results", description=__doc__)
    parser.add_argument(
        "--configfile", nargs="+", default=[], help="overlays of config/config.yaml, in order"
    )
    parser.add_argument(
        "--apply", action="store_true", help="remove what is damaged, so that it is made again"
    )
    arguments = parser.parse_args(argv)
    try:
        study, judged = read_judged_study(arguments.configfile)
    except (ConfigError, DryRunFailed, OSError) as error:
        sys.exit(str(error))
    results = Path("results") / study.study.name
    checked, damaged = 0, list[Path]()
    for manifest, files in manifests(study, judged, results):
        checked += 1
        for path, reason in damages_beside(manifest, files):
            print(f"{path}: {reason}")
            damaged += [path, manifest]
    if arguments.apply:
        for path in dict.fromkeys(damaged):
            path.unlink(missing_ok=True)
    done = "removed" if arguments.apply else "--apply removes it, so that it is made again"
    print(f"{results}: {checked} manifests; {f'damaged: {done}' if damaged else 'all is whole'}")
    sys.exit(bool(damaged) and not arguments.apply)


if __name__ == "__main__":
    print_anywhere()
    main()

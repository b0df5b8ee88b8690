"""List, and with --apply remove, the results of jobs that the present config does not have."""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from vaml.config.schema import ConfigError
from vaml.pipeline.dry_run import DryRunFailed, dry_run, read_study, require_no_snakemake
from vaml.pipeline.stale import remove, stale_files
from vaml.runtime.terminal import print_anywhere


def main(argv: Sequence[str] | None = None) -> None:
    """Only below results/<study>/, only files that a rule of the workflow writes, no links."""
    parser = argparse.ArgumentParser(prog="python -m vaml.clean_stale", description=__doc__)
    parser.add_argument(
        "--configfile", nargs="+", default=[], help="overlays of config/config.yaml, in order"
    )
    parser.add_argument("--apply", action="store_true", help="remove what is listed")
    arguments = parser.parse_args(argv)
    overlays = ["--configfile", *arguments.configfile] if arguments.configfile else []
    try:
        study = read_study(arguments.configfile)
        names: dict[str, set[str]] = defaultdict(set)
        for job in dry_run("--forceall", *overlays):
            names[job.rule].update(Path(output).name for output in job.outputs)
    except (ConfigError, DryRunFailed, OSError) as error:
        sys.exit(str(error))
    results = Path("results") / study.study.name
    for place in (results.parent, results):
        if place.is_symlink():
            sys.exit(f"{place}: is a link, and links are not followed; nothing is removed")
    files = stale_files(study, results, names)
    if not files:
        print(f"{results}: every result is of a job of this config")
        return
    if arguments.apply:
        try:
            require_no_snakemake(results, "nothing is removed")
        except DryRunFailed as error:
            sys.exit(str(error))
    size = sum(file.stat().st_size for file in files)
    for place, count in Counter(file.parent for file in files).items():
        print(f"  {place}: {count} {'file' if count == 1 else 'files'}")
    if arguments.apply:
        remove(files, results)
    done = "removed" if arguments.apply else "of no job of this config; --apply removes them"
    print(f"{results}: {len(files)} files, {size / 1e6:.1f} MB: {done}")


if __name__ == "__main__":
    print_anywhere()
    main()

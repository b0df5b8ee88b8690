"""Hold every result of a study against its manifest, and name what is damaged or missing."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from vaml.config.claims import load_claims
from vaml.config.schema import Config, ConfigError
from vaml.files import UnreadableFile
from vaml.pipeline.derived import derived
from vaml.pipeline.dry_run import DryRunFailed, read_study
from vaml.pipeline.job_files import damages, job_digests
from vaml.pipeline.jobs import FOLDERS, RESULTS, folder, labels
from vaml.runtime.derivation import manifest_of, read_derivation
from vaml.runtime.terminal import print_anywhere

CLAIMS = Path("config/claims.yaml")


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
        study = read_study(arguments.configfile)
        judged = load_claims(CLAIMS).tables
    except (ConfigError, DryRunFailed, OSError) as error:
        sys.exit(str(error))
    results = Path("results") / study.study.name
    checked, damaged = 0, list[Path]()
    for manifest, files in _manifests(study, judged, results):
        checked += 1
        for path, reason in _damages(manifest, files):
            print(f"{path}: {reason}")
            damaged += [path, manifest]
    if arguments.apply:
        for path in dict.fromkeys(damaged):
            path.unlink(missing_ok=True)
    done = "removed" if arguments.apply else "--apply removes it, so that it is made again"
    print(f"{results}: {checked} manifests; {f'damaged: {done}' if damaged else 'all is whole'}")
    sys.exit(bool(damaged) and not arguments.apply)


def _manifests(
    study: Config, judged: Sequence[str], results: Path
) -> Iterator[tuple[Path, Sequence[str]]]:
    """The manifests that are there, with the names of the files that must lie beside each.

    Large files that only later jobs read may have been removed to save space.
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


def _damages(manifest: Path, files: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Each file that is not as the manifest beside it says, and why."""
    home = manifest.parent
    try:
        digests = (
            job_digests(manifest) if manifest.name == "manifest.json" else _of_derived(manifest)
        )
    except (UnreadableFile, OSError) as error:
        yield manifest, _reason(error, manifest)
        return
    yield from damages(digests, [home / name for name in files])


def _of_derived(manifest: Path) -> dict[Path, str]:
    return {
        manifest.parent / name: digest for name, digest in read_derivation(manifest).outputs.items()
    }


def _reason(error: Exception, manifest: Path) -> str:
    return str(error).removeprefix(f"{manifest}: ")


if __name__ == "__main__":
    print_anywhere()
    main()

"""Write the curves of a study's finished jobs as TensorBoard event files."""

import argparse
import csv
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from vaml.config.schema import Config, ConfigError
from vaml.files import UnreadableFile
from vaml.pipeline.dry_run import DryRunFailed, read_study
from vaml.pipeline.jobs import RESULTS, folder
from vaml.pipeline.states import job_states
from vaml.runtime.extras import MissingExtra, library
from vaml.runtime.provenance import verify
from vaml.runtime.terminal import print_anywhere

# Tag, step, value.
Point = tuple[str, int, float]


def main(argv: Sequence[str] | None = None) -> None:
    """Reads files only, so that it may run beside the study; a second export replaces the first."""
    parser = argparse.ArgumentParser(prog="python -m vaml.export_tensorboard", description=__doc__)
    parser.add_argument(
        "--configfile", nargs="+", default=[], help="overlays of config/config.yaml, in order"
    )
    arguments = parser.parse_args(argv)
    try:
        study = read_study(arguments.configfile)
        for line in export(study, Path("results") / study.study.name):
            print(line)
    except (ConfigError, DryRunFailed, MissingExtra, UnreadableFile, OSError) as error:
        sys.exit(f"export_tensorboard: {error}")


def export(study: Config, results: Path) -> Iterator[str]:
    """Write results/tensorboard, one TensorBoard run per job; lines that say what was written.

    Jobs that are not finished, or of another config or code, are left out.
    MissingExtra: no TensorBoard. UnreadableFile: a job's file is missing or altered.
    """
    library("tensorboard", "tensorboard")
    home = results / "tensorboard"
    if home.is_symlink():
        raise UnreadableFile(f"{home}: is a link, and links are not followed; nothing is written")
    states = [each for each in job_states(study, results) if each.stage in RESULTS]
    finished = [each for each in states if each.state in ("done", "diverged")]
    if not finished:
        raise UnreadableFile(f"{results}: no job of this config has finished")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix=".tensorboard.", dir=results) as temporary:
        written = Path(temporary) / "tensorboard"
        for job in finished:
            place = folder(job.stage, job.labels)
            counts[job.stage] += _write(results / place, job.stage, written / place)
        if home.exists():
            shutil.rmtree(home)
        written.rename(home)
    for stage, points in counts.items():
        yield f"  {stage}: {points} points"
    yield f"{home}: {len(finished)} of {len(states)} jobs; tensorboard --logdir {home}"


def _write(job: Path, stage: str, events: Path) -> int:
    """The curves of one job as one TensorBoard run; how many points they have."""
    from torch.utils.tensorboard import SummaryWriter

    count = 0
    with SummaryWriter(str(events)) as writer:
        for name in RESULTS[stage]:
            if name.endswith(".csv"):
                path = job / name
                verify(path, job / "manifest.json", path.stem)
                for tag, step, value in points(path):
                    writer.add_scalar(tag, value, step)
                    count += 1
    return count


def points(path: Path) -> Iterator[Point]:
    """The points of a job's CSV file, whose first column is the step.

    Tags are `<file>/<column>`. Episodes of one evaluation become their mean; an empty field is no
    point.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        at, *columns = reader.fieldnames or [""]
        values: dict[tuple[int, str], list[float]] = defaultdict(list)
        for row in reader:
            for column in columns:
                if row[column] and column != "episode":
                    values[int(float(row[at])), column].append(float(row[column]))
    for (step, column), found in values.items():
        yield f"{path.stem}/{column}", step, fmean(found)


if __name__ == "__main__":
    print_anywhere()
    main()

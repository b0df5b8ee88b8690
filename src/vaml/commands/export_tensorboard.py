"""Write the curves of a study's finished jobs as TensorBoard event files."""

import argparse
import csv
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from vaml.commands.flags import add_configfile
from vaml.config.schema import Config
from vaml.files import UnreadableFile
from vaml.pipeline.dry_run import read_study
from vaml.pipeline.jobs import RESULTS, folder, key
from vaml.pipeline.states import job_states
from vaml.runtime.checkpoint import LIVE
from vaml.runtime.extras import library
from vaml.runtime.provenance import verify

# Tag, step, value.
Point = tuple[str, int, float]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add_configfile(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the event files, over those of an earlier export. The study may run meanwhile."""
    study = read_study(arguments.configfile)
    for line in export(study, Path("results") / study.study.name):
        print(line)


def export(study: Config, results: Path) -> Iterator[str]:
    """Write results/tensorboard, one TensorBoard run per job, and yield lines about it.

    results: the study's folder. A SAC run or agent that is running or interrupted has its curves so
    far; other jobs that are not finished, or are of another config or code, are left out.
    MissingExtra: no TensorBoard. UnreadableFile: a job's file is missing or altered.
    """
    library("tensorboard", "tensorboard")
    home = results / "tensorboard"
    if home.is_symlink():
        raise UnreadableFile(f"{home}: is a link, and links are not followed; nothing is written")
    curves = {
        stage for stage, files in RESULTS.items() if any(file.endswith(".csv") for file in files)
    }
    states = [each for each in job_states(study, results) if each.stage in curves]
    finished = [each for each in states if each.state in ("done", "diverged")]
    # Read at once: a running job that ends removes its curves so far.
    under_way = [
        (folder(each.stage, each.labels), each.stage, so_far)
        for each in states
        if each.state in ("running", "interrupted")
        and (so_far := _live(results / ".state" / key(each.stage, study, each.labels) / LIVE))
    ]
    if not (finished or under_way):
        raise UnreadableFile(f"{results}: no job of this config has finished")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix=".tensorboard.", dir=results) as temporary:
        written = Path(temporary) / "tensorboard"
        for job in finished:
            place = folder(job.stage, job.labels)
            counts[job.stage] += _write(results / place, job.stage, written / place)
        for place, stage, so_far in under_way:
            counts[stage] += _write_points(so_far, written / place)
        if home.exists():
            shutil.rmtree(home)
        written.rename(home)
    for stage, points in counts.items():
        yield f"  {stage}: {points} points"
    others = f", {len(under_way)} so far" if under_way else ""
    yield f"{home}: {len(finished)} of {len(states)} jobs{others}; tensorboard --logdir {home}"


def _write(job: Path, stage: str, events: Path) -> int:
    """Write the curves of one job as one TensorBoard run; return the number of their points."""
    paths = [job / name for name in RESULTS[stage] if name.endswith(".csv")]
    for path in paths:
        verify(path, job / "manifest.json", path.stem)
    return _write_points([point for path in paths for point in points(path)], events)


def _live(path: Path) -> list[Point]:
    """The points so far of a job under way; none if it has just ended, or has none."""
    try:
        return list(points(path))
    except FileNotFoundError:
        return []


def _write_points(found: Sequence[Point], events: Path) -> int:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(events)) as writer:
        for tag, step, value in found:
            writer.add_scalar(tag, value, step)
    return len(found)


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

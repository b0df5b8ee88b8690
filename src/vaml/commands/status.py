"""Show how far a study is: jobs by stage, progress of running ones, what failed, core-hours."""

import argparse
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vaml.commands.flags import add_configfile, add_cores
from vaml.config.schema import Config
from vaml.pipeline.cost import TABLE_OR_FIGURE, read_benchmarks, seconds, wall_seconds
from vaml.pipeline.derived import derived, finished
from vaml.pipeline.dry_run import PlannedJob, read_judged_study
from vaml.pipeline.jobs import FOLDERS
from vaml.pipeline.states import STATES, JobState, job_states

_FINISHED = ("done", "diverged")
_COLOURS = {"running": "cyan", "failed": "red", "diverged": "magenta", "stale": "yellow"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add_configfile(parser)
    parser.add_argument(
        "--watch", type=_pause, metavar="SECONDS", help="repeat every SECONDS, until Ctrl-C"
    )
    add_cores(parser)


def run(arguments: argparse.Namespace) -> None:
    """Show the progress. It reads files only, and so runs wherever the results can be read."""
    study, judged = read_judged_study(arguments.configfile)
    made = derived(study, judged)
    console = Console()
    if arguments.watch is None:
        console.print(view(study, made, Path("results"), arguments.cores))
        return
    with suppress(KeyboardInterrupt):
        first = view(study, made, Path("results"), arguments.cores)
        with Live(first, console=console, auto_refresh=False) as live:
            while True:
                time.sleep(arguments.watch)
                live.update(view(study, made, Path("results"), arguments.cores), refresh=True)


def view(study: Config, made: Mapping[str, tuple[str, ...]], root: Path, cores: int) -> Group:
    """The view of a study whose results lie in root/<name>, at which `cores` cores work.

    made: what is made of its jobs' results, as `derived` has it.
    """
    states = list(job_states(study, root / study.study.name))
    parts: list[Table | Text] = [_stages(states, study, made, root, cores)]
    if running := [each for each in states if each.state == "running"]:
        parts.append(_running(running))
    for each in states:
        if each.state == "failed":
            parts.append(Text(f"failed: {_name(each)}: {each.told}", style=_COLOURS["failed"]))
    return Group(*parts)


def _pause(text: str) -> float:
    """The flag --watch. ArgumentTypeError: it is no time that a person would wait."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"got {text}; allowed: seconds, 0.1 to 3600")
    return seconds


def _stages(
    states: Sequence[JobState],
    study: Config,
    made: Mapping[str, tuple[str, ...]],
    root: Path,
    cores: int,
) -> Table:
    planned = [
        PlannedJob(each.stage, {name: str(label) for name, label in each.labels.items()}, "", ())
        for each in states
    ]
    whole = seconds(planned, study, read_benchmarks(root))
    left = [time * _share_left(each) for each, time in zip(states, whole, strict=True)]
    title = f"Study {study.study.name}"
    table = Table("stage", title=title, title_justify="left", caption_justify="left")
    there = {"done", "waiting", *(each.state for each in states)}
    shown = [state for state in STATES if state in there]
    for column in (*shown, "core-hours", "core-hours to go"):
        table.add_column(column, justify="right", style=_COLOURS.get(column))
    done = len(finished(made, root / study.study.name))
    last = "figures, paper"
    for stage in (*FOLDERS, last, "all"):
        # What is made of the results has no log to fail by, and costs seconds.
        rest = len(made) - done if stage in (last, "all") else 0
        mine = [i for i, each in enumerate(states) if stage in (each.stage, "all")]
        counts = Counter(states[i].state for i in mine)
        if stage in (last, "all"):
            counts.update({"done": done, "waiting": rest})
        spent = sum(states[i].cpu_seconds for i in mine)
        numbers = [str(counts[state] or "·") for state in shown]
        more = sum(left[i] for i in mine) + TABLE_OR_FIGURE * rest
        table.add_row(stage, *numbers, _hours(spent), _hours(more), end_section=stage == last)
    ahead = [(job, time) for job, time in zip(planned, left, strict=True) if time > 0]
    wall = wall_seconds([job for job, _ in ahead], [time for _, time in ahead], cores)
    wall += TABLE_OR_FIGURE * (len(made) - done) / cores
    if wall:
        end = datetime.now() + timedelta(seconds=wall)
        clock = end.strftime("%H:%M" if wall < 12 * 3600 else "%d %B, %H:%M")
        table.caption = f"about {_hours(wall)} to go on {cores} cores, until {clock}"
    return table


def _hours(seconds: float) -> str:
    """h:mm, rounded up, so that what is left is never shown as nothing."""
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _share_left(job: JobState) -> float:
    if job.state in _FINISHED:
        return 0.0
    return 1 - job.progress.done / max(job.progress.total, 1) if job.progress else 1.0


def _running(states: Sequence[JobState]) -> Table:
    table = Table("running", "", "done", "rate", "left", "where", box=None)
    for each in states:
        row: list[ProgressBar | str] = [_name(each)]
        if each.progress:
            progress = each.progress
            row += [
                ProgressBar(progress.total, progress.done, width=20),
                f"{progress.done} of {progress.total} {progress.unit}s",
                f"{progress.rate:.4g}/s" if progress.rate else "",
                progress.left,
            ]
        else:
            row += ["", "", "", ""]
        table.add_row(*row, each.told)
    return table


def _name(job: JobState) -> str:
    return f"{job.stage} {' '.join(str(label) for label in job.labels.values())}"

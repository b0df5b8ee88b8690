"""The jobs that Snakemake would run, why, and about how long they take."""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from vaml.commands.flags import add_configfile, add_cores, for_snakemake
from vaml.config.schema import Config
from vaml.pipeline.causes import causes, kept_versions, outdated
from vaml.pipeline.cost import gpu_jobs, in_order, read_benchmarks, seconds, wall_seconds
from vaml.pipeline.dry_run import PlannedJob, dry_run, read_judged_study
from vaml.pipeline.figures import figures
from vaml.pipeline.job_files import damages_beside, manifests
from vaml.pipeline.jobs import FOLDERS, Labels, folder, labels, tables
from vaml.runtime.terminal import at_least_one

_MANY = 4


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("targets", nargs="*", help="files or rules to make; by default everything")
    add_configfile(parser)
    add_cores(parser)
    parser.add_argument(
        "--cards", type=at_least_one, default=1, help="number of GPUs, where VAML_DEVICE uses them"
    )
    parser.add_argument("--jobs", action="store_true", help="list every job")


def run(arguments: argparse.Namespace) -> None:
    """Print the plan. Its jobs are those of `snakemake --dry-run` with the same flags."""
    overlays = for_snakemake(arguments)
    study, judged = read_judged_study(arguments.configfile)
    planned = dry_run(*arguments.targets, "--cores", str(arguments.cores), *overlays)
    results = Path("results") / study.study.name
    lines = list(report(planned, study, results, arguments))
    for (stage, difference), count in kept_versions(study, results).items():
        lines.append(f"kept: {count} of {stage} {difference}")
    if not arguments.targets:
        made = {Path(output) for job in planned for output in job.outputs}
        damaged = [
            (path, reason)
            for manifest, files in manifests(study, judged, results)
            if manifest not in made
            for path, reason in damages_beside(manifest, files)
            if path not in made
        ]
        lines += harm(damaged, results, overlays)
        lines += warn(list(outdated(study, results, planned)), results, arguments.jobs)
    print("\n".join(lines))


def report(
    planned: Sequence[PlannedJob], study: Config, results: Path, arguments: argparse.Namespace
) -> Iterable[str]:
    """The plan's lines: by stage and cause, or one per job, then the estimate."""
    if not planned:
        yield f"{results}: nothing to be done"
        return
    times = seconds(planned, study, read_benchmarks(results.parent))
    makers = {output: job.rule for job in planned for output in job.outputs}
    stages: dict[str, list[tuple[PlannedJob, float]]] = defaultdict(list)
    for job, time in zip(planned, times, strict=True):
        stages[job.rule].append((job, time))
    for stage in in_order(stages):
        everything = _all_labels(stage, study)
        place = {_words(each): i for i, each in enumerate(everything)}
        stages[stage].sort(key=lambda entry: place.get(_words(entry[0].labels), 0))
        count = f"{len(stages[stage])}{f' of {len(everything)}' if everything else ''}"
        yield f"{stage}: {count} jobs, {_duration(sum(time for _, time in stages[stage]))}"
        groups: dict[tuple[str, ...], list[PlannedJob]] = defaultdict(list)
        for job, _ in stages[stage]:
            groups[causes(job, study, results, makers)].append(job)
        for reasons, jobs in groups.items():
            if arguments.jobs:
                for job in jobs:
                    yield f"  {_words(job.labels)}: {'; '.join(reasons)}"
            else:
                which = _selection(jobs, everything)
                yield f"  {len(jobs):5d}  {'; '.join(reasons)}{f' ({which})' if which else ''}"
    on_gpu = gpu_jobs(planned, study)
    wall = wall_seconds(planned, times, arguments.cores, on_gpu, arguments.cards)
    beside = f"{len(on_gpu)} jobs on a GPU; " if on_gpu else ""
    yield (
        f"{len(planned)} jobs; {_duration(sum(times))} on one core, {_duration(wall)} on "
        f"{arguments.cores} ({beside}docs/reruns.md says how this is estimated)"
    )


def warn(jobs: Sequence[tuple[str, Labels]], results: Path, every_job: bool) -> Iterable[str]:
    """Lines about results that Snakemake takes as done and that are not this study's."""
    if not jobs:
        return
    counts = Counter(stage for stage, _ in jobs)
    found = ", ".join(f"{count} of {stage}" for stage, count in counts.items())
    yield (
        f"stale: {found}: made by another config, code or versions, though Snakemake takes them as "
        "done; docs/reruns.md says what to do"
    )
    if every_job:
        yield from (f"  {results / folder(stage, job)}" for stage, job in jobs)


def harm(
    found: Sequence[tuple[Path, str]], results: Path, overlays: Sequence[str]
) -> Iterable[str]:
    """Lines about damaged results, which Snakemake takes as done."""
    for path, reason in found[:_MANY]:
        yield f"damaged: {path} {reason}"
    if found:
        yield (
            f"{results}: {len(found)} damaged or missing files; `"
            f"{' '.join(['vaml check-results --apply', *overlays])}` has them made again"
        )


def _all_labels(stage: str, study: Config) -> list[Labels]:
    """The labels of every job of a stage, tables and figures among them; of other rules none."""
    if stage == "tabulate":
        return [{"table": table} for table in tables(study)]
    if stage == "plot":
        return [{"figure": figure} for figure in figures(study)]
    return list(labels(stage, study)) if stage in FOLDERS else []


def _selection(jobs: Sequence[PlannedJob], everything: Sequence[Labels]) -> str:
    """The labels that tell these jobs from the stage's others."""
    parts = []
    for name in jobs[0].labels if everything else ():
        every = dict.fromkeys(str(job[name]) for job in everything)
        asked = dict.fromkeys(job.labels[name] for job in jobs)
        mine = [label for label in every if label in asked]
        mine += [label for label in asked if label not in every]  # of no job of the config
        if mine != list(every):
            shown = ", ".join(mine[:_MANY]) + (", ..." if len(mine) > _MANY else "")
            parts.append(f"{name} {shown}")
    return "; ".join(parts)


def _words(job: Labels) -> str:
    return " ".join(f"{name}={label}" for name, label in job.items())


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"

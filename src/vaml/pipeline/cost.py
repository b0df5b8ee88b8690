"""Estimated times of planned jobs: from benchmark files if there are any, else from a table."""

import csv
import heapq
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vaml.config.environments import unversioned
from vaml.config.schema import Config
from vaml.files import UnreadableFile, read_json
from vaml.pipeline.dry_run import PlannedJob
from vaml.pipeline.figures import FIGURES
from vaml.pipeline.jobs import FOLDERS, TABLES, any_folder, gpus, settings, source

# The table: measured on an AMD EPYC (Milan), one thread, PyTorch 2.13, as docs/performance.md says.
# Early stopping decides how many epochs a fit takes: these are the means of the published fits, of
# paper/published/snapshots and four_runs, and of paper/published/why. Value-aware fits to later
# snapshots take fewer epochs, so that theirs are weighted by the steps of an epoch.
START = 2.5  # seconds to import PyTorch, and to read and write the files
SIMULATED_PER_SECOND = 50_000.0  # transitions
SNAPSHOT_PER_SECOND = {"mle": 4800.0, "vaml": 70.0}  # gradient steps
SNAPSHOT_EPOCHS = {
    "mle": {"Hopper": 89, "Walker2d": 112},
    "vaml": {"Hopper": 89, "Walker2d": 37},
}  # another environment has their mean
SYNTHETIC_EPOCHS = 8
MEASURED_PER_SECOND = 1500.0  # rows of a snapshot's test split, last and best weights apart
SYNTHETIC_MEASURED = 2.0  # seconds, whatever the width
SAC_PER_SECOND = 115.0  # environment steps
MBAC_PER_SECOND = {"mle": 40.0, "vaml": 18.0, "none": SAC_PER_SECOND}  # steps after the warm-up
# The same on a GPU: benchmarks/gpu.py on an H200. SAC and agents were not measured there, and count
# with a core's speed.
GPU_START = 3.5  # seconds, with the start of CUDA
GPU_SNAPSHOT_PER_SECOND = {"mle": 7000.0, "vaml": 1900.0}  # gradient steps
GPU_SYNTHETIC_PER_SECOND = 3700.0  # gradient steps, at a width of 1024
TABLE_OR_FIGURE = 4.0  # seconds

# By stage, settings without the seed, and whether a GPU did it.
Kind = tuple[str, str, bool]
Measured = Mapping[Kind, list[tuple[str, float]]]


def table_seconds(stage: str, job: Mapping[str, Any], on_gpu: bool = False) -> float:
    """Table's estimate in seconds for one job with these settings, on a core or on a GPU."""
    start = GPU_START if on_gpu else START
    objective = (job.get("agent") or job).get("objective")
    kind = "none"
    if objective:
        kind = "mle" if objective["mle_coefficient"] == 1 else "vaml"
    match stage:
        case "simulate_dynamics":
            return START + job["dynamics"]["train_transitions"] / SIMULATED_PER_SECOND
        case "fit_synthetic":
            transitions = job["dynamics"]["train_transitions"]
            # Below a width of some hundred units the overhead of small operations dominates.
            step = 0.0013 + 1.15e-8 * job["hidden_size"] ** 2
            step = 1 / GPU_SYNTHETIC_PER_SECOND if on_gpu else step
            return start + step * _gradient_steps(job["fit"], transitions, SYNTHETIC_EPOCHS)
        case "measure_synthetic":
            return START + SYNTHETIC_MEASURED
        case "train_sac":
            return start + job["training"]["total_steps"] / SAC_PER_SECOND
        case "fit_snapshot":
            per_second = (GPU_SNAPSHOT_PER_SECOND if on_gpu else SNAPSHOT_PER_SECOND)[kind]
            known = SNAPSHOT_EPOCHS[kind]
            epochs = known.get(unversioned(job["environment_id"]), statistics.mean(known.values()))
            return start + _gradient_steps(job["fit"], job["step"], epochs) / per_second
        case "measure_snapshot":
            rows = job["fit"]["test_fraction"] * job["step"]
            return START + 2 * rows / MEASURED_PER_SECOND
        case "train_mbac":
            return start + (job["total_steps"] - job["warmup_steps"]) / MBAC_PER_SECOND[kind]
    return TABLE_OR_FIGURE


def _gradient_steps(fit: Mapping[str, Any], transitions: int, epochs: float) -> float:
    training = 1 - fit["validation_fraction"] - fit.get("test_fraction", 0.0)
    return min(epochs, fit["max_epochs"]) * training * transitions / fit["batch_size"]


def read_benchmarks(root: Path) -> Measured:
    """(study, seconds) of the finished training jobs below results/, by kind.

    Seeds make no difference to the time a job takes, so they are left out of the settings.
    """
    found: dict[Kind, list[tuple[str, float]]] = defaultdict(list)
    for stage in FOLDERS:
        for path in sorted(root.glob(f"*/benchmarks/{any_folder(stage)}.tsv")):
            study = path.relative_to(root).parts[0]
            place = path.relative_to(root / study / "benchmarks").with_suffix("")
            try:
                job = read_json(root / study / place / "config.json")
                device = read_json(root / study / place / "manifest.json")["volatile"]["device"]
                with path.open(encoding="utf-8", newline="") as file:
                    seconds = [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
            except (OSError, UnreadableFile, KeyError, TypeError, ValueError):
                continue  # a job that has not ended, or is not of this program
            if seconds and isinstance(job, dict):
                kind = stage, _without_seed(job), device != "cpu"
                found[kind].append((study, statistics.mean(seconds)))
    return found


def _without_seed(job: Mapping[str, Any]) -> str:
    return json.dumps({name: job[name] for name in job if name != "seed"}, sort_keys=True)


def seconds(planned: Iterable[PlannedJob], study: Config, measured: Measured) -> list[float]:
    """Seconds for each planned job, on one core or, where VAML_DEVICE says so, on a GPU.

    The measured time of a job with the same settings in any study, if there is one. Otherwise the
    table's estimate, scaled by the ratio of measured time to estimate for this study's jobs of the
    same stage, cores and GPUs apart.
    """
    scale = _scale(study, measured)
    result = []
    for job in planned:
        if job.rule not in FOLDERS:
            result.append(TABLE_OR_FIGURE)
            continue
        present = json.loads(settings(job.rule, study, job.labels))
        on_gpu = bool(gpus(job.rule, study, job.labels))
        times = [each for _, each in measured.get((job.rule, _without_seed(present), on_gpu), [])]
        guess = table_seconds(job.rule, present, on_gpu) * scale.get((job.rule, on_gpu), 1.0)
        result.append(statistics.mean(times) if times else guess)
    return result


def _scale(study: Config, measured: Measured) -> dict[tuple[str, bool], float]:
    """Ratio of measured time to the table's estimate for this study's jobs, by stage and device."""
    took = defaultdict[tuple[str, bool], float](float)
    guessed = defaultdict[tuple[str, bool], float](float)
    for (stage, job, on_gpu), times in measured.items():
        mine = [each for name, each in times if name == study.study.name]
        with suppress(KeyError, TypeError):  # settings of another version
            guess = table_seconds(stage, json.loads(job), on_gpu)
            guessed[stage, on_gpu] += len(mine) * guess
            took[stage, on_gpu] += sum(mine)
    return {kind: took[kind] / guessed[kind] for kind in took if took[kind]}


def gpu_jobs(planned: Sequence[PlannedJob], study: Config) -> set[int]:
    """Positions of the jobs that VAML_DEVICE puts on a GPU."""
    return {
        i
        for i, job in enumerate(planned)
        if job.rule in FOLDERS and gpus(job.rule, study, job.labels)
    }


def wall_seconds(
    planned: Sequence[PlannedJob],
    times: Sequence[float],
    cores: int,
    on_gpu: Collection[int] = (),
    cards: int = 1,
) -> float:
    """Seconds that `cores` cores take if each always starts the study's first job that is ready.

    on_gpu: positions of the `gpu_jobs`, each with a core as well. A card counts as if it did them
    one after another, because several at once share it by turns.
    """
    order = in_order(job.rule for job in planned)
    waiting = sorted(range(len(planned)), key=lambda i: order.index(planned[i].rule))
    unfinished = Counter(name for job in planned for name in _names(job))
    running: list[tuple[float, int]] = []
    now = 0.0
    while waiting or running:
        for i in waiting.copy():
            if len(running) == cores:
                break
            if i in on_gpu and sum(j in on_gpu for _, j in running) == cards:
                continue
            before = _before(planned[i]) or order[: order.index(planned[i].rule)]
            if not any(unfinished[name] for name in before):
                waiting.remove(i)
                heapq.heappush(running, (now + times[i], i))
        now, ended = heapq.heappop(running)
        unfinished.subtract(_names(planned[ended]))
    return now


def in_order(rules: Iterable[str]) -> list[str]:
    """Rules, each once, in the order in which the study runs them."""
    found = dict.fromkeys(rules)
    known = [*FOLDERS, "tabulate", "plot"]
    return [rule for rule in known if rule in found] + [r for r in found if r not in known]


def _name(rule: str, labels: Mapping[str, str]) -> str:
    return f"{rule} {FOLDERS[rule].format(**labels)}" if rule in FOLDERS else f"{rule} {labels}"


def _names(job: PlannedJob) -> tuple[str, str]:
    """Names by which others wait for a job: all jobs of its rule, or this one."""
    return job.rule, _name(job.rule, job.labels)


def _before(job: PlannedJob) -> list[str]:
    """Jobs, or the stage, that must end before a job starts; none means all earlier stages."""
    if job.rule in FOLDERS:
        start = source(job.rule, job.labels)
        return [_name(*start)] if start else ["nothing"]
    if job.rule == "tabulate":
        return [TABLES[job.labels["table"]][0]]
    if job.rule == "plot":
        drawn_from = FIGURES[job.labels["figure"]].tables
        return [_name("tabulate", {"table": table}) for table in drawn_from]
    return []

"""The jobs of a study: their labels, their folders and their settings.

The workflow and the tables both read this module, so that they cannot disagree.
"""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vaml.config.fields import JobSettings, canonical, names_in
from vaml.config.mbac import MODEL_FREE, AgentSettings, TrainMBACJob
from vaml.config.sac import TrainSACJob
from vaml.config.schema import Config
from vaml.config.snapshots import FitSnapshotJob
from vaml.config.synthetic import FitSyntheticJob, SimulateDynamicsJob
from vaml.files import UnreadableFile
from vaml.runtime.device import wants_gpu
from vaml.runtime.digest import code_digest
from vaml.runtime.manifest import Manifest, Stable, found_manifest, read_manifest
from vaml.runtime.provenance import job_key
from vaml.runtime.versions import accepted, installed, keeps_others, recorded, words

Labels = Mapping[str, Any]

FOLDERS: dict[str, str] = {
    "simulate_dynamics": "simulate_dynamics/h{hidden_size}_s{seed}",
    "fit_synthetic": "fit_synthetic/{setting}/h{hidden_size}_s{seed}/{objective}",
    "measure_synthetic": "measure_synthetic/{setting}/h{hidden_size}_s{seed}/{objective}",
    "train_sac": "train_sac/{environment}/s{seed}",
    "fit_snapshot": "fit_snapshot/{environment}/s{seed}/t{step}/{objective}",
    "measure_snapshot": "measure_snapshot/{environment}/s{seed}/t{step}/{objective}",
    "train_mbac": "train_mbac/{environment}/{agent}/s{seed}",
}

# By measuring stage: the stage whose fits it measures, job by job.
MEASURED: dict[str, str] = {
    "measure_synthetic": "fit_synthetic",
    "measure_snapshot": "fit_snapshot",
}

# Other files of a job, in folders that mirror its results', with the suffix of a job's file.
BESIDE = {"logs": ".log", "benchmarks": ".tsv"}

# Files of each job from which tables are made.
RESULTS: dict[str, tuple[str, ...]] = {
    "fit_synthetic": ("outcome.json", "curve.csv"),
    "measure_synthetic": ("metrics.json",),
    "train_sac": ("outcome.json", "evaluations.csv", "training.csv"),
    "fit_snapshot": ("outcome.json", "curve.csv"),
    "measure_snapshot": ("metrics.json",),
    "train_mbac": (
        "outcome.json",
        "evaluations.csv",
        "training.csv",
        "fits.csv",
        "diagnostics.csv",
    ),
}

# By table: the stage whose jobs it gathers, and the file that it reads of each.
TABLES: dict[str, tuple[str, str]] = {
    "synthetic": ("measure_synthetic", "metrics.json"),
    "synthetic_curves": ("fit_synthetic", "curve.csv"),
    "sac": ("train_sac", "outcome.json"),
    "sac_returns": ("train_sac", "evaluations.csv"),
    "sac_training": ("train_sac", "training.csv"),
    "snapshots": ("measure_snapshot", "metrics.json"),
    "snapshots_curves": ("fit_snapshot", "curve.csv"),
    "snapshots_costs": ("fit_snapshot", "outcome.json"),
    "mbac": ("train_mbac", "outcome.json"),
    "mbac_returns": ("train_mbac", "evaluations.csv"),
    "mbac_training": ("train_mbac", "training.csv"),
    "mbac_fits": ("train_mbac", "fits.csv"),
    "mbac_diagnostics": ("train_mbac", "diagnostics.csv"),
}


def folder(stage: str, labels: Labels) -> str:
    """A job's folder, below results/<study>/."""
    return FOLDERS[stage].format(**labels)


def any_folder(stage: str) -> str:
    """A glob pattern of the folders of a stage's jobs, whatever their labels."""
    return "/".join([stage, *("*" for _ in FOLDERS[stage].split("/")[1:])])


def tables(study: Config) -> list[str]:
    """The tables of the experiments that a study has."""
    return [name for name, (stage, _) in TABLES.items() if any(labels(stage, study))]


def labels(stage: str, study: Config) -> Iterator[dict[str, Any]]:
    """The labels of every job of a stage, in the order of the config."""
    match stage:
        case "simulate_dynamics":
            for hidden_size in study.synthetic.hidden_sizes if study.synthetic.settings else ():
                for seed in study.synthetic.seeds:
                    yield {"hidden_size": hidden_size, "seed": seed}
        case "fit_synthetic" | "measure_synthetic":
            for setting in study.synthetic.settings:
                for data in labels("simulate_dynamics", study):
                    for objective in study.synthetic.objectives:
                        yield {"setting": setting, **data, "objective": objective}
        case "train_sac":
            for environment in study.sac.environments:
                for seed in study.sac.seeds:
                    yield {"environment": environment, "seed": seed}
        case "fit_snapshot" | "measure_snapshot":
            for run in labels("train_sac", study):
                for step in study.snapshots.steps:
                    for objective in study.snapshots.objectives:
                        yield {**run, "step": step, "objective": objective}
        case "train_mbac":
            for environment in study.mbac.environments:
                for agent in study.mbac.agents:
                    for seed in study.mbac.runs[environment].seeds:
                        yield {"environment": environment, "agent": agent, "seed": seed}
        case _:
            raise KeyError(stage)


def _job(stage: str, study: Config, labels: Labels) -> JobSettings:
    """Exactly what one job uses."""
    seed = int(labels["seed"])
    match stage:
        case "simulate_dynamics":
            return SimulateDynamicsJob(
                dynamics=study.synthetic.dynamics,
                hidden_size=int(labels["hidden_size"]),
                seed=seed,
            )
        case "fit_synthetic" | "measure_synthetic":
            fit = study.synthetic.fit
            if labels["setting"] == "realizable":  # the model has the dynamics' layers and widths
                fit = fit.model_copy(update={"unrealizable_width": 1.0})
            return FitSyntheticJob(
                dynamics=study.synthetic.dynamics,
                fit=fit,
                objective=study.objectives[labels["objective"]],
                setting=labels["setting"],
                hidden_size=int(labels["hidden_size"]),
                seed=seed,
            )
        case "train_sac":
            return TrainSACJob(
                environment_id=labels["environment"],
                environment=study.environments[labels["environment"]],
                training=study.sac.training,
                seed=seed,
            )
        case "fit_snapshot" | "measure_snapshot":
            return FitSnapshotJob(
                environment_id=labels["environment"],
                model_hidden_sizes=study.snapshots.model_hidden_sizes,
                objective=study.objectives[labels["objective"]],
                fit=study.snapshots.fit,
                step=int(labels["step"]),
                seed=seed,
            )
        case "train_mbac":
            agent, run = None, study.mbac.runs[labels["environment"]]
            if labels["agent"] != MODEL_FREE:
                known = study.agents[labels["agent"]]
                objective = study.objectives[known.objective]
                agent = AgentSettings(
                    objective=objective, **known.model_dump(exclude={"objective"})
                )
            # A constant coefficient, or none, has no end of its decay.
            decays = agent and agent.objective.mle_coefficient != agent.final_mle_coefficient
            return TrainMBACJob(
                environment_id=labels["environment"],
                environment=study.environments[labels["environment"]],
                agent=agent,
                total_steps=run.total_steps,
                warmup_steps=run.warmup_steps,
                decay_end_step=run.decay_end_step if decays else run.total_steps,
                training=study.mbac.training,
                seed=seed,
            )
        case _:
            raise KeyError(stage)


def every_job(study: Config) -> Iterator[tuple[str, dict[str, Any]]]:
    """Stage and labels of every job, in the order of the stages and the config."""
    for stage in FOLDERS:
        for job in labels(stage, study):
            yield stage, job


def settings(stage: str, study: Config, labels: Labels) -> str:
    """Canonical JSON of exactly what one job uses."""
    return canonical(_job(stage, study, labels))


def gpus(stage: str, study: Config, labels: Labels) -> int:
    """Number of GPUs that one job asks for: 0 or 1, by VAML_DEVICE."""
    # Seconds on a core, where their numbers are the same on every machine.
    on_cores = stage == "simulate_dynamics" or stage in MEASURED
    return 0 if on_cores else int(wants_gpu(_job(stage, study, labels)))


def names(stage: str, study: Config, labels: Labels) -> frozenset[str]:
    """The names in one job's settings, with which its code looks up tables."""
    return names_in(_job(stage, study, labels))


def code(stage: str, study: Config, labels: Labels) -> str:
    """Digest of the code that one job runs, as it was at the first call."""
    return program_code(stage, names(stage, study, labels))


@functools.cache
def program_code(step: str, names: frozenset[str] | None = None) -> str:
    """Digest of a program's code, as it was at the first call; see `code_digest`."""
    return code_digest(f"vaml.{step}", names)


def versions(stage: str, study: Config, results: Path, labels: Labels) -> str:
    """The versions of the libraries that one job computes with.

    With VAML_VERSIONS=keep, those of its result, if that stays. results: the study's folder.
    """
    if keeps_others() and (made := _kept(stage, study, results, labels)):
        return words(recorded(stage, made.versions))
    return words(installed(stage))


def _kept(stage: str, study: Config, results: Path, labels: Labels) -> Stable | None:
    """The record of one job's result, if that is of this config and code, as is its source."""
    found = found_manifest(results / folder(stage, labels) / "manifest.json")
    if found is None or found.stable.key != key(stage, study, labels):
        return None
    start = source(stage, labels)
    if start and not _kept(start[0], study, results, start[1]):
        return None
    return found.stable


def is_result(stage: str, expected_key: str, made: Stable) -> bool:
    """True if a manifest belongs to the job with this key, with versions that are accepted."""
    return made.key == expected_key and accepted(stage, made.versions)


def require_result(path: Path, stage: str, expected_key: str) -> Manifest:
    """The manifest beside a job's file.

    UnreadableFile: there is none, or it belongs to another job than the one with this key.
    """
    made = read_manifest(path.with_name("manifest.json"))
    if not is_result(stage, expected_key, made.stable):
        raise UnreadableFile(
            f"{path}: made by another config, code or versions; run snakemake again"
        )
    return made


def source(stage: str, labels: Labels) -> tuple[str, Labels] | None:
    """The job whose files a job starts from: its stage and labels.

    A job that measures a fit also reads the fit's data, for which the fit's manifest vouches.
    """
    if stage == "fit_synthetic":
        return "simulate_dynamics", labels
    if stage == "fit_snapshot":
        return "train_sac", labels
    if stage in MEASURED:
        return MEASURED[stage], labels
    return None


def key(stage: str, study: Config, labels: Labels) -> str:
    """The identity of one job's result: its settings, its code, and its source's key."""
    origin = source_key(stage, study, labels)
    return job_key(settings(stage, study, labels), code(stage, study, labels), origin)


def source_key(stage: str, study: Config, labels: Labels) -> str:
    """The key of the job whose files a job starts from; empty if it starts from none."""
    start = source(stage, labels)
    return key(start[0], study, start[1]) if start else ""

"""The causes of a planned job, in terms of the config and the code.

Snakemake's own reasons say too little: this module compares a job's present settings and code with
those recorded in its results.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vaml.config.schema import Config
from vaml.files import UnreadableFile, read_json
from vaml.pipeline.dry_run import PlannedJob
from vaml.pipeline.jobs import (
    FOLDERS,
    MEASURED,
    Labels,
    every_job,
    folder,
    is_result,
    key,
    names,
    settings,
)
from vaml.runtime.digest import module_digests
from vaml.runtime.manifest import found_manifest, read_manifest
from vaml.runtime.versions import accepted, differences, installed, keeps_others, recorded

# By stage: place in the config of each of its jobs' settings; `{...}` are labels.
KEYS: dict[str, dict[str, str]] = {
    "simulate_dynamics": {"dynamics": "synthetic.dynamics"},
    "fit_synthetic": {
        "dynamics": "synthetic.dynamics",
        "fit": "synthetic.fit",
        "objective": "objectives.{objective}",
    },
    "train_sac": {"environment": "environments.{environment}", "training": "sac.training"},
    "fit_snapshot": {
        "model_hidden_sizes": "snapshots.model_hidden_sizes",
        "fit": "snapshots.fit",
        "objective": "objectives.{objective}",
    },
    "train_mbac": {
        "environment": "environments.{environment}",
        "objective": "objectives.{objective}",
        "agent": "agents.{agent}",
        "total_steps": "mbac.runs.{environment}.total_steps",
        "warmup_steps": "mbac.runs.{environment}.warmup_steps",
        "decay_end_step": "mbac.runs.{environment}.decay_end_step",
        "training": "mbac.training",
    },
}

KEYS.update({measuring: KEYS[fitting] for measuring, fitting in MEASURED.items()})

# Section of the config from which a rule that is no stage takes its settings.
SECTIONS = {"plot": "figures", "judge_claims": "statistics", "summarise": "statistics"}

_UPSTREAM = re.compile(r"Input files updated by another job: ([^;]*)")
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def causes(
    job: PlannedJob, study: Config, results: Path, makers: Mapping[str, str]
) -> tuple[str, ...]:
    """One line per cause, at least one.

    results: the study's folder. makers: the rule that makes each output of the planned jobs.
    """
    if job.reason.startswith("Missing output files"):
        return (_missing(job),)
    if job.rule in FOLDERS:
        found = list(_recorded_changes(job, study, results / folder(job.rule, job.labels)))
    else:
        found = list(_reported_changes(job, study))
    if not found and "Set of input files has changed" in job.reason:
        found = ["other results belong to it now"]
    if upstream := _UPSTREAM.search(job.reason):
        rules = {makers.get(path, path) for path in upstream[1].split(", ")}
        found += [f"{rule} runs" for rule in sorted(rules)]
    # Unknown causes keep Snakemake's words.
    return tuple(found) or (job.reason,)


def _missing(job: PlannedJob) -> str:
    paths = [Path(output) for output in job.outputs]
    missing = [path.name for path in paths if not path.exists()]
    return "no result yet" if len(missing) == len(paths) else f"missing {', '.join(missing)}"


def _recorded_changes(job: PlannedJob, study: Config, place: Path) -> Iterator[str]:
    """Differences from the settings and the code that the job's results record."""
    try:
        before = read_json(place / "config.json")
        made = read_manifest(place / "manifest.json").stable
    except (OSError, UnreadableFile, KeyError, TypeError, ValueError):
        return
    now = json.loads(settings(job.rule, study, job.labels))
    yield from setting_changes(job.rule, job.labels, study, before, now)
    modules = module_digests(f"vaml.{job.rule}", names(job.rule, study, job.labels))
    if modules != (code := made.modules):
        changed = sorted(name for name in {*modules, *code} if modules.get(name) != code.get(name))
        yield f"code of {', '.join(changed)}"
    if not accepted(job.rule, made.versions):
        yield from differences(recorded(job.rule, made.versions), installed(job.rule))


def kept_versions(study: Config, results: Path) -> Counter[tuple[str, str]]:
    """Number of results by stage that were made with other versions and that the switch keeps."""
    found = Counter[tuple[str, str]]()
    for stage, job in every_job(study) if keeps_others() else ():
        if made := found_manifest(results / folder(stage, job) / "manifest.json"):
            for line in differences(recorded(stage, made.stable.versions), installed(stage)):
                found[stage, line] += 1
    return found


def setting_changes(
    stage: str, labels: Labels, study: Config, before: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[str]:
    """`key: before → now` for the settings of a job that differ, by their keys in the config."""
    old, new = (_in_config(stage, labels, study, each) for each in (before, now))
    if not (_decays(before) and _decays(now)):
        # Without decay the job has the run's length there.
        end = KEYS[stage].get("decay_end_step", "").format(**labels)
        old.pop(end, None)
        new.pop(end, None)
    yield from changes(old, new)


def _decays(job_settings: Mapping[str, Any]) -> bool:
    agent = job_settings.get("agent")
    return bool(agent and agent["objective"]["mle_coefficient"] != agent["final_mle_coefficient"])


def _in_config(
    stage: str, labels: Labels, study: Config, job_settings: Mapping[str, Any]
) -> dict[str, Any]:
    """A job's settings under their keys in the config."""
    names, values = dict(labels), dict(job_settings)
    if agent := dict(values.get("agent") or {}):
        names["objective"] = study.agents[names["agent"]].objective
        values["objective"] = agent.pop("objective")
        values["agent"] = agent
    keys = KEYS[stage]
    return {keys.get(name, name).format(**names): value for name, value in values.items()}


def _reported_changes(job: PlannedJob, study: Config) -> Iterator[str]:
    """Changed params of a table, a figure and the like, read from Snakemake's reason."""
    _, _, reported = job.reason.partition("Params have changed since last execution: ")
    before, _, now = reported.partition(" now: ")
    old, new = _params(before), _params(now)
    if "config" in old and "config" in new:
        section = SECTIONS.get(job.rule, "")
        known = dict(getattr(study, section)) if section else {}
        trees = (
            {f"{section}.{name}" if name in known else name: value for name, value in tree.items()}
            for tree in (json.loads(old["config"]), json.loads(new["config"]))
        )
        yield from changes(next(trees), next(trees))
    if "code" in old or "code" in new:
        yield f"code of vaml.{job.rule} or of what it imports"


def _params(text: str) -> dict[str, str]:
    """The params `config` and `code` in a list of quoted ones."""
    values = [ast.literal_eval(each) for each in _STRING.findall(text)]
    return {
        "code" if _DIGEST.fullmatch(value) else "config": value
        for value in values
        if _DIGEST.fullmatch(value) or value.startswith("{")
    }


def changes(before: Any, now: Any, key: str = "") -> Iterator[str]:
    """`key: before → now` for each setting that differs between two trees of JSON values."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted({*before, *now}):
            inner = f"{key}.{name}" if key else name
            yield from changes(before.get(name, _NONE), now.get(name, _NONE), inner)
    elif before != now:
        yield f"{key}: {_text(before)} → {_text(now)}"


_NONE = object()


def _text(value: Any) -> str:
    return "nothing" if value is _NONE else json.dumps(value)


def outdated(
    study: Config, results: Path, planned: list[PlannedJob]
) -> Iterator[tuple[str, Labels]]:
    """Jobs that Snakemake takes as done, though their results record another config or code.

    This happens where its records are lost, were not copied, or were overwritten by --touch.
    """
    runs = {folder(job.rule, job.labels) for job in planned if job.rule in FOLDERS}
    for stage, job in every_job(study):
        place = folder(stage, job)
        manifest = results / place / "manifest.json"
        if place not in runs and manifest.is_file():
            made = found_manifest(manifest)
            if not (made and is_result(stage, key(stage, study, job), made.stable)):
                yield stage, job

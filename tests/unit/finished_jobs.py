"""The files that the jobs of a small study leave in their folders."""

from pathlib import Path
from typing import Any

import yaml

from vaml.config import schema as config
from vaml.config.schema import Config
from vaml.files import sha256, write_json, write_rows
from vaml.pipeline import jobs
from vaml.runtime.manifest import Manifest
from vaml.runtime.versions import installed

ROOT = Path(__file__).parents[2]
METRICS = {
    "value_aware_error": 0.1,
    "eq9_error": 0.2,
    "nll": 14.25,
    "sigma_l1": 9.5,
    "mean_l1": 0.5,
}
DISTANCES = {"mean_l1_error": 0.25, "sigma_l1_error": 0.75}
FLOOR = {"action_sampling_floor": 0.0625, "squared_bias": 0.5, "value_variance": 8.0}
EXACT = {"exact_error": 0.001, "skill": 0.75}
ENVIRONMENT = {"noise_floor": 0.03125, "state_rms": 9.0}
DIVERGED = {"status": "diverged", "diverged": {"where": "training loss", "step": 7}}


def small_study(**overrides: object) -> Config:
    text = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    merged = yaml.safe_load(text)
    merged["synthetic"] |= {
        "hidden_sizes": [64, 32],
        "objectives": ["vaml", "mle"],
        "seeds": [1, 0],
    }
    merged["synthetic"] |= overrides
    merged["snapshots"] |= {"steps": [14000, 24000], "objectives": ["mle", "vaml"]}
    return config.load(merged)


FIT = {
    "status": "ok",
    "diverged": None,
    "epochs": 12,
    "gradient_steps": 3756,
    "best_epoch": 9,
}


def measured(distances: dict[str, float], scale: float = 1.0) -> dict[str, Any]:
    metrics = {name: scale * number for name, number in (METRICS | distances).items()}
    return {
        **FIT,
        "last": metrics,
        "best": {name: number / 2 for name, number in metrics.items()},
    }


def run(value: float) -> dict[str, Any]:
    return {
        "status": "ok",
        "diverged": None,
        "env_steps": 100,
        "gradient_steps": 80,
        "final_return": value,
        "final_temperature": 0.3,
    }


def outcome(stage: str, job: dict[str, Any]) -> dict[str, Any]:
    if stage in jobs.MEASURED.values():
        return FIT
    if stage == "measure_synthetic":
        realizable = job["setting"] == "realizable"
        distances = DISTANCES | ({"parameter_l2": 3.5} if realizable else {})
        metrics = measured(distances | EXACT, job["hidden_size"])
        return metrics | {"truth": METRICS | {"exact_error": 0.0}} | ENVIRONMENT
    if stage == "measure_snapshot":
        return measured(FLOOR, job["step"])
    return run(job["seed"]) | ({"fits": 3} if stage == "train_mbac" else {})


def points(file: str, job: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    columns = {
        "curve.csv": ["epoch", "gradient_steps", "train_loss", "validation_loss"],
        "evaluations.csv": ["env_step", "episode", "return"],
        "training.csv": ["env_step", "critic_loss", "actor_loss", "value"],
        "diagnostics.csv": ["env_step", "error_replay", "error_policy", "coverage_90"],
        "fits.csv": ["env_step", "epochs", "value_aware_error", "nll"],
    }[file]
    numbers = [[i, i, 0.1 + job["seed"] + i, 1e-17 if i else None] for i in range(3)]
    return columns, [dict(zip(columns, line, strict=False)) for line in numbers]


def leave(
    results: Path,
    study: Config,
    stage: str,
    job: dict[str, Any],
    result: dict[str, Any] | None = None,
) -> Path:
    """Write the files that a finished job leaves in its folder."""
    home = results / jobs.folder(stage, job)
    key = jobs.key(stage, study, job)
    for file in jobs.RESULTS[stage]:
        if file.endswith(".json"):
            write_json(home / file, {"key": key, **(result or outcome(stage, job))})
        else:
            write_rows(home / file, *points(file, job))
    outputs = {Path(file).stem: sha256(home / file) for file in jobs.RESULTS[stage]}
    write_json(home / "manifest.json", manifest(stage, key=key, outputs=outputs))
    return home


def manifest(step: str, **changes: object) -> dict[str, Any]:
    """A manifest of a job as JSON values; `changes` go where there is such a key."""
    stable: dict[str, object] = {
        "step": step,
        "key": "0123456789abcdef",
        "source": None,
        "config": "c0",
        "code": "c0de",
        "modules": {},
        "seed": 0,
        "versions": {"python": "3.11.7", **installed("train_mbac")},
        "inputs": {},
        "outputs": {},
    }
    volatile: dict[str, object] = {
        "commit": None,
        "dirty": None,
        "host": "node7",
        "processor": "A Processor",
        "device": "cpu",
        "environment": {},
        "slurm_job_id": None,
        "started": "2026-01-01T00:00:00+00:00",
        "ended": "2026-01-01T00:00:25+00:00",
        "wall_seconds": 25.0,
        "cpu_seconds": 12.5,
        "max_rss_mb": 300,
        "resumed_from": [],
    }
    unknown = changes.keys() - stable.keys() - volatile.keys()
    assert not unknown, unknown
    for block in (stable, volatile):
        block |= {name: changes[name] for name in block if name in changes}
    return Manifest.model_validate({"stable": stable, "volatile": volatile}).model_dump()

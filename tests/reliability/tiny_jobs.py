"""Real jobs of seconds, run as `python -m vaml.<step>`, and the digests of what they leave."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forked_job import ForkedJob

import vaml

SOURCE = Path(vaml.__file__).parents[1]
FAULTS = Path(__file__).parent / "faults"
_GIVEN = {"OMP_NUM_THREADS": "1", "VAML_STATE_SECONDS": "0"}
Running = ForkedJob | subprocess.Popen[str]

ACTOR_CRITIC = {
    "hidden_sizes": [16, 16],
    "learning_rate": 0.001,
    "batch_size": 16,
    "discount": 0.99,
    "polyak": 0.005,
    "initial_temperature": 1.0,
}
FIT = {
    "learning_rate": 0.001,
    "weight_decay": 0.00001,
    "batch_size": 64,
    "max_epochs": 80,
    "patience": 80,
    "validation_fraction": 0.2,
}
OBJECTIVE = {"loss": "vaml", "mle_coefficient": 0.001, "model_samples": 2}
HOPPER = {"time_limit": 40, "keep_position": True}
DYNAMICS = {
    "observation_size": 4,
    "action_size": 2,
    "horizon": 20,
    "train_transitions": 1200,
    "test_transitions": 100,
    "head_gain": 0.01,
    "mean_scale": 1.0,
    "noise_scale": 1.0,
    "value_hidden_size": 8,
}

# Every stream and every kind of step of the real jobs is used.
SETTINGS: dict[str, dict[str, Any]] = {
    "simulate_dynamics": {"seed": 3, "dynamics": DYNAMICS, "hidden_size": 8},
    "fit_synthetic": {
        "seed": 3,
        "dynamics": DYNAMICS,
        "fit": {**FIT, "unrealizable_width": 1.0},
        "objective": OBJECTIVE,
        "setting": "unrealizable",
        "hidden_size": 8,
    },
    "train_sac": {
        "seed": 1,
        "environment_id": "Hopper-v4",
        "environment": HOPPER,
        "training": {
            "total_steps": 500,
            "warmup_steps": 60,
            "first_snapshot_step": 100,
            "snapshot_every": 150,
            "evaluation_episodes": 2,
            "actor_critic": ACTOR_CRITIC,
        },
    },
    "fit_snapshot": {
        "seed": 1,
        "environment_id": "Hopper-v4",
        "model_hidden_sizes": [8],
        "objective": OBJECTIVE,
        "fit": {**FIT, "test_fraction": 0.1, "redraw_test_split": False},
        "step": 400,
    },
    "train_mbac": {
        "seed": 2,
        "environment_id": "Hopper-v4",
        "environment": HOPPER,
        "agent": {
            "objective": OBJECTIVE,
            "final_mle_coefficient": 0.0,
            "critic_actions": "replay",
            "critic_next_states": "samples",
            "critic_terminations": "model",
            "average_rewards": False,
            "frozen_split": False,
        },
        "total_steps": 320,
        "warmup_steps": 60,
        "decay_end_step": 300,
        "training": {
            "evaluation_every": 100,
            "evaluation_episodes": 2,
            "target_samples": 2,
            "actor_critic": ACTOR_CRITIC,
            "model": {
                "hidden_sizes": [8, 8],
                "learning_rate": 0.001,
                "weight_decay": 0.00001,
                "batch_size": 32,
                "validation_fraction": 0.2,
                "max_validation_transitions": 40,
                "patience": 3,
                "first_fit_max_epochs": 10,
                "refit_every": 30,
                "refit_max_epochs": 4,
                "refit_max_gradient_steps": 10,
                "warmup_mle_coefficient": 1.0,
            },
        },
    },
}
SETTINGS["measure_synthetic"] = SETTINGS["fit_synthetic"]
SETTINGS["measure_snapshot"] = SETTINGS["fit_snapshot"]
# How often a job with VAML_STATE_SECONDS=0 saves its state: after every step or epoch.
SAVES = {"train_sac": 500, "fit_synthetic": 80, "fit_snapshot": 80, "train_mbac": 320}
RESUMABLE = tuple(SAVES)
OUTPUTS: dict[str, dict[str, str]] = {
    "simulate_dynamics": {
        "dynamics": "dynamics.safetensors",
        "transitions": "transitions.npz",
    },
    "fit_synthetic": {
        "model": "model.safetensors",
        "curve": "curve.csv",
        "outcome": "outcome.json",
    },
    "measure_synthetic": {"metrics": "metrics.json"},
    "train_sac": {
        "history": "history.npz",
        "snapshots": "snapshots.safetensors",
        "evaluations": "evaluations.csv",
        "training": "training.csv",
        "outcome": "outcome.json",
    },
    "fit_snapshot": {
        "model": "model.safetensors",
        "curve": "curve.csv",
        "outcome": "outcome.json",
    },
    "measure_snapshot": {"metrics": "metrics.json"},
    "train_mbac": {
        "networks": "networks.safetensors",
        "evaluations": "evaluations.csv",
        "training": "training.csv",
        "fits": "fits.csv",
        "diagnostics": "diagnostics.csv",
        "outcome": "outcome.json",
    },
}
# The step whose files a step starts from, and which of them it reads.
INPUTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fit_synthetic": ("simulate_dynamics", ("dynamics", "transitions")),
    "measure_synthetic": ("fit_synthetic", ("model", "outcome")),
    "fit_snapshot": ("train_sac", ("history", "snapshots")),
    "measure_snapshot": ("fit_snapshot", ("model", "outcome")),
}


def arguments(step: str, folder: Path, given: Path, **paths: Path) -> list[str]:
    """A step's flags: outputs and state in `folder`, inputs from given/<the step before>.

    paths: other paths for some flags.
    """
    flags: dict[str, Any] = {"config": json.dumps(SETTINGS[step]), "state": folder / ".state"}
    if step in INPUTS:
        before, names = INPUTS[step]
        flags |= {name: given / before / OUTPUTS[before][name] for name in names}
        if before in INPUTS:  # what it read, too
            data, read = INPUTS[before]
            flags |= {name: given / data / OUTPUTS[data][name] for name in read}
        flags["source"] = given / before / "manifest.json"
        flags["source-key"] = json.loads(flags["source"].read_bytes())["stable"]["key"]
    outputs = {name: folder / file for name, file in OUTPUTS[step].items()}
    flags |= outputs | {"resolved": folder / "config.json", "manifest": folder / "manifest.json"}
    return [
        text for name, value in {**flags, **paths}.items() for text in (f"--{name}", str(value))
    ]


def start(step: str, flags: list[str], **environment: str) -> ForkedJob:
    """The job in a process of its own; it saves its state after every step unless told otherwise.

    VAML_TEST_DIE_AT: the moment at which it kills itself, see faults/sitecustomize.py.
    """
    given = {**_GIVEN, **environment}
    return ForkedJob(f"vaml.{step}", flags, given, FAULTS / "sitecustomize.py")


def start_anew(step: str, flags: list[str], **environment: str) -> subprocess.Popen[str]:
    """As `start`, in a new Python, which a user's shell or Snakemake would start."""
    given = {**_GIVEN, **environment}
    given["PYTHONPATH"] = os.pathsep.join([str(FAULTS), str(SOURCE)])
    return subprocess.Popen(
        [sys.executable, "-m", f"vaml.{step}", *flags],
        env=os.environ | given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: Running) -> tuple[int, str]:
    """Exit status and standard error stream."""
    _, text = process.communicate(timeout=300)
    assert process.returncode is not None
    return process.returncode, text


def run(step: str, flags: list[str], **environment: str) -> tuple[int, str]:
    """The job from start to end."""
    with start(step, flags, **environment) as process:
        return finish(process)


def run_anew(step: str, flags: list[str], **environment: str) -> tuple[int, str]:
    """As `run`, in a new Python."""
    with start_anew(step, flags, **environment) as process:
        return finish(process)


def results(folder: Path) -> dict[str, str]:
    """Digest of each file that a job left; of the manifest only what all runs share."""
    found = {}
    for path in sorted(folder.glob("*")):
        if path.is_file() and not path.name.startswith("."):
            block = path.read_bytes()
            if path.name == "manifest.json":
                block = json.dumps(json.loads(block)["stable"]).encode()
            found[path.name] = hashlib.sha256(block).hexdigest()
    return found


def volatile(folder: Path) -> Mapping[str, Any]:
    """The part of the manifest that differs from run to run."""
    return json.loads((folder / "manifest.json").read_bytes())["volatile"]

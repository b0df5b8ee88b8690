"""The steps that fit models offline, stopped where the fits would start, for the tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import BaseModel

from vaml.algorithms import offline_fit
from vaml.algorithms.model_fitting import ModelFitting
from vaml.algorithms.offline_fit import OfflineFit
from vaml.config.objectives import Objective
from vaml.data.transitions import Transitions
from vaml.runtime.manifest import read_manifest
from vaml.saving import module_arrays, prefixed

OBJECTIVES = {
    name: Objective(loss="vaml", mle_coefficient=coefficient, model_samples=2)
    for name, coefficient in (("mle", 1.0), ("vaml", 0.0), ("reg_vaml", 0.001))
}
FIT: dict[str, Any] = {
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "batch_size": 16,
    "max_epochs": 20,
    "patience": 2,
    "validation_fraction": 0.2,
}


def flags(folder: Path, settings: BaseModel, outputs: tuple[str, ...]) -> list[str]:
    """A step's flags, its outputs in `folder`."""
    named = {name: folder / name for name in (*outputs, "resolved", "manifest", "state")}
    paths = [word for name, path in named.items() for word in (f"--{name}", str(path))]
    return ["--config", json.dumps(settings.model_dump(mode="json")), *paths]


def started_from(folder: Path) -> list[str]:
    """The flags that name the job whose files another one starts from."""
    manifest = folder / "manifest"
    return [f"--source={manifest}", f"--source-key={read_manifest(manifest).stable.key}"]


def record_fits(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """Let the steps fill this list with what they start a fit with, instead of fitting."""
    started: list[SimpleNamespace] = []

    def record(
        fitting: ModelFitting, train: Transitions, validation: Transitions, *rest: Any
    ) -> OfflineFit:
        settings, _ = rest
        assert settings.patience == FIT["patience"]
        weights = module_arrays(fitting.model)
        started.append(
            SimpleNamespace(
                fitting=fitting,
                train=train,
                validation=validation,
                weights=weights,
                order=fitting.shuffles.permutation(len(train)),
            )
        )
        kept = prefixed("last", weights) | prefixed("best", weights)
        return OfflineFit({"status": "ok"}, [], kept)

    monkeypatch.setattr(offline_fit, "run_offline_fit", record)
    # This process has loaded more of the package than one step does.
    monkeypatch.setattr("vaml.runtime.job.unexpected_modules", lambda _: [])
    return started


def states(rows: Transitions) -> set[bytes]:
    return {row.numpy().tobytes() for row in rows.observations}


def same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].tobytes() == second[name].tobytes() for name in first
    )


def paired(first: SimpleNamespace, second: SimpleNamespace) -> bool:
    """True if two fits start from the same weights and meet the same batches in the same order."""
    return (
        same(first.weights, second.weights)
        and torch.equal(first.train.observations, second.train.observations)
        and torch.equal(first.validation.observations, second.validation.observations)
        and np.array_equal(first.order, second.order)
    )

"""One offline fit from start to end, as experiments A and B run it: resumable at every epoch."""

import logging
from collections.abc import Callable
from typing import Any

from vaml.algorithms.model_fitting import ModelFitting
from vaml.algorithms.model_metrics import Metrics
from vaml.algorithms.training_state import (
    Arrays,
    below,
    load_module,
    module_arrays,
    prefixed,
)
from vaml.config.objectives import FitSettings
from vaml.data.transitions import Transitions
from vaml.divergence import Diverged, not_finite
from vaml.networks.dynamics import GaussianDynamics
from vaml.runtime.job import Job
from vaml.runtime.progress import Progress

Row = dict[str, Any]

CURVE_COLUMNS = (
    "epoch",
    "gradient_steps",
    "train_loss",
    "validation_loss",
    "validation_nll",
    "validation_sigma_l1",
    "validation_value_loss",
)


def run_offline_fit(
    fitting: ModelFitting,
    train: Transitions,
    validation: Transitions,
    settings: FitSettings,
    metrics: Callable[[GaussianDynamics], Metrics],
    job: Job[Any],
) -> tuple[Row, list[Row]]:
    """Train until early stopping; the outcome, and one row per epoch.

    The last weights stay in the model, as in the paper's experiments A and B; the outcome has
    `metrics` of these and of the best validation's weights. A diverged fit has neither.
    """
    state = fitting.start(
        train, validation, fitting.objective.mle_coefficient, settings.max_epochs, settings.patience
    )
    rows: list[Row] = []
    saved = job.checkpoint.load()
    if saved:
        arrays, meta = saved
        fitting.restore(below("fitting", arrays))
        state.restore(below("progress", arrays))
        rows = meta["rows"]
        job.resumed_from += [*meta["resumed_from"], state.epochs]
    report = Progress("epoch", settings.max_epochs, state.epochs)
    try:
        while not state.finished:
            row = fitting.epoch()
            assert row is not None  # there is no cap on gradient steps here
            rows.append({name: row.get(name) for name in CURVE_COLUMNS})
            report.at(state.epochs)
            if job.checkpoint.due():
                meta = {"rows": rows, "resumed_from": job.resumed_from}
                job.checkpoint.save(_arrays(fitting), meta)
                job.checkpoint.exit_if_terminated()
    except Diverged as diverged:
        arrays = prefixed("model", module_arrays(fitting.model))
        failure = Diverged(not_finite(arrays) or diverged.where, diverged.step)
        logging.warning("%s", failure)
        return _outcome(fitting, failure) | {"last": None, "best": None}, rows
    last = module_arrays(fitting.model)
    measured = metrics(fitting.model)
    fitting.restore_best()
    best = metrics(fitting.model)
    load_module(fitting.model, last)
    return _outcome(fitting, None) | {"last": measured, "best": best}, rows


def not_started(where: str, step: int) -> Row:
    """The outcome of a fit whose data or value function is missing, as the run before it diverged.

    where, step: what and when, as that run counts.
    """
    return {
        "status": "diverged",
        "diverged": {"where": where, "step": step},
        "epochs": 0,
        "gradient_steps": 0,
        "best_epoch": 0,
        "last": None,
        "best": None,
    }


def _arrays(fitting: ModelFitting) -> Arrays:
    return prefixed("fitting", fitting.arrays()) | prefixed("progress", fitting.progress.arrays())


def _outcome(fitting: ModelFitting, diverged: Diverged | None) -> Row:
    return {
        "status": "diverged" if diverged else "ok",
        "diverged": {"where": diverged.where, "step": diverged.step} if diverged else None,
        "epochs": fitting.progress.epochs,
        "gradient_steps": fitting.progress.gradient_steps,
        "best_epoch": fitting.progress.best_epoch,
    }

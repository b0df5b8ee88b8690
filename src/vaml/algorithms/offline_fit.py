"""One offline fit from start to end, as experiments A and B run it: resumable at every epoch."""

import logging
from dataclasses import dataclass
from typing import Any

from vaml.algorithms.model_fitting import ModelFitting
from vaml.config.objectives import FitSettings
from vaml.data.transitions import Transitions
from vaml.divergence import Diverged, not_finite
from vaml.files import write_rows, write_tensors
from vaml.runtime.job import Job
from vaml.runtime.progress import Progress
from vaml.saving import Arrays, below, module_arrays, prefixed

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


@dataclass(frozen=True)
class OfflineFit:
    """A fit that has ended: its outcome, one row per epoch, and its weights.

    weights: below `last/` those that it ended with, which the paper's experiments A and B use, and
    below `best/` those of the best validation, which a diverged fit lacks.
    """

    outcome: Row
    curve: list[Row]
    weights: Arrays


def run_offline_fit(
    fitting: ModelFitting,
    train: Transitions,
    validation: Transitions,
    settings: FitSettings,
    job: Job[Any],
) -> OfflineFit:
    """Train until early stopping, the last epoch or divergence, from the saved state if any."""
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
        last = module_arrays(fitting.model)
        where = not_finite(prefixed("model", last)) or diverged.where
        failure = Diverged(where, diverged.step)
        logging.warning("%s", failure)
        return OfflineFit(_outcome(fitting, failure), rows, prefixed("last", last))
    last = module_arrays(fitting.model)
    weights = prefixed("last", last) | prefixed("best", fitting.progress.best_weights)
    return OfflineFit(_outcome(fitting, None), rows, weights)


def not_started(where: str, step: int) -> OfflineFit:
    """Outcome of a fit that has no data or no value function, because its source run diverged.

    where: the stage of that run. step: the environment steps that it made.
    """
    outcome = {
        "status": "diverged",
        "diverged": {"where": where, "step": step},
        "epochs": 0,
        "gradient_steps": 0,
        "best_epoch": 0,
    }
    return OfflineFit(outcome, [], {})


def write_fit(job: Job[Any], fit: OfflineFit) -> None:
    """Write the files of a job that fits: model, curve and outcome."""
    write_tensors(job.outputs["model"], fit.weights)
    write_rows(job.outputs["curve"], CURVE_COLUMNS, fit.curve)
    job.write_result("outcome", fit.outcome)


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

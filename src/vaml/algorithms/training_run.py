"""A training run from start to end, resumable at every environment step."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.evaluation import Evaluations
from vaml.algorithms.scalars import SCALAR_COLUMNS, Scalars
from vaml.divergence import Diverged, not_finite, require_finite
from vaml.runtime.job import Job
from vaml.runtime.progress import Progress
from vaml.saving import Arrays


class TrainingRun(Protocol):
    """Interface that SACRun and MBACRun share."""

    agent: ActorCritic
    evaluations: Evaluations
    scalars: Scalars

    @property
    def steps(self) -> int: ...
    @property
    def finished(self) -> bool: ...
    def advance(self) -> None: ...
    def networks(self) -> Arrays: ...
    def arrays(self) -> Arrays: ...
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None: ...


def run_training(run: TrainingRun, total_steps: int, job: Job[Any]) -> dict[str, Any]:
    """Advance a run to its end or to its divergence, and return its outcome.

    A divergence is named after the first parameter that is not finite, or else after the loss or
    quantity in which it appeared.
    """
    saved = job.checkpoint.load()
    if saved:
        arrays, meta = saved
        run.restore(arrays)
        job.resumed_from += [*meta["resumed_from"], run.steps]
    progress = Progress("env_step", total_steps, run.steps)
    failure: Diverged | None = None
    try:
        while not run.finished:
            run.advance()
            progress.at(run.steps)
            if run.scalars.is_new(run.steps):
                job.checkpoint.show(SCALAR_COLUMNS, run.scalars.rows)
            if job.checkpoint.due():
                job.checkpoint.save(run.arrays(), {"resumed_from": job.resumed_from})
                job.checkpoint.exit_if_terminated()
        run.agent.read_losses()
        require_finite(run.networks(), run.steps)
    except Diverged as diverged:
        failure = Diverged(not_finite(run.networks()) or diverged.where, run.steps)
        logging.warning("%s", failure)
    return {
        "status": "diverged" if failure else "ok",
        "diverged": {"where": failure.where, "step": failure.step} if failure else None,
        "env_steps": run.steps,
        "gradient_steps": run.agent.gradient_steps,
        "final_return": run.evaluations.last_mean(),
        "final_temperature": float(run.agent.log_temperature.detach().exp()),
    }

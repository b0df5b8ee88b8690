"""Measure the exact error of predictions that have learnt nothing in the artificial environment.

    python tools/untrained.py untrained.csv --configfile config/why.yaml

Reads the dynamics and transitions of results/<study>/, and trains nothing. One row per setting,
hidden size and seed, with exact errors (half of eq. (8)) on the test transitions of

    no_change_error       s' = s for certain, as vaml.metrics.exact has it
    no_variance_error     the true mean for certain
    no_motion_error       s as the mean, with the true standard deviations
    untrained_error       the network that maximum likelihood's fit starts from
"""

import math
from pathlib import Path
from typing import Any

import torch
from fits import write_table

from vaml.algorithms.synthetic_fit import fit_streams, read_synthetic, synthetic_model
from vaml.config.schema import Config
from vaml.config.synthetic import FitSyntheticJob
from vaml.losses.value_aware import vaml_exact
from vaml.metrics.exact import SyntheticTest, no_change_error
from vaml.pipeline import jobs


def errors(settings: FitSyntheticJob, source: Path) -> dict[str, float]:
    """The numbers of one row. source: the folder of its simulate_dynamics job."""
    files = source / "dynamics.safetensors", source / "transitions.npz"
    data = read_synthetic(*files, settings, torch.device("cpu"))
    start = torch.Generator().manual_seed(fit_streams(settings).seed("initialisation"))
    model = synthetic_model(settings, start)
    samples, batch_size = settings.objective.model_samples, settings.fit.batch_size
    test = SyntheticTest(model, data.test, data.value, samples, batch_size, data.truth)
    return {"no_change_error": no_change_error(test)} | untaught_errors(test)


@torch.no_grad()
def untaught_errors(test: SyntheticTest) -> dict[str, float]:
    """The other exact errors."""
    rows = test.transitions
    truth = test.truth(rows.observations, rows.actions)
    predictions = {
        "no_variance_error": truth._replace(log_std=torch.full_like(truth.log_std, -math.inf)),
        "no_motion_error": truth._replace(mean=torch.zeros_like(truth.mean)),
        "untrained_error": test.predict(rows),
    }
    return {
        name: float(vaml_exact(prediction, truth, test.value))
        for name, prediction in predictions.items()
    }


def rows(study: Config, results: Path) -> list[dict[str, Any]]:
    """A row for each fit of maximum likelihood."""
    return [
        {name: job[name] for name in ("setting", "hidden_size", "seed")}
        | errors(
            FitSyntheticJob.model_validate_json(jobs.settings("fit_synthetic", study, job)),
            results / jobs.folder("simulate_dynamics", job),
        )
        for job in jobs.labels("fit_synthetic", study)
        if job["objective"] == "mle"
    ]


if __name__ == "__main__":
    write_table(__doc__ or "", rows)

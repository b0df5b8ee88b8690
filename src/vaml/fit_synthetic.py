"""Fit one dynamics model to the artificial environment's transitions."""

from collections.abc import Sequence

from vaml.config.synthetic import FitSyntheticJob
from vaml.runtime.job import running


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job (paper, section 5.1).

    Fits of one width and seed share data, value function and random streams.
    """
    with running(
        "fit_synthetic",
        FitSyntheticJob,
        argv,
        inputs=("dynamics", "transitions"),
        outputs=("model", "curve", "outcome"),
    ) as job:
        import torch

        from vaml.algorithms.model_fitting import ModelFitting
        from vaml.algorithms.offline_fit import run_offline_fit, write_fit
        from vaml.algorithms.synthetic_fit import fit_streams, read_synthetic, synthetic_model
        from vaml.config.objectives import NEED_TRUTH
        from vaml.data.transitions import random_split
        from vaml.runtime.torch_device import job_device

        settings, fit, device = job.settings, job.settings.fit, job_device(job)
        streams = fit_streams(settings)
        data = read_synthetic(job.read("dynamics"), job.read("transitions"), settings, device)
        rows, splits = len(data.train), streams.numpy("split")
        train_rows, validation_rows = random_split(rows, fit.held_out(rows), splits)
        initial = torch.Generator().manual_seed(streams.seed("initialisation"))
        fitting = ModelFitting(
            synthetic_model(settings, initial).to(device),
            data.value,
            settings.objective,
            fit.learning_rate,
            fit.weight_decay,
            fit.batch_size,
            streams,
            data.truth if settings.objective.loss in NEED_TRUTH else None,
        )
        train, validation = data.train.take(train_rows), data.train.take(validation_rows)
        write_fit(job, run_offline_fit(fitting, train, validation, fit, job))


if __name__ == "__main__":
    main()

"""Measure one fit to the artificial environment, without training."""

from collections.abc import Sequence

from vaml.config.synthetic import FitSyntheticJob
from vaml.files import read_json, read_tensors
from vaml.runtime.job import running
from vaml.seeding import Streams


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job (paper, section 5.1): test errors of the last and of the best weights.

    The best weights are those of the best validation. A diverged fit has only the metrics of the
    true dynamics and of the data.
    """
    with running(
        "measure_synthetic",
        FitSyntheticJob,
        argv,
        inputs=("dynamics", "transitions", "model", "outcome"),
        outputs=("metrics",),
    ) as job:
        import torch

        from vaml.algorithms.synthetic_fit import read_synthetic, synthetic_model
        from vaml.algorithms.synthetic_metrics import (
            environment_metrics,
            error_metrics,
            synthetic_metrics,
        )
        from vaml.saving import load_module

        settings, cpu = job.settings, torch.device("cpu")
        objective, batch_size = settings.objective, settings.fit.batch_size
        # The fit's streams, since the metrics belong to it; fits of a seed share the noise.
        streams = Streams(settings.seed, "fit_synthetic", settings.hidden_size)
        data = read_synthetic(job.read("dynamics"), job.read("transitions"), settings, cpu)
        truth, test, value = data.truth, data.test, data.value
        model = synthetic_model(settings, torch.Generator())
        weights = job.read("model")
        metrics = read_json(job.read("outcome"))
        for kept in ("last", "best") if metrics["status"] == "ok" else ():
            load_module(model, read_tensors(weights, f"{kept}/"))
            metrics[kept] = synthetic_metrics(
                model, truth, test, value, objective, batch_size, streams
            )
        metrics["truth"] = error_metrics(truth, truth, test, value, objective, batch_size, streams)
        metrics |= environment_metrics(truth, test, value, batch_size, streams)
        job.write_result("metrics", metrics)


if __name__ == "__main__":
    main()

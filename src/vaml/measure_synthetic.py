"""Measure one fit to the artificial environment, without training."""

from collections.abc import Sequence

from vaml.config.synthetic import FitSyntheticJob
from vaml.files import read_json, read_tensors
from vaml.runtime.job import running


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

        from vaml.algorithms.synthetic_fit import fit_streams, read_synthetic, synthetic_model
        from vaml.metrics.exact import (
            SyntheticTest,
            environment_metrics,
            synthetic_metrics,
            truth_metrics,
        )
        from vaml.saving import load_module

        settings, cpu = job.settings, torch.device("cpu")
        streams = fit_streams(settings)
        data = read_synthetic(job.read("dynamics"), job.read("transitions"), settings, cpu)
        model = synthetic_model(settings, torch.Generator())
        samples, batch_size = settings.objective.model_samples, settings.fit.batch_size
        test = SyntheticTest(model, data.test, data.value, samples, batch_size, data.truth)
        weights = job.read("model")
        metrics = read_json(job.read("outcome"))
        for kept in ("last", "best") if metrics["status"] == "ok" else ():
            load_module(model, read_tensors(weights, f"{kept}/"))
            metrics[kept] = synthetic_metrics(test, streams)
        metrics["truth"] = truth_metrics(test, streams)
        metrics |= environment_metrics(test, streams)
        job.write_result("metrics", metrics)


if __name__ == "__main__":
    main()

"""Measure one fit to the replay buffer of a SAC snapshot, without training."""

from collections.abc import Sequence

from vaml.config.snapshots import FitSnapshotJob
from vaml.files import read_json, read_tensors
from vaml.runtime.job import running


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job (paper, section 5.2): test errors of the last and of the best weights.

    The best weights are those of the best validation. A diverged fit has no errors.
    """
    with running(
        "measure_snapshot",
        FitSnapshotJob,
        argv,
        inputs=("history", "snapshots", "model", "outcome"),
        outputs=("metrics",),
    ) as job:
        import torch

        from vaml.algorithms.snapshot_fit import fit_streams, read_snapshot, snapshot_model
        from vaml.metrics.errors import snapshot_metrics
        from vaml.metrics.model_test import ModelTest
        from vaml.saving import load_module

        settings, cpu = job.settings, torch.device("cpu")
        objective, batch_size = settings.objective, settings.fit.batch_size
        weights = job.read("model")
        metrics = read_json(job.read("outcome"))
        if metrics["status"] == "ok":
            streams = fit_streams(settings)
            data = read_snapshot(job.read("history"), job.read("snapshots"), settings, cpu)
            model = snapshot_model(settings, data, torch.Generator())
            test = ModelTest(model, data.test, data.value, objective.model_samples, batch_size)
            for kept in ("last", "best"):
                load_module(model, read_tensors(weights, f"{kept}/"))
                metrics[kept] = snapshot_metrics(
                    test, data.terminal, data.next_value, objective, streams
                )
        job.write_result("metrics", metrics)


if __name__ == "__main__":
    main()

"""Measure one fit to the replay buffer of a SAC snapshot, without training."""

from collections.abc import Sequence

from vaml.config.snapshots import FitSnapshotJob
from vaml.files import read_arrays, read_json, read_tensors
from vaml.runtime.job import running
from vaml.seeding import Streams


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

        from vaml.algorithms.snapshot_fit import read_snapshot, snapshot_model
        from vaml.data.snapshot import terminal_test_rows
        from vaml.metrics.errors import snapshot_metrics
        from vaml.metrics.model_test import ModelTest
        from vaml.saving import load_module

        settings, cpu = job.settings, torch.device("cpu")
        objective, batch_size = settings.objective, settings.fit.batch_size
        weights = job.read("model")
        metrics = read_json(job.read("outcome"))
        if metrics["status"] == "ok":
            # The fit's streams: the same split, and noise that the fits of a snapshot share.
            streams = Streams(settings.seed, "fit_snapshot", settings.environment_id, settings.step)
            history, snapshots = job.read("history"), job.read("snapshots")
            data = read_snapshot(history, snapshots, settings, streams.numpy("split"), cpu)
            rows = read_arrays(history), settings.step, settings.fit
            terminal = terminal_test_rows(*rows, streams.numpy("split"))
            model = snapshot_model(settings, data, torch.Generator())
            test = ModelTest(model, data.test, data.value, objective.model_samples, batch_size)
            for kept in ("last", "best"):
                load_module(model, read_tensors(weights, f"{kept}/"))
                metrics[kept] = snapshot_metrics(
                    test, terminal, data.next_value, objective, streams
                )
        job.write_result("metrics", metrics)


if __name__ == "__main__":
    main()

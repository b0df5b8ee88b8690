"""Fit one dynamics model to the replay buffer of a SAC snapshot."""

from collections.abc import Sequence

from vaml.config.snapshots import FitSnapshotJob
from vaml.files import UnreadableFile, read_arrays
from vaml.runtime.job import running


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job (paper, section 5.2).

    Fits of one snapshot share the split, the initial weights and the random streams.
    """
    with running(
        "fit_snapshot",
        FitSnapshotJob,
        argv,
        inputs=("history", "snapshots"),
        outputs=("model", "curve", "outcome"),
    ) as job:
        import torch

        from vaml.algorithms.model_fitting import ModelFitting
        from vaml.algorithms.offline_fit import not_started, run_offline_fit, write_fit
        from vaml.algorithms.snapshot_fit import fit_streams, read_snapshot, snapshot_model
        from vaml.runtime.torch_device import job_device

        settings, fit, device = job.settings, job.settings.fit, job_device(job)
        streams = fit_streams(settings)
        history, snapshots = job.read("history"), job.read("snapshots")
        try:
            data = read_snapshot(history, snapshots, settings, device)
        except UnreadableFile:
            # Both files are the run's. A run longer than this must have taken the snapshot.
            steps = len(read_arrays(history)["rewards"])
            if steps > settings.step:
                raise
            write_fit(job, not_started("train_sac", steps))
            return
        initial = torch.Generator().manual_seed(streams.seed("initialisation"))
        fitting = ModelFitting(
            snapshot_model(settings, data, initial).to(device),
            data.value,
            settings.objective,
            fit.learning_rate,
            fit.weight_decay,
            fit.batch_size,
            streams,
        )
        write_fit(job, run_offline_fit(fitting, data.train, data.validation, fit, job))


if __name__ == "__main__":
    main()

"""Fit one dynamics model to the replay buffer of a SAC snapshot."""

from collections.abc import Sequence

from vaml.config.snapshots import FitSnapshotJob, saved_steps
from vaml.files import (
    UnreadableFile,
    read_arrays,
    read_tensors,
    write_rows,
    write_tensors,
)
from vaml.runtime.job import running
from vaml.seeding import Streams


def main(argv: Sequence[str] | None = None) -> None:
    """Paper, section 5.2. The objectives of one snapshot share split, weights and streams."""
    with running(
        "fit_snapshot",
        FitSnapshotJob,
        argv,
        inputs=("history", "snapshots"),
        outputs=("model", "curve", "outcome"),
    ) as job:
        import torch

        from vaml.algorithms.model_fitting import ModelFitting
        from vaml.algorithms.model_metrics import snapshot_metrics
        from vaml.algorithms.offline_fit import CURVE_COLUMNS, not_started, run_offline_fit
        from vaml.algorithms.training_state import module_arrays
        from vaml.data.snapshot import snapshot_parts
        from vaml.networks.dynamics import GaussianDynamics
        from vaml.networks.value import SoftValue
        from vaml.runtime.torch_device import job_device

        settings, fit, device = job.settings, job.settings.fit, job_device(job)
        streams = Streams(settings.seed, "fit_snapshot", settings.environment_id, settings.step)
        history = read_arrays(job.read("history"))
        steps = len(history["rewards"])
        snapshots = job.read("snapshots")
        try:
            value = SoftValue.from_snapshot(read_tensors(snapshots, f"{settings.step}/"), device)
        except UnreadableFile:
            # Both files are what the run left. Longer than this, it had to take the snapshot.
            if steps > settings.step:
                raise
            write_tensors(job.outputs["model"], {})
            write_rows(job.outputs["curve"], CURVE_COLUMNS, [])
            job.write_outcome(not_started("train_sac", steps))
            return
        later = (step for step in saved_steps(snapshots) if step > settings.step)
        next_step = next(later, None)
        next_value = None
        if next_step is not None:
            next_value = SoftValue.from_snapshot(read_tensors(snapshots, f"{next_step}/"), device)
        train, validation, test = (
            part.to(device)
            for part in snapshot_parts(history, settings.step, fit, streams.numpy("split"))
        )
        model = GaussianDynamics(
            train.observations.shape[1],
            train.actions.shape[1],
            settings.model_hidden_sizes,
            "orthogonal",
            torch.Generator().manual_seed(streams.seed("initialisation")),
        ).to(device)
        fitting = ModelFitting(
            model,
            value,
            settings.objective,
            fit.learning_rate,
            fit.weight_decay,
            fit.batch_size,
            streams,
            captured=device.type == "cuda",
        )

        def measured(candidate: GaussianDynamics) -> dict[str, float]:
            return snapshot_metrics(
                candidate, test, value, next_value, settings.objective, fit.batch_size, streams
            )

        outcome, curve = run_offline_fit(fitting, train, validation, fit, measured, job)
        write_tensors(job.outputs["model"], module_arrays(model))
        write_rows(job.outputs["curve"], CURVE_COLUMNS, curve)
        job.write_outcome(outcome)


if __name__ == "__main__":
    main()

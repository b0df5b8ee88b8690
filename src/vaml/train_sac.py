"""Train soft actor-critic in one environment, with snapshots along the way."""

from collections.abc import Sequence

from vaml.config.sac import TrainSACJob
from vaml.files import write_arrays, write_rows, write_tensors
from vaml.runtime.job import running
from vaml.seeding import Streams


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job (paper, section 5.2): the data that the offline fits use."""
    with running(
        "train_sac",
        TrainSACJob,
        argv,
        outputs=("history", "snapshots", "evaluations", "training", "outcome"),
    ) as job:
        from vaml.algorithms.evaluation import EVALUATION_COLUMNS
        from vaml.algorithms.sac import SACRun
        from vaml.algorithms.scalars import SCALAR_COLUMNS
        from vaml.algorithms.training_run import run_training
        from vaml.runtime.torch_device import job_device

        settings = job.settings
        streams = Streams(settings.seed, "train_sac", settings.environment_id)
        run = SACRun(settings, streams, job_device(job))
        outcome = run_training(run, settings.training.total_steps, job)
        write_arrays(job.outputs["history"], run.interaction.history.arrays())
        write_tensors(job.outputs["snapshots"], run.snapshots)
        write_rows(job.outputs["evaluations"], EVALUATION_COLUMNS, run.evaluations.rows)
        write_rows(job.outputs["training"], SCALAR_COLUMNS, run.scalars.rows)
        job.write_result("outcome", outcome)


if __name__ == "__main__":
    main()

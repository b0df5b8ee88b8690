"""Train a model-based actor-critic agent in one environment."""

from collections.abc import Sequence

from vaml.config.mbac import TrainMBACJob
from vaml.files import write_rows, write_tensors
from vaml.runtime.job import running
from vaml.seeding import Streams


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job (paper, section 5.3, Algorithm 1).

    Agents of one environment and seed share random streams.
    """
    with running(
        "train_mbac",
        TrainMBACJob,
        argv,
        outputs=("networks", "evaluations", "training", "fits", "diagnostics", "outcome"),
    ) as job:
        from vaml.algorithms.diagnostics import DIAGNOSTIC_COLUMNS
        from vaml.algorithms.evaluation import EVALUATION_COLUMNS
        from vaml.algorithms.learned_model import FIT_COLUMNS
        from vaml.algorithms.mbac import MBACRun
        from vaml.algorithms.scalars import SCALAR_COLUMNS
        from vaml.algorithms.training_run import run_training
        from vaml.runtime.torch_device import job_device

        settings = job.settings
        streams = Streams(settings.seed, "train_mbac", settings.environment_id)
        run = MBACRun(settings, streams, job_device(job))
        outcome = run_training(run, settings.total_steps, job)
        write_tensors(job.outputs["networks"], run.networks())
        write_rows(job.outputs["evaluations"], EVALUATION_COLUMNS, run.evaluations.rows)
        write_rows(job.outputs["training"], SCALAR_COLUMNS, run.scalars.rows)
        fits = run.learned.fits if run.learned else []
        write_rows(job.outputs["fits"], FIT_COLUMNS, fits)
        write_rows(job.outputs["diagnostics"], DIAGNOSTIC_COLUMNS, run.diagnostics.rows)
        job.write_result("outcome", {**outcome, "fits": len(fits)})


if __name__ == "__main__":
    main()

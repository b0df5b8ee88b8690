"""Train a model-based actor-critic agent in one environment."""

from collections.abc import Sequence

from vaml.study.files import write_rows, write_tensors
from vaml.study.job import running
from vaml.study.mbac import TrainMBACJob
from vaml.study.seeding import Streams


def main(argv: Sequence[str] | None = None) -> None:
    """Paper, section 5.3 and Algorithm 1. Agents of one seed share their random streams."""
    with running(
        "train_mbac",
        TrainMBACJob,
        argv,
        outputs=("networks", "evaluations", "fits", "outcome"),
    ) as job:
        from vaml.algorithms.evaluation import EVALUATION_COLUMNS
        from vaml.algorithms.mbac import FIT_COLUMNS, MBACRun
        from vaml.algorithms.training_run import run_training

        settings = job.settings
        run = MBACRun(settings, Streams(settings.seed, "train_mbac", settings.environment_id))
        outcome = run_training(run, settings.total_steps, job)
        write_tensors(job.outputs["networks"], run.networks())
        write_rows(job.outputs["evaluations"], EVALUATION_COLUMNS, run.evaluations.rows())
        write_rows(job.outputs["fits"], FIT_COLUMNS, run.fits)
        job.write_outcome({**outcome, "fits": len(run.fits)})


if __name__ == "__main__":
    main()

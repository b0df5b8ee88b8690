"""Fit one dynamics model to the artificial environment's transitions."""

from collections.abc import Sequence

from vaml.config.synthetic import FitSyntheticJob
from vaml.files import read_arrays, read_tensors, write_rows, write_tensors
from vaml.runtime.job import running
from vaml.seeding import Streams


def main(argv: Sequence[str] | None = None) -> None:
    """Paper, section 5.1. Fits of one width and seed share data, value function and streams."""
    with running(
        "fit_synthetic",
        FitSyntheticJob,
        argv,
        inputs=("dynamics", "transitions"),
        outputs=("model", "curve", "outcome"),
    ) as job:
        import torch

        from vaml.algorithms.model_fitting import ModelFitting
        from vaml.algorithms.offline_fit import CURVE_COLUMNS, run_offline_fit
        from vaml.algorithms.synthetic_metrics import (
            environment_metrics,
            error_metrics,
            synthetic_metrics,
        )
        from vaml.algorithms.training_state import below, load_module, module_arrays
        from vaml.config.objectives import NEED_TRUTH
        from vaml.data.transitions import Transitions, random_split
        from vaml.networks.dynamics import GaussianDynamics
        from vaml.networks.value import RandomValue
        from vaml.runtime.torch_device import job_device

        settings, data, fit = job.settings, job.settings.dynamics, job.settings.fit
        device = job_device(job)
        streams = Streams(settings.seed, "fit_synthetic", settings.hidden_size)
        size = settings.hidden_size

        def dynamics(hidden_sizes: list[int], stream: str) -> GaussianDynamics:
            generator = torch.Generator().manual_seed(streams.seed(stream))
            return GaussianDynamics(
                data.observation_size, data.action_size, hidden_sizes, "default", generator
            ).to(device)

        tensors = read_tensors(job.read("dynamics"))
        truth = dynamics([size, size], "truth")  # its weights are replaced
        load_module(truth, below("dynamics", tensors))
        value = RandomValue(data.observation_size, data.value_hidden_size, torch.Generator())
        value.to(device)
        load_module(value, below("value", tensors))
        for module in (truth, value):
            module.requires_grad_(False)

        arrays = read_arrays(job.read("transitions"))
        train, test = (
            Transitions(
                *(
                    torch.from_numpy(arrays[f"{part}_{name}"])
                    for name in ("observations", "actions", "next_observations")
                )
            ).to(device)
            for part in ("train", "test")
        )
        held_out = round(fit.validation_fraction * len(train))
        train_rows, validation_rows = random_split(len(train), [held_out], streams.numpy("split"))

        realizable = settings.setting == "realizable"
        narrow = max(1, round(fit.unrealizable_width * size))
        model = dynamics([size, size] if realizable else [narrow], "initialisation")
        fitting = ModelFitting(
            model,
            value,
            settings.objective,
            fit.learning_rate,
            fit.weight_decay,
            fit.batch_size,
            streams,
            truth if settings.objective.loss in NEED_TRUTH else None,
            captured=device.type == "cuda",
        )

        def measured(candidate: GaussianDynamics) -> dict[str, float]:
            return synthetic_metrics(
                candidate, truth, test, value, settings.objective, fit.batch_size, streams
            )

        outcome, rows = run_offline_fit(
            fitting, train.take(train_rows), train.take(validation_rows), fit, measured, job
        )
        outcome["truth"] = error_metrics(
            truth, truth, test, value, settings.objective, fit.batch_size, streams
        )
        outcome |= environment_metrics(truth, test, value, fit.batch_size, streams)
        write_tensors(job.outputs["model"], module_arrays(model))
        write_rows(job.outputs["curve"], CURVE_COLUMNS, rows)
        job.write_outcome(outcome)


if __name__ == "__main__":
    main()

"""Draw random dynamics, a random value function and transitions of the artificial environment."""

from collections.abc import Sequence

from vaml.config.synthetic import SimulateDynamicsJob
from vaml.files import write_arrays, write_tensors
from vaml.runtime.job import running
from vaml.seeding import Streams


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job (paper, section 5.1): the true dynamics and the data that the fits share."""
    with running(
        "simulate_dynamics", SimulateDynamicsJob, argv, outputs=("dynamics", "transitions")
    ) as job:
        import torch

        from vaml.envs.synthetic import simulate
        from vaml.networks.dynamics import GaussianDynamics
        from vaml.networks.value import RandomValue
        from vaml.saving import module_arrays, prefixed

        settings, data = job.settings, job.settings.dynamics
        streams = Streams(settings.seed, "simulate_dynamics", settings.hidden_size)

        def stream(name: str) -> torch.Generator:
            return torch.Generator().manual_seed(streams.seed(name))

        dynamics = GaussianDynamics(
            data.observation_size,
            data.action_size,
            [settings.hidden_size, settings.hidden_size],
            "default",
            stream("dynamics"),
            data.head_gain,
        )
        dynamics.rescale(data.mean_scale, data.noise_scale)
        value = RandomValue(data.observation_size, data.value_hidden_size, stream("value"))
        rows = simulate(
            dynamics,
            data.train_transitions + data.test_transitions,
            data.horizon,
            stream("episodes"),
        )
        write_tensors(
            job.outputs["dynamics"],
            prefixed("dynamics", module_arrays(dynamics)) | prefixed("value", module_arrays(value)),
        )
        write_arrays(
            job.outputs["transitions"],
            {
                f"{part}_{name}": getattr(rows, name)[span].numpy()
                for part, span in (
                    ("train", slice(None, data.train_transitions)),
                    ("test", slice(data.train_transitions, None)),
                )
                for name in ("observations", "actions", "next_observations")
            },
        )


if __name__ == "__main__":
    main()

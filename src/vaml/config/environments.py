"""The environments that a config may name, checked before any job starts."""

from dataclasses import dataclass

from vaml.config.fields import by_name


def unversioned(environment: str) -> str:
    """The name without its version: Hopper for Hopper-v4 and for Hopper-v5."""
    return environment.rpartition("-v")[0]


@dataclass(frozen=True)
class EnvironmentFacts:
    """Facts about an environment that the config's checks need.

    keeps_position: the x-position can be kept in the observation.
    known: `vaml.envs.known` has its reward and termination, which model-based actor-critic needs.
        If the environment can keep the x-position, they read it, so that it must be kept.
    """

    keeps_position: bool
    known: bool


ENVIRONMENTS: dict[str, EnvironmentFacts] = by_name(
    {
        "HalfCheetah-v5": EnvironmentFacts(keeps_position=True, known=False),
        "Hopper-v4": EnvironmentFacts(keeps_position=True, known=True),
        "Hopper-v5": EnvironmentFacts(keeps_position=True, known=True),
        "InvertedPendulum-v4": EnvironmentFacts(keeps_position=False, known=True),
        "InvertedPendulum-v5": EnvironmentFacts(keeps_position=False, known=True),
        "Pusher-v4": EnvironmentFacts(keeps_position=False, known=True),
        "Pusher-v5": EnvironmentFacts(keeps_position=False, known=True),
        "Walker2d-v4": EnvironmentFacts(keeps_position=True, known=True),
        "Walker2d-v5": EnvironmentFacts(keeps_position=True, known=True),
    }
)

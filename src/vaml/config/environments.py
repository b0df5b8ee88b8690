"""The environments that a config may name, checked before any job starts."""

from dataclasses import dataclass

from vaml.config.fields import by_name


def unversioned(environment: str) -> str:
    """Hopper-v4 and Hopper-v5 are both Hopper."""
    return environment.rpartition("-v")[0]


@dataclass(frozen=True)
class EnvironmentFacts:
    """What the config's checks need to know of an environment.

    keeps_position: the x-position can be kept in the observation.
    known: `vaml.envs.known` has its reward and termination, which model-based actor-critic needs;
        those of an environment that can keep the x-position read it, so it must be kept there.
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
        "Pusher-v5": EnvironmentFacts(keeps_position=False, known=True),
        "Walker2d-v4": EnvironmentFacts(keeps_position=True, known=True),
        "Walker2d-v5": EnvironmentFacts(keeps_position=True, known=True),
    }
)

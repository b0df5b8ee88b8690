"""A few numbers that show, at intervals, how training goes; no result depends on them."""

import math
from collections.abc import Callable, Mapping

from vaml.algorithms.rows import Number, Rows
from vaml.saving import Stateful

SCALAR_COLUMNS = (
    "env_step",
    "critic_loss",
    "actor_loss",
    "value",
    "temperature",
    "entropy",
    "episode_return",
    "model_loss",
)
# Environment steps between rows, and the number of rows of a shorter run.
_EVERY, _ROWS = 1000, 20


class Scalars(Stateful):
    """One row every 1000 environment steps, or about 20 in a run of less than 20 000.

    The numbers are those of the last gradient step, which computes them in any case.
    """

    saved = ("rows",)

    def __init__(self, total_steps: int) -> None:
        self._every = min(_EVERY, max(1, total_steps // _ROWS))
        self.rows = Rows(SCALAR_COLUMNS, counts=["env_step"])

    def add(self, env_step: int, numbers: Callable[[], Mapping[str, float | None]]) -> None:
        """Add a row if one is due; a number that is missing or not finite becomes None."""
        if env_step % self._every == 0:
            known = {"env_step": env_step, **numbers()}
            self.rows.add({name: _finite(known.get(name)) for name in SCALAR_COLUMNS})

    def is_new(self, env_step: int) -> bool:
        """True if a row was added at this step."""
        return bool(self.rows) and self.rows[-1]["env_step"] == env_step


def _finite(number: Number) -> Number:
    return number if number is not None and math.isfinite(number) else None

"""A few numbers that show, at intervals, how training goes; no result depends on them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

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


class Scalars:
    """One row every 1000 environment steps, or about 20 in a run of less than 20 000.

    They are taken from the last gradient step, which computes them in any case.
    """

    def __init__(self, total_steps: int) -> None:
        self._every = min(_EVERY, max(1, total_steps // _ROWS))
        self._rows: list[tuple[float, ...]] = []

    def add(self, env_step: int, numbers: Callable[[], Mapping[str, float | None]]) -> None:
        """Add a row if one is due; numbers that are missing or None become NaN."""
        if env_step % self._every == 0:
            known = numbers()
            found = (known.get(name) for name in SCALAR_COLUMNS[1:])
            self._rows.append((env_step, *(np.nan if n is None else n for n in found)))

    def is_new(self, env_step: int) -> bool:
        """True if a row was added at this step."""
        return bool(self._rows) and self._rows[-1][0] == env_step

    def rows(self) -> list[dict[str, Any]]:
        """Rows by column, with None for NaN."""
        return [
            {
                name: int(number) if name == "env_step" else number if np.isfinite(number) else None
                for name, number in zip(SCALAR_COLUMNS, row, strict=True)
            }
            for row in self._rows
        ]

    def array(self) -> np.ndarray:
        """All rows so far, for saving: (rows, columns)."""
        return np.array(self._rows, np.float64).reshape(-1, len(SCALAR_COLUMNS))

    def restore(self, array: np.ndarray) -> None:
        """Go on from what `array` gave."""
        self._rows = [tuple(row) for row in array.tolist()]

"""The error raised when a loss, parameter or return is NaN or infinite."""

from collections.abc import Mapping

import numpy as np


class Diverged(Exception):
    """Raised when a loss, parameter or return is NaN or infinite.

    where: the name of the tensor or quantity. step: the step of the loop in which it was seen.
    """

    def __init__(self, where: str, step: int) -> None:
        super().__init__(f"diverged at step {step}: {where} is not finite")
        self.where = where
        self.step = step


def not_finite(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Name of the first array with a NaN or an infinity; None where all are finite."""
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)


def require_finite(arrays: Mapping[str, np.ndarray], step: int) -> None:
    """Raise Diverged with the name of the first array that is not finite."""
    name = not_finite(arrays)
    if name is not None:
        raise Diverged(name, step)

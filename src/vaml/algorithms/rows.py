"""The rows of a table of numbers, as a run adds them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vaml.saving import Arrays

Number = float | None


class Rows(list[dict[str, Any]]):
    """Rows by column, saved as one array; None where there is no number.

    counts: the columns of whole numbers.
    """

    def __init__(self, columns: Sequence[str], counts: Sequence[str] = ()) -> None:
        super().__init__()
        self.columns, self.counts = tuple(columns), frozenset(counts)

    def add(self, row: Mapping[str, Number]) -> None:
        """Add a row; NaN becomes None. KeyError: its names are not those of the columns."""
        if unknown := row.keys() - set(self.columns):
            raise KeyError(", ".join(sorted(unknown)))
        self.append({name: self._number(name, row[name]) for name in self.columns})

    def _number(self, column: str, number: Number) -> Number:
        if number is None or math.isnan(number):
            return None
        return int(number) if column in self.counts else float(number)

    def arrays(self) -> Arrays:
        """All rows, for saving: (rows, columns)."""
        numbers = [[math.nan if x is None else x for x in row.values()] for row in self]
        return {"": np.array(numbers, np.float64).reshape(-1, len(self.columns))}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the state that `arrays` gave."""
        self.clear()
        for row in arrays[""].tolist():
            self.add(dict(zip(self.columns, row, strict=True)))

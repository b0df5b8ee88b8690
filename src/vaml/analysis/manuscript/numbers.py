"""Numbers as the manuscript prints them."""

import math
from collections.abc import Iterable

import numpy as np

NONE = "–"


def number_text(value: float | None) -> str:
    """Three significant digits and a true minus sign; very large and very small: 1.23e16."""
    if value is None or not math.isfinite(value):
        return NONE
    rounded = float(f"{value:.3g}")
    if rounded == 0:
        return "0"
    if isinstance(value, int | np.integer):
        return str(value).replace("-", "−")
    exponent = math.floor(math.log10(abs(rounded)))
    if not -3 <= exponent < 5:
        digits, power = f"{rounded:.2e}".split("e")
        return f"{digits}e{int(power)}".replace("-", "−")
    return f"{rounded:.{max(0, 2 - exponent)}f}".replace("-", "−")


def span(values: Iterable[float]) -> str:
    """Lowest and highest of the finite values."""
    finite = [value for value in values if math.isfinite(value)]
    ends = [number_text(end) for end in (min(finite), max(finite))] if finite else [NONE]
    return " to ".join(dict.fromkeys(ends))

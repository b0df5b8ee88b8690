"""Numbers as summaries, the overview and the manuscript print them."""

import math
from collections.abc import Iterable

import numpy as np

NONE = "–"


def digits(value: float) -> str:
    """Three significant digits and a true minus sign; very large and very small: 1.23e16.

    value: finite.
    """
    rounded = float(f"{value:.3g}")
    exponent = math.floor(math.log10(abs(rounded))) if rounded else 0
    if not -3 <= exponent < 5:
        number, power = f"{rounded:.2e}".split("e")
        return f"{number}e{int(power)}".replace("-", "−")
    return f"{rounded:.{max(0, 2 - exponent)}f}".replace("-", "−")


def number_text(value: float | None) -> str:
    """Three significant digits of a number, all of a whole number, a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    return str(value).replace("-", "−") if isinstance(value, int | np.integer) else digits(value)


def interval_text(low: str, high: str) -> str | None:
    """An interval of which both ends are known; else None."""
    return None if NONE in (low, high) else f"[{low}, {high}]"


def span(values: Iterable[float]) -> str:
    """Lowest and highest of the finite values."""
    finite = [value for value in values if math.isfinite(value)]
    ends = [number_text(end) for end in (min(finite), max(finite))] if finite else [NONE]
    return " to ".join(dict.fromkeys(ends))

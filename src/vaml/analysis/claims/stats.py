"""Statistics for a handful of independent runs: intervals, tests, and what so few can detect.

The methods are scipy's where it has them. A run (seed) is one number here: several numbers per run
(snapshots, evaluations, episodes) must be summarised first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import optimize, special, stats

Interval = tuple[float, float]
Values = Sequence[float]

NO_INTERVAL: Interval = (math.nan, math.nan)


@dataclass(frozen=True)
class Estimate:
    """A mean, or a difference of means, whose error follows Student's t distribution.

    standard_error: 0 where all values of a sample are the same, which says nothing about the
    spread between runs; there is then no interval and no test.
    """

    effect: float
    standard_error: float
    degrees_of_freedom: float

    @property
    def has_spread(self) -> bool:
        return self.standard_error > 0 and self.degrees_of_freedom > 0

    def interval(self, confidence: float) -> Interval:
        """Two-sided confidence interval of the effect."""
        if not self.has_spread:
            return NO_INTERVAL
        reach = self.standard_error * self._quantile((1 + confidence) / 2)
        return self.effect - reach, self.effect + reach

    def p_above(self, margin: float) -> float:
        """One-sided p of "the effect is at most `margin`"."""
        return float(special.stdtr(self.degrees_of_freedom, -self._distance(margin)))

    def p_below(self, margin: float) -> float:
        """One-sided p of "the effect is at least `margin`"."""
        return float(special.stdtr(self.degrees_of_freedom, self._distance(margin)))

    def p_equivalence(self, margin: float) -> float:
        """TOST: p of "the effect lies outside ±margin", the larger of the two one-sided ones."""
        return max(self.p_above(-margin), self.p_below(margin))

    def detectable(self, confidence: float, power: float) -> float:
        """Distance of the true effect from a limit at which the interval excludes that limit too.

        The interval does so with probability `power`, at least one half. The observed standard
        error stands for the true one.
        """
        if not self.has_spread:
            return math.nan
        critical = self._quantile((1 + confidence) / 2)

        def missing(noncentrality: float) -> float:
            return power - float(stats.nct.sf(critical, self.degrees_of_freedom, noncentrality))

        # For a shifted t statistic, the answer would be `critical + quantile(power)`.
        highest = 2 * (critical + self._quantile(power))
        root: Any = optimize.brentq(missing, 0.0, highest)
        return self.standard_error * float(root)

    def _distance(self, margin: float) -> float:
        return (self.effect - margin) / self.standard_error if self.has_spread else math.nan

    def _quantile(self, probability: float) -> float:
        return float(special.stdtrit(self.degrees_of_freedom, probability))


def mean_of(values: Values) -> Estimate:
    """The mean of independent runs, or of differences paired by seed (Student)."""
    n = len(values)
    return Estimate(float(np.mean(values)), _sd(values) / math.sqrt(n), n - 1)


def difference_of_means(treatment: Values, baseline: Values) -> Estimate:
    """Mean of `treatment` minus mean of `baseline`, of two independent samples (Welch)."""
    return total([mean_of(treatment), scaled(mean_of(baseline), -1.0)])


def total(parts: Sequence[Estimate]) -> Estimate:
    """The sum of independent estimates, with the degrees of freedom of Welch and Satterthwaite."""
    variances = [part.standard_error**2 for part in parts]
    spread = sum(
        variance**2 / part.degrees_of_freedom
        for part, variance in zip(parts, variances, strict=True)
        if variance > 0
    )
    degrees = sum(variances) ** 2 / spread if spread > 0 else 0.0
    return Estimate(sum(part.effect for part in parts), math.sqrt(sum(variances)), degrees)


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The estimate in other units."""
    return Estimate(
        factor * estimate.effect,
        abs(factor) * estimate.standard_error,
        estimate.degrees_of_freedom,
    )


def _sd(values: Values) -> float:
    """The sample's standard deviation; exactly 0 where all values are the same."""
    return float(np.std(values, ddof=1)) if len(values) > 1 and np.ptp(values) > 0 else 0.0


def permutation_p(samples: Sequence[Values], resamples: int, rng: np.random.Generator) -> float:
    """Two-sided p of "no difference" without assuming a distribution.

    One sample of paired differences: all sign flips. Two samples: all assignments of the values to
    the samples. If there are more than `resamples` of them, a random selection is used.
    """
    result = stats.permutation_test(
        [np.asarray(sample, dtype=np.float64) for sample in samples],
        _mean_difference,
        permutation_type="samples" if len(samples) == 1 else "independent",
        n_resamples=resamples,
        batch=10_000,
        rng=rng,
    )
    return float(result.pvalue)


def _mean_difference(*samples: np.ndarray, axis: int) -> np.ndarray:
    means = [np.mean(sample, axis=axis) for sample in samples]
    return means[0] if len(means) == 1 else means[0] - means[1]


def share_interval(
    count: int, n: int, confidence: float, method: Literal["exact", "wilson"] = "exact"
) -> Interval:
    """Clopper and Pearson's exact interval of a share of runs, or Wilson's."""
    interval = stats.binomtest(count, n).proportion_ci(confidence, method=method)
    return float(interval.low), float(interval.high)


def share_p(count: int, n: int, share: float, alternative: str) -> float:
    """One-sided exact p of "the share is `share`" against `less` or `greater`."""
    return float(stats.binomtest(count, n, share, alternative=alternative).pvalue)


def share_difference_interval(
    treatment: tuple[int, int], baseline: tuple[int, int], confidence: float
) -> Interval:
    """Interval of a difference of two shares, each given as (count, n).

    Newcombe's (1998, method 10), from Wilson's interval of each share. It is too short for so few
    runs, so it is widened to 0 wherever `share_difference_p` does not reject at 1 - confidence: it
    excludes 0 by chance no more often than that exact test allows.
    """
    (first, low, high), (second, other_low, other_high) = (
        (count / n, *share_interval(count, n, confidence, "wilson"))
        for count, n in (treatment, baseline)
    )
    difference = first - second
    down = math.hypot(first - low, other_high - second)
    up = math.hypot(high - first, second - other_low)
    interval = difference - down, difference + up
    if share_difference_p(treatment, baseline) > 1 - confidence:
        return min(interval[0], 0.0), max(interval[1], 0.0)
    return interval


def share_difference_p(treatment: tuple[int, int], baseline: tuple[int, int]) -> float:
    """Boschloo's exact test of two shares, each given as (count, n); two-sided.

    Never less powerful than Fisher's: 4 of 4 against 0 of 4 has p = 0.008 in place of 0.03.
    """
    if treatment[0] * baseline[1] == baseline[0] * treatment[1]:
        return 1.0
    (count, n), (other, m) = treatment, baseline
    table = [[count, other], [n - count, m - other]]  # a column per sample
    result: Any = stats.boschloo_exact(table)
    return min(1.0, float(result.pvalue))


def rank_correlation(x: Values, y: Values) -> tuple[float, float]:
    """Spearman's ρ and its p, which takes the points for independent.

    ρ = 0, p = 1 where either is constant: no trend; NaN with fewer than three points.
    """
    if len(x) < 3:
        return math.nan, math.nan
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0, 1.0
    result: Any = stats.spearmanr(x, y)
    return float(result.statistic), float(result.pvalue)

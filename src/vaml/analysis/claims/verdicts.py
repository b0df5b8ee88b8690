"""The rule from a comparison's numbers to a verdict, for our runs and for the authors' numbers."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vaml.analysis.claims.measures import Sample
from vaml.analysis.claims.stats import (
    NO_INTERVAL,
    Estimate,
    Interval,
    difference_of_means,
    mean_of,
    permutation_p,
    share_difference_interval,
    share_difference_p,
    share_interval,
    share_p,
)
from vaml.config.claims import Comparison, Direction, Verdict, limit_of
from vaml.config.statistics import Statistics

_DIFFERENCE = "no difference"


@dataclass(frozen=True)
class Rule:
    """Confidence that the verdicts of one claim in one variant need.

    needs: `all` or `any` of its comparisons. tests: how many those are. Where one of them alone can
    decide a claim, each is held to an interval of confidence 1 - (1 - confidence) / tests
    (Bonferroni): for support if any will do, against support if all are needed. A verdict that
    takes all of them needs no such correction. So a claim's verdict is wrong in at most
    1 - confidence of all studies, whatever the truth, if the runs' numbers are about normal.
    """

    statistics: Statistics
    needs: Literal["all", "any"]
    tests: int

    @property
    def confidence(self) -> float:
        return self.statistics.confidence

    @property
    def adjusted(self) -> float:
        """The confidence at which one comparison alone may decide."""
        return 1 - (1 - self.confidence) / self.tests

    @property
    def supporting(self) -> float:
        """The confidence that support of a comparison needs."""
        return self.adjusted if self.needs == "any" else self.confidence

    @property
    def opposing(self) -> float:
        """The confidence that contradiction of a comparison needs."""
        return self.adjusted if self.needs == "all" else self.confidence


@dataclass(frozen=True)
class Judgement:
    """Estimate, interval, tests and verdict of one comparison. NaN: not computed.

    n: runs of the method, and of the baseline if it is a sample of its own. p: unadjusted, of
    `p_null`, the null hypothesis that must be rejected. p_permutation: of "no difference".
    detectable: the true effect at which this number of runs would support the claim, with the
    power that the config sets.
    """

    n: tuple[int, ...] = ()
    effect: float = math.nan
    interval: Interval = NO_INTERVAL
    p: float = math.nan
    p_null: str = ""
    p_permutation: float = math.nan
    detectable: float = math.nan
    verdict: Verdict = "not tested"
    reason: str = ""


def from_sample(
    comparison: Comparison, sample: Sample, rule: Rule, rng: np.random.Generator
) -> Judgement:
    """All numbers of a comparison of our runs, and its verdict."""
    arms = sample.arms
    if comparison.summary == "lower_everywhere":
        return _of_share(comparison, arms[0], rule)
    estimate = mean_of(arms[0]) if len(arms) == 1 else difference_of_means(*arms)
    n = tuple(len(arm) for arm in arms)
    if comparison.summary == "diverged":
        judgement = _of_shares(comparison, arms, rule)
    else:
        judgement = from_estimate(comparison, estimate, n, rule)
    if judgement.verdict == "not tested":
        return judgement
    resamples = rule.statistics.permutation_resamples
    return replace(judgement, p_permutation=permutation_p(arms, resamples, rng))


def from_estimate(
    comparison: Comparison, estimate: Estimate, n: tuple[int, ...], rule: Rule
) -> Judgement:
    """Judge a comparison of which only means and their standard errors are known."""
    if lack := _too_few(comparison, n, rule):
        return Judgement(n, estimate.effect, reason=lack)
    if not estimate.has_spread:
        return Judgement(
            n, estimate.effect, verdict="inconclusive", reason=_no_spread(n, estimate, rule)
        )
    p, null = _test(estimate, comparison.direction, comparison.smallest_difference)

    def interval(confidence: float) -> Interval:
        low, high = estimate.interval(confidence)
        if comparison.summary == "rank_correlation":
            return max(low, -1.0), min(high, 1.0)
        return low, high

    return Judgement(
        n,
        estimate.effect,
        interval(rule.confidence),
        p=p,
        p_null=null,
        detectable=_detectable(comparison, estimate, rule),
        verdict=verdict(comparison, interval, rule),
    )


def _too_few(comparison: Comparison, n: tuple[int, ...], rule: Rule) -> str:
    needed = max(rule.statistics.minimum_seeds, comparison.minimum_seeds or 0)
    return f"n = {min(n)}, needs {needed}" if min(n) < needed else ""


def _no_spread(n: tuple[int, ...], estimate: Estimate, rule: Rule) -> str:
    unseen = 1 - (1 - rule.confidence) ** (1 / min(n))
    return (
        f"every run gave the same value, with an effect of {estimate.effect:g}: "
        f"what strikes fewer than {unseen:.0%} of runs can stay unseen in {min(n)}"
    )


def _of_share(comparison: Comparison, halves: Sequence[float], rule: Rule) -> Judgement:
    """Judge a share of seeds, less one half, exactly. halves: ½ for a seed that counts, else -½."""
    count, n = sum(half > 0 for half in halves), len(halves)
    effect = count / n - 0.5
    if lack := _too_few(comparison, (n,), rule):
        return Judgement((n,), effect, reason=lack)

    def interval(confidence: float) -> Interval:
        low, high = share_interval(count, n, confidence)
        return low - 0.5, high - 0.5

    limit, down = limit_of(comparison.direction, comparison.smallest_difference)
    p = share_p(count, n, 0.5 + limit, "less" if down else "greater")
    return Judgement(
        (n,),
        effect,
        interval(rule.confidence),
        p=p,
        p_null=_beyond(limit, down),
        verdict=verdict(comparison, interval, rule),
    )


def _of_shares(comparison: Comparison, arms: Sequence[Sequence[float]], rule: Rule) -> Judgement:
    treatment, baseline = ((round(sum(arm)), len(arm)) for arm in arms)
    n = (treatment[1], baseline[1])
    effect = treatment[0] / treatment[1] - baseline[0] / baseline[1]
    if lack := _too_few(comparison, n, rule):
        return Judgement(n, effect, reason=lack)

    def interval(confidence: float) -> Interval:
        return share_difference_interval(treatment, baseline, confidence)

    return Judgement(
        n,
        effect,
        interval(rule.confidence),
        p=share_difference_p(treatment, baseline),
        p_null=_DIFFERENCE,
        verdict=verdict(comparison, interval, rule),
    )


def _test(estimate: Estimate, direction: Direction, margin: float) -> tuple[float, str]:
    """The p value that stands against the claim, and its null hypothesis."""
    if direction == "equivalent":
        return estimate.p_equivalence(margin), f"beyond ±{margin:.3g}"
    limit, down = limit_of(direction, margin)
    return estimate.p_below(limit) if down else estimate.p_above(limit), _beyond(limit, down)


def _beyond(limit: float, down: bool) -> str:
    return f"{limit + 0.0:.3g} or {'higher' if down else 'lower'}"


def _detectable(comparison: Comparison, estimate: Estimate, rule: Rule) -> float:
    """Detectable effect; NaN for equivalence, and if no effect can be: the claim's range is too
    narrow for the interval, or a correlation would be beyond 1.
    """
    reach = estimate.detectable(rule.supporting, rule.statistics.power)
    margin, most = comparison.smallest_difference, comparison.largest_difference
    if most is not None and margin + 2 * reach > most:
        return math.nan
    if comparison.direction == "equivalent":
        return math.nan
    limit, down = limit_of(comparison.direction, margin)
    effect = limit - reach if down else limit + reach
    impossible = comparison.summary == "rank_correlation" and abs(effect) > 1
    return math.nan if impossible else effect


def verdict(comparison: Comparison, interval: Callable[[float], Interval], rule: Rule) -> Verdict:
    """The rule at the head of config/claims.yaml.

    interval: gives the effect's finite interval at a confidence.
    """
    direction, margin = comparison.direction, comparison.smallest_difference
    _, down = limit_of(direction, margin)

    def upwards(confidence: float) -> Interval:
        """The interval seen so that the claim's own side is up."""
        low, high = interval(confidence)
        return (-high, -low) if down else (low, high)

    low, high = upwards(rule.supporting)
    against_low, against_high = upwards(rule.opposing)
    if direction in ("lower", "higher"):
        limit = comparison.largest_difference or math.inf
        if margin < low and high < limit:
            return "supported"
        if against_high < -margin or against_low > limit:
            return "contradicted"
        low, high = upwards(rule.confidence)
        return "equivalent" if -margin < low and high < margin else "inconclusive"
    if against_high < -margin or (direction == "equivalent" and against_low > margin):
        return "contradicted"
    if low <= -margin:
        return "inconclusive"
    if direction == "equivalent":
        return "equivalent" if high < margin else "inconclusive"
    return "supported"


def combine(verdicts: Iterable[Verdict], needs: str) -> Verdict:
    """Combine the verdicts of a claim's comparisons.

    needs: `all`: the claim holds only if all comparisons hold, and one contradiction refutes it;
    `any`: one comparison that holds is enough, and only contradictions in all refute the claim.
    """
    found = set(verdicts)
    decisive: Verdict = "contradicted" if needs == "all" else "supported"
    if decisive in found:
        return decisive
    if not found or "not tested" in found:
        return "not tested"
    return found.pop() if len(found) == 1 else "inconclusive"

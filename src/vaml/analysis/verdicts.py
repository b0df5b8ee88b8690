"""From a comparison's numbers to a verdict: one rule for our runs and for the authors' numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vaml.analysis.measures import Sample
from vaml.analysis.stats import (
    NO_INTERVAL,
    Estimate,
    Interval,
    bootstrap_interval,
    difference_of_means,
    holm,
    mean_of,
    permutation_p,
    share_difference_interval,
    share_difference_p,
)
from vaml.study.claims import Claim, Comparison, Direction, Variant, Verdict
from vaml.study.statistics import Statistics

_DIFFERENCE = "no difference"
NO_SPREAD = "all runs gave the same value: nothing says how far others would lie from it"


@dataclass(frozen=True)
class Judgement:
    """What one comparison shows. NaN: not computed.

    n: runs of the method, and of the baseline where that is a sample of its own. p is that of
    `p_null`, the statement that has to fall for the claim to stand; p_holm is adjusted within the
    claim's family and variant. p_permutation and detectable are about "no difference".
    """

    n: tuple[int, ...] = ()
    effect: float = math.nan
    interval: Interval = NO_INTERVAL
    bootstrap: Interval = NO_INTERVAL
    p: float = math.nan
    p_null: str = ""
    p_holm: float = math.nan
    p_permutation: float = math.nan
    detectable: float = math.nan
    verdict: Verdict = "not tested"
    reason: str = ""


def from_sample(
    comparison: Comparison, sample: Sample, statistics: Statistics, rng: np.random.Generator
) -> Judgement:
    """All numbers of a comparison but Holm's p and the verdict, which need its family."""
    arms = sample.arms
    n = tuple(len(arm) for arm in arms)
    estimate = mean_of(arms[0]) if len(arms) == 1 else difference_of_means(*arms)
    if min(n) < statistics.minimum_seeds:
        reason = f"n = {min(n)}, needs {statistics.minimum_seeds}"
        return Judgement(n, estimate.effect, reason=reason)
    if comparison.summary == "diverged":
        return _from_shares(arms, statistics, rng)
    resamples = statistics.bootstrap_resamples
    return replace(
        from_estimate(comparison, estimate, n, statistics),
        bootstrap=bootstrap_interval(arms, statistics.confidence, resamples, rng),
        p_permutation=permutation_p(arms, statistics.permutation_resamples, rng),
    )


def from_estimate(
    comparison: Comparison, estimate: Estimate, n: tuple[int, ...], statistics: Statistics
) -> Judgement:
    """The same where only means and their standard errors are known."""
    p, null = _test(estimate, comparison.direction, comparison.smallest_difference)
    low, high = estimate.interval(statistics.confidence)
    if comparison.summary == "rank_correlation":
        low, high = max(low, -1.0), min(high, 1.0)
    return Judgement(
        n,
        estimate.effect,
        (low, high),
        p=p,
        p_null=null,
        detectable=estimate.detectable(statistics.confidence, statistics.power),
        reason="" if estimate.has_spread else NO_SPREAD,
    )


def _from_shares(
    arms: Sequence[Sequence[float]], statistics: Statistics, rng: np.random.Generator
) -> Judgement:
    treatment, baseline = ((round(sum(arm)), len(arm)) for arm in arms)
    return Judgement(
        (treatment[1], baseline[1]),
        treatment[0] / treatment[1] - baseline[0] / baseline[1],
        share_difference_interval(treatment, baseline, statistics.confidence),
        p=share_difference_p(treatment, baseline),
        p_null=_DIFFERENCE,
        p_permutation=permutation_p(arms, statistics.permutation_resamples, rng),
    )


def _test(estimate: Estimate, direction: Direction, margin: float) -> tuple[float, str]:
    """The p value that stands against the claim, and of what."""
    match direction:
        case "lower" | "higher":
            return estimate.p_difference(), _DIFFERENCE
        case "not_lower":
            return estimate.p_above(-margin), f"{-margin:.3g} or lower"
        case "not_higher":
            return estimate.p_below(margin), f"{margin:.3g} or higher"
        case "equivalent":
            return estimate.p_equivalence(margin), f"beyond ±{margin:.3g}"


def decide(
    entries: Sequence[tuple[Claim, Comparison, Judgement]], statistics: Statistics
) -> list[Judgement]:
    """The verdicts of all comparisons of a study, with Holm's p within family and variant."""
    level = 1 - statistics.confidence
    families: dict[tuple[str, Variant], dict[int, float]] = {}
    for i, (claim, comparison, judgement) in enumerate(entries):
        if math.isfinite(judgement.p):
            families.setdefault((claim.family, comparison.variant), {})[i] = judgement.p
    adjusted: dict[int, float] = {}
    for p_values in families.values():
        adjusted |= holm(p_values)
    decided = []
    for i, (_, comparison, judgement) in enumerate(entries):
        if i in adjusted:
            significant = adjusted[i] <= level
            result = verdict(comparison, judgement.interval, significant)
            judgement = replace(judgement, p_holm=adjusted[i], verdict=result)
        elif judgement.reason == NO_SPREAD:
            judgement = replace(judgement, verdict="inconclusive")
        decided.append(judgement)
    return decided


def verdict(comparison: Comparison, interval: Interval, significant: bool) -> Verdict:
    """The rule at the head of config/claims.yaml.

    interval: of the effect, finite. significant: Holm's p is small enough.
    """
    direction, margin = comparison.direction, comparison.smallest_difference
    # Seen so that the claim's own side is up.
    down = direction in ("lower", "not_higher")
    low, high = (-interval[1], -interval[0]) if down else interval
    if direction in ("lower", "higher"):
        limit = comparison.largest_difference or math.inf
        if significant and margin < low and high < limit:
            return "supported"
        if significant and (high < -margin or low > limit):
            return "contradicted"
        return "equivalent" if -margin < low and high < margin else "inconclusive"
    if high < -margin or (direction == "equivalent" and low > margin):
        return "contradicted"
    if not significant or low <= -margin:
        return "inconclusive"
    if direction == "equivalent":
        return "equivalent" if high < margin else "inconclusive"
    return "supported"


def combine(verdicts: Iterable[Verdict], needs: str) -> Verdict:
    """A claim's verdict from those of its comparisons.

    needs: `all`: it holds only where all hold, and one contradiction is enough against it; `any`:
    one that holds is enough, and only contradictions in all speak against it.
    """
    found = set(verdicts)
    decisive: Verdict = "contradicted" if needs == "all" else "supported"
    if decisive in found:
        return decisive
    if not found or "not tested" in found:
        return "not tested"
    return found.pop() if len(found) == 1 else "inconclusive"

"""The rule from numbers to a verdict: margins, Holm's adjustment, and a claim's own verdict."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from verdict_rules import STATISTICS, comparison, rule

from vaml.analysis.claims.measures import Sample
from vaml.analysis.claims.stats import Estimate, Interval, mean_of, share_difference_p
from vaml.analysis.claims.verdicts import Rule, combine, from_estimate, from_sample, verdict
from vaml.config.claims import Comparison, Direction, Verdict


def at(asked: Comparison, low: float, high: float) -> Verdict:
    """The verdict of a claim's only comparison, with this interval."""
    return verdict(asked, lambda confidence: (low, high), rule())


@pytest.mark.parametrize(
    ("direction", "low", "high", "expected"),
    [
        ("lower", -0.5, -0.2, "supported"),
        ("lower", -0.5, -0.05, "inconclusive"),
        ("lower", 0.2, 0.5, "contradicted"),
        ("lower", 0.05, 0.5, "inconclusive"),
        ("lower", -0.05, 0.05, "equivalent"),
        ("lower", -0.05, 0.5, "inconclusive"),
        ("higher", 0.2, 0.5, "supported"),
        ("higher", 0.05, 0.5, "inconclusive"),
        ("higher", -0.5, -0.2, "contradicted"),
        ("higher", -0.05, 0.05, "equivalent"),
        ("not_lower", -0.05, 0.5, "supported"),
        ("not_lower", -0.05, 0.05, "supported"),
        ("not_lower", -0.2, 0.5, "inconclusive"),
        ("not_lower", -0.5, -0.2, "contradicted"),
        ("not_higher", -0.5, 0.05, "supported"),
        ("not_higher", -0.5, 0.2, "inconclusive"),
        ("not_higher", 0.2, 0.5, "contradicted"),
        ("equivalent", -0.05, 0.05, "equivalent"),
        ("equivalent", -0.05, 0.2, "inconclusive"),
        ("equivalent", -0.2, 0.05, "inconclusive"),
        ("equivalent", 0.2, 0.5, "contradicted"),
        ("equivalent", -0.5, -0.2, "contradicted"),
    ],
)
def test_verdict_of_an_interval_with_a_margin_of_one_tenth(
    direction: Direction, low: float, high: float, expected: Verdict
) -> None:
    assert at(comparison(direction), low, high) == expected


@pytest.mark.parametrize(
    ("direction", "low", "high"),
    [
        ("lower", -0.5, -0.1),
        ("lower", -0.3, -0.2),
        ("lower", -0.5, -0.3),
        ("lower", 0.1, 0.5),
        ("lower", -0.1, 0.05),
        ("lower", -0.05, 0.1),
        ("higher", 0.1, 0.25),
        ("higher", 0.2, 0.3),
        ("higher", 0.3, 0.5),
        ("higher", -0.5, -0.1),
        ("not_lower", -0.1, 0.5),
        ("not_lower", -0.5, -0.1),
        ("not_higher", -0.5, 0.1),
        ("not_higher", 0.1, 0.5),
        ("equivalent", -0.1, 0.05),
        ("equivalent", -0.05, 0.1),
        ("equivalent", 0.1, 0.5),
        ("equivalent", -0.5, -0.1),
    ],
)
def test_an_interval_that_touches_a_limit_is_on_neither_side_of_it(
    direction: Direction, low: float, high: float
) -> None:
    asked = comparison(direction, largest=0.3 if direction in ("lower", "higher") else None)
    assert at(asked, low, high) == "inconclusive"


@pytest.mark.parametrize(
    ("direction", "centre", "alone"),
    [
        ("lower", -0.3, "supported"),
        ("lower", 0.3, "contradicted"),
        ("not_lower", -0.3, "contradicted"),
        ("not_lower", 0.05, "supported"),
        ("equivalent", 0.3, "contradicted"),
    ],
)
def test_where_one_comparison_decides_a_claim_it_needs_the_wider_interval(
    direction: Direction, centre: float, alone: Verdict
) -> None:
    """Two comparisons: 97.5 % for support if any will do, against it if all are needed."""
    asked = comparison(direction)

    def interval(confidence: float) -> Interval:
        reach = 0.1 if confidence < 0.96 else 0.3
        return centre - reach, centre + reach

    assert verdict(asked, interval, Rule(STATISTICS, "all", 1)) == alone
    of_all = verdict(asked, interval, Rule(STATISTICS, "all", 2))
    of_any = verdict(asked, interval, Rule(STATISTICS, "any", 2))
    assert of_all == ("inconclusive" if alone == "contradicted" else alone)
    assert of_any == ("inconclusive" if alone == "supported" else alone)


@pytest.mark.parametrize(
    ("direction", "low", "high", "expected"),
    [
        ("lower", -0.2, -0.15, "supported"),
        ("lower", -0.4, -0.15, "inconclusive"),
        ("lower", -0.9, -0.4, "contradicted"),
        ("higher", 0.4, 0.9, "contradicted"),
        ("higher", 0.15, 0.2, "supported"),
    ],
)
def test_more_than_the_claim_says_is_not_what_it_says(
    direction: Direction, low: float, high: float, expected: Verdict
) -> None:
    asked = comparison(direction, largest=0.3)
    assert at(asked, low, high) == expected


@pytest.mark.parametrize(
    ("verdicts", "needs", "expected"),
    [
        (["supported", "supported"], "all", "supported"),
        (["supported", "inconclusive"], "all", "inconclusive"),
        (["supported", "not tested"], "all", "not tested"),
        (["contradicted", "not tested"], "all", "contradicted"),
        (["supported", "contradicted"], "all", "contradicted"),
        (["equivalent", "equivalent"], "all", "equivalent"),
        (["supported", "equivalent"], "all", "inconclusive"),
        (["supported", "contradicted"], "any", "supported"),
        (["supported", "not tested"], "any", "supported"),
        (["contradicted", "contradicted"], "any", "contradicted"),
        (["contradicted", "inconclusive"], "any", "inconclusive"),
        (["contradicted", "not tested"], "any", "not tested"),
        ([], "all", "not tested"),
    ],
)
def test_verdict_of_a_claim(verdicts: list[Verdict], needs: str, expected: Verdict) -> None:
    assert combine(verdicts, needs) == expected


@pytest.mark.parametrize(
    ("direction", "nulls", "null"),
    [
        ("lower", [(-0.25, "less")], "-0.25 or higher"),
        ("higher", [(0.25, "greater")], "0.25 or lower"),
        ("not_lower", [(-0.25, "greater")], "-0.25 or lower"),
        ("not_higher", [(0.25, "less")], "0.25 or higher"),
        ("equivalent", [(-0.25, "greater"), (0.25, "less")], "beyond ±0.25"),
    ],
)
def test_each_direction_is_tested_against_what_would_refute_it(
    direction: Direction, nulls: list[tuple[float, Any]], null: str
) -> None:
    """Student's test by scipy, of the mean that the statement allows and is nearest."""
    values = [0.3, -0.2, 0.6, 0.1, 0.05]
    asked = comparison(direction, smallest=0.25)
    judgement = from_estimate(asked, mean_of(values), (5,), rule())
    tests: list[Any] = [stats.ttest_1samp(values, mean, alternative=side) for mean, side in nulls]
    assert judgement.p == pytest.approx(max(test.pvalue for test in tests))
    assert (judgement.n, judgement.p_null, judgement.reason) == ((5,), null, "")
    two_sided: Any = stats.ttest_1samp(values, 0)
    assert judgement.interval == pytest.approx(tuple(two_sided.confidence_interval(0.95)))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def sample_of(method: list[float], baseline: list[float] | None = None) -> Sample:
    other = None if baseline is None else dict(enumerate(baseline))
    return Sample(dict(enumerate(method)), other)


def test_one_sample_is_judged_by_students_test_and_its_sign_flips() -> None:
    values = [0.3, -0.2, 0.6, 0.1, 0.05]
    judgement = from_sample(comparison("higher"), sample_of(values), rule(), rng())
    expected: Any = stats.ttest_1samp(values, 0.1, alternative="greater")
    assert (judgement.n, judgement.effect) == ((5,), pytest.approx(np.mean(values)))
    assert judgement.p == pytest.approx(expected.pvalue)
    flipped = [np.dot(signs, values) for signs in itertools.product((-1, 1), repeat=5)]
    extreme = np.mean(np.abs(flipped) >= sum(values) - 1e-12)
    assert judgement.p_permutation == pytest.approx(extreme)
    # Beyond the margin, the noncentral t distribution of that effect is beyond the critical value
    # 4 times in 5.
    shift = (judgement.detectable - 0.1) / (np.std(values, ddof=1) / math.sqrt(5))
    assert stats.nct.sf(stats.t.ppf(0.975, 4), 4, shift) == pytest.approx(STATISTICS.power)


def test_two_samples_are_judged_by_welchs_test_and_all_ways_to_deal_them_out() -> None:
    mine, theirs = [3.0, 4.5, 5.0, 9.0], [1.0, 2.5, 4.0, 2.0]
    asked = comparison("higher").model_copy(update={"pairing": "unpaired"})
    judgement = from_sample(asked, sample_of(mine, theirs), rule(), rng())
    above: Any = stats.ttest_ind(
        np.subtract(mine, 0.1), theirs, equal_var=False, alternative="greater"
    )
    expected: Any = stats.ttest_ind(mine, theirs, equal_var=False)
    assert (judgement.n, judgement.effect) == ((4, 4), 3.0)
    assert judgement.p == pytest.approx(above.pvalue)
    assert judgement.interval == pytest.approx(tuple(expected.confidence_interval(0.95)))
    dealt = [sum(chosen) for chosen in itertools.combinations(mine + theirs, 4)]
    extreme = np.abs(np.subtract(dealt, 15.5)) >= sum(mine) - 15.5
    assert judgement.p_permutation == pytest.approx(np.mean(extreme))


@pytest.mark.parametrize("sizes", [(3, 5), (5, 3)])
def test_the_smaller_sample_says_whether_there_is_a_test(sizes: tuple[int, int]) -> None:
    asked = comparison("higher").model_copy(update={"pairing": "unpaired"})
    arms = [[10.0 * i + seed for seed in range(n)] for i, n in enumerate(sizes)]
    judgement = from_sample(asked, sample_of(*arms), rule(), rng())
    assert (judgement.n, judgement.reason) == (sizes, "n = 3, needs 4")
    assert judgement.effect == pytest.approx(np.mean(arms[0]) - np.mean(arms[1]))
    assert math.isnan(judgement.p)
    assert judgement.verdict == "not tested"


@pytest.mark.parametrize(("effect", "low", "high"), [(0.9, 0.3, 1.0), (-0.9, -1.0, -0.3)])
def test_a_correlations_interval_ends_at_one(effect: float, low: float, high: float) -> None:
    """The mean's interval, ±0.6 here, but for what no correlation can be."""
    estimate = Estimate(effect, 0.6 / float(stats.t.ppf(0.975, 4)), 4)
    asked = comparison("higher").model_copy(update={"summary": "rank_correlation"})
    found = from_estimate(asked, estimate, (5,), rule()).interval
    assert found == pytest.approx((low, high))
    plain = from_estimate(comparison("higher"), estimate, (5,), rule()).interval
    assert plain == pytest.approx((effect - 0.6, effect + 0.6))


def test_runs_that_are_all_the_same_say_what_they_may_have_missed() -> None:
    """Ten runs miss a failure of 26 % of runs with a chance of 5 %."""
    judgement = from_sample(comparison("lower"), sample_of([0.0] * 10), rule(), rng())
    assert judgement.verdict == "inconclusive"
    assert judgement.reason == (
        "every run gave the same value, with an effect of 0: "
        "what strikes fewer than 26% of runs can stay unseen in 10"
    )
    assert math.isclose(0.74**10, 0.05, rel_tol=0.02)


def test_a_comparison_may_need_more_runs_than_others() -> None:
    asked = comparison("lower").model_copy(update={"minimum_seeds": 6})
    values = [-1.0, -1.1, -0.9, -1.05, -1.0]
    judgement = from_sample(asked, sample_of(values), rule(), rng())
    assert (judgement.verdict, judgement.reason) == ("not tested", "n = 5, needs 6")
    more = from_sample(asked, sample_of([*values, -1.2]), rule(), rng())
    assert more.verdict == "supported"


def flags(count: int, n: int) -> list[float]:
    return [1.0] * count + [0.0] * (n - count)


def test_shares_of_diverged_runs_are_compared_exactly() -> None:
    """All of four against none of four shows it; Fisher's test and exact intervals would not."""
    asked = comparison("higher", smallest=0.0)
    asked = asked.model_copy(update={"summary": "diverged", "pairing": "unpaired"})
    cases: list[tuple[tuple[int, int], tuple[int, int], Verdict]] = [
        ((4, 4), (0, 4), "supported"),
        ((3, 4), (0, 4), "inconclusive"),
        ((0, 4), (4, 4), "contradicted"),
        ((5, 10), (0, 10), "supported"),
        ((0, 4), (0, 4), "inconclusive"),
        ((1, 4), (5, 6), "inconclusive"),
    ]
    for mine, theirs, expected in cases:
        judgement = from_sample(asked, sample_of(flags(*mine), flags(*theirs)), rule(), rng())
        assert judgement.n == (mine[1], theirs[1])
        assert judgement.effect == pytest.approx(mine[0] / mine[1] - theirs[0] / theirs[1])
        low, high = judgement.interval
        assert low <= judgement.effect <= high
        assert (low > 0 or high < 0) == (expected != "inconclusive")
        assert judgement.p == share_difference_p(mine, theirs)
        assert judgement.p_null == "no difference"
        assert judgement.verdict == expected
    failed = sample_of(flags(3, 4), flags(0, 4))
    judgement = from_sample(asked, failed, rule(), rng())
    uneven = [sum(chosen) in (0, 3) for chosen in itertools.combinations([1] * 3 + [0] * 5, 4)]
    assert judgement.p_permutation == pytest.approx(np.mean(uneven))


@pytest.mark.parametrize(
    ("count", "n", "expected"),
    [
        (20, 20, "contradicted"),
        (5, 5, "inconclusive"),  # one in 32 by chance
        (10, 20, "inconclusive"),
        (4, 20, "supported"),
        (0, 6, "supported"),
    ],
)
def test_a_share_of_seeds_is_judged_against_one_half(count: int, n: int, expected: Verdict) -> None:
    """Clopper and Pearson's interval, less one half; "not higher" is fewer than half the seeds."""
    asked = comparison("not_higher", smallest=0.0)
    asked = asked.model_copy(update={"summary": "lower_everywhere"})
    judgement = from_sample(asked, sample_of([x - 0.5 for x in flags(count, n)]), rule(), rng())
    exact: Any = stats.binomtest(count, n, 0.5, alternative="less")
    ends: Any = stats.binomtest(count, n).proportion_ci(0.95, method="exact")
    assert judgement.effect == pytest.approx(count / n - 0.5)
    assert judgement.interval == pytest.approx((ends.low - 0.5, ends.high - 0.5))
    assert judgement.p == pytest.approx(exact.pvalue)
    assert (judgement.p_null, judgement.verdict) == ("0 or higher", expected)

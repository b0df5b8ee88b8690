"""The rule from numbers to a verdict: margins, Holm's adjustment, and a claim's own verdict."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from verdict_rules import STATISTICS, claim, comparison

from vaml.analysis.measures import Sample
from vaml.analysis.stats import Estimate, mean_of
from vaml.analysis.verdicts import Judgement, combine, decide, from_estimate, from_sample, verdict
from vaml.study.claims import Direction, Verdict


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
    assert verdict(comparison(direction), (low, high), significant=True) == expected


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
    assert verdict(asked, (low, high), significant=True) == "inconclusive"


@pytest.mark.parametrize(
    ("direction", "low", "high"),
    [
        ("lower", -0.5, -0.2),
        ("higher", -0.5, -0.2),
        ("not_lower", 0.1, 0.5),
        ("equivalent", 0, 0.05),
    ],
)
def test_no_verdict_where_holm_does_not_let_it(
    direction: Direction, low: float, high: float
) -> None:
    assert verdict(comparison(direction), (low, high), significant=False) == "inconclusive"


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
    assert verdict(asked, (low, high), significant=True) == expected


def test_families_and_variants_are_adjusted_apart() -> None:
    asked = comparison("lower")
    corrected = asked.model_copy(update={"variant": "corrected"})
    entries = [
        (claim(asked, "one"), asked, Judgement(p=0.02, interval=(-1, -0.5))),
        (claim(asked, "one"), asked, Judgement(p=0.04, interval=(-1, -0.5))),
        (claim(asked, "two"), asked, Judgement(p=0.04, interval=(-1, -0.5))),
        (claim(asked, "one"), corrected, Judgement(p=0.04, interval=(-1, -0.5))),
        (claim(asked, "one"), asked, Judgement(reason="no data")),
    ]
    decided = decide(entries, STATISTICS)
    assert [each.p_holm for each in decided[:4]] == pytest.approx([0.04, 0.04, 0.04, 0.04])
    assert (decided[4].verdict, decided[4].reason) == ("not tested", "no data")
    entries[1] = (entries[1][0], asked, Judgement(p=0.03, interval=(-1, -0.5)))
    entries.append((claim(asked, "one"), asked, Judgement(p=0.5, interval=(-1, 0.5))))
    decided = decide(entries, STATISTICS)
    assert [each.p_holm for each in decided] == pytest.approx(
        [0.06, 0.06, 0.04, 0.04, math.nan, 0.5], nan_ok=True
    )
    assert [each.verdict for each in decided[:3]] == ["inconclusive", "inconclusive", "supported"]


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
        ("lower", [(0.0, "two-sided")], "no difference"),
        ("higher", [(0.0, "two-sided")], "no difference"),
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
    judgement = from_estimate(asked, mean_of(values), (5,), STATISTICS)
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
    judgement = from_sample(comparison("higher"), sample_of(values), STATISTICS, rng())
    expected: Any = stats.ttest_1samp(values, 0)
    assert (judgement.n, judgement.effect) == ((5,), pytest.approx(np.mean(values)))
    assert judgement.p == pytest.approx(expected.pvalue)
    flipped = [np.dot(signs, values) for signs in itertools.product((-1, 1), repeat=5)]
    extreme = np.mean(np.abs(flipped) >= sum(values) - 1e-12)
    assert judgement.p_permutation == pytest.approx(extreme)
    low, high = judgement.bootstrap
    assert min(values) < low < judgement.effect < high < max(values)
    # The noncentral t distribution of that effect is beyond the critical value 4 times in 5.
    shift = judgement.detectable / (np.std(values, ddof=1) / math.sqrt(5))
    assert stats.nct.sf(stats.t.ppf(0.975, 4), 4, shift) == pytest.approx(STATISTICS.power)


def test_two_samples_are_judged_by_welchs_test_and_all_ways_to_deal_them_out() -> None:
    mine, theirs = [3.0, 4.5, 5.0, 9.0], [1.0, 2.5, 4.0, 2.0]
    asked = comparison("higher").model_copy(update={"pairing": "unpaired"})
    judgement = from_sample(asked, sample_of(mine, theirs), STATISTICS, rng())
    expected: Any = stats.ttest_ind(mine, theirs, equal_var=False)
    assert (judgement.n, judgement.effect) == ((4, 4), 3.0)
    assert judgement.p == pytest.approx(expected.pvalue)
    assert judgement.interval == pytest.approx(tuple(expected.confidence_interval(0.95)))
    dealt = [sum(chosen) for chosen in itertools.combinations(mine + theirs, 4)]
    extreme = np.abs(np.subtract(dealt, 15.5)) >= sum(mine) - 15.5
    assert judgement.p_permutation == pytest.approx(np.mean(extreme))
    low, high = judgement.bootstrap
    assert 0 < low < 3 < high


@pytest.mark.parametrize("sizes", [(3, 5), (5, 3)])
def test_the_smaller_sample_says_whether_there_is_a_test(sizes: tuple[int, int]) -> None:
    asked = comparison("higher").model_copy(update={"pairing": "unpaired"})
    arms = [[10.0 * i + seed for seed in range(n)] for i, n in enumerate(sizes)]
    judgement = from_sample(asked, sample_of(*arms), STATISTICS, rng())
    assert (judgement.n, judgement.reason) == (sizes, "n = 3, needs 4")
    assert judgement.effect == pytest.approx(np.mean(arms[0]) - np.mean(arms[1]))
    assert math.isnan(judgement.p)
    assert judgement.verdict == "not tested"


@pytest.mark.parametrize(("effect", "low", "high"), [(0.9, 0.3, 1.0), (-0.9, -1.0, -0.3)])
def test_a_correlations_interval_ends_at_one(effect: float, low: float, high: float) -> None:
    """The mean's interval, ±0.6 here, but for what no correlation can be."""
    estimate = Estimate(effect, 0.6 / float(stats.t.ppf(0.975, 4)), 4)
    asked = comparison("higher").model_copy(update={"summary": "rank_correlation"})
    found = from_estimate(asked, estimate, (5,), STATISTICS).interval
    assert found == pytest.approx((low, high))
    plain = from_estimate(comparison("higher"), estimate, (5,), STATISTICS).interval
    assert plain == pytest.approx((effect - 0.6, effect + 0.6))


def test_what_has_no_p_value_has_no_verdict_and_costs_the_family_nothing() -> None:
    asked = comparison("lower")
    same = from_sample(asked, sample_of([-1.0] * 5), STATISTICS, rng())
    clear = Judgement(p=0.04, interval=(-1, -0.5))
    entries = [(claim(asked), asked, each) for each in (same, Judgement(reason="no data"), clear)]
    decided = decide(entries, STATISTICS)
    assert [each.verdict for each in decided] == ["inconclusive", "not tested", "supported"]
    assert [math.isnan(each.p_holm) for each in decided] == [True, True, False]


def test_shares_of_diverged_runs_are_compared_exactly() -> None:
    """3 of 4 against 0 of 4: 10 of the 70 ways to deal out three failures are as uneven."""
    asked = comparison("higher").model_copy(update={"summary": "diverged", "pairing": "unpaired"})
    failed, unequal = ([1.0, 1.0, 1.0, 0.0], [0.0] * 4), ([1.0, 0.0, 0.0, 0.0], [1.0] * 5 + [0.0])
    for arms in (failed, unequal):
        (count, n), (other_count, other_n) = ((int(sum(arm)), len(arm)) for arm in arms)
        judgement = from_sample(asked, sample_of(*arms), STATISTICS, rng())
        assert judgement.n == (n, other_n)
        assert judgement.effect == pytest.approx(count / n - other_count / other_n)
        low, high = judgement.interval
        assert low < judgement.effect < high
        table = [[count, n - count], [other_count, other_n - other_count]]
        expected: Any = stats.fisher_exact(table)
        assert judgement.p == pytest.approx(expected.pvalue)
        assert judgement.p_null == "no difference"
    judgement = from_sample(asked, sample_of(*failed), STATISTICS, rng())
    uneven = [sum(chosen) in (0, 3) for chosen in itertools.combinations([1] * 3 + [0] * 5, 4)]
    assert judgement.p_permutation == pytest.approx(np.mean(uneven))


def test_a_p_value_of_exactly_the_level_is_small_enough() -> None:
    asked = comparison("lower")
    strict = STATISTICS.model_copy(update={"confidence": 0.75})
    entry = (claim(asked), asked, Judgement(p=0.25, interval=(-1, -0.5)))
    assert decide([entry], strict)[0].verdict == "supported"

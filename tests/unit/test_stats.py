"""Statistics at the study's n: what the intervals cover, what the tests reject and detect."""

import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from vaml.analysis.claims.stats import (
    Estimate,
    difference_of_means,
    mean_of,
    permutation_p,
    rank_correlation,
    scaled,
    share_difference_interval,
    share_difference_p,
    share_interval,
    share_p,
    total,
)

Draw = Callable[[np.random.Generator, int], np.ndarray]

LAWS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "lognormal": (lambda rng, n: rng.lognormal(size=n), math.exp(0.5)),
    # Three runs of ten fail.
    "bimodal": (lambda rng, n: (rng.random(n) > 0.3) + rng.normal(0, 0.05, n), 0.7),
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("law", "n", "expected"),
    [
        ("normal", 4, 0.95),
        ("normal", 5, 0.95),
        ("normal", 10, 0.95),
        ("normal", 20, 0.95),
        ("lognormal", 4, 0.82),
        ("lognormal", 5, 0.82),
        ("lognormal", 10, 0.84),
        ("lognormal", 20, 0.87),
        ("bimodal", 4, 0.75),
        ("bimodal", 5, 0.83),
        ("bimodal", 10, 0.94),
        ("bimodal", 20, 0.95),
    ],
)
def test_coverage_of_students_interval(law: str, n: int, expected: float) -> None:
    """Coverage of 95 % intervals at the study's n: exact for normal runs, lower for others."""
    draw, mean = LAWS[law]
    generator = rng(n)
    intervals = [mean_of(draw(generator, n).tolist()).interval(0.95) for _ in range(800)]
    covered = np.mean([low <= mean <= high for low, high in intervals])
    assert covered == pytest.approx(expected, abs=0.03)


def test_welch_agrees_with_scipy() -> None:
    a, b = rng(1).normal(1, 1, 4).tolist(), rng(2).normal(0, 5, 9).tolist()
    estimate = difference_of_means(a, b)
    expected: Any = scipy_stats.ttest_ind(a, b, equal_var=False)
    assert estimate.effect == pytest.approx(np.mean(a) - np.mean(b))
    assert 2 * estimate.p_above(0.0) == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.9)
    assert estimate.interval(0.9) == pytest.approx((interval.low, interval.high))


def test_students_test_agrees_with_scipy() -> None:
    values = rng(3).normal(0.5, 1, 5).tolist()
    estimate = mean_of(values)
    for margin in (-0.3, 0.7):
        one_sided: Any = scipy_stats.ttest_1samp(values, margin, alternative="greater")
        greater = one_sided.pvalue
        assert estimate.p_above(margin) == pytest.approx(greater)
        assert estimate.p_below(margin) == pytest.approx(1 - greater)


def test_tost_against_known_values() -> None:
    """Mean 0.1, standard error 0.2, margin 0.5, 9 degrees: t = 3.0 and -2.0."""
    estimate = Estimate(0.1, 0.2, 9)
    assert estimate.p_above(-0.5) == pytest.approx(0.007478, abs=1e-6)
    assert estimate.p_below(0.5) == pytest.approx(0.038276, abs=1e-6)
    assert estimate.p_equivalence(0.5) == pytest.approx(0.038276, abs=1e-6)
    assert Estimate(-0.1, 0.2, 9).p_equivalence(0.5) == pytest.approx(0.038276, abs=1e-6)


def test_sum_and_scale_of_estimates() -> None:
    parts = [Estimate(1.0, 3.0, 4), Estimate(2.0, 4.0, 4)]
    added = total(parts)
    assert (added.effect, added.standard_error) == (3.0, 5.0)
    assert added.degrees_of_freedom == pytest.approx(625 / (81 / 4 + 256 / 4))
    half = scaled(added, -0.5)
    assert (half.effect, half.standard_error) == (-1.5, 2.5)


def test_without_spread_there_is_no_interval_and_no_test() -> None:
    """Four runs at a cap say nothing about the fifth; rounding must not turn into a spread."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for estimate in (
            mean_of([0.1] * 3),  # whose mean is not 0.1
            mean_of([7.0]),
            difference_of_means([1000.0] * 4, [1000.0] * 4),
        ):
            assert not estimate.has_spread
            assert all(math.isnan(end) for end in estimate.interval(0.95))
            assert math.isnan(estimate.p_above(0.0))
            assert math.isnan(estimate.p_equivalence(1.0))
            assert math.isnan(estimate.detectable(0.95, 0.8))


def test_two_runs_have_a_spread() -> None:
    """The deviation of 1 and 3 is √2, and the mean's error is that over √2."""
    estimate = mean_of([1.0, 3.0])
    assert (estimate.effect, estimate.degrees_of_freedom) == (2.0, 1)
    assert estimate.standard_error == pytest.approx(1.0)


def test_one_constant_sample_of_two_still_gives_an_interval() -> None:
    estimate = difference_of_means([1.0, 2.0, 3.0, 4.0], [1.0] * 4)
    assert estimate.degrees_of_freedom == pytest.approx(3)
    assert estimate.interval(0.95) == pytest.approx(
        mean_of([0.0, 1.0, 2.0, 3.0]).interval(0.95), rel=1e-12
    )


@pytest.mark.parametrize("n", [4, 5, 10, 20])
def test_smallest_detectable_effect_is_found_with_its_power(n: int) -> None:
    generator = rng(n)
    detectable = Estimate(0.0, 1 / math.sqrt(n), n - 1).detectable(0.95, 0.8)
    found = [
        mean_of(generator.normal(detectable, 1, n).tolist()).p_above(0.0) <= 0.025
        for _ in range(1500)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.035)


def test_smallest_detectable_effect_against_known_values() -> None:
    """Cohen's d of a paired t test at 80 % power: 1.00 with n = 10, 0.66 with n = 20."""
    assert Estimate(0, 1 / math.sqrt(10), 9).detectable(0.95, 0.8) == pytest.approx(0.996, abs=2e-3)
    assert Estimate(0, 1 / math.sqrt(20), 19).detectable(0.95, 0.8) == pytest.approx(0.66, abs=2e-3)


@pytest.mark.parametrize(("n", "smallest"), [(4, 0.125), (5, 0.0625), (6, 0.03125), (8, 0.0078125)])
def test_sign_flips_are_enumerated(n: int, smallest: float) -> None:
    """With n runs of one sign, 2 of 2^n flips are as extreme: never below 0.05 with n = 5."""
    assert permutation_p([list(range(1, n + 1))], 1000, rng()) == smallest


def test_sign_flips_agree_with_brute_force() -> None:
    values = [0.3, -0.1, 0.8, 0.5, 0.2]
    means = [np.mean(np.multiply(values, signs)) for signs in itertools.product((-1, 1), repeat=5)]
    expected = np.mean(np.abs(means) >= np.mean(values) - 1e-12)
    assert permutation_p([values], 1000, rng()) == pytest.approx(expected)


def test_permutations_of_two_samples_are_enumerated() -> None:
    assert permutation_p([[5.0, 6, 7, 8], [1.0, 2, 3, 4]], 1000, rng()) == pytest.approx(2 / 70)


def test_exact_interval_of_a_share_against_known_values() -> None:
    """Clopper and Pearson: 5 of 5 is at least 0.4782, 0 of 10 at most 0.3085."""
    assert share_interval(5, 5, 0.95) == pytest.approx((0.4782, 1.0), abs=1e-4)
    assert share_interval(0, 10, 0.95) == pytest.approx((0.0, 0.3085), abs=1e-4)


def outcomes(p: float, q: float, n: int) -> Iterator[tuple[int, int, float]]:
    """All pairs of counts with their probabilities."""
    for a, b in itertools.product(range(n + 1), repeat=2):
        yield a, b, float(scipy_stats.binom.pmf(a, n, p) * scipy_stats.binom.pmf(b, n, q))


@pytest.mark.parametrize("n", [4, 5, 10])
def test_equal_shares_are_rarely_called_different(n: int) -> None:
    """Exactly, over all outcomes, for shares from 0.05 to 0.95: at most 5 %, half on each side."""
    intervals = {
        (a, b): share_difference_interval((a, n), (b, n), 0.95)
        for a, b in itertools.product(range(n + 1), repeat=2)
    }
    for share in np.linspace(0.05, 0.95, 19):
        chances = list(outcomes(share, share, n))
        above = sum(chance for a, b, chance in chances if intervals[a, b][0] > 0)
        below = sum(chance for a, b, chance in chances if intervals[a, b][1] < 0)
        assert above <= 0.025 + 1e-9
        assert below == pytest.approx(above)


@pytest.mark.parametrize(("n", "share", "power"), [(4, 1.0, 1.0), (5, 0.9, 0.91), (10, 0.5, 0.83)])
def test_the_share_of_failures_that_so_many_runs_show(n: int, share: float, power: float) -> None:
    """Against none that fails. Fisher's test would find the first in no study at 0.05 / 2."""
    found = sum(
        chance
        for a, b, chance in outcomes(share, 0.0, n)
        if share_difference_interval((a, n), (b, n), 0.95)[0] > 0
    )
    assert found == pytest.approx(power, abs=0.02)


@pytest.mark.parametrize(("p", "q", "n"), [(0.9, 0.1, 5), (0.5, 0.5, 8), (0.3, 0.05, 4)])
def test_difference_of_shares_holds_about_its_confidence(p: float, q: float, n: int) -> None:
    covered = 0.0
    for a, b, chance in outcomes(p, q, n):
        low, high = share_difference_interval((a, n), (b, n), 0.95)
        covered += chance * (low <= p - q <= high)
    assert covered >= 0.92


def test_difference_of_shares_has_the_methods_share_first() -> None:
    low, high = share_difference_interval((10, 10), (0, 10), 0.95)
    assert low > 0
    assert high == 1
    low, high = share_difference_interval((7, 10), (2, 8), 0.95)
    assert share_difference_interval((2, 8), (7, 10), 0.95) == pytest.approx((-high, -low))
    # 56 of 70 against 48 of 80, Newcombe's own example (1998, table II, a).
    assert share_difference_interval((56, 70), (48, 80), 0.95) == pytest.approx(
        (0.0524, 0.3339), abs=1e-4
    )
    # All of four against none: the two extremes of 2^8 equally likely outcomes at a half.
    assert share_difference_p((4, 4), (0, 4)) == pytest.approx(2 / 256)
    assert share_difference_p((2, 4), (3, 6)) == 1


def test_one_sided_p_of_a_share() -> None:
    assert share_p(1, 5, 0.5, "less") == pytest.approx(6 / 32)
    assert share_p(5, 5, 0.5, "greater") == pytest.approx(1 / 32)


def test_rank_correlation() -> None:
    rho, p = rank_correlation([1, 2, 3, 4, 5], [2.0, 1.0, 40.0, 30.0, 500.0])
    assert rho == pytest.approx(0.8)
    assert p == pytest.approx(0.104088, abs=1e-6)
    assert rank_correlation([1, 2, 3], [3.0, 2.0, 1.0])[0] == -1
    assert rank_correlation([1, 2, 3], [4.0, 4.0, 4.0]) == (0.0, 1.0)
    assert rank_correlation([4, 4, 4], [1.0, 2.0, 3.0]) == (0.0, 1.0)
    assert math.isnan(rank_correlation([1, 2], [1.0, 2.0])[0])


@pytest.mark.parametrize(
    ("standard_error", "degrees_of_freedom", "spread"),
    [(0.5, 1.0, True), (0.5, 0.0, False), (0.0, 4.0, False)],
)
def test_two_different_values_are_a_spread(
    standard_error: float, degrees_of_freedom: float, spread: bool
) -> None:
    assert Estimate(1.0, standard_error, degrees_of_freedom).has_spread == spread


def test_a_single_run_adds_no_spread_and_no_degrees_of_freedom() -> None:
    difference = difference_of_means([5.0], [1.0, 2.0, 6.0])
    assert difference.effect == 2.0
    assert difference.degrees_of_freedom == pytest.approx(2.0)

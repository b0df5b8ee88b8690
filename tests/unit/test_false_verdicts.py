"""Error rate of the whole verdict rule, for comparisons and for claims: at most 5 %."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from judged_tables import CLAIMS, STATISTICS
from verdict_rules import comparison, rule

from vaml.analysis.claims.measures import Sample
from vaml.analysis.claims.stats import Estimate, difference_of_means, mean_of
from vaml.analysis.claims.verdicts import Rule, combine, from_estimate, from_sample
from vaml.config.claims import Direction, Verdict

SIMULATIONS = 1200


def slack(rate: float) -> float:
    """2.6 standard errors of such a rate over the simulations."""
    return 2.6 * math.sqrt(rate * (1 - rate) / SIMULATIONS)


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest detectable effect is slow to compute, and no verdict reads it."""
    monkeypatch.setattr(Estimate, "detectable", lambda *_: math.nan)


def rate(verdicts: Iterator[Verdict], wrong: set[Verdict]) -> float:
    return float(np.mean([each in wrong for each in verdicts]))


# Two arms with the same law; the last is what returns look like when some runs fail.
ARMS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "bimodal": lambda rng, n: np.where(rng.random(n) < 0.3, 0.0, 1.0) + rng.normal(0, 0.01, n),
}


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("pairing", ["paired", "unpaired"])
@pytest.mark.parametrize("n", [4, 5, 10, 20])
@pytest.mark.parametrize("law", ARMS)
def test_false_verdicts_without_a_difference(law: str, n: int, pairing: str) -> None:
    """At most 5 %, with the least margin there is; any other margin only makes fewer."""
    rng = np.random.default_rng(n)
    asked = comparison("lower", smallest=0.0)

    def verdicts() -> Iterator[Verdict]:
        for _ in range(SIMULATIONS):
            a, b = ARMS[law](rng, n), ARMS[law](rng, n)
            estimate = mean_of((a - b).tolist())
            if pairing == "unpaired":
                estimate = difference_of_means(a.tolist(), b.tolist())
            yield from_estimate(asked, estimate, (n,), rule()).verdict

    assert rate(verdicts(), {"supported", "contradicted"}) <= 0.05 + slack(0.05)


def claims_of_four(
    rng: np.random.Generator,
    direction: Direction,
    truth: float,
    needs: Literal["all", "any"],
    n: int,
) -> Iterator[Verdict]:
    """Four comparisons in each claim, margin 0.5, true effect `truth`, standard deviation 1."""
    asked = comparison(direction, smallest=0.5)
    for _ in range(SIMULATIONS):
        estimates = [mean_of(rng.normal(truth, 1, n).tolist()) for _ in range(4)]
        of_claim = rule(needs, 4)
        yield combine(
            [from_estimate(asked, each, (n,), of_claim).verdict for each in estimates], needs
        )


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("n", [4, 10])
@pytest.mark.parametrize(
    ("direction", "truth", "needs", "wrong"),
    [
        ("lower", -0.5, "any", "supported"),  # C12 at its margin: any of four is enough
        ("not_higher", 0.5, "all", "contradicted"),  # C5 at its margin
        ("lower", 0.5, "all", "contradicted"),
        ("not_lower", -0.5, "any", "supported"),
    ],
)
def test_one_comparison_of_four_does_not_decide_a_claim_by_chance(
    direction: Direction, truth: float, needs: Literal["all", "any"], wrong: Verdict, n: int
) -> None:
    """The least favourable truth; without adjusting within the claim it would be 8 to 10 %."""
    verdicts = claims_of_four(np.random.default_rng(n), direction, truth, needs, n)
    assert rate(verdicts, {wrong}) <= 0.025 + slack(0.025)


@pytest.mark.usefixtures("_fast")
def test_a_claim_whose_comparisons_all_hold_needs_no_wider_interval() -> None:
    """Support of all four, each beyond its margin by 1.5 standard deviations, in ten runs."""
    verdicts = claims_of_four(np.random.default_rng(0), "lower", -2.0, "all", 10)
    assert rate(verdicts, {"supported"}) > 0.9


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("n", [4, 5, 10, 20])
@pytest.mark.parametrize("direction", ["equivalent", "not_lower", "lower"])
def test_false_equivalence_at_a_difference_that_matters(direction: Direction, n: int) -> None:
    """The true effect is at the margin: "no difference that matters" is wrong."""
    rng = np.random.default_rng(n)
    asked = comparison(direction, smallest=0.5)

    def verdicts() -> Iterator[Verdict]:
        for _ in range(SIMULATIONS):
            estimate = mean_of(rng.normal(-0.5, 0.2, n).tolist())
            yield from_estimate(asked, estimate, (n,), rule()).verdict

    # That it is lower is then right, if found.
    wrong: set[Verdict] = {"equivalent"} if direction == "lower" else {"equivalent", "supported"}
    assert rate(verdicts(), wrong) <= 0.025 + slack(0.025)


@pytest.mark.usefixtures("_fast")
def test_a_clear_difference_is_found() -> None:
    """The rule is not silent: an effect of three standard deviations with five runs."""
    rng = np.random.default_rng(0)
    asked = comparison("lower", smallest=0.1)

    def verdicts() -> Iterator[Verdict]:
        for _ in range(300):
            estimate = mean_of(rng.normal(-3, 1, 5).tolist())
            yield from_estimate(asked, estimate, (5,), rule()).verdict

    assert rate(verdicts(), {"supported"}) > 0.9


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("n", [4, 5, 10])
def test_few_runs_that_all_succeed_do_not_show_that_none_fails(n: int) -> None:
    """A quarter of the method's runs falls from 1000 to 200: 200 lower on average, margin 100.

    With four runs the interval alone would support "not lower" in 32 % of studies.
    """
    (asked, _) = CLAIMS.claims["C9a"].comparisons
    of_claim = Rule(STATISTICS.model_copy(update={"permutation_resamples": 1}), "all", 2)
    rng = np.random.default_rng(n)

    def verdicts() -> Iterator[Verdict]:
        for _ in range(SIMULATIONS):
            failures = np.where(rng.random(n) < 0.25, -800.0, 0.0)
            sample = Sample(dict(enumerate(failures + rng.normal(0, 1, n))))
            yield from_sample(asked, sample, of_claim, rng).verdict

    wrong = rate(verdicts(), {"supported"})
    assert wrong <= 0.75**10 + slack(0.056)  # none of ten failed
    assert (wrong == 0) == (n < 10)
    below = replace(of_claim, statistics=STATISTICS.model_copy(update={"minimum_seeds": 4}))
    assert below.statistics.minimum_seeds < (asked.minimum_seeds or 0) == 10


def test_the_effect_that_is_called_detectable_is_supported_with_its_power() -> None:
    """At the margin plus what the interval needs; at the t test's own effect it would be 10 %."""
    rng, n = np.random.default_rng(0), 5
    expected: list[tuple[Direction, int]] = [
        ("lower", -1),
        ("higher", 1),
        ("not_lower", 1),
        ("not_higher", -1),
    ]
    for direction, side in expected:
        asked = comparison(direction, smallest=2.0)
        # The estimate whose standard error is the true one.
        known = Estimate(0.0, 1 / math.sqrt(n), n - 1)
        effect = from_estimate(asked, known, (n,), rule()).detectable
        assert effect * side > 0 or direction.startswith("not")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Estimate, "detectable", lambda *_: math.nan)
            verdicts: list[Verdict] = [
                from_estimate(
                    asked, mean_of(rng.normal(effect, 1, n).tolist()), (n,), rule()
                ).verdict
                for _ in range(SIMULATIONS)
            ]
        assert rate(iter(verdicts), {"supported"}) == pytest.approx(0.8, abs=slack(0.8))

"""How often the whole verdict rule is wrong where there is no difference: at most 5 %."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from verdict_rules import STATISTICS, claim, comparison

from vaml.analysis.stats import Estimate, difference_of_means, mean_of
from vaml.analysis.verdicts import Judgement, decide, from_estimate
from vaml.study.claims import Claim, Comparison, Direction, Verdict

SIMULATIONS = 1200
# 2.6 standard errors of a rate of 5 % over the simulations.
SLACK = 2.6 * math.sqrt(0.05 * 0.95 / SIMULATIONS)

Entry = tuple[Claim, Comparison, Judgement]


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest detectable effect is slow to compute, and no verdict reads it."""
    monkeypatch.setattr(Estimate, "detectable", lambda *_: math.nan)


def rate(entries: Iterator[list[Entry]], wrong: set[Verdict]) -> float:
    """The share of simulated studies with at least one wrong verdict."""
    studies = [decide(entry, STATISTICS) for entry in entries]
    return float(np.mean([any(each.verdict in wrong for each in study) for study in studies]))


# Two arms with the same law; the last two are what returns look like when some runs fail.
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
    owner = claim(asked)

    def studies() -> Iterator[list[Entry]]:
        for _ in range(SIMULATIONS):
            a, b = ARMS[law](rng, n), ARMS[law](rng, n)
            estimate = mean_of((a - b).tolist())
            if pairing == "unpaired":
                estimate = difference_of_means(a.tolist(), b.tolist())
            yield [(owner, asked, from_estimate(asked, estimate, (n,), STATISTICS))]

    assert rate(studies(), {"supported", "contradicted"}) <= 0.05 + SLACK


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("n", [4, 10])
def test_false_verdicts_of_a_whole_family_without_a_difference(n: int) -> None:
    """Six comparisons at once: without Holm's adjustment it would be about 26 %."""
    rng = np.random.default_rng(n)
    asked = comparison("higher", smallest=0.0)
    owner = claim(asked)

    def studies() -> Iterator[list[Entry]]:
        for _ in range(SIMULATIONS):
            estimates = [mean_of(rng.normal(size=n).tolist()) for _ in range(6)]
            yield [(owner, asked, from_estimate(asked, e, (n,), STATISTICS)) for e in estimates]

    assert rate(studies(), {"supported", "contradicted"}) <= 0.05 + SLACK


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("n", [4, 5, 10, 20])
@pytest.mark.parametrize("direction", ["equivalent", "not_lower", "lower"])
def test_false_equivalence_at_a_difference_that_matters(direction: Direction, n: int) -> None:
    """The true effect is at the margin: "no difference that matters" is wrong."""
    rng = np.random.default_rng(n)
    asked = comparison(direction, smallest=0.5)
    owner = claim(asked)

    def studies() -> Iterator[list[Entry]]:
        for _ in range(SIMULATIONS):
            estimate = mean_of(rng.normal(-0.5, 0.2, n).tolist())
            yield [(owner, asked, from_estimate(asked, estimate, (n,), STATISTICS))]

    # That it is lower is then right, if found.
    wrong: set[Verdict] = {"equivalent"} if direction == "lower" else {"equivalent", "supported"}
    assert rate(studies(), wrong) <= 0.025 + SLACK


@pytest.mark.usefixtures("_fast")
def test_a_clear_difference_is_found() -> None:
    """The rule is not silent: an effect of three standard deviations with five runs."""
    rng = np.random.default_rng(0)
    asked = comparison("lower", smallest=0.1)
    owner = claim(asked)

    def studies() -> Iterator[list[Entry]]:
        for _ in range(300):
            estimate = mean_of(rng.normal(-3, 1, 5).tolist())
            yield [(owner, asked, from_estimate(asked, estimate, (5,), STATISTICS))]

    assert rate(studies(), {"supported"}) > 0.9

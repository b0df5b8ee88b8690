"""The rule from numbers to a verdict: margins, Holm's adjustment, and a claim's own verdict."""

import math

import pytest
from verdict_rules import STATISTICS, claim, comparison

from vaml.analysis.verdicts import Judgement, combine, decide, verdict
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

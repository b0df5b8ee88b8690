"""The numbers on the pages of paper/published are those of the tables beside them."""

import re
from collections.abc import Callable, Iterable

import pytest
from published_numbers import (
    PUBLISHED,
    bracketed,
    compared,
    exp,
    integers,
    last_returns,
    lead_in_pusher,
    lowest_returns,
    theirs,
    verdict_of,
    whole_returns,
)


def page(study: str) -> str:
    text = (PUBLISHED / study / "README.md").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", text)


def effect(claim: str, measured: str, *arms: str) -> str:
    return bracketed(compared("Pusher", claim, measured, *arms)[0], ".1f")


def times(claim: str, measured: str, write: str) -> str:
    two_digits = [float(f"{number:.2g}") for number in exp(compared("Pusher", claim, measured)[0])]
    return f"× {bracketed(two_digits, write)}"


PUSHER: dict[str, Callable[[], str]] = {
    "W9": lambda: f"| {effect('W9', 'last of return', 'sac')} | {verdict_of('W9')} |",
    "W10": lambda: f"| {effect('W10', 'mean of return')} | {verdict_of('W10')} |",
    "W10, SAC": lambda: (
        f"| and SAC over maximum likelihood | {effect('W10', 'mean of return', 'sac')} |"
    ),
    "W10, SAC over regularised VAML": lambda: (
        f"over regularised VAML | {effect('W10', 'mean of return', 'sac', 'reg_vaml')} |"
    ),
    "W11": lambda: f"| {times('W11', 'last of log error_replay', '.2g')} | {verdict_of('W11')} |",
    "W11, fresh episodes": lambda: (
        f"| {times('W11', 'last of log error_on_policy / error_replay', '.0f')} |"
    ),
    "W12": lambda: (
        f"| {times('W12', 'log of mean of error_on_policy', '.2f')} | {verdict_of('W12')} |"
    ),
    "the end": lambda: f"(seen: between {last_returns('mle')})",
    "the end, regularised": lambda: f"(seen: {lead_in_pusher(60000)} above)",
    "the end, SAC": lambda: f"(seen: between {last_returns('sac')})",
    "the fall": lambda: f"(seen of maximum likelihood: {integers(lowest_returns('mle_as_run'))};",
}


@pytest.mark.parametrize("name", PUSHER)
def test_the_page_of_pusher_has_the_number_of_its_table(name: str) -> None:
    assert PUSHER[name]() in page("pusher")


STEPS = (12000, 16000, 20000, 24000, 30000, 40000, 50000, 60000)


@pytest.mark.parametrize(
    ("name", "agent", "seeds"),
    [
        ("maximum likelihood", "mle", 4),
        ("regularised VAML", "reg_vaml", 4),
        ("SAC, no model", "sac", 4),
        ("maximum likelihood, as run", "mle_as_run", 1),
    ],
)
def test_the_page_of_pusher_has_the_returns(name: str, agent: str, seeds: int) -> None:
    for seed in range(seeds):
        returns = whole_returns(agent)[seed].loc[list(STEPS)]
        assert f"| {name} | {seed} | {cells(returns)} |" in page("pusher")


@pytest.mark.parametrize(
    ("name", "agent"), [("maximum likelihood", "mle"), ("regularised VAML", "reg_vaml")]
)
def test_the_page_of_pusher_has_the_published_returns(name: str, agent: str) -> None:
    published = " | ".join(theirs(agent, step) for step in STEPS)
    assert f"| the authors' {name} | | {published} |" in page("pusher")


def cells(numbers: Iterable[float]) -> str:
    return integers(list(numbers), " | ")

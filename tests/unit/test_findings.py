"""The numbers in the findings are those of the published tables."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "paper" / "published"
SETTINGS = ("realizable", "unrealizable")


def pendulum(agent: str, column: str, seed: int) -> float:
    """Median over the refits of a run."""
    fits = table("pendulum/mbac_fits")
    mine = fits.loc[(fits["agent"] == agent) & (fits["seed"] == seed)]
    return float(mine[column].median())


def three_digits(number: float) -> str:
    return f"{number:.3g}".replace("-", "−")


def test_the_findings_about_inverted_pendulum_are_those_of_its_runs() -> None:
    text = " ".join((ROOT / "docs" / "findings.md").read_text(encoding="utf-8").split())
    returns: Any = table("pendulum/mbac_returns")
    curves = returns.groupby(["agent", "seed", "env_step"])["return"].mean().unstack()
    assert len(curves) == 9
    assert set(curves[30000]) == {1000.0}
    first = (curves == 1000.0).idxmax(axis=1)
    assert (first.min(), first.max()) == (14000, 22000)
    lowest = [curve.loc[first[name] :].min() for name, curve in curves.iterrows()]
    assert sorted(np.round(lowest))[:2] == [661, 1000]
    agents = ("reg_vaml", "mle")
    for column, between, after in (
        ("value_aware_error", "refits ", ")"),
        ("nll", "likelihood (", " nats per transition)"),
    ):
        pairs = [
            " against ".join(three_digits(pendulum(agent, column, seed)) for agent in agents)
            for seed in (1, 2, 3)
        ]
        assert f"{between}{pairs[0]}, {pairs[1]}, and {pairs[2]}{after}" in text


def test_the_findings_about_inverted_pendulum_beside_the_authors_are_those_of_its_figure() -> None:
    text = " ".join((ROOT / "docs" / "findings.md").read_text(encoding="utf-8").split())
    assert f"their error is {authors_over_ours('reg_vaml'):.1f} times ours" in text
    assert f"theirs is {authors_over_ours('mle'):.1f} times ours" in text


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(PUBLISHED / f"{name}.csv")


def errors(study: str, setting: str, metric: str) -> pd.DataFrame:
    """By hidden size and seed (rows) and objective."""
    fits = table(f"{study}/synthetic")
    return fits.loc[fits["setting"] == setting].pivot(
        index=["hidden_size", "seed"], columns="objective", values=metric
    )


def lower(study: str, setting: str) -> Any:
    """True where VAML's plotted error is below maximum likelihood's, by size and seed."""
    found = errors(study, setting, "value_aware_error")
    return found["vaml"] < found["mle"]


def pairs(study: str, setting: str) -> str:
    found = lower(study, setting)
    return f"{found.sum()} of {len(found)}"


def ratio(study: str, setting: str, metric: str, method: str = "vaml") -> float:
    """Geometric mean over sizes and seeds of the ratio to maximum likelihood."""
    found = errors(study, setting, metric)
    return float(np.exp(np.log(found[method] / found["mle"]).mean()))


def share_of_error(part: str) -> float:
    fits = table("why/synthetic")
    mine = fits.loc[fits["objective"] == "mle"]
    return float(mine[part].mean() / mine["value_aware_error"].mean())


def nll(study: str) -> float:
    """Median over seeds of maximum likelihood at 1024 units, unrealizable."""
    return float(errors(study, "unrealizable", "nll")["mle"].loc[1024].median())


def behind(study: str, setting: str) -> float:
    """Ratio of VAML's exact error to that of maximum likelihood in a sweep."""
    fits = table("sweeps/synthetic")
    mine = fits.loc[(fits["study"] == f"why_{study}") & (fits["setting"] == setting)]
    wide = mine.pivot(index="seed", columns="objective", values="exact_error")
    return float(np.exp(np.log(wide["vaml"] / wide["mle"]).mean()))


def returns(agent: str, step: int, name: str = "pusher/returns") -> list[float]:
    rows = table(name)
    mine = rows.loc[(rows["agent"] == agent) & (rows["env_step"] == step)].sort_values("seed")
    return mine["return"].to_list()


def integers(values: list[float], between: str = " and ") -> str:
    return between.join(f"{value:.0f}".replace("-", "−") for value in values)


def ahead() -> list[float]:
    both = returns("reg_vaml", 16000), returns("mle", 16000)
    return [a - b for a, b in zip(*both, strict=True)]


def snapshot(environment: str, objective: str, metric: str, name: str = "snapshots") -> list[float]:
    """Along experiment B's snapshots."""
    rows = table(f"snapshots/{name}")
    mine = rows.loc[
        (rows["environment"] == f"{environment}-v4") & (rows["objective"] == objective)
    ].sort_values("step")
    return mine[metric].to_list()


def authors(environment: str) -> list[float]:
    """The published errors of maximum likelihood."""
    rows = pd.read_csv(ROOT / "paper" / "reference" / "figure_2.csv")
    mine = rows.loc[(rows["environment"] == f"{environment}-v3") & (rows["objective"] == "mle")]
    return mine.sort_values("step")["value_aware_error"].to_list()


def rise(values: list[float], digits: int = 1) -> str:
    return " to ".join(
        f"{value:.{0 if value > 100 else digits}f}" for value in values[:: len(values) - 1]
    )


def share(values: list[float]) -> str:
    first, last = (
        f"{value:.0%}" if value > 0.1 else f"{value:.1%}" for value in values[:: len(values) - 1]
    )
    return f"{first} to {last}".replace("%", " %")


def reach(values: list[float], digits: int = 1) -> str:
    return f"{min(values):.{digits}f} and {max(values):.{digits}f}"


def times_lower(environment: str) -> float:
    """Factor by which VAML's mean squared bias over the snapshots is lower."""
    mle, vaml = (np.mean(snapshot(environment, name, "squared_bias")) for name in ("mle", "vaml"))
    return float(mle / vaml)


def tail(environment: str, objective: str, column: str) -> list[float]:
    return snapshot(environment, objective, column, "tails")


def median_ratio(environment: str) -> float:
    """The typical error of maximum likelihood over VAML's, at the last snapshot."""
    mle, vaml = (tail(environment, name, "median")[-1] for name in ("mle", "vaml"))
    return mle / vaml


def next_over_own(environment: str, objective: str) -> list[float]:
    """Errors for the next snapshot's value function over those for its own; the last has none."""
    pairs = zip(
        *(snapshot(environment, objective, f"{kind}value_aware_error") for kind in ("next_", "")),
        strict=True,
    )
    return [after / own for after, own in pairs][:-1]


EXACT = [ratio("why", setting, "exact_error") for setting in SETTINGS]
FINDINGS: dict[str, Callable[[], str]] = {
    "noise": lambda: f"{share_of_error('noise_floor'):.0%} of the plotted".replace("%", " %"),
    "eq. (8)": lambda: f"{share_of_error('exact_error'):.1%} is the error of eq.".replace(
        "%", " %"
    ),
    "advantage": lambda: f"{1 - ratio('why', 'realizable', 'value_aware_error'):.0%} lower".replace(
        "%", " %"
    ),
    "consistent, realizable": lambda: (
        f"in {pairs('why', 'realizable')} pairs of hidden size and seed in the realizable"
    ),
    "consistent, unrealizable": lambda: f"in {pairs('why', 'unrealizable')} in the unrealizable",
    "exact error": lambda: f"{EXACT[0]:.0f} and {EXACT[1]:.0f} times the exact error",
    "exact targets": lambda: (
        f"{1 / ratio('why', 'realizable', 'exact_error', 'vaml_exact'):.0f} times better"
    ),
    "exact targets, unrealizable": lambda: (
        f"(realizable), {1 / ratio('why', 'unrealizable', 'exact_error', 'vaml_exact'):.0f} times"
    ),
    "the authors' rows": lambda: f"NLL {nll('as_run'):.2f} against",
    "not those of the whole pool": lambda: f"and {nll('why'):.2f} with 50 000",
    "the pool of 5 000": lambda: f"VAML is lower in {pairs('as_run', 'unrealizable')} pairs",
    "its advantage": lambda: (
        f"by {1 - ratio('as_run', 'unrealizable', 'value_aware_error'):.0%} on".replace("%", " %")
    ),
    "no seed everywhere": lambda: {0: "in no seed at every size"}[
        int(lower("as_run", "unrealizable").groupby("seed").all().sum())
    ],
    "ten times the motion": lambda: (
        f"VAML {behind('signal_10', 'realizable'):.1f} to "
        f"{behind('signal_10', 'unrealizable'):.1f} and "
        f"{behind('capacity_16', 'unrealizable'):.1f} times behind"
    ),
    "as run": lambda: f"maximum likelihood to {integers(returns('mle_as_run', 16000))}",
    "as run, regularised": lambda: (
        f"regularised VAML to {integers(returns('reg_vaml_as_run', 16000))}"
    ),
    "regularised VAML is ahead": lambda: f"by {integers(ahead())} in return",
    "whole run as run": lambda: (
        f"to the end ({integers(returns('mle_as_run', 60000, 'pusher/whole_returns'))}"
    ),
    "figure 2, Hopper": lambda: (
        f"from {rise(snapshot('Hopper', 'mle', 'value_aware_error'))} on Hopper "
        f"(theirs: {rise(authors('Hopper'))})"
    ),
    "figure 2, Walker2d": lambda: (
        f"from {rise(snapshot('Walker2d', 'mle', 'value_aware_error'))} on Walker2d "
        f"({rise(authors('Walker2d'))})"
    ),
    "figure 2, VAML": lambda: (
        f"between {reach(snapshot('Hopper', 'vaml', 'value_aware_error'))}, and between "
        f"{reach(snapshot('Walker2d', 'vaml', 'value_aware_error'))}"
    ),
    "squared bias": lambda: (
        f"{times_lower('Hopper'):.0f} and {times_lower('Walker2d'):.1f} times lower"
    ),
    "a few transitions": lambda: (
        f"carry {tail('Hopper', 'mle', 'top_1_percent')[-1]:.0%} of maximum likelihood's error, "
        f"and ten of them {tail('Hopper', 'mle', 'top_10')[-1]:.0%}"
    ).replace("%", " %"),
    "the typical transition": lambda: (
        f"(median {tail('Hopper', 'mle', 'median')[0]:.2f} at the first snapshot, "
        f"{tail('Hopper', 'mle', 'median')[-1]:.2f} at the last)"
    ),
    "the typical transition, VAML": lambda: (
        f"{1 / median_ratio('Hopper'):.0f} times smaller than VAML's"
    ),
    "the typical transition, Walker2d": lambda: (
        f"VAML's is {median_ratio('Walker2d'):.1f} times smaller there"
    ),
    "share of variance": lambda: (
        f"rises on Hopper ({share(snapshot('Hopper', 'mle', 'normalised_error'))}) and falls on "
        f"Walker2d ({share(snapshot('Walker2d', 'mle', 'normalised_error'))})"
    ),
    "the next value function": lambda: (
        f"{integers(next_over_own('Hopper', 'vaml')[:3], ', ')} and "
        f"{next_over_own('Hopper', 'vaml')[3]:.0f} times as large; maximum likelihood's is "
        f"{rise(sorted(next_over_own('Hopper', 'mle')))} times"
    ),
    "coverage": lambda: (
        f"{min(snapshot('Hopper', 'vaml', 'coverage_90')):.1%} to "
        f"{max(snapshot('Hopper', 'vaml', 'coverage_90')):.0%} of"
    ).replace("%", " %"),
    "theirs at 16 000 steps": lambda: f"theirs {theirs('mle', 16000)};",
    "theirs at 16 000 steps, regularised": lambda: f"theirs {theirs('reg_vaml', 16000)})",
    "theirs at the end": lambda: f"theirs {theirs('mle', 60000)})",
    "one system turns": lambda: f"turns by a factor of {turns():.0f} and more",
    "whole run": lambda: f"ends at {integers(returns('mle', 60000, 'pusher/whole_returns'))}",
}


def runs_per_agent() -> str:
    runs: Any = table("pendulum/mbac").groupby("agent").size()
    assert runs.min() == runs.max()
    return f"{runs.min()} runs"


def error_pair(seed: int) -> str:
    errors = (pendulum(agent, "value_aware_error", seed) for agent in ("reg_vaml", "mle"))
    return " against ".join(f"{error:.2f}" for error in errors)


def authors_over_ours(agent: str) -> float:
    """Median over the authors' points of their value-aware error over the mean of ours."""
    drawn: Any = table("pendulum/figure_3_seeds")
    mine = drawn.loc[(drawn["metric"] == "value_aware_error") & (drawn["agent"] == agent)]
    ours, theirs = (
        mine.loc[mine["kind"] == kind].set_index("env_step")["value"]
        for kind in ("mean", "authors")
    )
    return float((theirs / np.interp(theirs.index, ours.index, ours)).median())


def judged(setting: str, method: str, metric: str, claim: str) -> str:
    """Ratio to maximum likelihood with its interval, as the published verdicts have them."""
    rows = table("why/claims")
    (row,) = rows.loc[
        (rows["claim"] == claim)
        & (rows["part"] == setting)
        & (rows["method"] == method)
        & (rows["measured"] == f"mean of log {metric}")
    ].to_dict("records")
    values = np.exp([row[name] for name in ("effect", "low", "high")])
    digits = 0 if values[0] > 10 else 2 if values[0] > 0.1 else 4
    effect, low, high = (f"{value:.{digits}f}" for value in values)
    return f"{effect} [{low}, {high}] × MLE"


def theirs(agent: str, step: int) -> str:
    """The authors' mean return on Pusher, at the evaluation nearest to a step."""
    curve = pd.read_csv(ROOT / "paper" / "reference" / "figure_3.csv")
    mine = curve.loc[
        (curve["environment"] == "Pusher-v2")
        & (curve["metric"] == "return")
        & (curve["agent"] == agent)
    ]
    nearest = (mine["env_step"] - step).abs().idxmin()
    return integers([mine.loc[nearest, "mean"]])


def turns() -> float:
    """The least of the factors by which VAML is ahead, of the random system where it is."""
    fits = table("sweeps/synthetic")
    wide = fits.pivot(
        index=["study", "setting", "seed"], columns="objective", values="exact_error"
    ).dropna()
    ahead = (wide["mle"] / wide["vaml"]).loc[lambda factor: factor > 1]
    assert set(ahead.index.get_level_values("seed")) == {2}
    return float(ahead.min())


FIRST_PAGE: dict[str, Callable[[], str]] = {
    "plotted": lambda: judged("realizable", "vaml", "value_aware_error", "C1"),
    "exact": lambda: judged("realizable", "vaml", "exact_error", "W3"),
    "exact targets": lambda: judged("realizable", "vaml_exact", "exact_error", "W4"),
    "advantage": lambda: (
        f"error by {1 - ratio('why', 'realizable', 'value_aware_error'):.0%}".replace("%", " %")
    ),
    "behind": lambda: f"it is {EXACT[0]:.0f} times worse",
    "everywhere": lambda: f"lower in {pairs('why', 'realizable')} pairs",
    "the authors' pool": lambda: f"lower in {pairs('as_run', 'unrealizable')} pairs, in no seed",
    "SAC's data": lambda: (
        f"mean {times_lower('Hopper'):.0f} times lower on Hopper and "
        f"{times_lower('Walker2d'):.1f} on Walker2d, "
        f"median {1 / median_ratio('Hopper'):.0f} times higher and "
        f"{median_ratio('Walker2d'):.1f} times lower"
    ),
    "Pusher": lambda: (
        f"{integers(returns('mle_as_run', 60000, 'pusher/whole_returns'))} with them, "
        f"{integers(returns('mle', 60000, 'pusher/whole_returns'))} without; "
        f"published {theirs('mle', 60000)}"
    ),
    "InvertedPendulum": lambda: (
        f"error {error_pair(1)}, {error_pair(2)}, and {error_pair(3)} | {runs_per_agent()}"
    ),
}


@pytest.mark.parametrize("name", FIRST_PAGE)
def test_the_first_page_has_the_number_of_its_table(name: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    expected = FIRST_PAGE[name]()
    assert expected in re.sub(r"\s+", " ", text)


def test_the_claims_say_of_the_noise_what_the_table_says() -> None:
    text = " ".join((ROOT / "config" / "claims.yaml").read_text(encoding="utf-8").split())
    share = f"{share_of_error('noise_floor'):.0%}".replace("%", " %")
    assert f"Some {share} of this error is noise of the single next state" in text
    assert not set(re.findall(r"(\d+) % of (?:this|the) error", text)) - {share.split()[0]}


def test_the_corrected_verdicts_are_those_of_the_judgement() -> None:
    rows = table("why/claims")

    def verdict(claim: str, variant: str) -> str:
        (found,) = set(rows.loc[(rows["claim"] == claim) & (rows["variant"] == variant), "verdict"])
        return found

    text = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    shown = f"{verdict('C3a', 'paper')}, and {verdict('C3a', 'corrected')}"
    assert f"C3a, narrow: {shown} in the exact" in text
    assert verdict("C3b", "paper") == verdict("C3b", "corrected")
    assert f"C3b, not consistent: {verdict('C3b', 'paper')} in both |" in text
    assert f"with many samples: inconclusive | {verdict('C1m', 'paper')} |" in text


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_has_the_number_of_its_table(name: str) -> None:
    text = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    expected = FINDINGS[name]()
    assert expected in re.sub(r"\s+", " ", text)

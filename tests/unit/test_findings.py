"""The numbers in the findings are those of the published tables."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

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


def before_it_is_solved(metric: str) -> str:
    """Regularised VAML's median over maximum likelihood's, by seed."""
    every: Any = table("pendulum/mbac_diagnostics")
    early = every.loc[every["env_step"] <= 12000]
    medians = early.groupby(["agent", "seed"])[metric].median()
    *some, last = (three_digits(found) for found in medians["reg_vaml"] / medians["mle"])
    return f"{', '.join(some)}, and {last} times"


def test_the_findings_have_the_errors_of_fresh_episodes_in_inverted_pendulum() -> None:
    text = " ".join((ROOT / "docs" / "findings.md").read_text(encoding="utf-8").split())
    assert f"error is {before_it_is_solved('error_replay')} maximum likelihood's on the" in text
    assert f"and {before_it_is_solved('error_on_policy')} on fresh episodes" in text


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


def mean_of(part: str, objective: str = "mle", study: str = "why") -> float:
    """Over all fits of an objective in both settings."""
    fits = table(f"{study}/synthetic")
    return float(fits.loc[fits["objective"] == objective, part].mean())


def share_of_error(part: str, study: str = "why") -> float:
    return mean_of(part, study=study) / mean_of("value_aware_error", study=study)


def change_of_share(part: str) -> float:
    """VAML's part of the plotted error less maximum likelihood's, over the latter's error."""
    return (mean_of(part, "vaml") - mean_of(part)) / mean_of("value_aware_error")


def only(found: set[Any]) -> Any:
    """The one value that both settings, or all snapshots, have."""
    (value,) = found
    return value


def per_cent(value: float) -> str:
    return f"{100 * value:.0f} %"


def skill(setting: str) -> float:
    """Median share of the error of predicting no change that maximum likelihood removes."""
    found: Any = errors("why", setting, "skill")["mle"]
    return float(found.median())


def exact_at(setting: str, method: str, hidden_size: int) -> float:
    """Geometric mean over seeds of the ratio of exact errors to maximum likelihood's."""
    found = errors("why", setting, "exact_error").loc[hidden_size]
    return float(np.exp(np.log(found[method] / found["mle"]).mean()))


def printed() -> pd.DataFrame:
    """The authors' runs behind figure 1, all unrealizable."""
    return pd.read_csv(ROOT / "paper" / "reference" / "figure_1_runs.csv")


def within(study: str) -> int:
    """How many of the printed numbers lie between the lowest and the highest of our seeds."""
    fits = table(f"{study}/synthetic")
    same = fits.merge(
        printed(), on=["setting", "hidden_size", "objective"], suffixes=("", "_authors")
    )
    found: Any = same.groupby(["hidden_size", "objective"])
    return sum(
        int(found[name].min()[row] <= theirs <= found[name].max()[row])
        for name in ("nll", "mean_l1_error", "sigma_l1")
        for row, theirs in found[f"{name}_authors"].first().items()
    )


def nll(study: str) -> float:
    """Median over seeds of maximum likelihood at 1024 units, unrealizable."""
    return float(errors(study, "unrealizable", "nll")["mle"].loc[1024].median())


def behind(study: str, setting: str) -> float:
    """Ratio of VAML's exact error to that of maximum likelihood in a sweep."""
    fits = table("sweeps/synthetic")
    mine = fits.loc[(fits["study"] == f"why_{study}") & (fits["setting"] == setting)]
    wide = mine.pivot(index="seed", columns="objective", values="exact_error")
    return float(np.exp(np.log(wide["vaml"] / wide["mle"]).mean()))


def returns(agent: str, step: int, name: str = "pusher_settings/returns") -> list[float]:
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


def times_lower(environment: str, last: int | None = None) -> float:
    """Factor by which VAML's mean squared bias over the snapshots is lower."""
    mle, vaml = (
        np.mean(snapshot(environment, name, "squared_bias")[:last]) for name in ("mle", "vaml")
    )
    return float(mle / vaml)


def lower_at(environment: str) -> str:
    """Snapshots at which VAML's squared bias is the lower one."""
    mle, vaml = (snapshot(environment, name, "squared_bias") for name in ("mle", "vaml"))
    return f"{sum(a < b for a, b in zip(vaml, mle, strict=True))} of {len(mle)}"


def all_snapshots(environment: str) -> list[float]:
    """Errors of maximum likelihood at the nineteen."""
    return snapshot(environment, "mle", "value_aware_error", "mle_snapshots")


def trend(values: list[float]) -> float:
    """Rank correlation with the step."""
    return float(pd.Series(values).corr(pd.Series(range(len(values))), method="spearman"))


def order_of_medians(environment: str) -> set[bool]:
    """True where the typical error of maximum likelihood is below VAML's."""
    rows = table("snapshots/tails")
    mine: Any = rows.loc[rows["environment"] == f"{environment}-v4"]
    wide = mine.pivot(index="step", columns="objective", values="median").dropna()
    assert len(wide) == 5
    return set(wide["mle"] < wide["vaml"])


def covered(objective: str) -> list[float]:
    return [
        share
        for environment in ("Hopper", "Walker2d")
        for share in snapshot(environment, objective, "coverage_90")
    ]


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
    "eq. (8)": lambda: f"{share_of_error('exact_error'):.1%} the exact error".replace("%", " %"),
    "spread of samples": lambda: (
        f"{per_cent(share_of_error('model_variance_term'))} the spread of the model's own"
    ),
    "what the collapse saves": lambda: (
        f"saves {per_cent(-change_of_share('model_variance_term'))} of the plotted error, and the "
        f"larger exact error costs {per_cent(change_of_share('exact_error'))}"
    ),
    "a thousand samples": lambda: only(
        {
            f"in place of ten VAML is behind by {per_cent(found - 1)}"
            for found in (ratio("why", setting, "value_aware_error_k1000") for setting in SETTINGS)
        }
    ),
    "regularised VAML in A": lambda: (
        f"{per_cent(1 - ratio('why', 'realizable', 'value_aware_error', 'reg_vaml'))} lower in the "
        f"plotted error and {ratio('why', 'realizable', 'exact_error', 'reg_vaml'):.0f} times the "
        "exact error, in both"
    ),
    "regularised VAML in A, unrealizable": lambda: (
        f"{per_cent(1 - ratio('why', 'unrealizable', 'value_aware_error', 'reg_vaml'))} lower in "
        f"the plotted error and {ratio('why', 'unrealizable', 'exact_error', 'reg_vaml'):.0f} times"
    ),
    "debiased": lambda: (
        " and ".join(
            f"{ratio('why', setting, 'exact_error', 'vaml_debiased'):.0f}" for setting in SETTINGS
        )
        + " times that of maximum likelihood"
    ),
    "exact targets at 1024 units": lambda: (
        f"{exact_at('unrealizable', 'vaml_exact', 1024):.0f} times larger at 1024"
    ),
    "hardly too small": lambda: only(
        {f"likelihood removes {per_cent(skill(setting))} of the error" for setting in SETTINGS}
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
        f"{1 / ratio('why', 'realizable', 'exact_error', 'vaml_exact'):.0f} times smaller than"
    ),
    "exact targets, unrealizable": lambda: (
        f"setting, and {1 / ratio('why', 'unrealizable', 'exact_error', 'vaml_exact'):.0f} times on"
    ),
    "the authors' rows": lambda: f"NLL {nll('as_run'):.2f} against",
    "not those of the whole pool": lambda: f"and {nll('why'):.2f} with 50 000",
    "the authors' rows within the seeds' range": lambda: (
        f"{within('as_run')} of the {3 * len(printed())} numbers that the authors printed"
    ),
    "not within that of the whole pool": lambda: f"and {within('why')} with 50 000 (",
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
    "the paper's motion at that size": lambda: (
        f"which is {exact_at('realizable', 'vaml', 64):.0f} and "
        f"{exact_at('unrealizable', 'vaml', 64):.0f} at this size"
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
    "without the last snapshot": lambda: (
        f"the factor is {times_lower('Hopper', -1):.1f}, and VAML is lower at {lower_at('Hopper')} "
        f"snapshots. On Walker2d the factor is {times_lower('Walker2d', -1):.1f} without it too, "
        f"and VAML is lower at {lower_at('Walker2d')}"
    ),
    "trend, Walker2d": lambda: (
        f"is {trend(all_snapshots('Walker2d')):.2f} (theirs {trend(authors('Walker2d')):.2f}"
    ),
    "trend, Hopper": lambda: (
        f"on Hopper {trend(all_snapshots('Hopper')):.2f} and {trend(authors('Hopper')):.2f})"
    ),
    "level, Hopper": lambda: (
        f"(medians over the snapshots {np.median(authors('Hopper')):.0f} and "
        f"{np.median(all_snapshots('Hopper')):.0f})"
    ),
    "the order of the medians": lambda: {
        (True, False): "medians is the same at all five snapshots, in either environment"
    }[only(order_of_medians("Hopper")), only(order_of_medians("Walker2d"))],
    "a few transitions": lambda: (
        f"carry {tail('Hopper', 'mle', 'top_1_percent')[-1]:.0%} of maximum likelihood's error, "
        f"and ten of them {tail('Hopper', 'mle', 'top_10')[-1]:.0%}"
    ).replace("%", " %"),
    "a few transitions, elsewhere": lambda: (
        f"on 1 % carry at least {per_cent(min(tail('Hopper', 'mle', 'top_1_percent')[1:]))} "
        f"(VAML's: {per_cent(min(tail('Hopper', 'vaml', 'top_1_percent')[1:]))} to "
        f"{per_cent(max(tail('Hopper', 'vaml', 'top_1_percent')[1:]))})"
    ),
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
    "the next value function, regularised": lambda: (
        "VAML's is {:.0f} times as large at the first snapshot, and then {:.1f}, {:.1f} and {:.1f}"
    ).format(*next_over_own("Hopper", "reg_vaml")),
    "coverage": lambda: (
        f"{min(snapshot('Hopper', 'vaml', 'coverage_90')):.1%} to "
        f"{max(snapshot('Hopper', 'vaml', 'coverage_90')):.0%} of"
    ).replace("%", " %"),
    "coverage, Walker2d": lambda: (
        f"on Walker2d {per_cent(min(snapshot('Walker2d', 'vaml', 'coverage_90')))} to "
        f"{per_cent(max(snapshot('Walker2d', 'vaml', 'coverage_90')))}. Of maximum likelihood's, "
        f"{per_cent(min(covered('mle')))} to {per_cent(max(covered('mle')))} do"
    ),
    "theirs at 16 000 steps": lambda: f"theirs {theirs('mle', 16000)};",
    "theirs at 16 000 steps, regularised": lambda: f"theirs {theirs('reg_vaml', 16000)})",
    "theirs at the end": lambda: f"theirs {theirs('mle', 60000)})",
    "one system turns": lambda: f"turns by a factor of {turns():.0f} and more, in three of four",
    "the authors' order in Pusher": lambda: "ahead from {} to {} steps".format(
        *(f"{step:,}".replace(",", " ") for step in lead())
    ),
    "below the published curve": lambda: f"the way up to {below_the_published():.0f} lower",
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


def published_returns(agent: str) -> Any:
    """The authors' means on Pusher by step."""
    curve = pd.read_csv(ROOT / "paper" / "reference" / "figure_3.csv")
    mine = curve.loc[(curve["environment"] == "Pusher-v2") & (curve["metric"] == "return")]
    return mine.loc[mine["agent"] == agent].set_index("env_step")["mean"]


def lead() -> tuple[int, int]:
    """First and last step of the authors' longest stretch with regularised VAML ahead."""
    ahead = published_returns("reg_vaml") > published_returns("mle")
    stretches = (ahead != ahead.shift()).cumsum()[ahead]
    longest = stretches.index[stretches == stretches.mode()[0]]
    assert not ahead.loc[longest[-1] :].iloc[1:].any()
    return int(longest[0]), int(longest[-1])


def below_the_published() -> float:
    """The most by which the whole run with the authors' settings is below their curve."""
    rows = table("pusher_settings/whole_returns")
    ours = rows.loc[rows["agent"] == "mle_as_run"].set_index("env_step")["return"]
    theirs = published_returns("mle")
    return float((theirs - np.interp(theirs.index, ours.index, ours)).max())


def turns() -> float:
    """The least of the factors by which VAML is ahead, of the random system where it is."""
    fits = table("sweeps/synthetic")
    wide = fits.pivot(
        index=["study", "setting", "seed"], columns="objective", values="exact_error"
    ).dropna()
    ahead = (wide["mle"] / wide["vaml"]).loc[lambda factor: factor > 1]
    assert set(ahead.index.get_level_values("seed")) == {2}
    assert len(ahead) == 3
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
        f"mean {times_lower('Hopper'):.0f} times lower on Hopper "
        f"({times_lower('Hopper', -1):.1f} without the last snapshot) and "
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


NAMES = {
    "VAML": "vaml",
    "regularised VAML": "reg_vaml",
    "VAML, debiased": "vaml_debiased",
    "VAML, exact": "vaml_exact",
    "VAML, score function": "vaml_score_function",
    "VaGraM": "vagram",
    "squared error": "mse",
    "MLE, fixed scale": "mle_fixed_scale",
}


def table_row(study: str, objective: str, setting: str) -> Iterator[float]:
    """Ratios to maximum likelihood with their t intervals over seeds, and the relative σ."""
    for metric in ("value_aware_error", "value_aware_error_k1000", "exact_error"):
        found = errors(study, setting, metric)
        ratios: Any = np.log(found[objective] / found["mle"])
        seeds = ratios.groupby("seed").mean()
        half = stats.t.ppf(0.975, len(seeds) - 1) * seeds.std() / np.sqrt(len(seeds))
        yield from np.exp([seeds.mean(), seeds.mean() - half, seeds.mean() + half])
    sigma: Any = errors(study, setting, "sigma_l1") / errors(study, setting, "true_sigma_l1")
    yield float(sigma[objective].median())


@pytest.mark.parametrize(("study", "rows"), [("why", 16), ("as_run", 4)])
def test_the_page_of_experiment_a_has_the_ratios_of_its_table(study: str, rows: int) -> None:
    text = (PUBLISHED / study / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (.+), ((?:un)?realizable) \|(.+)\|$", text, re.MULTILINE)
    assert len(found) == rows
    for name, setting, cells in found:
        said = [Decimal(number) for number in re.findall(r"[\d.]+(?:e[+-]\d+)?", cells)]
        for number, value in zip(said, table_row(study, NAMES[name], setting), strict=True):
            unit = 10.0 ** int(number.as_tuple().exponent)
            assert float(number) == pytest.approx(value, abs=0.5001 * unit, rel=0), name
    share = per_cent(share_of_error("noise_floor", study))
    assert f"{share} is the noise of" in text or f"{share} of MLE's plotted error is noise" in text


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_has_the_number_of_its_table(name: str) -> None:
    text = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    expected = FINDINGS[name]()
    assert expected in re.sub(r"\s+", " ", text)

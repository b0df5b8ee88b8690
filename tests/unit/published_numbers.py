"""Numbers that documents say, computed from the published tables, and how they write them."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

ROOT = Path(__file__).parents[2]
# Comparisons of experiment B, as claims.csv names them.
SAMPLES = "median of log mean_prediction_error / transition_error_mean / 0.5"
HUNDREDTH = "median of log top_1_percent / 0.5"
OFF_OR_STEEP = "median of log top_residual / top_slope"
MEAN_ERROR = "median of log mean_error_replay / error_replay / 0.5"
MEANS = "median of log mean_prediction_error"
PLOTTED = "median of log value_aware_error"
RISE = "rank correlation of value_aware_error"
TYPICAL = "median of log transition_error_median"
PUBLISHED = ROOT / "paper" / "published"
SETTINGS = ("realizable", "unrealizable")


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(PUBLISHED / f"{name}.csv")


def page(name: str) -> str:
    """The text of a document, by its path in the repository, on one line."""
    return re.sub(r"\s+", " ", (ROOT / name).read_text(encoding="utf-8"))


def three_digits(number: float) -> str:
    return f"{number:.3g}".replace("-", "−")


def integers(values: list[float], between: str = " and ") -> str:
    return between.join(f"{value:.0f}".replace("-", "−") for value in values)


def per_cent(value: float) -> str:
    return f"{100 * value:.0f} %"


def only(found: set[Any]) -> Any:
    """The one value that both settings, or all snapshots, have."""
    (value,) = found
    return value


def pendulum(agent: str, column: str, seed: int) -> float:
    """Median over the refits of a run."""
    fits = table("pendulum/mbac_fits")
    mine = fits.loc[(fits["agent"] == agent) & (fits["seed"] == seed)]
    return float(mine[column].median())


def ratios(name: str, column: str, last_step: int = 30000) -> list[float]:
    """Regularised VAML over maximum likelihood on InvertedPendulum, by seed.

    Medians over the rows of a run, up to a step, of the ratio in that row.
    """
    wide = table(f"pendulum/{name}").pivot(
        index=["seed", "env_step"], columns="agent", values=column
    )
    early: Any = np.log(wide["reg_vaml"] / wide["mle"])
    early = early.loc[early.index.get_level_values("env_step") <= last_step]
    return list(np.exp(early.groupby("seed").median()))


def by_seed(values: list[float]) -> str:
    *some, last = (three_digits(value) for value in values)
    return f"{', '.join(some)}, and {last}"


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


def change_of_share(part: str, setting: str) -> float:
    """VAML's part of the plotted error less maximum likelihood's, over the latter's error."""
    means: Any = errors("why", setting, part).mean()
    return (means["vaml"] - means["mle"]) / plotted(setting)


def plotted(setting: str) -> float:
    """Mean plotted error of maximum likelihood."""
    found: Any = errors("why", setting, "value_aware_error")["mle"]
    return found.mean()


def of_plotted(column: str) -> float:
    """Mean of a column of untrained.csv over that of maximum likelihood's plotted error.

    The columns of no change, no variance and no motion, which do not depend on the setting.
    """
    rows = table("why/untrained")
    return float(rows.loc[rows["setting"] == "realizable", column].mean() / plotted("realizable"))


def _over_untrained(setting: str, metric: str, objective: str = "mle") -> Any:
    """Exact error of an objective over that of its start, in logarithms."""
    rows = table("why/untrained").set_index(["setting", "hidden_size", "seed"])
    trained = errors("why", setting, metric)[objective]
    return np.log(trained / rows.loc[setting, "untrained_error"])


def over_untrained(setting: str, metric: str = "exact_error", objective: str = "mle") -> str:
    """Geometric mean over the hidden sizes, with its interval over seeds."""
    return over_seeds(_over_untrained(setting, metric, objective))


def over_untrained_at(setting: str, hidden_size: int) -> str:
    """The same of maximum likelihood at one hidden size."""
    return f"{np.exp(_over_untrained(setting, 'exact_error').xs(hidden_size).mean()):.2g}"


def worse_than_untrained(setting: str, metric: str = "exact_error") -> str:
    """How many fits of maximum likelihood are further from the truth than their start."""
    logs = _over_untrained(setting, metric)
    return f"{(logs > 0).sum()} of {len(logs)}"


def skill(setting: str, study: str = "why", objective: str = "mle") -> float:
    """Median share of the error of predicting no change that an objective removes."""
    found: Any = errors(study, setting, "skill")[objective]
    return float(found.median())


def exact_at(setting: str, method: str, hidden_size: int, metric: str = "exact_error") -> float:
    """Geometric mean over seeds of the ratio of exact errors to maximum likelihood's."""
    found = errors("why", setting, metric).loc[hidden_size]
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


def behind(study: str, setting: str, objective: str = "vaml") -> float:
    """Ratio of an objective's exact error to that of maximum likelihood in a sweep."""
    fits = table("sweeps/synthetic")
    mine = fits.loc[(fits["study"] == f"why_{study}") & (fits["setting"] == setting)]
    wide = mine.pivot(index="seed", columns="objective", values="exact_error")
    return float(np.exp(np.log(wide[objective] / wide["mle"]).mean()))


def returns(agent: str, step: int, name: str = "pusher_settings/returns") -> list[float]:
    rows = table(name)
    mine = rows.loc[(rows["agent"] == agent) & (rows["env_step"] == step)].sort_values("seed")
    return mine["return"].to_list()


def at_the_end(agent: str) -> str:
    """The return at the end of a whole run in Pusher."""
    return integers(returns(agent, 60000, "pusher_settings/whole_returns"))


def ahead() -> list[float]:
    both = returns("reg_vaml", 16000), returns("mle", 16000)
    return [a - b for a, b in zip(*both, strict=True)]


def snapshot(environment: str, objective: str, metric: str) -> list[float]:
    """Along the snapshots of experiment B to which every objective is fitted, in its first run."""
    steps = _first_run(environment, "vaml")["step"]
    mine = _first_run(environment, objective)
    return mine.loc[mine["step"].isin(steps), metric].to_list()


def _first_run(environment: str, objective: str) -> pd.DataFrame:
    rows = table("snapshots/snapshots")
    found = {"environment": f"{environment}-v4", "objective": objective, "seed": 0}
    return rows.loc[(rows[list(found)] == pd.Series(found)).all(axis=1)].sort_values("step")


def authors(environment: str, objective: str = "mle") -> list[float]:
    """The published errors of maximum likelihood, or of another objective."""
    rows = pd.read_csv(ROOT / "paper" / "reference" / "figure_2.csv")
    mine = rows.loc[(rows["environment"] == f"{environment}-v3") & (rows["objective"] == objective)]
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


def times_lower(environment: str, last: int | None = None, metric: str = "squared_bias") -> float:
    """Factor by which VAML's mean error over the snapshots is lower."""
    mle, vaml = (np.mean(snapshot(environment, name, metric)[:last]) for name in ("mle", "vaml"))
    return float(mle / vaml)


def lower_at(environment: str) -> str:
    """Snapshots at which VAML's squared bias is the lower one."""
    mle, vaml = (snapshot(environment, name, "squared_bias") for name in ("mle", "vaml"))
    return f"{sum(a < b for a, b in zip(vaml, mle, strict=True))} of {len(mle)}"


def published_gap() -> tuple[int, int, float]:
    """On Hopper, of the authors' snapshots: VAML is lower at, of, by (without the worst)."""
    mle, vaml = (np.array(authors("Hopper", name)) for name in ("mle", "vaml"))
    rest = np.arange(len(mle)) != mle.argmax()
    return int((vaml < mle).sum()), len(mle), mle[rest].mean() / vaml[rest].mean()


def of_variance(environment: str) -> list[float]:
    """Errors of maximum likelihood as shares of V's variance, C4's corrected measure."""
    error, variance = (
        np.array(snapshot(environment, "mle", name))
        for name in ("value_aware_error", "value_variance")
    )
    return list(error / variance)


def all_snapshots(environment: str, metric: str = "value_aware_error") -> list[float]:
    """Errors of maximum likelihood at the nineteen."""
    return _first_run(environment, "mle")[metric].to_list()


def trend(values: list[float]) -> float:
    """Rank correlation with the step."""
    return float(pd.Series(values).corr(pd.Series(range(len(values))), method="spearman"))


def order_of_medians(environment: str) -> set[bool]:
    """True where the typical error of maximum likelihood is below VAML's."""
    mle, vaml = (
        snapshot(environment, objective, "transition_error_median") for objective in ("mle", "vaml")
    )
    assert len(mle) == 5
    return {a < b for a, b in zip(mle, vaml, strict=True)}


def covered(objective: str) -> list[float]:
    return [
        share
        for environment in ("Hopper", "Walker2d")
        for share in snapshot(environment, objective, "coverage_90")
    ]


def ends(environment: str) -> tuple[float, float]:
    """The typical error of maximum likelihood at the first snapshot and at the last."""
    medians = snapshot(environment, "mle", "transition_error_median")
    return medians[0], medians[-1]


def median_ratio(environment: str) -> float:
    """The typical error of maximum likelihood over VAML's, at the last snapshot."""
    mle, vaml = (
        snapshot(environment, name, "transition_error_median")[-1] for name in ("mle", "vaml")
    )
    return mle / vaml


def next_over_own(environment: str, objective: str) -> list[float]:
    """Errors for the next snapshot's value function over those for its own; the last has none."""
    pairs = zip(
        *(snapshot(environment, objective, f"{kind}value_aware_error") for kind in ("next_", "")),
        strict=True,
    )
    return [after / own for after, own in pairs][:-1]


def runs_per_agent() -> str:
    runs: Any = table("pendulum/mbac").groupby("agent").size()
    assert runs.min() == runs.max()
    return f"{runs.min()} runs"


def authors_over_ours(agent: str) -> float:
    """Median over the authors' points of their value-aware error over the mean of ours."""
    drawn: Any = table("reduced/figure_3_seeds")
    drawn = drawn.loc[drawn["environment"].str.startswith("InvertedPendulum")]
    mine = drawn.loc[(drawn["metric"] == "value_aware_error") & (drawn["agent"] == agent)]
    ours, theirs = (
        mine.loc[mine["kind"] == kind].set_index("env_step")["value"]
        for kind in ("mean", "authors")
    )
    return float((theirs / np.interp(theirs.index, ours.index, ours)).median())


def published_returns(agent: str) -> Any:
    """The authors' means on Pusher by step."""
    curve = pd.read_csv(ROOT / "paper" / "reference" / "figure_3.csv")
    mine = curve.loc[(curve["environment"] == "Pusher-v2") & (curve["metric"] == "return")]
    return mine.loc[mine["agent"] == agent].set_index("env_step")["mean"]


def theirs(agent: str, step: int) -> str:
    """The authors' mean return on Pusher, at the evaluation nearest to a step."""
    means = published_returns(agent)
    return integers([means.iloc[abs(means.index - step).argmin()]])


def whole_returns(agent: str) -> Any:
    """Mean returns of the whole runs in Pusher, by seed and step."""
    rows: Any = table("pusher/mbac_returns")
    return rows.loc[rows["agent"] == agent].groupby(["seed", "env_step"])["return"].mean()


def span_of(values: Any) -> str:
    """Lowest and highest."""
    return integers([min(values), max(values)])


def last_returns(agent: str) -> str:
    return span_of(whole_returns(agent).xs(60000, level="env_step"))


def lowest_returns(agent: str) -> Any:
    """The lowest of each seed after the warm-up."""
    found = whole_returns(agent)
    after = found.loc[found.index.get_level_values("env_step") > 10000]
    return after.groupby("seed").min()


def lead_in_pusher(step: int) -> str:
    """How far regularised VAML is ahead of maximum likelihood: lowest and highest seed."""
    lead = (whole_returns("reg_vaml") - whole_returns("mle")).xs(step, level="env_step")
    return f"{lead.min():.0f} to {lead.max():.0f}"


def compared(
    part: str,
    claim: str,
    measured: str,
    method: str = "reg_vaml",
    baseline: str = "mle",
    study: str = "reduced",
) -> tuple[list[float], str]:
    """Effect with the ends of its interval, and the verdict on it; no baseline: an empty one."""
    rows = table(f"{study}/claims")
    rows = rows.loc[(rows["part"] == part) & (rows["claim"] == claim)]
    rows = rows.loc[(rows["method"] == method) & (rows["measured"] == measured)]
    (row,) = rows.loc[rows["baseline"].fillna("") == baseline].to_dict("records")
    return [row[name] for name in ("effect", "low", "high")], row["verdict"]


def mean_agent(claim: str, measured: str, baseline: str) -> list[float]:
    """Effect of the agent in Pusher that predicts by its model's mean."""
    return compared("Pusher", claim, measured, "mle_mean", baseline, "pusher/mean")[0]


def mean_over_samples() -> str:
    """The error of that agent's mean prediction over its samples', on replayed states."""
    effect = exp(mean_agent("W22", MEAN_ERROR, ""))
    return bracketed([0.5 * number for number in effect], ".2f")  # the claim's ratio is to one half


def late_means() -> tuple[float, float]:
    """The same from 50 000 steps on: lowest and highest median of a run."""
    rows: Any = table("pusher/mbac_diagnostics")
    late = rows.loc[(rows["agent"] == "mle_mean") & (rows["env_step"] >= 50000)]
    medians = (late["mean_error_replay"] / late["error_replay"]).groupby(late["seed"]).median()
    return medians.min(), medians.max()


def mle_on(part: str, claim: str, measured: str, write: str, times: float | None = None) -> str:
    """Effect of four runs' maximum likelihood; `times` of a log ratio to 1 / times."""
    effect = compared(part, claim, measured, "mle", "", "four_runs")[0]
    return bracketed([times * number for number in exp(effect)] if times else effect, write)


def vaml_on(
    part: str,
    claim: str,
    measured: str,
    write: str = ".2g",
    method: str = "vaml",
    baseline: str = "mle",
) -> str:
    """Ratio of two methods at the middle snapshot of these runs."""
    effect = compared(part, claim, measured, method, baseline, "four_runs/middle")[0]
    return bracketed(exp(effect), write)


def short(number: float) -> str:
    """Two digits, or an integer where that has more."""
    return f"{number:.0f}" if number >= 100 else f"{number:.2g}"


def ratio_on(
    part: str,
    claim: str,
    measured: str,
    method: str,
    baseline: str = "mle",
    study: str = "four_runs/middle",
) -> str:
    """Ratio of two methods in the study of an overlay to these runs, with its interval."""
    effect = compared(part, claim, measured, method, baseline, study)[0]
    return ratio_with_interval(effect)


def ratio_with_interval(effect: Any) -> str:
    """An effect in logs as a ratio, with its interval."""
    return "{} [{}, {}]".format(*map(short, exp(effect)))


def judged_on(
    part: str,
    claim: str,
    measured: str,
    method: str,
    baseline: str = "mle",
    study: str = "four_runs/middle",
) -> str:
    """`ratio_on`, and the verdict on it."""
    effect, verdict = compared(part, claim, measured, method, baseline, study)
    return f"{ratio_with_interval(effect)}, {verdict}"


def middle_fits(environment: str) -> Any:
    """Fits to four runs of an environment at 104 000 steps."""
    fits = table("four_runs/snapshots")
    return fits.loc[(fits["environment"] == environment) & (fits["step"] == 104000)]


def over_runs(numbers: Any) -> str:
    """Geometric mean of four runs' numbers, with the lowest and the highest."""
    assert len(numbers) == 4
    found = np.exp(np.log(numbers).mean()), numbers.min(), numbers.max()
    return "{} ({} to {})".format(*map(short, found))


def by_width(
    environment: str, metric: str, objectives: Iterable[str] = ("mle_narrow", "mle", "mle_wide")
) -> list[str]:
    """Fits with 8, 32 and 128 units at 104 000 steps, `over_runs`."""
    fits = middle_fits(environment)
    return [over_runs(fits.loc[fits["objective"] == each, metric]) for each in objectives]


def over(
    baseline: str,
    objective: str,
    metric: str = "mean_prediction_error",
    environment: str = "Walker2d-v4",
) -> str:
    """Error of an objective's fits over another's at 104 000 steps, with its interval."""
    errors = middle_fits(environment).pivot(index="seed", columns="objective", values=metric)
    return bracketed(exp(with_interval(np.log(errors[objective] / errors[baseline]))), ".2g")


def lead_grows(environment: str, first: int, last: int) -> str:
    """VAML's error at the mean over maximum likelihood's, at one snapshot over another."""
    logs = _over_mle(environment, "mean_prediction_error", "vaml")
    return bracketed(exp(with_interval(logs.loc[last] - logs.loc[first])), ".2g")


def over_sac(environment: str, metric: str, objective: str = "vaml") -> list[str]:
    """Error of an objective over maximum likelihood's at its snapshots, with its interval."""
    runs = [run for _, run in _over_mle(environment, metric, objective).groupby("step")]
    assert {len(run) for run in runs} == {4}
    return [bracketed(exp(with_interval(run)), ".2g") for run in runs]


def reg_vaml_beside_vaml(environment: str, metric: str) -> list[str]:
    """How far each fit of regularised VAML is from VAML's, up or down: the largest first."""
    logs = _over_mle(environment, metric, "reg_vaml") - _over_mle(environment, metric, "vaml")
    factors = np.sort(np.exp(logs.dropna().abs()))[::-1]
    return [f"{100 * (factor - 1):.3g} %" for factor in factors]


def _over_mle(environment: str, metric: str, objective: str) -> Any:
    """Logarithms of the ratio of errors, by step and seed, where an objective was fitted."""
    fits = table("four_runs/snapshots")
    errors = fits.loc[fits["environment"] == environment].pivot(
        index=["step", "seed"], columns="objective", values=metric
    )
    return np.log(errors[objective] / errors["mle"]).dropna()


def exact_over(
    baseline: str,
    objective: str,
    setting: str,
    metric: str = "exact_error",
    study: str = "why/equal_terms",
) -> str:
    """The ratio of two objectives' exact errors, geometric mean over the hidden sizes."""
    found = errors(study, setting, metric)
    return over_seeds(np.log(found[objective] / found[baseline]))


def moved(name: str, setting: str, objective: str, baseline: str) -> str:
    """`exact_over` in a sweep on equal terms, at its one hidden size."""
    fits = table("sweeps/equal_terms")
    mine = fits.loc[(fits["study"] == f"why_{name}") & (fits["setting"] == setting)]
    wide = mine.pivot(index="seed", columns="objective", values="exact_error")
    assert len(wide) == 5
    return over_seeds(np.log(wide[objective] / wide[baseline]))


def lower_on_equal_terms(study: str, setting: str) -> str:
    """The pairs of size and seed in which VAML's error is the lower one on equal terms."""
    found = errors(study, setting, "exact_error")
    lower: Any = found["vaml_exact"] < found["mle_exact"]
    return f"{lower.sum()} of {len(lower)}"


def small_models(study: str) -> tuple[str, str, str]:
    """VAML over maximum likelihood, on exact targets: ratio, pairs in which it is lower, W32."""
    name = f"why/{study}"
    ratio = exact_over("mle_exact", "vaml_exact", "unrealizable", study=name)
    return ratio, lower_on_equal_terms(name, "unrealizable"), verdict_of("W32", name)


def failed(study: str, objective: str = "mle_exact", weights: str = "") -> str:
    """In how many of five seeds an objective is worse than no change, unrealizable, 1024 units."""
    found = errors(study, "unrealizable", f"{weights}exact_error").loc[1024, objective]
    no_change = errors(study, "unrealizable", "no_change_error").loc[1024, objective]
    assert len(found) == 5
    return ("none", "one", "two", "three of five", "four of five", "all")[(found > no_change).sum()]


def on_exact_targets(study: str, metric: str = "exact_error") -> Any:
    """VAML over maximum likelihood, both with exact targets, unrealizable, in logarithms."""
    found = errors(study, "unrealizable", metric)
    return np.log(found["vaml_exact"] / found["mle_exact"])


def without_1024(study: str) -> str:
    """`on_exact_targets` without the widest models, over the other sizes."""
    return over_seeds(on_exact_targets(study).drop(index=1024))


def further_from_the_truth() -> str:
    """In how many pairs of small models VAML's means are, and its standard deviations."""
    further = [
        (on_exact_targets(f"why/{study}", metric) > 0).sum()
        for metric in ("mean_l1_error", "sigma_l1_error")
        for study in ("small_models", "still_small_models")
    ]
    assert further == [30] * 4
    return "all 60 pairs"


def sampled_action(environment: str, objective: str) -> str:
    """Share of V's sampled action in a plotted error, median over the fits to four runs."""
    rows = table("four_runs/snapshots")
    fits: Any = rows.loc[(rows["environment"] == environment) & (rows["objective"] == objective)]
    return f"{100 * (fits['action_sampling_floor'] / fits['value_aware_error']).median():.2g} %"


def unstable_system() -> Any:
    """How the fits in the sweeps' system of wide states differ between two processors."""
    both = repeated("sweeps/synthetic", "sweeps/equal_terms")
    wide = (both["seed"] == 2) & both["study"].isin(["why_signal_15", "why_signal_20_quiet"])
    return both.loc[wide, "ratio"]


def repeated(name: str, again: str) -> pd.DataFrame:
    """The fits of a table that another one repeats, with the ratio of their exact errors."""
    index = ["study"] if "study" in table(name) else []
    index += ["setting", "hidden_size", "seed", "objective"]
    first, second = (table(each).set_index(index)["exact_error"] for each in (name, again))
    ratios: Any = (second / first).dropna()
    return ratios.reset_index(name="ratio")


def worse_by_width(environment: str) -> float:
    """How much larger the NLL of maximum likelihood is with 8 units than with 32."""
    means = middle_fits(environment).groupby("objective")["nll"].mean()
    return means["mle_narrow"] - means["mle"]


def wider_by_width(environment: str) -> tuple[float, float]:
    """How many times as wide models of 8 units are as those of 32: lowest and highest run."""
    widths = middle_fits(environment).pivot(index="seed", columns="objective", values="sigma_l1")
    ratios = widths["mle_narrow"] / widths["mle"]
    return ratios.min(), ratios.max()


def trained(environment: str, objective: str = "mle") -> Any:
    """Rows of training.csv: four fits' errors on training and on test transitions."""
    rows = table("four_runs/training")
    return rows.loc[(rows["environment"] == environment) & (rows["objective"] == objective)]


def of_no_change(environment: str) -> str:
    """The error of predicting no change, `over_runs`."""
    return over_runs(trained(environment)["test_no_change_error"])


def ratio_of(environment: str, objective: str, over: str) -> str:
    """The test transitions' error at the mean over another column of training.csv."""
    rows = trained(environment, objective)
    logs = np.log(rows["test_mean_prediction_error"] / rows[over])
    assert len(logs) == 4
    return bracketed(exp(with_interval(logs)), ".2g")


def left_over(environment: str, objective: str = "mle") -> str:
    """The share of the change of the state that the mean leaves unexplained, lowest to highest."""
    shares = 100 * trained(environment, objective)["test_unexplained"]
    return f"{shares.min():.0f} % to {shares.max():.0f} %"


def felt(environment: str, over: str, under: str, objective: str = "mle") -> str:
    """A column of components.csv over another, at 104 000 steps, with its interval over runs."""
    logs = _felt(environment, over, under, objective).loc[104000]
    assert len(logs) == 4
    return bracketed(exp(with_interval(logs)), ".2g")


def felt_over_sac(environment: str, over: str, under: str, objective: str = "mle") -> list[str]:
    """The same as geometric means alone, one for each snapshot."""
    logs = _felt(environment, over, under, objective)
    assert logs.shape == (5 if environment == "Walker2d-v4" else 4, 4)
    return [f"{ratio:.2g}" for ratio in np.exp(logs.mean(axis=1))]


def felt_error(environment: str, column: str, objective: str = "vaml") -> str:
    """A column of components.csv at 104 000 steps, geometric mean over four runs, its interval."""
    rows = table("four_runs/components").query("step == 104000")
    own = (rows["environment"] == environment) & (rows["objective"] == objective)
    return "{} [{}, {}]".format(*map(short, exp(with_interval(np.log(rows.loc[own, column])))))


def _felt(environment: str, over: str, under: str, objective: str) -> Any:
    rows = table("four_runs/components")
    rows = rows.loc[(rows["environment"] == environment) & (rows["objective"] == objective)]
    logs = np.log(rows[over] / rows[under])
    return rows.assign(logs=logs).pivot(index="step", columns="seed", values="logs")


def cost_ratios(measured: str) -> str:
    """CPU time of VAML over maximum likelihood's, on Hopper and Walker2d."""
    return " and ".join(vaml_on(part, "C10", measured, ".0f") for part in ("Hopper", "Walker2d"))


def mle_fits(part: str) -> Any:
    """Maximum likelihood's fits to four runs of Hopper or Walker2d."""
    rows = table("four_runs/snapshots")
    return rows.loc[(rows["environment"] == f"{part}-v4") & (rows["objective"] == "mle")]


def published_in_range(part: str) -> tuple[int, int]:
    """The authors' errors of maximum likelihood: within our runs' range, and all."""
    ours = mle_fits(part).groupby("step")["value_aware_error"]
    theirs = np.array(authors(part, "mle"))
    within = (ours.min().to_numpy() <= theirs) & (theirs <= ours.max().to_numpy())
    return int(within.sum()), len(theirs)


def trends(part: str, metric: str) -> list[float]:
    """Rank correlation with the step, run by run."""
    return [
        trend(fits.sort_values("step")[metric].to_list())
        for _, fits in mle_fits(part).groupby("seed")
    ]


def growth(part: str, metric: str) -> list[float]:
    """Factor from the first five snapshots to the last five, geometric means, with its interval."""
    logs = np.log(mle_fits(part).pivot(index="step", columns="seed", values=metric))
    return exp(with_interval(logs.iloc[-5:].mean() - logs.iloc[:5].mean()))


def of_squared_bias(part: str) -> list[float]:
    """The mean prediction's error over the squared bias, medians over a run, with the interval."""
    fits = mle_fits(part)
    logs = np.log(fits["mean_prediction_error"] / fits["squared_bias"])
    return exp(with_interval(logs.groupby(fits["seed"]).median()))


def lower_trend(part: str) -> list[float]:
    """How much lower the mean prediction's trend is than the plotted error's."""
    plotted, mean = (
        np.array(trends(part, metric)) for metric in ("value_aware_error", "mean_prediction_error")
    )
    return with_interval(plotted - mean)


def stops(part: str) -> Any:
    """Rows of stop.csv, from 54 000 steps on."""
    rows = table("four_runs/stop")
    return rows.loc[(rows["environment"] == f"{part}-v4") & (rows["step"] >= 54000)]


def widths_at_the_top(part: str) -> tuple[float, float]:
    """How wide the models are in the largest hundredth: lowest and highest run's mean."""
    rows = stops(part)
    means = np.exp(np.log(rows["top_sigma"]).groupby(rows["seed"]).mean())
    return means.min(), means.max()


def what_samples_go_with() -> tuple[float, float]:
    """Rank correlations of the samples' error over the mean's, in Hopper's fits.

    With how wide the models are in the largest hundredth, and with their standard deviations' 95 %
    quantile.
    """
    fits = mle_fits("Hopper").merge(table("four_runs/stop"))
    logs = np.log(fits["transition_error_mean"] / fits["mean_prediction_error"])
    found = (logs.corr(fits[name], method="spearman") for name in ("top_sigma", "sigma_q95"))
    return next(found), next(found)


def unexplained(part: str) -> tuple[float, float]:
    """The mean prediction's error as a share of V's variance at 104 000: lowest, highest."""
    fits = mle_fits(part)
    fits = fits.loc[fits["step"] == 104000]
    shares = fits["mean_prediction_error"] / fits["value_variance"]
    return shares.min(), shares.max()


def at_stop(part: str, column: str) -> list[float]:
    """A column of `stops`: mean over all fits, lowest and highest run's."""
    rows = stops(part)
    runs = rows.groupby("seed")[column].mean()
    return [rows[column].mean(), runs.min(), runs.max()]


def over_mle(setting: str, method: str, metric: str, claim: str) -> str:
    """Experiment A: ratio to maximum likelihood with its interval, as the verdicts have them."""
    ratio = exp(compared(setting, claim, f"mean of log {metric}", method)[0])
    digits = 0 if ratio[0] > 10 else 2 if ratio[0] > 0.1 else 4
    return f"{bracketed(ratio, f'.{digits}f')} × MLE"


def verdict_of(claim: str, study: str = "reduced") -> str:
    rows = table(f"{study}/claims")
    return only(set(rows.loc[rows["claim"] == claim, "claim_verdict"]))


def exp(numbers: list[float]) -> list[float]:
    return [float(np.exp(number)) for number in numbers]


def bracketed(numbers: list[float], write: str = ".0f") -> str:
    effect, low, high = (f"{number:{write}}".replace("-", "−") for number in numbers)
    return f"{effect} [{low}, {high}]"


def last_error_ratios(column: str, study: str = "pusher") -> list[float]:
    """Regularised VAML's error over maximum likelihood's, at the last evaluation, by seed."""
    rows: Any = table(f"{study}/mbac_diagnostics")
    last = rows.loc[rows["env_step"] == rows["env_step"].max()]
    last = last.set_index(["agent", "seed"])[column]
    return (last["reg_vaml"] / last["mle"]).to_list()


def fresh_errors_and_floors() -> list[float]:
    """InvertedPendulum: lowest and highest last error on fresh episodes, noise in the last refits.

    The noise is the median after 25 000 steps, maximum likelihood's and regularised VAML's.
    """
    rows: Any = table("pendulum/mbac_diagnostics")
    last = rows.loc[rows["env_step"] == rows["env_step"].max(), "error_on_policy"]
    fits: Any = table("pendulum/mbac_fits")
    late = fits.loc[fits["env_step"] > 25000].groupby("agent")["action_sampling_floor"].median()
    return [last.min(), last.max(), late["mle"], late["reg_vaml"]]


def over_seeds(logs: Any) -> str:
    """The ratio whose logarithms these are, with its interval over the seeds' means."""
    return bracketed(exp(with_interval(logs.groupby("seed").mean())), ".2g")


def with_interval(by_run: Any) -> list[float]:
    """Mean over runs with its 95 % t interval."""
    numbers = np.asarray(by_run, float)
    half = stats.t.ppf(0.975, len(numbers) - 1) * numbers.std(ddof=1) / np.sqrt(len(numbers))
    return [numbers.mean(), numbers.mean() - half, numbers.mean() + half]


def last_evaluations(column: str, evaluations: int, agent: str = "reg_vaml") -> list[float]:
    """Pusher: `last_error_ratios` over the last evaluations, geometric means, with the interval."""
    rows: Any = table("pusher/mbac_diagnostics").set_index(["agent", "env_step", "seed"])[column]
    logs = np.log(rows[agent] / rows["mle"]).unstack("seed")
    return exp(with_interval(logs.iloc[-evaluations:].mean()))


def in_the_actions(kind: str) -> float:
    """Share of the gap between an error's ratios on replayed and on fresh states, in logarithms.

    It is what the policy's own actions in replayed states close.
    """
    replay, policy, fresh = (
        np.log(last_evaluations(f"{kind}_{data}", 10)[0])
        for data in ("replay", "policy", "on_policy")
    )
    return (policy - replay) / (fresh - replay)


def last_leads(evaluations: int, agent: str = "reg_vaml") -> Any:
    """Pusher: an agent's return over maximum likelihood's, mean of the last ones, by seed."""
    lead = (whole_returns(agent) - whole_returns("mle")).unstack("seed")
    return lead.iloc[-evaluations:].mean()


def published_lead() -> str:
    """What the authors' maximum likelihood is ahead at the end in Pusher."""
    last = (published_returns("mle") - published_returns("reg_vaml")).iloc[-1]
    return f"{last:.0f}"


def lead_at_the_end() -> float:
    """The same of ours with the authors' settings."""
    ends = (
        returns(f"{agent}_as_run", 60000, "pusher_settings/whole_returns")[0]  # of one seed
        for agent in ("mle", "reg_vaml")
    )
    first, second = ends
    return first - second


def lead_on_average() -> tuple[float, float]:
    """What regularised VAML is ahead, over a run with the authors' settings: ours, theirs."""
    rows = table("pusher_settings/whole_returns")
    wide: Any = rows.pivot(index=["seed", "env_step"], columns="agent", values="return")
    ours = (wide["reg_vaml_as_run"] - wide["mle_as_run"]).dropna()
    return ours.mean(), (published_returns("reg_vaml") - published_returns("mle")).mean()


def lead() -> tuple[int, int]:
    """First and last step of the authors' longest stretch with regularised VAML ahead."""
    ahead = published_returns("reg_vaml") > published_returns("mle")
    stretches = (ahead != ahead.shift()).cumsum()[ahead]
    longest = stretches.index[stretches == stretches.mode()[0]]
    assert not ahead.loc[longest[-1] :].iloc[1:].any()
    return int(longest[0]), int(longest[-1])


def above_the_published(agent: str) -> Any:
    """How far the whole runs with the authors' settings are above their curve.

    By the authors' steps, of the run that is lowest there.
    """
    rows: Any = table("pusher_settings/whole_returns")
    runs = rows.loc[rows["agent"] == f"{agent}_as_run"].groupby("seed")
    theirs = published_returns(agent)
    above = [np.interp(theirs.index, ours["env_step"], ours["return"]) for _, ours in runs]
    return np.min(above, axis=0) - theirs


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


def table_row(study: str, objective: str, setting: str) -> Iterator[float]:
    """Ratios to maximum likelihood with their t intervals over seeds, and the relative σ."""
    for metric in ("value_aware_error", "value_aware_error_k1000", "exact_error"):
        found = errors(study, setting, metric)
        ratios: Any = np.log(found[objective] / found["mle"])
        seeds = ratios.groupby("seed").mean()
        yield from exp(with_interval(seeds))
    sigma: Any = errors(study, setting, "sigma_l1") / errors(study, setting, "true_sigma_l1")
    yield float(sigma[objective].median())

"""Numbers that documents say of experiment B, computed from the published tables."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from published_tables import (
    ROOT,
    bracketed,
    compared,
    exp,
    ratio_with_interval,
    short,
    table,
    with_interval,
)

# Comparisons, as claims.csv names them.
SAMPLES = "median of log mean_prediction_error / transition_error_mean / 0.5"
HUNDREDTH = "median of log top_1_percent / 0.5"
OFF_OR_STEEP = "median of log top_residual / top_slope"
MEANS = "median of log mean_prediction_error"
PLOTTED = "median of log value_aware_error"
RISE = "rank correlation of value_aware_error"
SHARE_RISES = f"{RISE} / value_variance"
TYPICAL = "median of log transition_error_median"


STEPS = (14000, 54000, 104000, 154000)  # the snapshots with every objective


def _of_five_runs(environment: str, metric: str) -> Any:
    """A number of all fits to five runs, by step and seed (rows) and objective (columns)."""
    rows = pd.concat([table("snapshots/snapshots"), table("four_runs/snapshots")])
    mine: Any = rows.loc[rows["environment"] == f"{environment}-v4"]
    return mine.pivot(index=["step", "seed"], columns="objective", values=metric)


def five_runs(environment: str, metric: str) -> Any:
    """Those at the snapshots with every objective."""
    found = _of_five_runs(environment, metric).loc[[*STEPS], ["mle", "vaml", "reg_vaml"]]
    assert found.shape == (20, 3)
    assert found.notna().all(axis=None)
    return found


def authors(environment: str, objective: str = "mle") -> list[float]:
    """The published errors of maximum likelihood, or of another objective."""
    rows = pd.read_csv(ROOT / "paper" / "reference" / "figure_2.csv")
    mine = rows.loc[(rows["environment"] == f"{environment}-v3") & (rows["objective"] == objective)]
    return mine.sort_values("step")["value_aware_error"].to_list()


def rise(environment: str) -> str:
    """Error of maximum likelihood at the first and the last snapshot, geometric means of runs."""
    logs = np.log(five_runs(environment, "value_aware_error")["mle"])
    means = np.exp(logs.groupby("step").mean())
    return f"{means[STEPS[0]]:.2g} to {short(means[STEPS[-1]])}"


def lower_in(environment: str, metric: str, objective: str = "vaml") -> str:
    """Fits in which an objective's error is the lower one, of all."""
    errors = five_runs(environment, metric)
    return f"{(errors[objective] < errors['mle']).sum()} of {len(errors)}"


def published_gap() -> tuple[int, int, float]:
    """On Hopper, of the authors' snapshots: VAML is lower at, of, by (geometric mean)."""
    mle, vaml = (np.array(authors("Hopper", name)) for name in ("mle", "vaml"))
    return int((vaml < mle).sum()), len(mle), float(np.exp(np.log(mle / vaml).mean()))


def trend(values: list[float]) -> float:
    """Rank correlation with the step."""
    return float(pd.Series(values).corr(pd.Series(range(len(values))), method="spearman"))


def covered(environment: str, objective: str) -> str:
    """Share of the next states' entries within a model's 90 % interval, lowest and highest fit."""
    shares = five_runs(environment, "coverage_90")[objective]
    low, high = (f"{100 * share:.2g} %" for share in (shares.min(), shares.max()))
    return f"{low} to {high}"


def on_another_processor(environment: str, device: str) -> Any:
    """Errors of the first run's fits over those on another processor, by job."""
    names = ["environment", "step", "objective"]
    here, there = (
        table(f"snapshots/{name}").set_index(names) for name in ("snapshots", "other_processors")
    )
    place = there.index.get_level_values("environment") == f"{environment}-v4"
    there = there.loc[place & (there["processor"] == device)]
    return (here["value_aware_error"] / there["value_aware_error"]).dropna()


def one_snapshot(environment: str, step: int) -> tuple[float, float, float, float]:
    """In the first run: maximum likelihood's error over VAML's and over regularised VAML's; its
    own on another processor, and here.
    """
    here = five_runs(environment, "value_aware_error").loc[step, 0]
    place = {"environment": f"{environment}-v4", "step": step, "objective": "mle"}
    rows = table("snapshots/other_processors").set_index(list(place))
    there = rows.loc[tuple(place.values()), "value_aware_error"]
    mle, vaml, reg_vaml = here
    return mle / vaml, mle / reg_vaml, float(there), mle


def c4(part: str, measured: str, study: str = "snapshots/every") -> str:
    """Rank correlation of maximum likelihood's error with the step, on five runs."""
    return mle_on(part, "C4", measured, ".2f", study=study)


def mean_factor(ratios: Any) -> float:
    """Geometric mean of factors, each counted upwards."""
    return float(np.exp(np.log(ratios).abs().mean()))


def largest_factor(ratios: Any) -> float:
    return float(np.exp(np.log(ratios).abs().max()))


def mle_on(
    part: str,
    claim: str,
    measured: str,
    write: str,
    times: float | None = None,
    study: str = "four_runs",
) -> str:
    """Effect of several runs' maximum likelihood; `times` of a log ratio to 1 / times."""
    effect = compared(part, claim, measured, "mle", "", study)[0]
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


def ratio_on(*names: str, **others: str) -> str:
    """Ratio of two methods as `compared_on` has it, with its interval."""
    return ratio_with_interval(compared_on(*names, **others)[0])


def judged_on(*names: str, **others: str) -> str:
    """`ratio_on`, and the verdict on it."""
    effect, verdict = compared_on(*names, **others)
    return f"{ratio_with_interval(effect)}, {verdict}"


def compared_on(
    part: str,
    claim: str,
    measured: str,
    method: str,
    baseline: str = "mle",
    study: str = "four_runs/middle",
) -> tuple[list[float], str]:
    """Effect of two methods in the study of an overlay to these runs, and the verdict on it."""
    return compared(part, claim, measured, method, baseline, study)


def along(seed: int, metric: str) -> Any:
    """A number of the fits at all nineteen snapshots of a run of Walker2d, by objective."""
    rows = table("four_runs/along/snapshots" if seed else "snapshots/snapshots")
    mine: Any = rows.loc[rows["environment"] == "Walker2d-v4"]
    found = mine.pivot(index="step", columns="objective", values=metric)
    assert len(found) == 19
    return found


def lower_along(seed: int, metric: str, objective: str = "vaml") -> str:
    """At how many snapshots an objective's error is below maximum likelihood's, and where not."""
    errors = along(seed, metric)
    lower = errors[objective] < errors["mle"]
    above = " and ".join(f"{step:,}".replace(",", " ") for step in lower.index[~lower])
    return f"{lower.sum()} of 19" + (f" (not at {above})" if above else "")


def over_along(seed: int, metric: str, objective: str = "vaml") -> str:
    """An objective's error over maximum likelihood's, geometric mean over the snapshots."""
    errors = along(seed, metric)
    return f"{np.exp(np.log(errors[objective] / errors['mle']).mean()):.2g}"


def authors_along(seed: int, first: int) -> str:
    """The authors' errors of VAML on Walker2d over those of a run, from a snapshot on."""
    ours = along(seed, "value_aware_error")["vaml"]
    ratios = (np.array(authors("Walker2d", "vaml")) / ours).loc[first:]
    return f"{ratios.min():.2f} to {ratios.max():.2f}"


def vaml_along() -> Any:
    """VAML's plotted error along seed 0 of Walker2d."""
    return along(0, "value_aware_error")["vaml"]


def within_a_tenth() -> str:
    """Of the snapshots that only some runs have, those at which the two objectives agree so far."""
    errors = along(0, "value_aware_error").drop(index=list(STEPS))
    near = np.log(errors["reg_vaml"] / errors["vaml"]).abs() < np.log(1.1)
    return f"{near.sum()} of {len(near)}"


def next_value_along() -> str:
    """How many times VAML loses what maximum likelihood does, with the next snapshot's V: median.

    Along seed 0 of Walker2d.
    """
    grows = along(0, "next_value_aware_error") / along(0, "value_aware_error")
    return f"{(grows['vaml'] / grows['mle']).median():.2f}"


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


def sampled_action(environment: str, objective: str) -> str:
    """Share of V's sampled action in a plotted error, median over the fits to four runs."""
    rows = table("four_runs/snapshots")
    fits: Any = rows.loc[(rows["environment"] == environment) & (rows["objective"] == objective)]
    return f"{100 * (fits['action_sampling_floor'] / fits['value_aware_error']).median():.2g} %"


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
    return ratio_with_interval(with_interval(np.log(rows.loc[own, column])))


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
    """Factor from the first five snapshots to the last five, geometric means, over five runs."""
    logs = np.log(_of_five_runs(part, metric)["mle"]).unstack("seed")
    assert logs.shape == (19, 5)
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

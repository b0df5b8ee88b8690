"""Numbers that documents say of experiment C, computed from the published tables."""

from typing import Any

import numpy as np
import pandas as pd
from published_tables import (
    ROOT,
    bracketed,
    compared,
    exp,
    integers,
    per_cent,
    ratio_with_interval,
    table,
    three_digits,
    with_interval,
)
from scipy import stats

# A comparison, as claims.csv names it.
MEAN_ERROR = "median of log mean_error_replay / error_replay / 0.5"


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


def lower_on(values: list[float]) -> str:
    """Number of seeds on which a ratio is below one, with its range."""
    lower = sum(value < 1 for value in values)
    return f"on {lower} of {len(values)} seeds ({min(values):.2g} to {max(values):.2g})"


def early_error_and_return(agent: str, column: str) -> float:
    """InvertedPendulum: rank correlation over an agent's runs.

    An error as a share of V's variance, geometric mean over the evaluations up to 12 000 steps,
    with the return over training.
    """
    rows: Any = table("pendulum/mbac_diagnostics")
    early = rows.loc[(rows["agent"] == agent) & (rows["env_step"] <= 12000)]
    shares = np.log(early[column] / early["value_sd"] ** 2).groupby(early["seed"]).mean()
    found: Any = stats.spearmanr(shares, over_training()[agent].loc[shares.index])
    return float(found.statistic)


def over_training() -> Any:
    """InvertedPendulum: mean return of a run's evaluations, by agent and seed."""
    return table("pendulum/mbac_returns").groupby(["agent", "seed"])["return"].mean()


def learning_curves() -> Any:
    """InvertedPendulum: mean return by agent and seed, with a column for each evaluation's step."""
    rows: Any = table("pendulum/mbac_returns")
    return rows.groupby(["agent", "seed", "env_step"])["return"].mean().unstack()


def behind_sac(agent: str) -> str:
    """InvertedPendulum: an agent's return over training, less SAC's, with the interval."""
    effect, _ = compared("InvertedPendulum", "W39", "mean of return", agent, "sac")
    return bracketed(effect, ".0f")


def new_behind_sac(agent: str) -> str:
    """The same on seeds 4 to 9, of which none was seen when W39 was written."""
    means = over_training()
    return bracketed(with_interval((means[agent] - means["sac"]).loc[4:]), ".0f")


def put_right(claim: str, agent: str, baseline: str) -> str:
    """InvertedPendulum: return over training with targets put right in part, less another's."""
    study = "pendulum/targets"
    found, _ = compared("InvertedPendulum", claim, "mean of return", agent, baseline, study)
    return bracketed(found, ".0f")


def value_over_sac(agent: str, step: int) -> str:
    """InvertedPendulum: what the critics give the policy, over SAC's of the same seed."""
    values = _values().xs(step, level="env_step")
    logs = np.log(values[agent] / values["sac"]).dropna()
    return bracketed(exp(with_interval(logs)), ".2f")


def highest_values(agent: str) -> Any:
    """InvertedPendulum: the highest along a run of what its critics give the policy, by seed."""
    return _values()[agent].groupby("seed").max()


def _values() -> Any:
    return table("pendulum/mbac_training").set_index(["agent", "seed", "env_step"])["value"]


def solves_later_than_sac(agent: str) -> int:
    """InvertedPendulum: seeds on which an agent first returns 1000 later than SAC."""
    first = (learning_curves() == 1000).idxmax(axis=1)
    return int((first[agent] > first["sac"].loc[first[agent].index]).sum())


def targets_off(agent: str) -> str:
    """InvertedPendulum: `target_error_replay` at 12 000 steps, lowest and highest of four runs."""
    rows: Any = table("pendulum/mbac_diagnostics")
    mine = (rows["agent"] == agent) & (rows["env_step"] == 12000) & rows["seed"].between(4, 7)
    errors = rows.loc[mine, "target_error_replay"]
    assert len(errors) == 4
    return f"{100 * errors.min():.2g} % to {100 * errors.max():.2g} %"


def fallen() -> list[tuple[str, int]]:
    """InvertedPendulum: agent and seed of the runs that have solved the task and end below it."""
    curves = learning_curves()
    return list(curves.index[(curves == 1000).any(axis=1) & (curves[30000] < 1000)])


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


ALONE = "vaml_alone"


def alone(claim: str, measured: str, part: str = "InvertedPendulum") -> list[float]:
    """Effect of VAML alone against regularised VAML."""
    return compared(part, claim, measured, "vaml", "reg_vaml", ALONE)[0]


def unstable_alone(part: str = "InvertedPendulum") -> str:
    """Verdict on C11's comparison there."""
    return compared(part, "C11", "diverged of status", "vaml", "reg_vaml", ALONE)[1]


def alone_over(baseline: str, column: str, first: int = 0, study: str = "pendulum") -> Any:
    """Logarithms of VAML alone over another agent, by seed and refit from a step on."""
    rows = table(f"{study}/mbac_fits")
    wide: Any = rows.loc[rows["env_step"] >= first].pivot(
        index=["seed", "env_step"], columns="agent", values=column
    )
    return np.log(wide["vaml"] / wide[baseline]).dropna().groupby("seed")  # it has fewer seeds


def collapsed_alone() -> str:
    """Share of VAML alone's standard deviations below a millionth after 20 000 steps, by run."""
    rows = table("pendulum/mbac_fits")
    late: Any = rows.loc[(rows["agent"] == "vaml") & (rows["env_step"] >= 20000)]
    assert set(rows.loc[rows["agent"] != "vaml", "sigma_collapsed"]) == {0.0}
    return _medians(late, "sigma_collapsed")


def _medians(rows: Any, share: str) -> str:
    """Lowest and highest run's median of a share."""
    medians = rows.groupby("seed")[share].median()
    return f"{per_cent(medians.min())} to {per_cent(medians.max())}"


def covered_in_pusher(agent: str) -> str:
    """Share of the next states in the model's 90 % interval: lowest and highest run's median."""
    rows = table("pusher/mbac_diagnostics")
    mine: Any = rows.loc[(rows["agent"] == agent) & (rows["seed"] < 4)]
    return _medians(mine, "coverage_90")


def runs_per_agent(study: str) -> int:
    """Those of the paper's agents and of SAC."""
    runs: Any = table(f"{study}/mbac").groupby("agent").size()[["mle", "reg_vaml", "sac"]]
    assert runs.min() == runs.max()
    return runs.min()


def authors_over_ours(agent: str) -> float:
    """Median over the authors' points of their value-aware error over ours, arithmetic means."""
    drawn: Any = table("reduced/figure_3_seeds")
    drawn = drawn.loc[drawn["environment"].str.startswith("InvertedPendulum")]
    mine = drawn.loc[(drawn["metric"] == "value_aware_error") & (drawn["agent"] == agent)]
    theirs = mine.loc[mine["kind"] == "authors"].set_index("env_step")["value"]
    ours = mine.loc[mine["kind"] == "seed"].groupby("env_step")["value"].mean()
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


def mean_agent(claim: str, measured: str, baseline: str) -> list[float]:
    """Effect of the agent in Pusher that predicts by its model's mean."""
    return compared("Pusher", claim, measured, "mle_mean", baseline, "pusher/mean")[0]


def mean_over_samples(agent: str, claim: str, study: str) -> str:
    """The error of an agent's mean prediction over its samples', on replayed states in Pusher."""
    effect = exp(compared("Pusher", claim, MEAN_ERROR, agent, "", study)[0])
    return bracketed([0.5 * number for number in effect], ".2f")  # the claim's ratio is to one half


def late_means() -> tuple[float, float]:
    """The same from 50 000 steps on: lowest and highest median of a run."""
    rows: Any = table("pusher/mbac_diagnostics")
    late = rows.loc[(rows["agent"] == "mle_mean") & (rows["env_step"] >= 50000)]
    medians = (late["mean_error_replay"] / late["error_replay"]).groupby(late["seed"]).median()
    return medians.min(), medians.max()


def lead_with_the_rerun() -> tuple[str, str, str, str]:
    """Seed 0 of maximum likelihood in Pusher at its end, run again and as published.

    And regularised VAML's lead with the former, and how many seeds' is above 6.
    """
    rows: Any = table("pusher/samples/mbac_returns")
    last = rows.loc[rows["env_step"] == 60000].groupby("seed")["return"].mean()
    mine, published = (
        whole_returns(agent).xs(60000, level="env_step") for agent in ("reg_vaml", "mle")
    )
    above = ("no seed is", "one seed is", "two seeds are")[((mine - last) > 6).sum()]
    lead = bracketed(with_interval(mine - last), ".1f")
    return integers([last[0]]), integers([published[0]]), lead, above


def of_samples(data: str, first: int, last: int = 60000) -> str:
    """Agents whose critics see samples in Pusher: the error of the mean over that of the samples.

    Geometric mean over the evaluations from one step to another, with its interval over runs.
    """
    logs = _at_the_mean(f"mean_error_{data}") - _at_the_mean(f"error_{data}")
    return ratio_with_interval(with_interval(logs.loc[first:last].mean()))


def growth_in_pusher(column: str) -> str:
    """Factor from 24 000 to 32 000 steps to the last five evaluations of an error of theirs."""
    logs = _at_the_mean(column)
    return ratio_with_interval(with_interval(logs.iloc[-5:].mean() - logs.loc[24000:32000].mean()))


def reg_vaml_over(column: str) -> list[float]:
    """Regularised VAML's error on the replay buffer over one of theirs: last ten evaluations."""
    rows: Any = table("pusher/mbac_diagnostics")
    mine = rows.loc[rows["agent"] == "reg_vaml"]
    errors = mine.pivot(index="env_step", columns="seed", values="error_replay")
    return with_interval((np.log(errors) - _at_the_mean(column)).iloc[-10:].mean())


def _at_the_mean(column: str) -> Any:
    """Logarithms of a column of pusher/samples by step and seed."""
    rows = table("pusher/samples/mbac_diagnostics")
    return np.log(rows.pivot(index="env_step", columns="seed", values=column))


def last_error_ratios(column: str, study: str = "pusher") -> list[float]:
    """Regularised VAML's error over maximum likelihood's, at the last evaluation, by seed."""
    rows: Any = table(f"{study}/mbac_diagnostics")
    last = rows.loc[rows["env_step"] == rows["env_step"].max()]
    last = last.set_index(["agent", "seed"])[column]
    return (last["reg_vaml"] / last["mle"]).to_list()


def fresh_errors_and_floors() -> list[float]:
    """InvertedPendulum: quartiles of the last errors on fresh episodes, noise in the last refits.

    The noise is the median after 25 000 steps, maximum likelihood's and regularised VAML's.
    """
    rows: Any = table("pendulum/mbac_diagnostics")
    rows = rows.loc[rows["agent"].isin(["mle", "reg_vaml"])]
    last = rows.loc[rows["env_step"] == rows["env_step"].max(), "error_on_policy"]
    fits: Any = table("pendulum/mbac_fits")
    late = fits.loc[fits["env_step"] > 25000].groupby("agent")["action_sampling_floor"].median()
    return [*last.quantile([0.25, 0.75]), late["mle"], late["reg_vaml"]]


def last_evaluations(column: str, evaluations: int, agent: str = "reg_vaml") -> list[float]:
    """Pusher: `last_error_ratios` over the last evaluations, geometric means, with the interval."""
    rows: Any = table("pusher/mbac_diagnostics").set_index(["agent", "env_step", "seed"])[column]
    logs = np.log(rows[agent] / rows["mle"]).unstack("seed")
    return exp(with_interval(logs.iloc[-evaluations:].mean().dropna()))


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
    return lead.iloc[-evaluations:].mean().dropna()


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


def early(agent: str, step: int, column: str) -> Any:
    """InvertedPendulum, early in a run: a column by seed, a bias as a share of V."""
    rows: Any = table("pendulum/early_targets")
    mine = rows.loc[(rows["agent"] == agent) & (rows["env_step"] == step)].set_index("seed")
    return mine[column] / mine["value"] if column.endswith("bias") else mine[column]


def early_span(agent: str, step: int, column: str, sign: int = 1) -> str:
    """Lowest and highest seed, in per cent with a digit more."""
    found = 100 * sign * early(agent, step, column)
    ends = (round(value, 1) + 0.0 for value in (found.min(), found.max()))  # no -0.0
    return " to ".join(f"{value:.1f}".replace("-", "−") for value in ends)


def early_value_over_sac(agent: str, step: int = 4000) -> str:
    """V over SAC's of the same seed."""
    ratios = np.log(early(agent, step, "value") / early("sac", step, "value"))
    return bracketed(exp(with_interval(ratios)), ".2f")

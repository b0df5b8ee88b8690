"""Numbers that documents say of experiment A, computed from the published tables."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from published_tables import (
    ROOT,
    bracketed,
    compared,
    exp,
    over_seeds,
    table,
    verdict_of,
    with_interval,
)

SETTINGS = ("realizable", "unrealizable")


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


def exact_at(
    setting: str, method: str, hidden_size: int, metric: str = "exact_error", seeds: int = 5
) -> list[float]:
    """Geometric mean over seeds of the ratio of exact errors to maximum likelihood's."""
    found = errors("why", setting, metric).loc[hidden_size].loc[: seeds - 1]
    assert len(found) == seeds
    return exp(with_interval(np.log(found[method] / found["mle"])))


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
    return float(np.exp(_in_a_sweep("synthetic", study, setting, objective, "mle").mean()))


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
    logs = _in_a_sweep("equal_terms", name, setting, objective, baseline)
    assert len(logs) == 5
    return over_seeds(logs)


def _in_a_sweep(name: str, study: str, setting: str, objective: str, baseline: str) -> Any:
    """Logarithms of the ratio of two objectives' exact errors in a table of sweeps, by seed."""
    fits = table(f"sweeps/{name}")
    mine = fits.loc[(fits["study"] == f"why_{study}") & (fits["setting"] == setting)]
    wide = mine.pivot(index="seed", columns="objective", values="exact_error")
    return np.log(wide[objective] / wide[baseline])


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


def at_1024(study: str) -> str:
    """`on_exact_targets` of the widest models."""
    return over_seeds(on_exact_targets(study).loc[[1024]])


def further_from_the_truth() -> str:
    """In how many pairs of small models VAML's means are, and its standard deviations."""
    further = [
        (on_exact_targets(f"why/{study}", metric) > 0).sum()
        for metric in ("mean_l1_error", "sigma_l1_error")
        for study in ("small_models", "still_small_models")
    ]
    assert further == [30] * 4
    return "all 60 pairs"


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


def over_mle(setting: str, method: str, metric: str, claim: str) -> str:
    """Experiment A: ratio to maximum likelihood with its interval, as the verdicts have them."""
    ratio = exp(compared(setting, claim, f"mean of log {metric}", method)[0])
    digits = 0 if ratio[0] > 10 else 2 if ratio[0] > 0.1 else 4
    return f"{bracketed(ratio, f'.{digits}f')} × MLE"


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

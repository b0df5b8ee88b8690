"""A run that diverged is counted, and counts as the worst value: it is never dropped."""

import math

import numpy as np
import pandas as pd
import pytest
from judged_tables import STEPS, find, judged, study


def diverge(table: pd.DataFrame, **labels: object) -> pd.DataFrame:
    mine = np.logical_and.reduce([table[name] == value for name, value in labels.items()])
    assert mine.any()
    table = table.copy()
    table.loc[mine, "status"] = "diverged"
    if "value_aware_error" in table:
        table.loc[mine, "value_aware_error"] = np.nan
    return table


def test_a_diverged_fit_counts_as_the_worst_value_of_any_run() -> None:
    tables = study()
    place = {"setting": "realizable", "hidden_size": 32, "seed": 1}
    tables["synthetic"] = diverge(tables["synthetic"], **place, objective="vaml")
    fits = tables["synthetic"].loc[tables["synthetic"]["setting"] == "realizable"]
    worst = fits.loc[fits["objective"].isin(["mle", "vaml"]), "value_aware_error"].max()
    cells = fits.loc[fits["seed"] == 1].pivot(
        index="hidden_size", columns="objective", values="value_aware_error"
    )
    expected = (
        math.log(worst / cells["mle"][32]) + math.log(cells["vaml"][64] / cells["mle"][64])
    ) / 2
    finding = find(judged(tables, ["C1"]), "C1")
    assert finding.sample is not None
    assert finding.sample.diverged == 1
    assert finding.ours.n == (5,)
    assert finding.sample.treatment[1] == pytest.approx(expected)
    assert finding.sample.treatment[1] > 0


def test_a_run_that_diverged_at_once_has_the_lowest_return() -> None:
    """It has no evaluation at all, and still is one of five runs."""
    tables = study()
    run = {"environment": "Pusher-v4", "agent": "mle", "seed": 2}
    tables["mbac"] = diverge(tables["mbac"], **run)
    returns = tables["mbac_returns"]
    gone = np.logical_and.reduce([returns[name] == value for name, value in run.items()])
    tables["mbac_returns"] = returns.loc[~gone]
    finding = find(judged(tables, ["C9b"]), "C9b", index=0)
    assert finding.sample is not None
    assert finding.sample.diverged == 1
    assert finding.ours.n == (5,)
    others = returns.loc[~gone & (returns["environment"] == "Pusher-v4")]
    episodes = others.groupby(["agent", "seed", "env_step"])["return"].mean()
    theirs = episodes.loc["reg_vaml", 2, STEPS[-1]]
    assert finding.sample.treatment[2] == pytest.approx(episodes.min() - theirs)
    assert finding.ours.effect < find(judged(study(), ["C9b"]), "C9b", index=0).ours.effect - 1


def test_where_everything_diverged_nothing_is_tested() -> None:
    tables = study()
    tables["synthetic"] = diverge(tables["synthetic"], setting="realizable")
    ours = find(judged(tables, ["C1"]), "C1").ours
    assert (ours.verdict, ours.reason) == ("not tested", "no run has a finite value")


def test_a_non_finite_number_of_a_finished_run_counts_like_divergence() -> None:
    tables = study()
    fits = tables["mbac_fits"].copy()
    mine = (fits["agent"] == "reg_vaml") & (fits["seed"] == 3) & (fits["env_step"] == STEPS[1])
    fits.loc[mine, "nll"] = np.inf
    finding = find(judged({**tables, "mbac_fits": fits}, ["C8"]), "C8", "Pusher")
    assert finding.sample is not None
    assert finding.sample.diverged == 1
    assert math.isfinite(finding.ours.effect)


def test_shares_of_diverged_runs() -> None:
    tables = study(10)
    runs = tables["mbac"]
    added = runs.loc[runs["agent"] == "reg_vaml"].assign(agent="vaml", status="diverged")
    tables["mbac"] = pd.concat([runs, added], ignore_index=True)
    finding = find(judged(tables, ["C11"]), "C11", "Pusher")
    assert finding.ours.effect == 1
    assert finding.ours.interval == pytest.approx((0.61, 1.0), abs=0.01)
    assert finding.ours.verdict == "supported"
    tables["mbac"] = pd.concat([runs, added.assign(status="ok")], ignore_index=True)
    assert find(judged(tables, ["C11"]), "C11", "Pusher").ours.verdict == "inconclusive"


def test_an_agent_whose_runs_all_stop_early_is_measured_at_the_end_too() -> None:
    """At the others' last step each of its runs has the lowest return of all."""
    tables = study()
    agent = {"environment": "Pusher-v4", "agent": "reg_vaml"}
    tables["mbac"] = diverge(tables["mbac"], **agent)
    returns = tables["mbac_returns"]
    mine = np.logical_and.reduce([returns[name] == value for name, value in agent.items()])
    rising = returns.assign(**{"return": returns["return"] + returns["env_step"]})
    tables["mbac_returns"] = rising.loc[~mine | (returns["env_step"] <= STEPS[1])]
    sample = find(judged(tables, ["C9b"]), "C9b", index=0).sample
    assert sample is not None
    assert sample.diverged == 5
    assert min(sample.treatment.values()) > STEPS[-1] - STEPS[0] - 100

"""One number per run, against the same computed plainly: loops over lists, no tables."""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from verdict_rules import comparison as any_comparison

from vaml.analysis.claims.measures import NotMeasurable, Sample, Tables, measure
from vaml.config.claims import Comparison

PART = "Hopper"
STEPS = (1000, 2000, 3000)
# The method's seeds and the baseline's; no run of one is called as one of the other.
SEEDS = {"vaml": (0, 1, 2, 3), "mle": (1, 2, 3, 4, 5)}
Row = dict[str, Any]


def asked(**changes: Any) -> Comparison:
    plain = {
        "table": "snapshots",
        "parts": {PART: 4},
        "pairing": "none",
        "baseline": None,
        "scale": "linear",
    }
    if changes.get("pairing", "none") != "none":
        plain["baseline"] = "mle"
    given = any_comparison("lower").model_dump() | plain | changes
    return Comparison.model_validate(given)


def rows() -> list[Row]:
    """Snapshots of two methods; two fits have no number to compare, and one was not made."""
    rng = np.random.default_rng(3)
    made: list[Row] = []
    for objective, seeds in SEEDS.items():
        for seed in seeds:
            for step in STEPS:
                row = {"environment": "Hopper-v4", "objective": objective, "seed": seed}
                error, floor, epochs = rng.lognormal(), 0.1 * rng.random(), rng.integers(1, 9)
                numbers = {"value_aware_error": error, "floor": floor, "epochs": epochs}
                made.append(row | {"step": step, "status": "ok"} | numbers)
    made[0]["status"] = "diverged"  # and not the number that is beside it
    made[4]["value_aware_error"] = math.inf
    del made[-1]  # one snapshot of the last seed
    return made


@dataclass(frozen=True)
class Plain:
    """The numbers that `measure` has to find."""

    treatment: dict[int, float]
    baseline: dict[int, float] | None
    diverged: int
    cells: dict[str, dict[int, list[float]]]  # by method and seed, completed, on the scale


SUMMARIES: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "last": lambda values: values[-1],
    "log_of_mean": lambda values: math.log(statistics.fmean(values)),
}


def plainly(comparison: Comparison, made: list[Row]) -> Plain:
    def number(row: Row) -> float:
        value = row[comparison.metric]
        value -= row[comparison.minus] if comparison.minus else 0.0
        value /= row[comparison.per] if comparison.per else 1.0
        value /= comparison.divide_by or 1.0
        return value if math.isfinite(value) and row["status"] == "ok" else math.nan

    methods = ["vaml"] if comparison.baseline is None else ["vaml", "mle"]
    found: dict[str, dict[int, list[float]]] = {}
    for method in methods:
        seeds = SEEDS[method]
        if comparison.pairing == "paired":
            seeds = tuple(seed for seed in seeds if all(seed in SEEDS[each] for each in methods))
        found[method] = {seed: [math.nan] * len(STEPS) for seed in seeds}
        for row in made:
            if row["objective"] == method and row["seed"] in seeds:
                found[method][row["seed"]][STEPS.index(row["step"])] = number(row)
    runs = [run for arm in found.values() for run in arm.values()]
    known = [value for run in runs for value in run if math.isfinite(value)]
    worst = max(known) if comparison.worst == "highest" else min(known)
    diverged = sum(any(map(math.isnan, run)) for run in runs)
    for run in runs:
        run[:] = [worst if math.isnan(value) else value for value in run]
        if comparison.scale == "log":
            run[:] = map(math.log, run)
    summary = SUMMARIES[comparison.summary]
    arms = [{seed: summary(run) for seed, run in arm.items()} for arm in found.values()]
    if comparison.pairing != "paired":
        return Plain(arms[0], arms[1] if len(arms) > 1 else None, diverged, found)
    differences = {
        seed: summary([a - b for a, b in zip(run, found["mle"][seed], strict=True)])
        if comparison.summary != "log_of_mean"
        else arms[0][seed] - arms[1][seed]
        for seed, run in found["vaml"].items()
    }
    return Plain(differences, None, diverged, found)


def measured(comparison: Comparison, made: list[Row]) -> Sample:
    other = [row | {"environment": "Walker2d-v4", "value_aware_error": 77.0} for row in made]
    tables = {"snapshots": pd.DataFrame(other + made)}
    return measure(comparison, PART, "vaml", tables)


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": "mean", "scale": "log"},
        {"summary": "median"},
        {"summary": "median", "scale": "log"},
        {"summary": "last"},
        {"summary": "log_of_mean"},
        {"minus": "floor"},
        {"per": "epochs", "worst": "lowest"},
        {"divide_by": 4.0, "scale": "log"},
        {"minus": "floor", "per": "epochs", "divide_by": 0.5},
    ],
)
@pytest.mark.parametrize("pairing", ["none", "paired", "unpaired"])
def test_numbers_of_the_runs(pairing: str, changes: Row) -> None:
    """Numbers of every seed in a comparison; a missing one becomes the worst of those compared."""
    comparison = asked(pairing=pairing, **changes)
    sample, expected = measured(comparison, rows()), plainly(comparison, rows())
    assert dict(sample.treatment) == pytest.approx(expected.treatment)
    assert (sample.baseline is None) == (expected.baseline is None)
    if sample.baseline is not None and expected.baseline is not None:
        assert dict(sample.baseline) == pytest.approx(expected.baseline)
    assert sample.diverged == expected.diverged > 0
    assert sample.arms == [
        list(arm.values()) for arm in (sample.treatment, sample.baseline) if arm is not None
    ]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_in_how_many_cells_the_method_is_lower(scale: str) -> None:
    made = rows()
    made[3]["value_aware_error"] = made[12]["value_aware_error"]  # seed 1, the first snapshot
    comparison = asked(pairing="paired", scale=scale)
    details, cells = measured(comparison, made).details, plainly(comparison, made).cells
    pairs = [
        (a, b)
        for seed, run in cells["vaml"].items()
        for a, b in zip(run, cells["mle"][seed], strict=True)
    ]
    assert details["lower"] == sum(a < b for a, b in pairs) != sum(a > b for a, b in pairs)
    assert details["tied"] == sum(a == b for a, b in pairs) == 1
    assert details["of"] == 9
    if scale == "linear":
        assert details.keys() == {"lower", "tied", "of"}
        return
    ratios = [math.exp(a - b) for a, b in pairs]
    assert details["mean_ratio"] == pytest.approx(statistics.fmean(ratios))
    assert details["median_ratio"] == pytest.approx(statistics.median(ratios))


@pytest.mark.parametrize(("shift", "overlapping"), [(1.9, 3), (2.1, 0)])
def test_bars_overlap_within_the_sum_of_their_deviations(shift: float, overlapping: int) -> None:
    """Bars of the populations' deviation, 1 each, around means that differ by `shift`."""
    made: list[Row] = [
        {
            **{"environment": "Hopper-v4", "objective": objective, "seed": seed, "step": step},
            **{"status": "ok", "value_aware_error": 10 + distance + (1 if seed else -1)},
        }
        for objective, distance in (("vaml", 0.0), ("mle", shift))
        for seed in (0, 1)
        for step in STEPS
    ]
    for turned in (made, [row | {"objective": _other(row["objective"])} for row in made]):
        sample = measured(asked(pairing="paired", scale="log"), turned)
        assert sample.details["overlapping"] == overlapping
    alone = [row for row in made if row["seed"] == 0]
    assert "overlapping" not in measured(asked(pairing="paired", scale="log"), alone).details


def _other(objective: str) -> str:
    return "mle" if objective == "vaml" else "vaml"


def test_in_how_many_snapshots_the_methods_mean_is_lower() -> None:
    comparison = asked(pairing="unpaired")
    cells = plainly(comparison, rows()).cells
    means = {method: np.mean([*runs.values()], axis=0) for method, runs in cells.items()}
    details = measured(comparison, rows()).details
    lower = int((means["vaml"] < means["mle"]).sum())
    assert lower != 3 - lower
    assert details == {"lower": lower, "of": 3}
    tied = [row | {"value_aware_error": 5.0, "status": "ok"} for row in rows()]
    assert measured(comparison, tied).details == {"lower": 0, "of": 3}
    for steps, of in ((2, 2), (1, None)):
        some = [row for row in rows() if row["step"] >= STEPS[-steps]]
        assert measured(comparison, some).details.get("of") == of


def test_a_trend_is_the_rank_correlation_with_the_step() -> None:
    comparison = asked(summary="rank_correlation", worst="lowest")
    made = [row for row in rows() if row["objective"] == "vaml"]
    cells = plainly(asked(worst="lowest"), made).cells["vaml"]
    sample = measured(comparison, made)
    for seed, run in cells.items():
        expected: Any = stats.spearmanr(STEPS, run)
        assert sample.treatment[seed] == pytest.approx(expected.statistic)
    flat = [value for run in cells.values() for value in run]
    assert sample.details == {
        "lowest": pytest.approx(min(flat)),
        "highest": pytest.approx(max(flat)),
        "highest_over_median": pytest.approx(
            statistics.fmean(max(run) / statistics.median(run) for run in cells.values())
        ),
    }
    alone = measured(comparison, [row for row in made if row["seed"] == 3]).details
    expected = stats.spearmanr(STEPS, cells[3])
    assert alone["snapshots"] == 3
    assert alone["p_as_if_snapshots_were_runs"] == pytest.approx(expected.pvalue)
    assert measured(asked(), made).details == {}


def _returns() -> Tables:
    """Two episodes an evaluation; agent vaml's seed 2 stopped before the first."""
    runs: list[Row] = [
        {"environment": "Hopper-v4", "agent": agent, "seed": seed, "status": "ok"}
        for agent in ("vaml", "mle")
        for seed in (0, 1, 2)
    ]
    runs[2]["status"] = "diverged"
    returns = [
        {key: run[key] for key in ("environment", "agent", "seed")}
        | {"env_step": step, "episode": episode, "return": 10.0 * step + run["seed"] + 4 * episode}
        for run in runs
        if run["status"] == "ok"
        for step in (1, 2)
        for episode in (0, 1)
    ]
    return {"mbac": pd.DataFrame(runs), "mbac_returns": pd.DataFrame(returns)}


def test_an_evaluation_is_the_mean_of_its_episodes_and_a_run_without_one_is_there() -> None:
    comparison = asked(table="mbac_returns", metric="return", worst="lowest", pairing="unpaired")
    sample = measure(comparison, PART, "vaml", _returns())
    assert sample.treatment == {0: 17.0, 1: 18.0, 2: 12.0}
    assert sample.baseline == {0: 17.0, 1: 18.0, 2: 19.0}
    assert sample.diverged == 1
    tables = _returns()
    tables["mbac_returns"].loc[2, "return"] = math.nan  # one episode of two
    assert measure(comparison, PART, "vaml", tables).treatment[0] == 12.0


def test_diverged_runs_are_ones() -> None:
    comparison = asked(
        table="mbac_returns", metric="return", summary="diverged", pairing="unpaired"
    )
    sample = measure(comparison, PART, "vaml", _returns())
    assert sample == Sample({0: 0.0, 1: 0.0, 2: 1.0}, {0: 0.0, 1: 0.0, 2: 0.0}, 1)
    mirrored = comparison.model_copy(update={"baseline": "vaml"})
    assert measure(mirrored, PART, "mle", _returns()).diverged == 1
    # One diverged fit of three is enough.
    fits = measured(asked(summary="diverged", pairing="unpaired"), rows())
    assert fits.treatment == {0: 1.0, 1: 0.0, 2: 0.0, 3: 0.0}


@pytest.mark.parametrize(
    ("changes", "value", "lack"),
    [
        ({"scale": "log"}, 0.0, "a log ratio needs values above 0: 0"),
        ({"metric": "nowhere"}, 1.0, "no column nowhere"),
        ({"minus": "nowhere"}, 1.0, "no column nowhere"),
        ({"per": "nowhere"}, 1.0, "no column nowhere"),
        ({"metric": "status"}, 1.0, "holds no numbers"),
        ({"table": "synthetic"}, 1.0, "no table synthetic"),
    ],
)
def test_what_cannot_be_measured_is_named(changes: Row, value: float, lack: str) -> None:
    made = rows()
    for row in made[6:9]:  # a run
        row["value_aware_error"] = value
    with pytest.raises(NotMeasurable, match=lack):
        measured(asked(**changes), made)


@pytest.mark.parametrize("pairing", ["none", "paired"])
def test_a_mean_too_small_to_be_measured_counts_as_the_smallest_that_was(pairing: str) -> None:
    """An unbiased squared bias falls below 0: that run is no reason to test nothing."""
    made = rows()
    for row in made:
        if (row["objective"], row["seed"]) == ("vaml", 2):
            row["value_aware_error"] = -0.1
    comparison = asked(summary="log_of_mean", pairing=pairing)
    sample = measured(comparison, made)
    cells = plainly(asked(pairing=pairing), made).cells
    means = {
        key: {s: statistics.fmean(run) for s, run in arm.items()} for key, arm in cells.items()
    }
    smallest = min(mean for arm in means.values() for mean in arm.values() if mean > 0)
    expected = math.log(smallest)
    if pairing == "paired":
        expected -= math.log(means["mle"][2])
    assert sample.treatment[2] == pytest.approx(expected)
    assert sample.details["means_not_above_0"] == 1
    with pytest.raises(NotMeasurable, match=r"means above 0: -0\.1"):
        measured(comparison, [row | {"value_aware_error": -0.1, "status": "ok"} for row in made])


def test_a_seed_is_lower_everywhere_or_not() -> None:
    comparison = asked(summary="lower_everywhere", pairing="paired")
    cells = plainly(asked(pairing="paired"), rows()).cells
    for seed, half in measured(comparison, rows()).treatment.items():
        pairs = zip(cells["vaml"][seed], cells["mle"][seed], strict=True)
        assert half == (0.5 if all(a < b for a, b in pairs) else -0.5)
    halved = [
        row | {"value_aware_error": 0.001 if row["objective"] == "vaml" else 1.0, "status": "ok"}
        for row in rows()
    ]
    assert set(measured(comparison, halved).treatment.values()) == {0.5}
    halved[3]["value_aware_error"] = 1.0  # a tie is not lower
    assert measured(comparison, halved).treatment[1] == -0.5


def test_fewer_than_three_snapshots_have_no_trend() -> None:
    made = [row for row in rows() if row["objective"] == "vaml"]
    short = [row for row in made if row["step"] < STEPS[-1]]
    with pytest.raises(NotMeasurable, match="a rank correlation of 2 snapshots"):
        measured(asked(summary="rank_correlation"), short)
    for row in made:
        row["value_aware_error"] = math.inf
    with pytest.raises(NotMeasurable, match="no run has a finite value"):
        measured(asked(), made)


@pytest.mark.parametrize("pairing", ["none", "paired", "unpaired"])
def test_a_run_that_was_not_measured_is_no_diverged_one(pairing: str) -> None:
    """Seed 2 is of a version without the column: neither the worst run nor left out unsaid."""
    made = rows()
    for row in made:
        if row["seed"] == 2:
            row["floor"] = math.nan
    said = r"no floor of vaml in Hopper, seed 2, which is finished"
    for changes in ({"metric": "floor"}, {"minus": "floor"}, {"per": "floor"}):
        with pytest.raises(NotMeasurable, match=said):
            measured(asked(pairing=pairing, **changes), made)
    for row in made:
        if row["seed"] == 2:
            row["status"] = "diverged"
    assert measured(asked(pairing=pairing, metric="floor"), made).diverged > 0


def test_returns_of_a_finished_run_that_are_not_there_are_not_the_lowest() -> None:
    comparison = asked(table="mbac_returns", metric="return", worst="lowest", pairing="unpaired")
    tables = dict(_returns())
    returns = tables["mbac_returns"]
    tables["mbac_returns"] = returns.loc[(returns["agent"] != "mle") | (returns["seed"] != 1)]
    with pytest.raises(NotMeasurable, match="no return of mle in Hopper, seed 1, which is"):
        measure(comparison, PART, "vaml", tables)

"""What each claim measures, per run, on tables whose answer is known; and what is never tested."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judged_tables import CLAIMS, HIDDEN_SIZES, STATISTICS, STEPS, find, judged, study

from vaml.analysis.claims import Finding, overall
from vaml.analysis.verdicts import Judgement
from vaml.study.claims import Claims, Verdict

IDS = ["C1", "C1m", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9a", "C9b", "C10", "C11", "C12"]


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    return judged(study())


def test_every_claim_of_the_paper_is_there() -> None:
    of_the_paper = [name for name, claim in CLAIMS.claims.items() if not claim.explains]
    assert of_the_paper == [*IDS, "C13"]


@pytest.mark.parametrize(
    ("claim", "part", "method", "effect", "verdict"),
    [
        ("C1", "realizable", "vaml", -0.1, "supported"),
        ("C2", "realizable", "vaml", math.log(0.2), "supported"),
        ("C2", "unrealizable", "vaml", math.log(0.2), "supported"),
        ("C3", "unrealizable", "vaml", -0.1, "supported"),
        ("C4", "Hopper", "mle", 0.96, "supported"),
        ("C5", "Walker2d", "vaml", -0.96, "supported"),
        ("C5", "Walker2d", "reg_vaml", -0.96, "supported"),
        ("C7", "InvertedPendulum", "reg_vaml", -1.0, "supported"),
        ("C7", "Pusher", "reg_vaml", -1.0, "supported"),
        ("C8", "InvertedPendulum", "reg_vaml", 2.0, "contradicted"),
        ("C8", "Pusher", "reg_vaml", 2.0, "contradicted"),
    ],
)
def test_the_effect_is_method_minus_baseline(
    findings: list[Finding], claim: str, part: str, method: str, effect: float, verdict: str
) -> None:
    finding = find(findings, claim, part, method)
    assert finding.ours.effect == pytest.approx(effect, abs=0.03)
    assert finding.ours.verdict == verdict
    assert finding.ours.n[0] == 5


def test_returns_compare_the_agents_in_the_sense_of_each_claim(findings: list[Finding]) -> None:
    """mle's return is 20 higher: C9a (margin 100) and C9b (margin 6) say so, C13 from reg_vaml."""
    for index in (0, 1):
        for claim, part in (("C9a", "InvertedPendulum"), ("C9b", "Pusher")):
            ours = find(findings, claim, part, index=index).ours
            assert ours.effect == pytest.approx(20, abs=0.1)
            assert ours.verdict == "supported"
    assert find(findings, "C13", "Pusher").ours.effect == pytest.approx(-20, abs=0.1)
    assert overall(findings, "C13", "paper")[0] == "supported"


def test_a_median_over_snapshots_is_of_differences_within_a_snapshot() -> None:
    tables = study()
    fits = tables["snapshots"]
    ratios = {}
    for seed in range(5):
        rows = fits.loc[(fits["environment"] == "Hopper-v4") & (fits["seed"] == seed)]
        wide = rows.pivot(index="step", columns="objective", values="value_aware_error")
        ratios[seed] = float(np.median(np.log(wide["vaml"] / wide["mle"])))
    finding = find(judged(tables, ["C6"]), "C6", "Hopper", "vaml")
    assert finding.sample is not None
    assert dict(finding.sample.treatment) == pytest.approx(ratios)
    assert finding.sample.details["lower"] == finding.sample.details["of"] == 5 * len(STEPS)


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_never_a_verdict_from_fewer_than_four_seeds(seeds: int) -> None:
    for finding in judged(study(seeds)):
        ours = finding.ours
        assert ours.verdict == "not tested"
        assert math.isnan(ours.p)
        assert math.isnan(ours.p_permutation)
        assert math.isnan(ours.interval[0])
        if finding.sample is not None:
            assert ours.reason == f"n = {seeds}, needs 4"
            assert math.isfinite(ours.effect)


def test_four_seeds_are_enough_for_a_verdict() -> None:
    ours = find(judged(study(4), ["C2"]), "C2", "realizable").ours
    assert (ours.n, ours.verdict) == ((4,), "supported")


def test_a_claim_needs_all_of_its_comparisons_or_any(findings: list[Finding]) -> None:
    verdicts: dict[str, Verdict] = {"InvertedPendulum": "supported", "Pusher": "contradicted"}
    mixed = [
        replace(find(findings, "C7", part), ours=Judgement(verdict=verdict))
        for part, verdict in verdicts.items()
    ]
    assert overall(mixed, "C7", "paper")[0] == "contradicted"
    assert overall(mixed, "C7", "corrected") == ("not tested", "not tested")
    question = mixed[0].question
    question = replace(question, claim=question.claim.model_copy(update={"needs": "any"}))
    mixed[0] = replace(mixed[0], question=question)
    assert overall(mixed, "C7", "paper")[0] == "supported"


def test_what_is_measured_is_said_in_words(findings: list[Finding]) -> None:
    question = find(findings, "C1").question
    assert question.measured == "mean of log value_aware_error"
    units = {"minus": "noise_floor", "per": "epochs", "divide_by": 4.0, "scale": "linear"}
    plain = replace(question, comparison=question.comparison.model_copy(update=units))
    assert plain.measured == "mean of (value_aware_error - noise_floor) / epochs / 4"


def test_the_seed_is_the_unit_not_the_snapshot_or_the_episode() -> None:
    """Each snapshot, evaluation and episode twice: the same numbers, to the last digit."""
    tables = study()
    doubled = {**tables}
    for name, column in (("snapshots", "step"), ("mbac_returns", "env_step")):
        later = tables[name].assign(**{column: tables[name][column] + 1})
        doubled[name] = pd.concat([tables[name], later], ignore_index=True)
    more = tables["mbac_returns"]
    doubled["mbac_returns"] = pd.concat(
        [doubled["mbac_returns"], more.assign(episode=more["episode"] + 2)], ignore_index=True
    )
    for claim in ("C6", "C9b"):
        for before, after in zip(judged(tables, [claim]), judged(doubled, [claim]), strict=True):
            assert after.ours.n == before.ours.n
            assert after.ours.interval == pytest.approx(before.ours.interval)
            assert after.ours.p == pytest.approx(before.ours.p)


def test_pairing_takes_out_what_the_seeds_share(findings: list[Finding]) -> None:
    """Seeds differ by a factor of 7, the paired ratio by a few per cent."""
    low, high = find(findings, "C1").ours.interval
    assert high - low < 0.1
    unpaired = {"baseline": "mle", "pairing": "unpaired"}
    claim = CLAIMS.claims["C1"]
    changed = [each.model_copy(update=unpaired) for each in claim.comparisons]
    claims = Claims(claims={"C1": claim.model_copy(update={"comparisons": changed})})
    wide_low, wide_high = find(judged(study(), claims=claims), "C1").ours.interval
    assert wide_high - wide_low > 1


def test_agents_are_not_paired_by_seed() -> None:
    """Which run of one agent has which number makes no difference."""
    tables = study()
    fits = tables["mbac_fits"]
    mine = fits["agent"] == "reg_vaml"
    shuffled = fits.assign(seed=fits["seed"].where(~mine, 4 - fits["seed"]))
    before = find(judged(tables, ["C7"]), "C7", "Pusher").ours
    after = find(judged({**tables, "mbac_fits": shuffled}, ["C7"]), "C7", "Pusher").ours
    assert (before.interval, before.p) == (after.interval, after.p)


@pytest.mark.parametrize(
    ("claim", "part", "variant", "reason"),
    [
        ("C4", "Hopper", "corrected", "the table snapshots has no column value_variance"),
        ("C1m", "realizable", "paper", "the table synthetic has no column value_aware_error_k1000"),
        ("C11", "Pusher", "paper", "the table mbac has no agent vaml in Pusher"),
        ("C12", "Pusher", "paper", "the table mbac has no agent sac in Pusher"),
    ],
)
def test_what_the_tables_lack_is_not_tested_and_says_why(
    findings: list[Finding], claim: str, part: str, variant: str, reason: str
) -> None:
    method = "mle" if claim == "C12" else ""
    ours = find(findings, claim, part, method, variant).ours
    assert (ours.verdict, ours.reason) == ("not tested", reason)


def test_two_versions_of_an_environment_are_not_mixed() -> None:
    tables = study()
    newer = tables["snapshots"].replace({"environment": {"Hopper-v4": "Hopper-v5"}})
    tables["snapshots"] = pd.concat([tables["snapshots"], newer], ignore_index=True)
    ours = find(judged(tables, ["C4"]), "C4", "Hopper").ours
    assert ours.verdict == "not tested"
    assert "Hopper-v4, Hopper-v5" in ours.reason


def test_sac_is_one_of_the_agents() -> None:
    tables = study()
    for name in ("mbac", "mbac_returns"):
        mle = tables[name].loc[tables[name]["agent"] == "mle"].assign(agent="sac")
        if "return" in mle:
            mle = mle.assign(**{"return": mle["return"] + 300})
        tables[name] = pd.concat([tables[name], mle], ignore_index=True)
    ours = find(judged(tables, ["C12"]), "C12", "Pusher", "mle").ours
    assert ours.effect == pytest.approx(-300, abs=0.1)
    assert ours.verdict == "supported"


def test_a_cell_without_a_number_by_its_nature_is_no_divergence() -> None:
    """The error for the next snapshot's value function, at the last one: W5."""
    tables = study()
    fits = tables["snapshots"]
    ratio = np.where(fits["objective"] == "mle", 1.5, 6.0)
    later = fits["value_aware_error"] * ratio
    later[fits["step"] == STEPS[-1]] = np.nan
    tables["snapshots"] = fits.assign(next_value_aware_error=later)
    finding = find(judged(tables, ["W5"]), "W5", "Hopper", "vaml")
    assert finding.ours.effect == pytest.approx(math.log(4))
    assert finding.sample is not None
    assert finding.sample.diverged == 0
    # Where a fit to the last snapshot diverged, the cell counts, with the worst ratio for all.
    lost = (fits["step"] == STEPS[-1]) & (fits["seed"] == 0) & (fits["objective"] == "vaml")
    status = fits["status"].mask(lost, "diverged")
    tables["snapshots"] = tables["snapshots"].assign(status=status)
    finding = find(judged(tables, ["W5"]), "W5", "Hopper", "vaml")
    assert finding.sample is not None
    assert finding.sample.diverged > 0


def test_runs_that_are_all_the_same_are_inconclusive() -> None:
    """All at the highest return: it looks equivalent, but five more runs might not be there."""
    tables = study()
    tables["mbac_returns"] = tables["mbac_returns"].assign(**{"return": 1000.0})
    ours = find(judged(tables, ["C9a"]), "C9a", index=0).ours
    assert ours.verdict == "inconclusive"
    assert "the same value" in ours.reason


def test_fewer_seeds_than_planned_are_said(findings: list[Finding]) -> None:
    assert find(findings, "C1").ours.reason == "n = 5, planned 20"
    assert find(findings, "C4", "Hopper").ours.reason == ""
    # Of two agents, the one with fewer runs counts.
    planned = find(findings, "C7", "Pusher").question.comparison.parts["Pusher"]
    tables = study(planned)
    assert find(judged(tables, ["C7"]), "C7", "Pusher").ours.reason == ""
    for name in ("mbac", "mbac_fits"):
        rows = tables[name]
        tables[name] = rows.loc[(rows["agent"] != "mle") | (rows["seed"] > 0)]
    fewer = find(judged(tables, ["C7"]), "C7", "Pusher").ours
    assert fewer.n == (planned, planned - 1)
    assert fewer.reason == f"n = {planned - 1}, planned {planned}"


def test_overlap_and_counts_over_hidden_sizes(findings: list[Finding]) -> None:
    sample = find(findings, "C3").sample
    assert sample is not None
    assert sample.details["of"] == 5 * len(HIDDEN_SIZES)
    # Seeds differ by far more than the methods do.
    assert sample.details["overlapping"] == len(HIDDEN_SIZES)
    assert sample.details["mean_ratio"] == pytest.approx(math.exp(-0.1), abs=0.02)


def test_the_seed_moves_the_bootstrap_and_nothing_else() -> None:
    first, again, other = (
        find(judged(study(), ["C1"], statistics=STATISTICS.model_copy(update={"seed": seed})), "C1")
        for seed in (0, 0, 1)
    )
    assert repr(first.ours) == repr(again.ours)
    assert first.ours.bootstrap != other.ours.bootstrap
    assert (first.ours.interval, first.ours.p) == (other.ours.interval, other.ours.p)


def test_the_interval_of_a_correlation_stays_within_its_bounds(findings: list[Finding]) -> None:
    low, high = find(findings, "C4", "Hopper").ours.interval
    assert 0.8 < low < 0.96
    assert high == 1

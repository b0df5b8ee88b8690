"""The number of each claim per run, on tables whose answer is known; and the untested claims."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judged_tables import CLAIMS, HIDDEN_SIZES, STEPS, find, judged, study

from vaml.analysis.claims.judge import Finding, overall
from vaml.analysis.claims.verdicts import Judgement
from vaml.config.claims import Claims, Verdict

OF_A = ["C1", "C1m", "C2", "C3a", "C3b"]
IDS = [*OF_A, "C4", "C5", "C6", "C7", "C8", "C9a", "C9b", "C10", "C11", "C12", "C13"]


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    return judged(study())


def test_every_claim_of_the_paper_is_there() -> None:
    of_the_paper = [name for name, claim in CLAIMS.claims.items() if not claim.explains]
    assert of_the_paper == IDS


@pytest.mark.parametrize(
    ("claim", "part", "method", "effect", "verdict"),
    [
        ("C1", "realizable", "vaml", -0.1, "supported"),
        ("C2", "realizable", "vaml", math.log(0.2), "supported"),
        ("C2", "unrealizable", "vaml", math.log(0.2), "supported"),
        ("C3a", "unrealizable", "vaml", -0.1, "supported"),
        ("C3b", "unrealizable", "vaml", 0.5, "inconclusive"),
        ("C4", "Hopper", "mle", 0.96, "supported"),
        ("C5", "Walker2d", "vaml", -0.96, "supported"),
        ("C5", "Walker2d", "reg_vaml", -0.96, "supported"),
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


def test_a_lower_error_in_most_fits_is_lower_for_most_of_training() -> None:
    """C7: three fits of four lower by a factor of e, the other higher by one of e³."""
    tables = study()
    fits = tables["mbac_fits"]
    last = (fits["env_step"] == STEPS[-1]) & (fits["agent"] == "reg_vaml")
    for column in ("value_aware_error", "squared_bias"):
        fits[column] = fits[column].mask(last, fits[column] * np.exp(4))
    findings = judged(tables, ["C7", "W29"])
    for variant, index in (("paper", 0), ("corrected", 1)):
        ours = find(findings, "C7", "Pusher", variant=variant, index=index).ours
        assert (ours.effect < 0, ours.verdict) == (True, "supported")
        on_average = find(findings, "W29", "Pusher", variant=variant, index=index).ours
        assert (on_average.effect > 0, on_average.verdict) == (True, "contradicted")
    assert overall(findings, "C7", "paper")[0] == "supported"


def test_vaml_that_is_worse_has_no_narrow_advantage() -> None:
    """Its exact error is four times maximum likelihood's: contradicted, not supported."""
    findings = judged(study(20), ["C3a", "C3b"])
    ours = find(findings, "C3a", variant="corrected").ours
    assert math.exp(ours.effect) == pytest.approx(4, rel=0.1)
    assert ours.verdict == "contradicted"
    assert find(findings, "C3a").ours.verdict == "supported"
    # 7 % lower at every size of every seed is an advantage that is consistent.
    assert find(findings, "C3b").ours.verdict == "contradicted"
    assert find(findings, "C3b", variant="corrected").ours.verdict == "supported"


def test_an_advantage_that_turns_with_the_size_is_not_consistent() -> None:
    tables = study(20)
    fits = tables["synthetic"]
    turned = (fits["hidden_size"] == HIDDEN_SIZES[1]) & (fits["objective"] == "vaml")
    errors = fits["value_aware_error"].where(~turned, fits["value_aware_error"] * 1.4)
    found = find(judged({**tables, "synthetic": fits.assign(value_aware_error=errors)}, ["C3b"]),
                 "C3b")  # fmt: skip
    assert (found.ours.effect, found.ours.verdict) == (-0.5, "supported")


@pytest.mark.parametrize(("ratio", "verdict"), [(1.03, "supported"), (0.9, "contradicted")])
def test_with_very_many_samples_the_advantage_is_gone_also_if_it_turns(
    ratio: float, verdict: Verdict
) -> None:
    """C1m: VAML that is 3 % worse there agrees with the sentence."""
    tables = study()
    fits = tables["synthetic"]
    spread = fits["value_aware_error"] * np.where(fits["objective"] == "vaml", ratio * 1.1052, 1)
    fits = fits.assign(value_aware_error_k1000=spread)
    assert find(judged({**tables, "synthetic": fits}, ["C1m"]), "C1m").ours.verdict == verdict


def test_an_epoch_of_vaml_costs_more_and_a_whole_fit_may_not(findings: list[Finding]) -> None:
    """CPU seconds: three times as many per epoch, with half as many epochs 1.5 times."""
    for index, ratio in ((0, 3), (1, 1.5)):
        ours = find(findings, "C10", "Hopper", index=index).ours
        assert math.exp(ours.effect) == pytest.approx(ratio, rel=0.05)
        assert ours.verdict == "supported"


def test_fits_of_a_gpu_say_nothing_of_cpu_seconds() -> None:
    """One method's fits on a GPU and the other's on cores are no comparison of costs."""
    tables = study()
    costs = tables["snapshots_costs"]
    seconds = costs["seconds"].where(costs["objective"] == "mle")
    findings = judged({**tables, "snapshots_costs": costs.assign(seconds=seconds)}, ["C10"])
    assert {each.ours.verdict for each in findings} == {"not tested"}


def test_returns_compare_the_agents_in_the_sense_of_each_claim() -> None:
    """mle's return is 20 higher: C9a (margin 100) and C9b (margin 6) say so, C13 from reg_vaml."""
    findings = judged(study(10))
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
            needed = finding.question.comparison.minimum_seeds or 4
            assert ours.reason == f"n = {seeds}, needs {needed}"
            assert math.isfinite(ours.effect)


def test_four_seeds_are_enough_for_a_verdict() -> None:
    ours = find(judged(study(4), ["C2"]), "C2", "realizable").ours
    assert (ours.n, ours.verdict) == ((4,), "supported")


def test_a_claim_needs_all_of_its_comparisons_or_any(findings: list[Finding]) -> None:
    verdicts: dict[str, Verdict] = {"InvertedPendulum": "supported", "Pusher": "contradicted"}
    mixed = [
        replace(find(findings, "C8", part), ours=Judgement(verdict=verdict))
        for part, verdict in verdicts.items()
    ]
    assert overall(mixed, "C8", "paper")[0] == "contradicted"
    assert overall(mixed, "C8", "corrected") == ("not tested", "not tested")
    question = mixed[0].question
    question = replace(question, claim=question.claim.model_copy(update={"needs": "any"}))
    mixed[0] = replace(mixed[0], question=question)
    assert overall(mixed, "C8", "paper")[0] == "supported"


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


@pytest.mark.parametrize(("claim", "table"), [("C7", "mbac_fits"), ("C9b", "mbac_returns")])
def test_agents_are_paired_by_seed(claim: str, table: str) -> None:
    """Runs of one seed share data, networks and resets: what they have in common goes out."""
    tables = study()
    column = "value_aware_error" if claim == "C7" else "return"
    shared = tables[table]["seed"].map(lambda seed: 7.0**seed)
    scaled = tables[table][column] * shared if claim == "C7" else tables[table][column] + shared
    before = find(judged(tables, [claim]), claim, "Pusher", index=0).ours
    after = find(judged({**tables, table: tables[table].assign(**{column: scaled})}, [claim]),
                 claim, "Pusher", index=0).ours  # fmt: skip
    assert after.n == (5,)
    assert after.interval == pytest.approx(before.interval)
    # Without the pairs, which run has which number would make no difference.
    mine = tables[table]["agent"] == "reg_vaml"
    turned = tables[table].assign(
        seed=tables[table]["seed"].where(~mine, 4 - tables[table]["seed"])
    )
    other = find(judged({**tables, table: turned}, [claim]), claim, "Pusher", index=0).ours
    assert other.interval != pytest.approx(before.interval)


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
            mle = mle.assign(**{"return": mle["return"] + 300 + mle["seed"] / 100})
        tables[name] = pd.concat([tables[name], mle], ignore_index=True)
    findings = judged(tables, ["C12"])
    ours = find(findings, "C12", "Pusher", "mle").ours
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
    # Nor does one fit that diverged there, in this environment or in the other, add the cell.
    lost = (fits["step"] == STEPS[-1]) & (fits["seed"] == 0) & (fits["objective"] == "vaml")
    tables["snapshots"]["status"] = fits["status"].mask(lost, "diverged")
    finding = find(judged(tables, ["W5"]), "W5", "Hopper", "vaml")
    assert finding.ours.effect == pytest.approx(math.log(4))
    assert finding.sample is not None
    assert finding.sample.diverged == 0
    # A cell that others have a number of is a divergence.
    lost = (fits["step"] == STEPS[0]) & (fits["seed"] == 0) & (fits["objective"] == "vaml")
    tables["snapshots"]["status"] = fits["status"].mask(lost, "diverged")
    finding = find(judged(tables, ["W5"]), "W5", "Hopper", "vaml")
    assert finding.sample is not None
    assert finding.sample.diverged == 1


def test_runs_that_are_all_the_same_are_inconclusive() -> None:
    """All at the highest return: it looks equivalent, but ten more runs might not be there."""
    tables = study(10)
    tables["mbac_returns"] = tables["mbac_returns"].assign(**{"return": 1000.0})
    ours = find(judged(tables, ["C9a"]), "C9a", index=0).ours
    assert ours.verdict == "inconclusive"
    assert ours.reason.startswith(
        "every run gave the same value, with an effect of 0: what strikes"
    )


def test_fewer_seeds_than_planned_are_said(findings: list[Finding]) -> None:
    assert find(findings, "C1").ours.reason == "n = 5, planned 20"
    # Of two agents, the seeds that both have count.
    planned = find(findings, "C8", "Pusher").question.comparison.parts["Pusher"]
    tables = study(planned)
    assert find(judged(tables, ["C8"]), "C8", "Pusher").ours.reason == ""
    for name in ("mbac", "mbac_fits"):
        rows = tables[name]
        tables[name] = rows.loc[(rows["agent"] != "mle") | (rows["seed"] > 0)]
    fewer = find(judged(tables, ["C8"]), "C8", "Pusher").ours
    assert fewer.n == (planned - 1,)
    assert fewer.reason == f"n = {planned - 1}, planned {planned}"


def test_fewer_snapshots_than_planned_are_said() -> None:
    tables = study(4)
    rows = tables["snapshots"]
    for name, method in (("C4", "mle"), ("C5", "vaml"), ("C6", "reg_vaml")):
        finding = find(judged(tables, [name]), name, "Hopper", method)
        assert finding.ours.reason == "n = 4, planned 5; 4 of 19 snapshots"
    span = len(STEPS) * 1000
    longer = pd.concat([rows.assign(step=rows["step"] + span * i) for i in range(5)])
    for n in (19, 18):
        tables["snapshots"] = longer.loc[longer["step"] <= 1000 * n]
        said = find(judged(tables, ["C4"]), "C4", "Hopper").ours.reason
        assert said == "n = 4, planned 5" + ("; 18 of 19 snapshots" if n == 18 else "")


def test_overlap_and_counts_over_hidden_sizes(findings: list[Finding]) -> None:
    sample = find(findings, "C3a").sample
    assert sample is not None
    assert sample.details["of"] == 5 * len(HIDDEN_SIZES)
    # Seeds differ by far more than the methods do.
    assert sample.details["overlapping"] == len(HIDDEN_SIZES)
    assert sample.details["mean_ratio"] == pytest.approx(math.exp(-0.1), abs=0.02)


def test_the_interval_of_a_correlation_stays_within_its_bounds(findings: list[Finding]) -> None:
    low, high = find(findings, "C4", "Hopper").ours.interval
    assert 0.8 < low < 0.96
    assert high == 1

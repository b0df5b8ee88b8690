"""The manuscript's sentences on a comparison and on the verdicts, from numbers alone."""

import re
from typing import Any, get_args

import pytest
from finished_jobs import ROOT, small_study

from vaml.analysis.manuscript.claims import claim_entries
from vaml.analysis.manuscript.sentences import difference, discussion, untested
from vaml.analysis.manuscript.settings import setting_rows
from vaml.config.objectives import Loss

LABELS = {"vaml": "VAML", "mle": "MLE"}


def comparison(measured: str, effect: float | None, **changes: Any) -> dict[str, Any]:
    """One of claims.json, on the realizable setting."""
    entry = {
        "variant": "paper",
        "part": "realizable",
        "method": "vaml",
        "baseline": "mle",
        "measured": measured,
        "direction": "lower",
        "largest_difference": None,
        "smallest_difference": 0.0,
        "effect": effect,
        "low": None if effect is None else effect - 0.01,
        "high": None if effect is None else effect + 0.01,
        "n": 5,
        "n_baseline": None,
        "p": 0.01,
        "verdict": "supported",
        "reason": None,
    }
    sides = ("effect", "low", "high", "n", "n_baseline", "verdict")
    return entry | dict.fromkeys(f"authors_{name}" for name in sides) | changes


def claim(*comparisons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "claim": "C1",
        "statement": "It is so.",
        "sections": ["5.1"],
        "explains": [],
        "verdicts": {"paper": {"ours": "supported", "authors": "not tested"}},
        "prediction": {"paper": None, "seen": "all"},
        "comparisons": list(comparisons),
    } | changes


def text(entry: dict[str, Any]) -> str:
    ((found,), _) = claim_entries([claim(entry)], LABELS)
    return found["findings"][0]["text"]


@pytest.mark.parametrize(
    ("value", "is_ratio", "said"),
    [
        (-0.07, True, "6.76 % lower than"),
        (0.0953102, True, "10.0 % higher than"),
        (2.8075692, True, "16.6 times"),
        (-5.0483, True, "0.00642 times"),
        (0.0, True, "equal to"),
        (-22.5, False, "22.5 lower than"),
        (43.0, False, "43.0 higher than"),
        (0.0, False, "equal to"),
    ],
)
def test_a_difference_has_its_direction_and_its_size(
    value: float, is_ratio: bool, said: str
) -> None:
    assert difference(value, is_ratio) == said


def test_a_finding_says_what_was_compared_where_and_how_surely() -> None:
    assert text(comparison("mean of log value_aware_error", -0.07)) == (
        "In the realizable setting, the geometric mean value-aware error of VAML is 6.76 % lower "
        "than that of MLE (0.932 [0.923, 0.942], n = 5)."
    )
    lower = comparison("last of return", -22.5, part="Pusher", n=4, n_baseline=3)
    assert text(lower) == (
        "On Pusher, the last return of VAML is 22.5 lower than that of MLE "
        "(−22.5 [−22.5, −22.5], n = 4 + 3)."
    )
    alone = comparison("mean of log sigma_l1 / true_sigma_l1", -2.0, baseline=None)
    assert text(alone) == (
        "In the realizable setting, the geometric mean σ / true σ of VAML is "
        "0.135 [0.134, 0.137], n = 5."
    )


def test_it_is_said_how_cells_and_runs_are_averaged() -> None:
    """A mean of logs, a log of a mean, and a median of differences are three things."""
    assert "the mean squared bias of VAML is 20.0 times that of MLE (20.0 [" in text(
        comparison("log of mean of squared_bias", 2.9957)
    )
    assert (
        "the value-aware error of VAML is 10.0 % higher than that of MLE in the median ("
        in text(comparison("median of log value_aware_error", 0.0953102))
    )
    assert "the squared bias of VAML is 2.00 lower than that of MLE in the median (" in text(
        comparison("median of squared_bias", -2.0)
    )
    assert "the mean NLL of VAML is 3.00 higher than" in text(comparison("mean of nll", 3.0))


def test_a_verdict_without_an_interval_has_its_reason() -> None:
    """As where every run has the same return."""
    same = comparison("last of return", 0.0, part="InvertedPendulum", low=None, high=None)
    same |= {"verdict": "inconclusive", "reason": "every run gave the same value"}
    assert text(same) == (
        "On InvertedPendulum, the last return of VAML is equal to that of MLE "
        "(0, n = 5; every run gave the same value)."
    )


def test_a_share_of_seeds_is_no_ratio() -> None:
    """It is a share on whatever scale the runs are compared; the claim is about one half."""
    given = comparison("lower everywhere of log value_aware_error", 0.3, low=0.0, high=0.5)
    ((found,), _) = claim_entries([claim(given)], LABELS)
    entry = found["comparisons"][0]
    assert (entry["contrast"], entry["criterion"]) == ("VAML − MLE", "< 0.500")
    assert (entry["ours"]["effect"], entry["ours"]["interval"]) == ("0.800", "[0.500, 1.00]")
    assert text(given) == (
        "In the realizable setting, the share of seeds lower at every size in value-aware error of "
        "VAML against MLE is 0.800 [0.500, 1.00], n = 5."
    )


def test_longer_names_of_numbers_come_first() -> None:
    ((found,), _) = claim_entries(
        [claim(comparison("median of log next_value_aware_error / value_aware_error", 1.0))], LABELS
    )
    measured = found["comparisons"][0]["measured"]
    assert measured == "median of error for the next V / value-aware error"


def test_the_paper_s_measure_comes_first_and_what_was_not_tested_is_left_out() -> None:
    both = claim(
        comparison("mean of log exact_error", 2.8, variant="corrected"),
        comparison("mean of log value_aware_error", -0.07),
        comparison(
            "mean of log value_aware_error",
            None,
            part="unrealizable",
            reason="n = 2",
            verdict="not tested",
        ),
        verdicts={
            "corrected": {"ours": "contradicted", "authors": "not tested"},
            "paper": {"ours": "supported", "authors": "inconclusive"},
        },
    )
    ((found,), _) = claim_entries([both], LABELS)
    assert [(each["variant"], each["verdict"]) for each in found["findings"]] == [
        ("paper", "supported"),
        ("corrected", "contradicted"),
    ]
    assert "unrealizable" not in found["findings"][0]["text"]
    told = comparison("mean of nll", 1.0, reason="n = 4, planned 10", verdict="supported")
    none = comparison("mean of nll", None, reason="n = 2, needs 4", verdict="not tested")
    few = claim(told, none, claim="C7")
    few["verdicts"] = {"paper": {"ours": "not tested", "authors": "not tested"}}
    entries, _ = claim_entries([both, few], LABELS)
    assert untested(entries) == [{"reason": "n = 2, needs 4", "claims": ["C7"]}]


def test_the_discussion_compares_measures_authors_and_expectations() -> None:
    def judged(name: str, ours: str, **more: Any) -> dict[str, Any]:
        verdicts = {"paper": {"ours": ours, "authors": more.get("authors", "not tested")}}
        if "corrected" in more:
            verdicts["corrected"] = {"ours": more["corrected"], "authors": "not tested"}
        prediction = {"paper": more.get("expected"), "seen": "nothing"}
        return {"id": name, "verdicts": verdicts, "prediction": prediction}

    found = discussion(
        [
            judged("C1", "supported", corrected="contradicted", authors="supported"),
            judged("C2", "supported", corrected="supported", expected="supported"),
            judged("C3", "inconclusive", authors="supported", expected="contradicted"),
            judged("C4", "not tested", authors="supported", expected="supported"),
        ]
    )
    assert found == {
        "corrected": {
            "same": ["C2"],
            "other": [{"id": "C1", "here": "supported", "other": "contradicted"}],
        },
        "authors": {
            "same": ["C1"],
            "other": [{"id": "C3", "here": "inconclusive", "other": "supported"}],
        },
        "expected": {
            "same": ["C2"],
            "other": [{"id": "C3", "here": "inconclusive", "other": "contradicted"}],
        },
    }


def test_every_loss_of_a_config_has_its_formula() -> None:
    source = (ROOT / "paper/style.typ").read_text(encoding="utf-8")
    block = source[source.index("#let loss-formulas = (") :].split("\n)\n")[0]
    assert set(re.findall(r"^  (\w+): ", block, re.MULTILINE)) == set(get_args(Loss))


def test_the_settings_are_those_of_the_study_with_their_meaning() -> None:
    study = small_study()
    rows = {row["key"]: row for row in setting_rows(study)}
    actor_critic = study.sac.training.actor_critic
    found = rows["sac.training.actor_critic.learning_rate"]
    assert float(found["value"]) == actor_critic.learning_rate
    assert rows["sac.training.actor_critic.hidden_sizes"]["value"] == "256, 256"
    assert rows["environments.Hopper-v4.keep_position"]["value"] == "true"
    assert all(row["meaning"] for row in rows.values())
    alone = study.model_copy(
        update={"mbac": study.mbac.model_copy(update={"environments": [], "agents": []})}
    )
    fewer = [row["key"] for row in setting_rows(alone)]
    assert not any(key.startswith(("mbac.", "agents.")) for key in fewer)
    assert "environments.Pusher-v4.time_limit" not in fewer

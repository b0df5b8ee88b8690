"""The verdicts as tables for a manuscript: the claims, and the comparisons behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

from vaml.analysis.tables.rendering import Table
from vaml.config.schema import Config
from vaml.pipeline.jobs import tables

Claims = Sequence[Mapping[str, Any]]

_VARIANTS = {"paper": "paper’s", "corrected": "corrected"}


def claims_table(claims: Claims, confidence: float) -> Table:
    """One row per claim of claims.json."""

    def row(claim: Mapping[str, Any]) -> dict[str, Any]:
        verdicts = claim["verdicts"]
        corrected = verdicts.get("corrected", {})
        return {
            **claim,
            "sections": ", ".join(claim["sections"]),
            "explains": ", ".join(claim["explains"]) or None,
            "n": _span(n for entry in claim["comparisons"] for n in _runs(entry)),
            "verdict": verdicts.get("paper", {}).get("ours"),
            "corrected": corrected.get("ours"),
            "authors": verdicts.get("paper", {}).get("authors"),
            "expected": _expected(claim["prediction"]),
        }

    headers = {
        "claim": "Claim",
        "statement": "Statement",
        "sections": "Section",
        "explains": "Explains",
        "n": "n",
        "verdict": "Verdict",
        "corrected": "Corrected metric",
        "authors": "On the authors’ numbers",
        "expected": "Expected",
    }
    note = (
        "n: independent runs per method; where they are too few, the table of comparisons says how "
        "many a verdict needs. Claims that explain others are this study's own. Expected: the "
        "verdict in the paper's measure that was written down "
        "before the data were seen (in part: before all of them)."
    )
    notes = [note, error_rate(claims, confidence)]
    return Table("Verdicts on the claims of the paper", notes, headers, list(map(row, claims)))


def claims_of(study: Config, claims: Claims) -> list[Mapping[str, Any]]:
    """The claims of claims.json about experiments that the study has."""
    made = set(tables(study))
    return [
        claim
        for claim in claims
        if made.intersection(comparison["table"] for comparison in claim["comparisons"])
    ]


def error_rate(claims: Claims, confidence: float) -> str:
    """Sentence on how many of the verdicts may be wrong."""
    judged = sum(
        sides["ours"] != "not tested" for claim in claims for sides in claim["verdicts"].values()
    )
    return (
        "If the runs' numbers are about normal, a claim's verdict is wrong in at most "
        f"{1 - confidence:.0%} of all studies, whatever the truth. The list is not adjusted as a "
        f"whole: of its {judged} verdicts, "
        f"{(1 - confidence) * judged:.1g} must be expected to be wrong in the worst case."
    )


def comparisons_table(claims: Claims, confidence: float) -> Table:
    """One row per comparison of claims.json."""

    def row(entry: Mapping[str, Any]) -> dict[str, Any]:
        against = f" vs {entry['baseline']}" if entry["baseline"] else ""
        return {
            **entry,
            "variant": _VARIANTS[entry["variant"]],
            "contrast": f"{entry['method']}{against}",
            "n": _span(_runs(entry)),
            "interval": (entry["low"], entry["high"]),
            "verdict": _because(entry["verdict"], entry["reason"]),
            "authors_interval": (entry["authors_low"], entry["authors_high"]),
            "authors_verdict": _because(entry["authors_verdict"], entry["authors_reason"]),
        }

    headers = {
        "claim": "Claim",
        "variant": "Metric",
        "part": "Part",
        "contrast": "Contrast",
        "measured": "Per run",
        "n": "n",
        "diverged": "Diverged",
        "effect": "Effect",
        "interval": "Interval",
        "p": "p",
        "detectable": "Detectable",
        "verdict": "Verdict",
        "authors_effect": "Authors’ effect",
        "authors_interval": "Authors’ interval",
        "authors_verdict": "Verdict on it",
    }
    note = (
        "Effect: the mean over runs, method minus baseline; of a log it is a log ratio, where -0.1 "
        "is about ten per cent less; of “lower everywhere” it is the share of runs less one half. "
        f"Interval: {confidence:.0%}. p: "
        "one-sided, of the nearest effect that the claim excludes; for shares of diverged runs "
        "two-sided, of no difference; unadjusted. Detectable: the true effect at which so many "
        "runs would support the claim, with the config's power."
    )
    rows = [row(entry) for claim in claims for entry in claim["comparisons"]]
    return Table("Every comparison behind the verdicts", [note], headers, rows)


def _expected(prediction: Mapping[str, Any]) -> str | None:
    if prediction["paper"] is None:
        return None
    return prediction["paper"] + (" (in part)" if prediction["seen"] == "part" else "")


def _runs(entry: Mapping[str, Any]) -> list[int]:
    return [n for n in (entry["n"], entry["n_baseline"]) if n is not None]


def _span(counts: Any) -> str | None:
    found = sorted(set(counts))
    return "–".join(map(str, found[:1] + found[1:][-1:])) or None


def _because(verdict: str, reason: str | None) -> str:
    return f"{verdict}: {reason}" if reason else verdict

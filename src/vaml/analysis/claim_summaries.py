"""The verdicts as tables for a manuscript: the claims, and the comparisons behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

from vaml.analysis.rendering import Table

Claims = Sequence[Mapping[str, Any]]

_VARIANTS = {"paper": "paper’s", "corrected": "corrected"}


def claims_table(claims: Claims) -> Table:
    """One row per claim of claims.json."""

    def row(claim: Mapping[str, Any]) -> dict[str, Any]:
        verdicts = claim["verdicts"]
        corrected = verdicts.get("corrected", {})
        return {
            "claim": claim["claim"],
            "statement": claim["statement"],
            "sections": ", ".join(claim["sections"]),
            "explains": ", ".join(claim["explains"]) or None,
            "n": _span(n for entry in claim["comparisons"] for n in _runs(entry)),
            "verdict": verdicts.get("paper", {}).get("ours"),
            "corrected": corrected.get("ours"),
            "authors": verdicts.get("paper", {}).get("authors"),
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
    }
    note = (
        "n: independent runs per method; a verdict needs at least four. Claims that explain others "
        "are this study's own."
    )
    return Table("Verdicts on the claims of the paper", [note], headers, list(map(row, claims)))


def comparisons_table(claims: Claims) -> Table:
    """One row per comparison of claims.json."""

    def row(entry: Mapping[str, Any]) -> dict[str, Any]:
        against = f" vs {entry['baseline']}" if entry["baseline"] else ""
        return {
            "claim": entry["claim"],
            "variant": _VARIANTS[entry["variant"]],
            "part": entry["part"],
            "contrast": f"{entry['method']}{against}",
            "measured": entry["measured"],
            "n": _span(_runs(entry)),
            "diverged": entry["diverged"],
            "effect": entry["effect"],
            "interval": (entry["low"], entry["high"]),
            "p_holm": entry["p_holm"],
            "detectable": entry["detectable"],
            "verdict": _because(entry["verdict"], entry["reason"]),
            "authors_effect": entry["authors_effect"],
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
        "p_holm": "p (Holm)",
        "detectable": "Detectable",
        "verdict": "Verdict",
        "authors_effect": "Authors’ effect",
        "authors_interval": "Authors’ interval",
        "authors_verdict": "Verdict on it",
    }
    note = (
        "Effect: the mean over runs, method minus baseline. Detectable: the smallest true "
        "difference that so many runs would show, at the power that the config sets."
    )
    rows = [row(entry) for claim in claims for entry in claim["comparisons"]]
    return Table("Every comparison behind the verdicts", [note], headers, rows)


def _runs(entry: Mapping[str, Any]) -> list[int]:
    return [n for n in (entry["n"], entry["n_baseline"]) if n is not None]


def _span(counts: Any) -> str | None:
    found = sorted(set(counts))
    return "–".join(map(str, found[:1] + found[1:][-1:])) or None


def _because(verdict: str, reason: str | None) -> str:
    return f"{verdict}: {reason}" if reason else verdict

"""The findings as rows and as JSON, for tables, figures and texts."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vaml.analysis.claims.judge import VARIANTS, Finding, overall
from vaml.analysis.claims.measures import Sample
from vaml.analysis.claims.verdicts import Judgement
from vaml.config.claims import Claims
from vaml.config.statistics import Statistics
from vaml.files import finite_or_null, sha256

Row = dict[str, Any]

VALUE_COLUMNS = ("claim", "variant", "comparison", "part", "method", "sample", "seed", "value")


def comparison_rows(findings: Sequence[Finding]) -> list[Row]:
    """claims.csv: one row per comparison, method and part. NaN becomes None."""
    return [_row(finding, findings) for finding in findings]


def _row(finding: Finding, findings: Sequence[Finding]) -> Row:
    question, comparison = finding.question, finding.question.comparison
    verdict, authors_verdict = overall(findings, question.claim_id, comparison.variant)
    return {
        "claim": question.claim_id,
        "variant": comparison.variant,
        "comparison": question.index + 1,
        "table": comparison.table,
        "part": question.part,
        "method": question.method,
        "baseline": comparison.baseline,
        "measured": question.measured,
        "direction": comparison.direction,
        "smallest_difference": comparison.smallest_difference,
        "largest_difference": comparison.largest_difference,
        "needs": question.claim.needs,
        "planned_seeds": comparison.parts[question.part],
        **_numbers(finding.sample, finding.ours, ""),
        "authors_unit": finding.unit or None,
        **_numbers(finding.published, finding.authors, "authors_"),
        "claim_verdict": verdict,
        "authors_claim_verdict": authors_verdict,
    }


def _numbers(sample: Sample | None, judgement: Judgement, prefix: str) -> Row:
    n, n_baseline = (*judgement.n, None, None)[:2]
    numbers: Row = {
        "n": n,
        "n_baseline": n_baseline,
        "diverged": None if sample is None else sample.diverged,
        "effect": judgement.effect,
        "low": judgement.interval[0],
        "high": judgement.interval[1],
        "p": judgement.p,
        "p_null": judgement.p_null or None,
        "p_permutation": judgement.p_permutation,
        "detectable": judgement.detectable,
        "verdict": judgement.verdict,
        "reason": judgement.reason or None,
        "details": _in_words(sample),
    }
    if prefix:  # a published figure has no such numbers
        for name in ("diverged", "p_permutation"):
            del numbers[name]
    return {f"{prefix}{name}": finite_or_null(value) for name, value in numbers.items()}


def _details(sample: Sample | None) -> Row:
    return finite_or_null(sample.details if sample else {})


def _in_words(sample: Sample | None) -> str | None:
    known = {name: number for name, number in _details(sample).items() if number is not None}
    return "; ".join(f"{name} = {number:.4g}" for name, number in known.items()) or None


def value_rows(findings: Sequence[Finding]) -> Iterator[Row]:
    """claims_values.csv: the number of each run. sample: method, baseline or paired difference."""
    for finding in findings:
        question, sample = finding.question, finding.sample
        if sample is None:
            continue
        paired = question.comparison.pairing == "paired"
        arms = [("difference" if paired else "method", sample.treatment)]
        arms += [("baseline", sample.baseline)] if sample.baseline is not None else []
        for name, values in arms:
            for seed, value in values.items():
                row = question.claim_id, question.comparison.variant, question.index + 1
                cells = (*row, question.part, question.method, name, seed, value)
                yield dict(zip(VALUE_COLUMNS, cells, strict=True))


def judgement(
    claims: Claims, findings: Sequence[Finding], statistics: Statistics, inputs: Iterable[Path]
) -> Row:
    """claims.json but for the code: the settings, the digests of these inputs, and the claims."""
    return {
        "statistics": statistics.model_dump(mode="json"),
        "inputs": {path.name: sha256(path) for path in inputs},
        "claims": claims_document(claims, findings),
    }


def claims_document(claims: Claims, findings: Sequence[Finding]) -> list[Row]:
    """The `claims` of claims.json: each with its verdicts and its comparisons."""
    values = list(value_rows(findings))
    return [
        {
            "claim": claim_id,
            **claim.model_dump(mode="json", exclude={"comparisons"}),
            "verdicts": {
                variant: dict(zip(("ours", "authors"), verdicts, strict=True))
                for variant in VARIANTS
                if any(comparison.variant == variant for comparison in claim.comparisons)
                for verdicts in [overall(findings, claim_id, variant)]
            },
            "comparisons": [
                _comparison(finding, findings, values)
                for finding in findings
                if finding.question.claim_id == claim_id
            ],
        }
        for claim_id, claim in claims.claims.items()
    ]


def _comparison(finding: Finding, findings: Sequence[Finding], values: Sequence[Row]) -> Row:
    row = _row(finding, findings)
    name = ("claim", "variant", "comparison", "part", "method")
    mine = [each for each in values if all(each[key] == row[key] for key in name)]
    return row | {
        "because": finding.question.comparison.because,
        "details": _details(finding.sample),
        "authors_details": _details(finding.published),
        "values": [{key: each[key] for key in ("sample", "seed", "value")} for each in mine],
    }

"""The judgement of every claim: on the study's tables, and on the authors' published numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vaml.analysis.claims.authors import Reference, assess_published
from vaml.analysis.claims.measures import NotMeasurable, Sample, Tables, measure
from vaml.analysis.claims.verdicts import Judgement, Rule, combine, from_sample
from vaml.config.claims import Claim, Claims, Comparison, Variant, Verdict
from vaml.config.statistics import Statistics
from vaml.seeding import Streams

VARIANTS: tuple[Variant, ...] = ("paper", "corrected")


@dataclass(frozen=True)
class Question:
    """One comparison of one method in one part."""

    claim_id: str
    claim: Claim
    index: int
    comparison: Comparison
    part: str
    method: str

    @property
    def measured(self) -> str:
        """Wording of a run's number."""
        comparison = self.comparison
        metric = comparison.metric
        if comparison.minus:
            metric = f"({metric} - {comparison.minus})"
        if comparison.per:
            metric += f" / {comparison.per}"
        if comparison.divide_by:
            metric += f" / {comparison.divide_by:g}"
        log = "log " if comparison.scale == "log" else ""
        return f"{comparison.summary.replace('_', ' ')} of {log}{metric}"


@dataclass(frozen=True)
class Finding:
    """The answer to a question: from this study, and from what the authors published."""

    question: Question
    sample: Sample | None
    ours: Judgement
    published: Sample | None
    authors: Judgement
    unit: str  # of the authors' numbers


def judge(
    claims: Claims, tables: Tables, reference: Reference, statistics: Statistics
) -> list[Finding]:
    """Every claim's comparisons, in the order of the file."""
    streams = Streams(statistics.seed, "judge_claims")

    def answer(question: Question) -> Finding:
        comparison, part, method = question.comparison, question.part, question.method
        tests = question.claim.tests(comparison.variant)
        rule = Rule(statistics, question.claim.needs, tests)
        published, authors = assess_published(comparison, part, method, reference, rule)
        sample = None
        try:
            sample = measure(comparison, part, method, tables)
            name = (question.claim_id, question.index, part, method)
            rng = streams.numpy("resampling", *name)
            ours = _noted(question, sample, from_sample(comparison, sample, rule, rng))
        except NotMeasurable as lack:
            ours = Judgement(reason=str(lack))
        return Finding(question, sample, ours, published, authors, reference.unit(comparison))

    return [answer(question) for question in _questions(claims)]


def _questions(claims: Claims) -> Iterator[Question]:
    for claim_id, claim in claims.claims.items():
        for i, comparison in enumerate(claim.comparisons):
            for part in comparison.parts:
                for method in comparison.methods:
                    yield Question(claim_id, claim, i, comparison, part, method)


def _noted(question: Question, sample: Sample, judgement: Judgement) -> Judgement:
    """Add a note where there are fewer seeds or snapshots than the claim was planned with."""
    if judgement.verdict == "not tested":
        return judgement
    comparison, notes = question.comparison, [judgement.reason]
    n, planned = min(judgement.n), comparison.parts[question.part]
    if n < planned:
        notes.append(f"n = {n}, planned {planned}")
    if sample.cells < (comparison.snapshots or 0):
        notes.append(f"{sample.cells} of {comparison.snapshots} snapshots")
    return replace(judgement, reason="; ".join(filter(None, notes)))


def overall(
    findings: Sequence[Finding], claim_id: str, variant: Variant
) -> tuple[Verdict, Verdict]:
    """A claim's verdict in one variant: this study's, and that on the authors' numbers."""
    chosen = [
        finding
        for finding in findings
        if finding.question.claim_id == claim_id and finding.question.comparison.variant == variant
    ]
    needs = chosen[0].question.claim.needs if chosen else "all"
    return (
        combine([finding.ours.verdict for finding in chosen], needs),
        combine([finding.authors.verdict for finding in chosen], needs),
    )

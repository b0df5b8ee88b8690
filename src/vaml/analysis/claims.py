"""The judgement of every claim: on the study's tables, and on the authors' published numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from vaml.analysis.authors import Reference, assess_published
from vaml.analysis.measures import NotMeasurable, Sample, Tables, measure
from vaml.analysis.verdicts import Judgement, combine, decide, from_sample
from vaml.study.claims import Claim, Claims, Comparison, Variant, Verdict
from vaml.study.seeding import Streams
from vaml.study.statistics import Statistics

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
        """The number of a run, in words."""
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
    questions = list(_questions(claims))
    streams = Streams(statistics.seed, "judge_claims")

    def assess(question: Question) -> tuple[Sample | None, Judgement]:
        try:
            sample = measure(question.comparison, question.part, question.method, tables)
        except NotMeasurable as lack:
            return None, Judgement(reason=str(lack))
        name = (question.claim_id, question.index, question.part, question.method)
        rng = streams.numpy("resampling", *name)
        return sample, from_sample(question.comparison, sample, statistics, rng)

    def assess_authors(question: Question) -> tuple[Sample | None, Judgement]:
        return assess_published(
            question.comparison, question.part, question.method, reference, statistics
        )

    samples, ours = _decided(questions, assess, statistics)
    published, authors = _decided(questions, assess_authors, statistics)
    noted = map(_noted, questions, ours)
    return [
        Finding(question, sample, mine, theirs, judgement, reference.unit(question.comparison))
        for question, sample, mine, theirs, judgement in zip(
            questions, samples, noted, published, authors, strict=True
        )
    ]


def _questions(claims: Claims) -> Iterator[Question]:
    for claim_id, claim in claims.claims.items():
        for i, comparison in enumerate(claim.comparisons):
            for part in comparison.parts:
                for method in comparison.methods:
                    yield Question(claim_id, claim, i, comparison, part, method)


def _decided(
    questions: list[Question],
    assess: Callable[[Question], tuple[Sample | None, Judgement]],
    statistics: Statistics,
) -> tuple[list[Sample | None], list[Judgement]]:
    answers = [assess(question) for question in questions]
    entries = [
        (question.claim, question.comparison, judgement)
        for question, (_, judgement) in zip(questions, answers, strict=True)
    ]
    return [sample for sample, _ in answers], decide(entries, statistics)


def _noted(question: Question, judgement: Judgement) -> Judgement:
    """Says where there are fewer seeds than the claim was planned with."""
    planned = question.comparison.parts[question.part]
    if judgement.verdict == "not tested" or min(judgement.n) >= planned:
        return judgement
    note = f"n = {min(judgement.n)}, planned {planned}"
    return replace(judgement, reason="; ".join(filter(None, [judgement.reason, note])))


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

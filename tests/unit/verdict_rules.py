"""A comparison and its claim with any direction and margin, for tests of the verdict rule."""

from vaml.study.claims import Claim, Comparison, Direction
from vaml.study.statistics import Statistics

STATISTICS = Statistics(
    confidence=0.95,
    minimum_seeds=4,
    power=0.8,
    permutation_resamples=100,
    seed=0,
)


def comparison(
    direction: Direction, smallest: float = 0.1, largest: float | None = None
) -> Comparison:
    return Comparison.model_validate(
        {
            "variant": "paper",
            "table": "synthetic",
            "parts": {"realizable": 4},
            "methods": ["vaml"],
            "baseline": "mle",
            "pairing": "paired",
            "metric": "value_aware_error",
            "scale": "log",
            "summary": "mean",
            "worst": "highest",
            "direction": direction,
            "smallest_difference": smallest,
            "largest_difference": largest,
            "because": "a test",
        }
    )


def claim(asked: Comparison) -> Claim:
    return Claim(
        statement="a test",
        sections=["1"],
        unit="seed",
        needs="all",
        comparisons=[asked],
    )

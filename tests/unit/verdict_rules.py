"""A comparison with any direction and margin, and the rule of its claim, for tests of verdicts."""

from typing import Literal

from vaml.analysis.claims.verdicts import Rule
from vaml.config.claims import Comparison, Direction
from vaml.config.statistics import Statistics

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


def rule(needs: Literal["all", "any"] = "all", tests: int = 1) -> Rule:
    return Rule(STATISTICS, needs, tests)

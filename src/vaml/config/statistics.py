"""Section `statistics` of the config: the confidence of the verdicts."""

from pydantic import Field

from vaml.config.fields import Count, Section, Seed, Share


class Statistics(Section):
    """Section `statistics`."""

    confidence: Share = Field(
        description="confidence level of all intervals; the tests' level is 1 - confidence"
    )
    minimum_seeds: Count = Field(
        ge=4,
        le=1000,
        description="smallest number of runs per method for a test; at least 4",
    )
    power: Share = Field(ge=0.5, description="power at which a difference counts as detectable")
    permutation_resamples: Count = Field(
        le=10_000_000, description="maximum number of permutations; all of them if there are fewer"
    )
    seed: Seed = Field(description="seed of the permutation tests")

"""Section `statistics` of the config: the confidence of the verdicts."""

from pydantic import Field

from vaml.config.fields import Count, Section, Seed, Share


class Statistics(Section):
    """Section `statistics`."""

    confidence: Share = Field(description="of the intervals; 1 - confidence is the tests' level")
    minimum_seeds: Count = Field(
        ge=4,
        le=1000,
        description="runs per method below which a claim is not tested; never fewer than 4",
    )
    power: Share = Field(ge=0.5, description="chance at which a difference counts as detectable")
    permutation_resamples: Count = Field(
        le=10_000_000, description="permutations at most; where there are fewer, all of them"
    )
    seed: Seed = Field(description="of the resampling")

"""Arguments and results of the functions that draw figures."""

from collections.abc import Iterable, Mapping

import pandas as pd
from matplotlib.figure import Figure
from pydantic import Field

from vaml.analysis.figures.rows import Bands
from vaml.analysis.figures.style import Methods
from vaml.config.fields import Count, Name, Share
from vaml.config.schema import Figures

Tables = Mapping[str, pd.DataFrame]
Drawing = tuple[Figure, pd.DataFrame]

ERROR_LABEL = "Test error (value²)"
ERROR_DEFINITION = "Error: the value-aware one, ½(V(s′) − K-sample mean of V(ŝ′))²."
METRIC_LABELS = {
    "average_return": "Average return\n(reward per episode)",
    "value_aware_error": "Value-aware error\n(value²)",
    "nll": "NLL\n(nats per transition)",
}


class FigureSettings(Figures):
    """Settings that all figures of a study share."""

    study: Name = Field(description="the study's name, said on each figure")
    objectives: list[Name] = Field(
        description="all objectives of the study; their order sets the colours"
    )
    agents: list[Name] = Field(
        description="all agents of the study; one named like an objective looks like it"
    )
    confidence: Share = Field(description="of the intervals of means")
    minimum_seeds: Count = Field(description="runs of a method, below which a mean has no interval")

    def methods(self, names: Iterable[str]) -> Methods:
        """The looks of these objectives or agents."""
        return Methods(names, [*self.objectives, *self.agents], self.names)

    @property
    def bands(self) -> Bands:
        """The intervals of the figures with single seeds."""
        return Bands(self.confidence, self.minimum_seeds)

    @property
    def interval(self) -> str:
        """Wording of the intervals in the figures with single seeds."""
        return f"{100 * self.confidence:g} % t interval of the mean"

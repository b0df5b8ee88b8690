"""The paper's claims as data: config/claims.yaml, read and checked.

A claim has one or more comparisons; a comparison reduces each run (seed) to one number and states
the range in which the mean of these numbers must lie.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from vaml.config.fields import Count, Name, NonNegative, Positive, Section
from vaml.config.schema import ConfigError
from vaml.config.yaml_file import read

CLAIMS = Path("config/claims.yaml")

Text = Annotated[str, Field(min_length=1)]
Column = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Table = Literal[
    "synthetic",
    "snapshots",
    "snapshots_costs",
    "mbac",
    "mbac_returns",
    "mbac_fits",
    "mbac_diagnostics",
]
Summary = Literal[
    "mean",
    "log_of_mean",
    "median",
    "last",
    "rank_correlation",
    "lower_everywhere",
    "diverged",
]
Variant = Literal["paper", "corrected"]
Direction = Literal["lower", "higher", "not_lower", "not_higher", "equivalent"]
Verdict = Literal["supported", "contradicted", "equivalent", "inconclusive", "not tested"]


class Layout(NamedTuple):
    """The columns of a table that claims read.

    part: settings or environments. method: objectives or agents. cell: what varies within one run;
    None: a run has one row. runs: the table that lists the runs of a curve, because one that
    diverged at once has no point; None: the table lists them itself.
    """

    part: str
    method: str
    cell: str | None = None
    runs: Table | None = None


_CURVE = Layout("environment", "agent", "env_step", runs="mbac")
LAYOUTS: dict[Table, Layout] = {
    "synthetic": Layout("setting", "objective", "hidden_size"),
    "snapshots": Layout("environment", "objective", "step"),
    "snapshots_costs": Layout("environment", "objective", "step"),
    "mbac": Layout("environment", "agent"),
    "mbac_returns": _CURVE,
    "mbac_fits": _CURVE,
    "mbac_diagnostics": _CURVE,
}


class Comparison(Section):
    """One number per run, and the range of its mean in which the claim holds."""

    variant: Variant = Field(description="paper: the paper's metric; corrected: a better metric")
    table: Table = Field(description="results/<study>/tables/<table>.csv")
    parts: dict[Text, Count] = Field(
        min_length=1,
        description="settings, or environments of any version, with the planned seeds of each",
    )
    snapshots: Count | None = Field(
        default=None, description="planned snapshots of a run, where the table has them"
    )
    methods: list[Name] = Field(
        min_length=1, description="objectives or agents, each compared separately"
    )
    baseline: Name | None = Field(default=None, description="objective or agent to compare with")
    pairing: Literal["none", "paired", "unpaired"] = Field(
        description="none: no baseline; paired: differences within a seed"
    )
    metric: Column = Field(description="column of the table")
    minus: Column | None = Field(default=None, description="column to subtract")
    per: Column | None = Field(default=None, description="column to divide by")
    divide_by: Positive | None = Field(default=None, description="number to divide by")
    scale: Literal["linear", "log"] = Field(description="log: differences are log ratios")
    summary: Summary = Field(
        description="summary of a run's values over hidden sizes, snapshots or steps; "
        "lower_everywhere: share of seeds whose method is lower in all of them, less one half"
    )
    worst: Literal["highest", "lowest"] = Field(description="value that a diverged run gets")
    direction: Direction = Field(description="claimed direction of the effect")
    smallest_difference: NonNegative = Field(description="smaller effects do not matter")
    largest_difference: Positive | None = Field(
        default=None, description="larger effects contradict the claim"
    )
    minimum_seeds: Count | None = Field(
        default=None, description="smallest number of runs, if above that of `statistics`"
    )
    because: Text = Field(description="reason for these differences")

    @model_validator(mode="after")
    def _consistent(self) -> "Comparison":
        if (self.baseline is None) != (self.pairing == "none"):
            raise _error("pairing none has no baseline; the others have one")
        over_snapshots = LAYOUTS[self.table].cell == "step" and self.summary != "diverged"
        if self.snapshots and not over_snapshots:
            raise _error("snapshots needs a table of snapshots, and a summary over them")
        if self.summary == "diverged" and not (
            self.pairing == "unpaired" and self.direction in ("lower", "higher")
        ):
            raise _error("summary diverged needs pairing unpaired and direction lower or higher")
        if self.summary in ("rank_correlation", "log_of_mean") and self.scale == "log":
            raise _error(f"summary {self.summary} needs scale linear")
        if self.summary == "rank_correlation" and self.pairing != "none":
            raise _error("summary rank_correlation needs pairing none")
        if self.summary == "lower_everywhere" and self.pairing != "paired":
            raise _error("summary lower_everywhere needs pairing paired")
        if self.direction == "equivalent" and not self.smallest_difference:
            raise _error("direction equivalent needs a smallest_difference above 0")
        if self.largest_difference and self.direction not in ("lower", "higher"):
            raise _error("largest_difference needs direction lower or higher")
        return self

    @property
    def tables(self) -> set[str]:
        """Tables that the comparison reads."""
        return {self.table, LAYOUTS[self.table].runs or self.table}


class Prediction(Section):
    """The expected verdicts, or a record that the data had been seen before."""

    written: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = Field(
        description="day on which claim, margins and expectation took this form"
    )
    seen: Literal["nothing", "part", "all"] = Field(
        description="share of such data of this study that had been seen by then"
    )
    data: Text = Field(description="the data that had been seen")
    paper: Verdict | None = Field(default=None, description="expected verdict, paper's metric")
    corrected: Verdict | None = Field(default=None, description="expected verdict, better metric")
    because: Text | None = Field(default=None, description="reason for the expectation")

    @model_validator(mode="after")
    def _possible(self) -> "Prediction":
        if self.seen == "all" and (self.paper or self.corrected):
            raise _error("what has been seen cannot be predicted: seen is all")
        if self.seen != "all" and not (self.paper and self.because):
            raise _error("a prediction needs a verdict in the paper's measure, and because")
        return self


class Claim(Section):
    """One statement of the paper, or one that explains such statements."""

    statement: Text = Field(description="the claim in our own words")
    sections: list[Text] = Field(min_length=1, description="sections of the paper")
    explains: list[Text] = Field(
        default=[], description="claims of the paper that this one explains; empty: a paper's claim"
    )
    unit: Text = Field(description="unit of independent repetition")
    prediction: Prediction = Field(description="expected verdict, with its date")
    needs: Literal["all", "any"] = Field(description="comparisons that must hold")
    note: Text | None = Field(default=None, description="remark for the reader")
    comparisons: list[Comparison] = Field(min_length=1)

    def tests(self, variant: Variant) -> int:
        """Number of tests behind the claim's verdict in a variant: one per part and method."""
        return sum(
            len(comparison.parts) * len(comparison.methods)
            for comparison in self.comparisons
            if comparison.variant == variant
        )


class Claims(Section):
    """config/claims.yaml."""

    claims: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], Claim] = Field(min_length=1)

    @model_validator(mode="after")
    def _explained(self) -> "Claims":
        for claim_id, claim in self.claims.items():
            for other in claim.explains:
                if other not in self.claims or self.claims[other].explains:
                    raise _error(f"{claim_id} explains {other}, which is no claim of the paper")
        return self

    @property
    def tables(self) -> list[str]:
        """Tables that the claims read, sorted."""
        all_tables = (
            table
            for claim in self.claims.values()
            for comparison in claim.comparisons
            for table in comparison.tables
        )
        return sorted(set(all_tables))


def limit_of(direction: Direction, margin: float) -> tuple[float, bool]:
    """The limit that an effect must clear for the claim to hold, and True if it holds below it.

    Of `equivalent`, which has two limits, the lower one.
    """
    down = direction in ("lower", "not_higher")
    strict = direction in ("lower", "higher")
    return -margin if down == strict else margin, down


def load_claims(path: Path) -> Claims:
    """Read config/claims.yaml.

    ConfigError: one line per mistake, with the key, the given value and the allowed ones.
    OSError: the file cannot be read.
    """
    try:
        return Claims.model_validate(read(path))
    except ValidationError as error:
        raise ConfigError("\n".join(_lines(path, error))) from None


def _error(message: str) -> PydanticCustomError:
    return PydanticCustomError("inconsistent", "{message}", {"message": message})


def _lines(path: Path, error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        key = ".".join(str(part) for part in detail["loc"] if part != "[key]") or "the file"
        given = repr(detail["input"])
        given = given if len(given) <= 60 else given[:57] + "..."
        yield f"{path}: {key}: got {given}; {detail['msg']}"

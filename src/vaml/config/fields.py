"""Types shared by the config's sections: the allowed numbers, names and lists.

No field has a default: config/config.yaml holds every number. Strict types avoid YAML's traps
(`no` is False and never 0). Decimal text such as `1e-3`, which YAML 1.1 reads as a string, is
accepted for a float.
"""

import argparse
import json
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import PydanticCustomError

NAME = r"^[a-z0-9][a-z0-9_-]*$"
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def canonical(settings: BaseModel | Mapping[str, Any]) -> str:
    """Text that depends on the meaning alone: sorted keys, numbers normalised by their types."""
    data = settings.model_dump(mode="json") if isinstance(settings, BaseModel) else settings
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


class Section(BaseModel):
    """A block of the config: fixed keys, no unknown ones, finite numbers, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _decimal(value: object) -> object:
    return float(value) if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()) else value


def _one_zero(value: float) -> float:
    """Replace -0.0 by 0.0, so that both are the same setting."""
    return value + 0.0


_Item = TypeVar("_Item", bound=Hashable)


def _distinct(items: list[_Item]) -> list[_Item]:
    repeated = sorted({str(item) for item in items if items.count(item) > 1})
    if repeated:
        raise PydanticCustomError(
            "repeated",
            "each value may stand once; repeated: {repeated}",
            {"repeated": ", ".join(repeated)},
        )
    return items


Count = Annotated[int, Field(gt=0, lt=2**31)]
# A layer of the largest width onto itself takes 1 GiB, and its optimiser three times that.
Width = Annotated[int, Field(gt=0, le=2**14)]
# Rows of one gradient step, and samples per row.
Rows = Annotated[int, Field(gt=0, le=2**20)]
Samples = Annotated[int, Field(gt=0, le=10_000)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Positive = Annotated[float, BeforeValidator(_decimal), Field(gt=0)]
NonNegative = Annotated[float, BeforeValidator(_decimal), Field(ge=0), AfterValidator(_one_zero)]
Share = Annotated[float, BeforeValidator(_decimal), Field(gt=0, lt=1)]
Coefficient = Annotated[
    float, BeforeValidator(_decimal), Field(ge=0, le=1), AfterValidator(_one_zero)
]
Name = Annotated[str, Field(pattern=NAME, max_length=64)]
EnvironmentId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+-v[0-9]+$", max_length=64)]
Distinct = Annotated[list[_Item], Field(min_length=1), AfterValidator(_distinct)]
# Selection of an experiment: an empty list leaves the experiment out of the study.
PossiblyEmpty = Annotated[list[_Item], AfterValidator(_distinct)]


_Table = TypeVar("_Table", dict[str, Any], frozenset[str])


def by_name(table: _Table) -> _Table:
    """Mark a table whose rows are looked up only by names that a job's settings hold.

    The argument must be a literal {...}, in which `**vars(module)` stands for the definitions of
    that module. A job's code digest covers only the rows of the job's own names, so that a new row
    runs no finished job again.
    """
    return table


def names_in(settings: BaseModel) -> frozenset[str]:
    """All texts in a job's settings."""
    leaves = _leaves(settings.model_dump(mode="json"))
    return frozenset(leaf for _, leaf in leaves if isinstance(leaf, str))


def largest_setting(settings: BaseModel) -> str:
    """The whole number, seeds apart, that most likely makes a job large: its key and its value."""
    leaves = _leaves(settings.model_dump(mode="json"))
    numbers = ((leaf, key) for key, leaf in leaves if type(leaf) is int)
    value, key = max(each for each in numbers if each[1].rpartition(".")[2] != "seed")
    return f"{key} {value}"


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """The values in a tree of JSON, each with its dotted key; a list's items have the list's."""
    match value:
        case dict() as section:
            for name, inner in section.items():
                yield from _leaves(inner, f"{key}.{name}" if key else name)
        case list() as items:
            for item in items:
                yield from _leaves(item, key)
        case _:
            yield key, value


class JobSettings(Section):
    """Exactly the settings that one job uses."""

    seed: Seed

    @property
    def faster_on_gpu(self) -> bool:
        """True if a GPU does the job faster than a core (docs/performance.md)."""
        return False


def first_mistake(error: ValidationError) -> str:
    """Location and reason of the first mistake, in one line."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "the text"
    return f"{where}: {first['msg']}"


_Kind = TypeVar("_Kind", bound=BaseModel)


def read_flag(parser: argparse.ArgumentParser, flag: str, kind: type[_Kind], text: str) -> _Kind:
    """Read a flag's JSON. A mistake ends the program as the parser's own errors do, in one line."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        parser.error(f"{flag}: {first_mistake(error)}")

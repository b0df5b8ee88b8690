"""The whole config and its validation, with one line per mistake."""

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from vaml.config.checks import inconsistencies
from vaml.config.fields import Count, EnvironmentId, Name, Positive, Section
from vaml.config.mbac import MBAC, Agent
from vaml.config.objectives import Objective
from vaml.config.sac import SAC, Environment
from vaml.config.snapshots import Snapshots
from vaml.config.statistics import Statistics
from vaml.config.synthetic import Synthetic


class StudyName(Section):
    """Section `study`."""

    name: Name = Field(description="results go to results/<name>/")


class Figures(Section):
    """Section `figures`."""

    # In a narrower figure the labels of three panels in a row overlap.
    width: Positive = Field(ge=6, le=40, description="width of a figure (inches)")
    names: dict[Name, Annotated[str, Field(min_length=1, max_length=32)]] = Field(
        description="name of an objective or agent in figures and manuscript"
    )
    dpi: Count = Field(ge=50, le=1200, description="resolution of the PNG files (dots per inch)")


class Config(Section):
    """config/config.yaml. Definitions are maps, selections are lists."""

    study: StudyName
    objectives: dict[Name, Objective] = Field(description="objectives of the models, by name")
    environments: dict[EnvironmentId, Environment] = Field(description="their options, by id")
    agents: dict[Name, Agent] = Field(description="agents of experiment C, by name")
    synthetic: Synthetic
    sac: SAC
    snapshots: Snapshots
    mbac: MBAC
    statistics: Statistics
    figures: Figures


class ConfigError(ValueError):
    """Raised for a wrong config: one line per mistake, with key, given value and allowed ones."""


def load(config: Mapping[str, Any]) -> Config:
    """Validate the merged config that Snakemake read.

    Raises ConfigError with one line per mistake.
    """
    try:
        study = Config.model_validate(dict(config))
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ConfigError("\n".join(dict.fromkeys(_line(detail) for detail in details))) from None
    mistakes = list(inconsistencies(study))
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return study


# Plainer words for pydantic's errors, by type.
_ALLOWED = {
    "bool_type": "true or false",
    "dict_type": "a block of keys",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a block of keys",
    "string_type": "text",
    "too_short": "at least one entry",
}


def _line(detail: ErrorDetails) -> str:
    location = [part for part in detail["loc"] if part != "[key]"]
    key = ".".join(_word(part) for part in location) or "the whole"
    given, kind = _shown(detail["input"]), detail["type"]
    if kind in ("extra_forbidden", "invalid_key"):
        allowed = _keys_at(location[:-1])
        close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"config: {key}: unknown key; {hint}allowed: {', '.join(allowed)}"
    if kind == "missing":
        return f"config: {key}: missing; every key of config/config.yaml must be given"
    if kind == "string_pattern_mismatch":
        pattern = detail.get("ctx", {}).get("pattern", "")
        return f"config: {key}: got {given}; allowed: a name that matches {pattern}"
    message = re.sub("^(Input should be|String should have|Value error,) ", "", detail["msg"])
    allowed = _ALLOWED.get(kind, message)
    if kind == "too_long":
        allowed = f"at most {detail.get('ctx', {}).get('max_length')} entries"
    if kind == "int_type" and isinstance(detail["input"], str | float):
        allowed = "a whole number in digits (2000, not 2e3)"
    return f"config: {key}: got {given}; allowed: {allowed}"


def _shown(value: object) -> str:
    """A value in one short line."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):
        # A number of thousands of digits, or a value that contains itself.
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _word(part: int | str) -> str:
    return str(part) if re.fullmatch(r"[\w.-]+", str(part)) else _shown(part)


def _keys_at(location: list[int | str]) -> list[str]:
    """The keys that the section at this location has."""
    model: Any = Config
    for part in location:
        annotation = model.model_fields[str(part)].annotation if _is_section(model) else model
        if annotation is model:  # inside a map or a list: the entries' type
            annotation = get_args(model)[-1]
        model = annotation
    return sorted(model.model_fields) if _is_section(model) else []


def _is_section(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, Section)

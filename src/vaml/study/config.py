"""The whole config: read, validate, explain what is wrong in one line per mistake."""

import difflib
from collections.abc import Mapping
from types import UnionType
from typing import Any, get_args

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from vaml.study.checks import inconsistencies
from vaml.study.fields import Count, EnvironmentId, Name, Positive, Section
from vaml.study.mbac import MBAC, Agent
from vaml.study.objectives import Objective
from vaml.study.sac import SAC, Environment
from vaml.study.snapshots import Snapshots
from vaml.study.synthetic import Synthetic


class StudyName(Section):
    """Section `study`."""

    name: Name = Field(description="results go to results/<name>/")


class Figures(Section):
    """Section `figures`."""

    width: Positive = Field(description="width of a figure (inches)")
    dpi: Count = Field(description="resolution of the PNG files (dots per inch)")


class Config(Section):
    """config/config.yaml. Definitions are maps, selections are lists."""

    study: StudyName
    objectives: dict[Name, Objective] = Field(description="name: what a model minimises")
    environments: dict[EnvironmentId, Environment] = Field(description="id: how it is made")
    agents: dict[Name, Agent] = Field(description="name: an agent of experiment C")
    synthetic: Synthetic
    sac: SAC
    snapshots: Snapshots
    mbac: MBAC
    figures: Figures


class ConfigError(ValueError):
    """The config is wrong: one line per mistake, with key, what was given and what is allowed."""


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


def _line(detail: ErrorDetails) -> str:
    location = [part for part in detail["loc"] if part != "[key]"]
    key = ".".join(str(part) for part in location) or "config"
    given = repr(detail["input"])
    given = given if len(given) <= 60 else given[:57] + "..."
    kind = detail["type"]
    if kind == "extra_forbidden":
        allowed = _keys_at(location[:-1])
        close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"config: {key}: unknown key; {hint}allowed: {', '.join(allowed)}"
    if kind == "missing":
        return f"config: {key}: missing; every key of config/config.yaml must be given"
    if kind == "string_pattern_mismatch":
        pattern = detail.get("ctx", {}).get("pattern", "")
        return f"config: {key}: got {given}; a name here must match {pattern}"
    if kind == "int_type" and isinstance(detail["input"], str | float):
        return f"config: {key}: got {given}; allowed: a whole number in digits (2000, not 2e3)"
    if kind in ("int_type", "float_type"):
        return f"config: {key}: got {given}; allowed: a number"
    if kind == "too_short":
        return f"config: {key}: got {given}; allowed: at least one entry"
    if kind in ("model_type", "dict_type"):
        return f"config: {key}: got {given}; allowed: a block of keys"
    message = detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"config: {key}: got {given}; allowed: {message}"


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
    return (
        isinstance(model, type) and not isinstance(model, UnionType) and issubclass(model, Section)
    )

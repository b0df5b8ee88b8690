"""Libraries that the study does without and that an extra of the package brings."""

import importlib
from typing import Any


class MissingExtra(Exception):
    """A library is not installed; one line names it and the extra that brings it."""


def library(module: str, extra: str) -> Any:
    """The imported module. MissingExtra: it, or a library that it needs, is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise MissingExtra(
            f"{missing} is not installed; the extra {extra!r} brings it: make extras, "
            f"or pip install --editable '.[{extra}]'"
        ) from error

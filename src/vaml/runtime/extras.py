"""Optional libraries, which the extras of the package install."""

import importlib
from typing import Any


class MissingExtra(Exception):
    """Raised if a library is not installed; one line names it and its extra."""


def library(module: str, extra: str) -> Any:
    """The imported module. MissingExtra: the library or one that it needs is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise MissingExtra(
            f"{missing} is not installed; the extra {extra!r} brings it: make extras, "
            f"or pip install --editable '.[{extra}]'"
        ) from error

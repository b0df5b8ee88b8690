"""Check of the installed versions against the ranges that the code supports."""

import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement


def unmet(project: Path) -> Iterator[str]:
    """A line for each package that is outside a pyproject.toml's ranges, or not installed."""
    for text in tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]:
        needed = Requirement(text)
        try:
            found = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            yield f"{needed.name} is not installed; vaml needs {needed.specifier}: make setup"
            continue
        if not needed.specifier.contains(found, prereleases=True):
            yield f"{needed.name} is {found}; vaml needs {needed.specifier}: make setup"

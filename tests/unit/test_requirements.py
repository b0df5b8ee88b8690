"""Packages outside of the ranges that the code is written for are named, each with its range."""

import importlib.metadata
from pathlib import Path

import pytest

from vaml.runtime.requirements import unmet

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_environment_meets_the_projects_ranges() -> None:
    assert list(unmet(PROJECT)) == []


def test_what_is_outside_or_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.metadata.version

    def version(name: str) -> str:
        if name == "scipy":
            raise importlib.metadata.PackageNotFoundError
        return {"numpy": "1.26.4", "torch": "2.13.0+cpu", "pandas": "4.0.0"}.get(name) or found(
            name
        )

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert list(unmet(PROJECT)) == [
        "numpy is 1.26.4; vaml needs <3,>=2.4.5: make setup",
        "pandas is 4.0.0; vaml needs <4,>=2.3.3: make setup",
        "scipy is not installed; vaml needs <2,>=1.15: make setup",
    ]

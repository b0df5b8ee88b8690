"""The versions of the computing libraries, which may decide the last bits of a result."""

import functools
import importlib.metadata
import os
from collections.abc import Iterable, Mapping

from vaml.files import UnreadableFile

VARIABLE = "VAML_VERSIONS"
_CHOICES = ("match", "keep")

_LEARNING = ("numpy", "torch")
_SIMULATION = ("gymnasium", "mujoco")
# Libraries that compute a stage's numbers.
COMPUTING: dict[str, tuple[str, ...]] = {
    "simulate_dynamics": _LEARNING,
    "fit_synthetic": _LEARNING,
    "measure_synthetic": _LEARNING,
    "train_sac": (*_SIMULATION, *_LEARNING),
    "fit_snapshot": _LEARNING,
    "measure_snapshot": _LEARNING,
    "train_mbac": (*_SIMULATION, *_LEARNING),
}


def keeps_others() -> bool:
    """True if results of other versions are accepted, by VAML_VERSIONS=keep.

    UnreadableFile: the value is neither match (the default) nor keep.
    """
    choice = os.environ.get(VARIABLE, "match")
    if choice not in _CHOICES:
        raise UnreadableFile(f"{VARIABLE}: got {choice!r}; allowed: {', '.join(_CHOICES)}")
    return choice == "keep"


def versions_of(names: Iterable[str]) -> dict[str, str | None]:
    """The installed version of each of these; None for what is not installed."""
    return {name: _version(name) for name in names}


def installed(stage: str) -> dict[str, str]:
    """Versions with which a job of this stage would compute now."""
    return recorded(stage, versions_of(COMPUTING[stage]))


def recorded(stage: str, versions: Mapping[str, str | None]) -> dict[str, str]:
    """Versions with which a result was computed, from all versions in its manifest."""
    return {package: _public(versions.get(package) or "none") for package in COMPUTING[stage]}


def differences(made: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Lines on the libraries whose versions differ now."""
    return [
        f"made with {package} {version}, installed is {now[package]}"
        for package, version in made.items()
        if version != now[package]
    ]


def words(versions: Mapping[str, str]) -> str:
    """Text of versions: `numpy 2.4.6, torch 2.13.0`."""
    return ", ".join(f"{package} {version}" for package, version in versions.items())


def accepted(stage: str, versions: Mapping[str, str | None]) -> bool:
    """True if a result with these versions in its manifest counts as one of this environment."""
    return keeps_others() or recorded(stage, versions) == installed(stage)


@functools.cache
def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _public(version: str) -> str:
    """Version without the build behind the plus: 2.13.0+cpu and 2.13.0+cu130 are the same."""
    return version.partition("+")[0]

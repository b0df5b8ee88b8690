"""The versions of the libraries that compute: another one may change the last bits of a result."""

import functools
import importlib.metadata
import os
from collections.abc import Iterable, Mapping

from vaml.files import UnreadableFile

VARIABLE = "VAML_VERSIONS"
_CHOICES = ("match", "keep")

_LEARNING = ("numpy", "torch")
_SIMULATION = ("gymnasium", "mujoco")
# Those that a stage's numbers come from.
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
    """Whether results of other versions are taken as they are, by VAML_VERSIONS=keep.

    UnreadableFile: another value than match, as without the variable, and keep.
    """
    choice = os.environ.get(VARIABLE, "match")
    if choice not in _CHOICES:
        raise UnreadableFile(f"{VARIABLE}: got {choice!r}; allowed: {', '.join(_CHOICES)}")
    return choice == "keep"


def versions_of(names: Iterable[str]) -> dict[str, str | None]:
    """The installed version of each of these; None for what is not installed."""
    return {name: _version(name) for name in names}


def installed(stage: str) -> dict[str, str]:
    """The versions that a job of this stage would compute with now."""
    return recorded(stage, versions_of(COMPUTING[stage]))


def recorded(stage: str, versions: Mapping[str, str | None]) -> dict[str, str]:
    """The same of a result, by the versions in its manifest."""
    return {package: _public(versions.get(package) or "none") for package in COMPUTING[stage]}


def differences(made: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """One line per library whose version is another one now."""
    return [
        f"made with {package} {version}, installed is {now[package]}"
        for package, version in made.items()
        if version != now[package]
    ]


def words(versions: Mapping[str, str]) -> str:
    """`numpy 2.4.6, torch 2.13.0`."""
    return ", ".join(f"{package} {version}" for package, version in versions.items())


def accepted(stage: str, versions: Mapping[str, str | None]) -> bool:
    """Whether a result whose manifest has these versions counts as one of this environment."""
    return keeps_others() or recorded(stage, versions) == installed(stage)


@functools.cache
def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _public(version: str) -> str:
    """Without the build behind the plus: 2.13.0+cpu and 2.13.0+cu130 are one version."""
    return version.partition("+")[0]

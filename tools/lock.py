"""Write a lock of what is installed: requirements.txt (`study`) or requirements-dev.txt (`dev`).

Each has what pyproject.toml declares for it, then what that brings along; the second has nothing
that the first has. Packages that belong to one build of torch (CUDA) and the local part of a
version (`+cpu`) are left out, so that the same file serves every build.
"""

import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HEADER = """\
# {what}: Linux on x86-64, Python 3.11 to 3.13.
# Written by `make lock`; a test holds it together with pyproject.toml and environment.yml.
# torch may be any build of its version; packages that only its CUDA build needs are not listed.
"""
WHAT = {
    "study": "The environment that a study runs in",
    "dev": "What tests and checks need beside requirements.txt",
}
CUDA_BUILD = ("nvidia-", "cuda-", "triton")


def main() -> None:
    """Print the lock; exit with one line if a requirement is not installed."""
    part = sys.argv[1]
    declared = read_declared()
    try:
        known = pins(declared["study"])
        if part == "dev":
            study, known = known, pins(declared["dev"])
            known = {name: pin for name, pin in known.items() if name not in study}
    except metadata.PackageNotFoundError as error:
        sys.exit(f"lock: not installed: {error.name}")
    direct = {canonicalize_name(each.name) for each in declared[part]} & known.keys()
    print(HEADER.format(what=WHAT[part]), end="")
    for title, names in (("Direct", direct), ("Transitive", known.keys() - direct)):
        print(f"\n# {title}")
        print(*(f"{name}=={known[name]}" for name in sorted(names)), sep="\n")


def read_declared() -> dict[str, list[Requirement]]:
    """The requirements of pyproject.toml; those of its build are the study's."""
    content = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    project = content["project"]
    study = [*project["dependencies"], *content["build-system"]["requires"]]
    return {
        "study": [Requirement(each) for each in study],
        "dev": [Requirement(each) for each in project["optional-dependencies"]["dev"]],
    }


def pins(requirements: Iterable[Requirement]) -> dict[str, str]:
    """The installed versions of these and of all that they need."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(requirement, "") for requirement in requirements]
    while todo:
        requirement, extra = todo.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        if name.startswith(CUDA_BUILD):
            continue
        distribution = metadata.distribution(name)
        found[name] = Version(distribution.version).public
        for each in ("", *requirement.extras):
            if (name, each) not in seen:
                seen.add((name, each))
                todo += [(Requirement(r), each) for r in distribution.requires or ()]
    return found


if __name__ == "__main__":
    main()

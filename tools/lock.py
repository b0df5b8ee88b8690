"""Turn `pip freeze` (standard input) into requirements.txt (standard output).

Direct requirements, as pyproject.toml declares them, come before what they bring along. Packages
that belong to one build of torch (CUDA) and the local part of a version (`+cpu`) are left out, so
that the same file serves every build.
"""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HEADER = """\
# The environment that this study is tested with: Linux on x86-64, Python 3.11 to 3.13.
# Written by `make lock`; a test holds it together with pyproject.toml and environment.yml.
# torch may be any build of its version; packages that only its CUDA build needs are not listed.
"""
CUDA_BUILD = ("nvidia-", "cuda-", "triton")


def main() -> None:
    """Group and sort the pins; exit with one line if a direct requirement is not installed."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = {canonicalize_name(Requirement(r).name) for r in project["dependencies"]}
    development = {
        canonicalize_name(Requirement(r).name) for r in project["optional-dependencies"]["dev"]
    }
    pins: dict[str, str] = {}
    for line in sys.stdin.read().splitlines():
        name, _, version = line.partition("==")
        if not version:
            sys.exit(f"lock: {line!r} is not a release that an index has; install one that is")
        name = canonicalize_name(name)
        if not name.startswith(CUDA_BUILD):
            pins[name] = Version(version).public
    if missing := sorted((runtime | development) - pins.keys()):
        sys.exit(f"lock: not installed: {', '.join(missing)}")
    groups = {
        "Direct, to run the study": runtime,
        "Direct, to develop it": development - runtime,
        "Transitive": pins.keys() - runtime - development,
    }
    print(HEADER, end="")
    for title, names in groups.items():
        print(f"\n# {title}")
        print(*(f"{name}=={pins[name]}" for name in sorted(names)), sep="\n")


if __name__ == "__main__":
    main()

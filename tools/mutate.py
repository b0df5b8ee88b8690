"""Break one thing at a time in the formulas, and see a test fail: `make mutate`.

A mutant (tools/mutants.py) is a source file with one change. It is killed when one of the file's
tests (tools/mutants.toml) fails with it. A change that means the same is listed there with the
reason. Exit code 1 where fewer than 95 % of a folder's are killed.

python tools/mutate.py [--workers 2] [--killers] [source files]
"""

import argparse
import ast
import gc
import importlib
import importlib.machinery
import importlib.util
import os
import resource
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mutants import ROOT, Mutant, mutants

SMALLEST_SCORE = 0.95
# What is slow to load is loaded once, before the forks; what is mutated must not be among it.
LOADED_ONCE = (
    *("gymnasium.envs.mujoco", "hypothesis", "pandas", "scipy.stats"),
    *("torch", "torch.distributed.tensor"),  # assert_close loads the latter
    *("vaml.config.claims", "vaml.config.schema"),
)
CPU_SECONDS = 300  # a mutant that takes longer is killed: it never ends


class Overlay(importlib.machinery.SourceFileLoader):
    """Loads one module from a changed tree, in place of its file."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        super().__init__(name, str(path))
        self.tree = tree

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        """A finder for its own module alone."""
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> Any:
        """Never from the cache of compiled files."""
        return self.source_to_code(self.tree, self.path)


class FirstFailure:
    """A plugin of pytest that keeps the name of the first failure."""

    name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def run(mutant: Mutant, tests: list[str], to: int) -> None:
    """In a process of its own: the tests with the changed module; writes the first failure."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    name = ".".join(mutant.path.relative_to(ROOT / "src").with_suffix("").parts)
    sys.meta_path.insert(0, Overlay(name, mutant.path, mutant.tree))
    first = FirstFailure()
    files = [f"tests/unit/{test}.py" for test in tests]
    options = ["-x", "--tb=no", "--assert=plain", "--timeout=120", "-p", "no:cacheprovider"]
    failed = pytest.main([*options, *files], plugins=[first]) != 0
    os.write(to, (first.name or "pytest").encode() if failed else b"")


def killers(
    mutants: Iterable[Mutant], tests: dict[str, list[str]], workers: int
) -> Iterator[tuple[Mutant, str]]:
    """Each mutant with the test that failed, or "" where none did; as they end."""
    waiting, running = iter(mutants), dict[int, tuple[Mutant, int]]()
    while True:
        while len(running) < workers and (mutant := next(waiting, None)):
            answer, to = os.pipe()
            if (process := os.fork()) == 0:
                try:
                    run(mutant, tests[str(mutant.path.relative_to(ROOT))], to)
                    os._exit(0)
                except BaseException:
                    os._exit(1)
            os.close(to)
            running[process] = mutant, answer
        if not running:
            return
        process, status = os.wait()
        mutant, answer = running.pop(process)
        with os.fdopen(answer) as file:
            yield mutant, file.read() or ("an exit" if status else "")


def main() -> None:
    """Print the survivors, and the score of each folder."""
    listed = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description="Break one thing at a time, and see a test fail.")
    parser.add_argument("--workers", type=int, default=2, help="processes side by side")
    parser.add_argument("--killers", action="store_true", help="name the test that kills each")
    parser.add_argument("files", nargs="*", default=[*listed["tests"]], help="source files")
    arguments = parser.parse_args()
    files = [ROOT / file for file in arguments.files]
    os.chdir(ROOT)
    for name in LOADED_ONCE:
        importlib.import_module(name)
    gc.freeze()  # the forks need not look through what is loaded here
    unchanged = [
        Mutant(file, 0, "", "", ast.parse(file.read_text(encoding="utf-8"))) for file in files
    ]
    for mutant, killer in killers(unchanged, listed["tests"], arguments.workers):
        if killer:
            sys.exit(f"{mutant.path}: its tests fail without any change: {killer}")
    same = {(entry["file"], entry["function"], entry["change"]) for entry in listed["equivalent"]}
    tried = [mutant for file in files for mutant in mutants(file)]
    found = Counter(mutant.name for mutant in tried)
    for file, function, change in sorted(same):
        if file in arguments.files and found[file, function, change] != 1:
            count = found[file, function, change] or "no"
            print(f"tools/mutants.toml: {count} such changes of {file}: {function}: {change}")
    asked = [mutant for mutant in tried if mutant.name not in same]
    survivors = Counter[Path]()
    for mutant, killer in killers(asked, listed["tests"], arguments.workers):
        survivors[mutant.path.parent] += not killer
        if arguments.killers or not killer:
            print(f"{mutant}  [{killer or 'SURVIVES'}]", flush=True)
    scores = []
    for folder, count in Counter(mutant.path.parent for mutant in asked).items():
        scores.append(1 - survivors[folder] / count)
        others = sum(mutant.path.parent == folder for mutant in tried) - count
        print(
            f"{folder.relative_to(ROOT)}: {count - survivors[folder]} of {count} mutants killed,"
            f" {scores[-1]:.1%}; {others} more mean the same"
        )
    sys.exit(min(scores) < SMALLEST_SCORE)


if __name__ == "__main__":
    main()

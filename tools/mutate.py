"""Break one thing at a time in the formulas, and see a test fail: `make mutate`.

A mutant is a source file with one change: a sign, an operator, a comparison, a constant, two
arguments swapped, min for max, a step of a formula left out. It is killed when one of the file's
tests (tools/mutants.toml) fails with it. A change that means the same is listed there with the
reason. Exit code 1 where fewer than 95 % are killed.

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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SMALLEST_SCORE = 0.95
# What is slow to load is loaded once, before the forks; what is mutated must not be among it.
LOADED_ONCE = ("gymnasium.envs.mujoco", "hypothesis", "pandas", "pydantic", "scipy.stats", "torch")
CPU_SECONDS = 300  # a mutant that takes longer is killed: it never ends

SWAPPED: list[tuple[type, type]] = [
    (ast.Add, ast.Sub),
    (ast.Mult, ast.Div),
    (ast.BitAnd, ast.BitOr),
    (ast.And, ast.Or),
    (ast.Lt, ast.LtE),
    (ast.Lt, ast.Gt),
    (ast.Gt, ast.GtE),
    (ast.LtE, ast.GtE),
    (ast.Eq, ast.NotEq),
    (ast.Is, ast.IsNot),
    (ast.In, ast.NotIn),
]
OPERATORS: dict[type, list[type]] = {ast.Pow: [ast.Mult]}
for one, other in [*SWAPPED, *((b, a) for a, b in SWAPPED)]:
    OPERATORS.setdefault(one, []).append(other)
# Functions and methods whose name alone is changed.
RENAMED = {
    "no_grad": "enable_grad",
    "enable_grad": "no_grad",
    **{"min": "max", "max": "min", "any": "all", "all": "any"},
    **{"mean": "sum", "sum": "mean", "var": "std"},
}
# Methods without arguments that are left out: x.square() becomes x.
DROPPED = {"abs", "detach", "exp", "norm", "sqrt", "square"}
# Lists of fields that are no formula.
UNTOUCHED = {"annotation", "returns", "decorator_list", "bases"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file. `tree` is its whole source, changed."""

    path: Path
    number: int
    line: str
    change: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.number}: {self.change}"

    @property
    def name(self) -> tuple[str, str, str]:
        """How tools/mutants.toml names it: file, line of source, change."""
        return str(self.path.relative_to(ROOT)), self.line, self.change


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may stand for this one, each with one change."""
    match node:
        case ast.BinOp(left, operator, right):
            for other in OPERATORS.get(type(operator), []):
                yield ast.BinOp(left, other(), right)
            if isinstance(operator, (ast.Sub, ast.Div, ast.Pow)):
                yield ast.BinOp(right, operator, left)
            if isinstance(operator, (ast.Mult, ast.Div)):
                yield left
        case ast.UnaryOp(ast.USub() | ast.Invert() | ast.Not(), operand):
            yield operand
        case ast.Compare(left, [operator], [right]):
            for other in OPERATORS.get(type(operator), []):
                yield ast.Compare(left, [other()], [right])
        case ast.BoolOp(operator, values):
            for other in OPERATORS[type(operator)]:
                yield ast.BoolOp(other(), values)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(float() as value):
            yield ast.Constant(2 * value if value else 1.0)
        case ast.Call(function, arguments, keywords):
            yield from _calls(function, arguments, keywords)


def _calls(
    function: ast.expr, arguments: list[ast.expr], keywords: list[ast.keyword]
) -> Iterator[ast.AST]:
    match function:
        case ast.Name("min" | "max" | "any" | "all" as name):
            yield ast.Call(ast.Name(RENAMED[name], ast.Load()), arguments, keywords)
        case ast.Attribute(value, name) if name in RENAMED:
            yield ast.Call(ast.Attribute(value, RENAMED[name], ast.Load()), arguments, keywords)
        case ast.Attribute(value, name) if name in DROPPED:
            yield value
    symmetric = isinstance(function, ast.Name) and function.id in ("min", "max")
    if not symmetric and not any(isinstance(argument, ast.Starred) for argument in arguments):
        for i in range(len(arguments) - 1):
            swapped = [*arguments]
            swapped[i], swapped[i + 1] = swapped[i + 1], swapped[i]
            yield ast.Call(function, swapped, keywords)


def mutants(path: Path) -> Iterator[Mutant]:
    """All changes of a file, in the order of its source."""
    text = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    even = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("square", "abs")
    }
    for node, put in _places(tree, lambda _: None):
        for other in replacements(node):
            if node in even and getattr(other, "left", None) is getattr(node, "right", node):
                continue  # swapped: a square has no sign
            ast.copy_location(other, node)
            put(other)
            # A copy: the next change starts from the source.
            changed = ast.fix_missing_locations(ast.parse(ast.unparse(tree)))
            put(node)
            change = f"{ast.unparse(node)}  →  {ast.unparse(other)}"
            number: int = getattr(node, "lineno", 1)
            yield Mutant(path, number, lines[number - 1].strip(), change, changed)


def _places(
    node: ast.AST, put: Callable[[Any], None]
) -> Iterator[tuple[ast.AST, Callable[[Any], None]]]:
    """Every node of a formula, with the function that puts another in its place."""
    yield node, put
    for name, value in ast.iter_fields(node):
        if name in UNTOUCHED or isinstance(node, (ast.JoinedStr, ast.Raise, ast.Assert)):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue  # of zip: nothing goes wrong where the lengths agree
        if isinstance(value, ast.AST):
            yield from _places(value, lambda new, name=name: setattr(node, name, new))
        elif isinstance(value, list):
            for i, entry in enumerate(value):
                if isinstance(entry, ast.AST):
                    yield from _places(
                        entry, lambda new, value=value, i=i: value.__setitem__(i, new)
                    )


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
    """Print the survivors and the score."""
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
    same = {(entry["file"], entry["line"], entry["change"]) for entry in listed["equivalent"]}
    tried = [mutant for file in files for mutant in mutants(file)]
    asked = [mutant for mutant in tried if mutant.name not in same]
    survivors = 0
    for mutant, killer in killers(asked, listed["tests"], arguments.workers):
        survivors += not killer
        if arguments.killers or not killer:
            print(f"{mutant}  [{killer or 'SURVIVES'}]", flush=True)
    for file, line, change in sorted(same - {mutant.name for mutant in tried}):
        if file in arguments.files:
            print(f"tools/mutants.toml: no such change of {file}: {line}: {change}")
    score = 1 - survivors / len(asked)
    print(
        f"{len(asked) - survivors} of {len(asked)} mutants killed, {score:.1%};"
        f" {len(tried) - len(asked)} more mean the same"
    )
    sys.exit(score < SMALLEST_SCORE)


if __name__ == "__main__":
    main()

"""The mutants of a source file: one small change each, in its formulas.

A sign, an operator, a comparison, a constant, two arguments swapped, min for max, a step of a
formula left out.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

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
# Left out: x.square() and torch.square(x) become x.
DROPPED = {"abs", "detach", "exp", "norm", "sqrt", "square"}
# Lists of fields that are no formula.
UNTOUCHED = {"annotation", "returns", "decorator_list", "bases"}
# What a change is told by where the changed part names nothing.
TOLD_BY = (ast.expr, ast.AnnAssign, ast.Assign, ast.AugAssign, ast.Return)


@dataclass(frozen=True)
class Mutant:
    """One change of one file. `tree` is its whole source, changed.

    number: the line. function: the qualified name of the function or class that holds it, empty
    at the top level. change: the smallest part that holds a name, before and after.
    """

    path: Path
    number: int
    function: str
    change: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.number}: {self.change}"

    @property
    def name(self) -> tuple[str, str, str]:
        """Name in tools/mutants.toml: file, function, change."""
        return str(self.path.relative_to(ROOT)), self.function, self.change


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
        case ast.Attribute(ast.Name("np" | "torch"), name) if name in DROPPED:
            yield arguments[0]
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
    tree = ast.parse(path.read_text(encoding="utf-8"))
    even = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("square", "abs")
    }
    for node, put, around in _places(tree, lambda _: None, ()):
        function = ".".join(
            each.name
            for each in around
            if isinstance(each, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        )
        for other in replacements(node):
            if node in even and getattr(other, "left", None) is getattr(node, "right", node):
                continue  # swapped: a square has no sign
            if ast.dump(other) == ast.dump(node):
                continue  # two arguments that are the same
            ast.copy_location(other, node)
            told = _told_by(node, around)
            before = ast.unparse(told)
            put(other)
            # A copy: the next change starts from the source.
            changed = ast.fix_missing_locations(ast.parse(ast.unparse(tree)))
            after = ast.unparse(other if told is node else told)
            put(node)
            number: int = getattr(node, "lineno", 1)
            yield Mutant(path, number, function, f"{before}  →  {after}", changed)


def _told_by(node: ast.AST, around: tuple[ast.AST, ...]) -> ast.AST:
    """The part that tells this place from others of its function: a number alone does not."""
    for each in (node, *reversed(around)):
        if isinstance(each, ast.stmt) and not isinstance(each, TOLD_BY):
            break
        if isinstance(each, TOLD_BY) and any(isinstance(n, ast.Name) for n in ast.walk(each)):
            return each
    return node


def _places(
    node: ast.AST, put: Callable[[Any], None], around: tuple[ast.AST, ...]
) -> Iterator[tuple[ast.AST, Callable[[Any], None], tuple[ast.AST, ...]]]:
    """Every node of a formula, the function that puts another in its place, and what is around."""
    yield node, put, around
    for name, value in ast.iter_fields(node):
        if name in UNTOUCHED or isinstance(node, (ast.JoinedStr, ast.Raise, ast.Assert)):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue  # of zip: nothing goes wrong where the lengths agree
        inside = (*around, node)
        if isinstance(value, ast.AST):
            yield from _places(value, lambda new, name=name: setattr(node, name, new), inside)
        elif isinstance(value, list):
            for i, entry in enumerate(value):
                if isinstance(entry, ast.AST):
                    yield from _places(
                        entry, lambda new, value=value, i=i: value.__setitem__(i, new), inside
                    )

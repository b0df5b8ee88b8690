"""The meaning of a name at its place: the scopes of functions, classes and comprehensions.

A local name of a function or a comprehension says nothing by itself, so it becomes a number.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vaml.runtime.source import imported_names, stored_names

if TYPE_CHECKING:
    from vaml.runtime.digest import Names

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass
class _Scope:
    """A function, comprehension or class body. meaning: the definition behind each of its names."""

    is_class: bool = False
    meaning: dict[str, str] = field(default_factory=dict[str, str])


class Scopes:
    """The scopes that are open, the innermost last, in a module with these top-level names."""

    def __init__(self, names: "Names") -> None:
        self._names = names
        self._scopes: list[_Scope] = []
        self._opened = 0

    @property
    def is_open(self) -> bool:
        """True inside of a scope, False at the module's top level."""
        return bool(self._scopes)

    @property
    def in_class(self) -> bool:
        """True directly inside of a class body."""
        return bool(self._scopes) and self._scopes[-1].is_class

    def open_class(self, node: ast.ClassDef) -> None:
        """Open the scope of a class; its names are its attributes."""
        self._scopes.append(_Scope(True, {name: f"class.{name}" for name in _locals(node)}))

    def open_comprehension(self, node: Comprehension) -> None:
        """Open the scope of a comprehension; its names are the targets of its loops."""
        self._open(name for each in node.generators for name in stored_names(each.target))

    def open_function(self, node: Function) -> list[tuple[str, str]]:
        """Open the scope of a function; its names are its parameters, locals and imports.

        Returns the imports, each a name and what it stands for, if which of them counts is decided
        only as the function runs.
        """
        arguments = node.args
        scope = self._open(_locals(node))
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        rest = [each for each in (arguments.vararg, arguments.kwarg) if each]
        # A caller may give a parameter by its name, which therefore counts.
        scope.meaning |= {each.arg: f"parameter.{each.arg}" for each in [*every, *rest]}
        imports = sorted(set(_scoped_imports(node, self._names.package)))
        scope.meaning |= dict(imports)
        for name in _declared(node):
            scope.meaning.pop(name, None)
        return imports if len(imports) > len(dict(imports)) else []

    def close(self) -> None:
        """Close the innermost scope."""
        self._scopes.pop()

    def named(self, name: str) -> str:
        """A name as it stands in the text, in the place where it is bound or read."""
        meaning = self.meaning(name)
        if meaning.startswith("?"):
            scope = self._scope_of(name)
            assert scope
            taken = sum(each.startswith(f"local{meaning[1:]}.") for each in scope.meaning.values())
            scope.meaning[name] = meaning = f"local{meaning[1:]}.{taken}"
        return f"<{meaning}>"

    def meaning(self, name: str) -> str:
        """The meaning of a name: a local of a scope, or a definition by its full name."""
        scope = self._scope_of(name)
        return scope.meaning[name] if scope else self._names.full(name)

    def _open(self, names: Iterable[str]) -> _Scope:
        """A scope whose names are numbered by where they first stand in the text."""
        self._opened += 1
        scope = _Scope(meaning=dict.fromkeys(names, f"?{self._opened}"))
        self._scopes.append(scope)
        return scope

    def _scope_of(self, name: str) -> _Scope | None:
        """The scope that a name is of; a class body's names are seen in that body alone."""
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope.meaning and (depth == 0 or not scope.is_class):
                return scope
        return None


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a function or class that are of its own scope, in the order of the source.

    Of a nested function or class the name alone; of a comprehension what `:=` binds.
    """
    waiting: list[ast.AST]
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            waiting = list(node.body)
        case ast.Lambda():
            waiting = [node.body]
        case _:
            raise TypeError(type(node))
    while waiting:
        part = waiting.pop(0)
        yield part
        if isinstance(part, Function | ast.ClassDef):
            continue
        if isinstance(part, Comprehension):
            yield from (each.target for each in ast.walk(part) if isinstance(each, ast.NamedExpr))
            continue
        waiting[:0] = list(ast.iter_child_nodes(part))


def _locals(node: ast.AST) -> Iterator[str]:
    """The names that a function or a class body binds itself, imports aside."""
    for part in _inside(node):
        match part:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield part.name
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                yield name
            case ast.MatchMapping(rest=str() as name):
                yield name
            case ast.ExceptHandler(name=str() as name):
                yield name
            case _:
                pass


def _declared(node: ast.AST) -> Iterator[str]:
    """The names that a function takes from around it by `global` or `nonlocal`."""
    for part in _inside(node):
        if isinstance(part, (ast.Global, ast.Nonlocal)):
            yield from part.names


def _scoped_imports(node: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    for part in _inside(node):
        if isinstance(part, (ast.Import, ast.ImportFrom)):
            yield from imported_names(part, package)

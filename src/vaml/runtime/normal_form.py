"""What a statement does, as text that only a change of meaning changes.

Left out: comments, docstrings, layout, spelling of numbers and quotes, annotations outside of
class bodies, log messages, messages of errors that end a job, help texts, descriptions, and the
bounds of fields. Local variables are numbered; a global name stands as a reference to what it
means.
"""

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from vaml.runtime.source import imported_names, stored_names

# Marks a table whose rows a job looks up by a name in its settings: only these rows count for it.
TABLE = "by_name"

# What no value that passed depends on: texts, and the bounds and names that a value must be among.
_WORDS = {
    "pydantic.Field": {"description", "title", "examples", "pattern"}
    | {"ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "allow_inf_nan"},
    ".add_argument": {"help", "metavar"},
    ".add_subparsers": {"help", "metavar", "title", "description"},
    "argparse.ArgumentParser": {"description", "epilog", "prog", "usage"},
}
_LITERAL = "typing.Literal"
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
# Calls in a log message that do nothing else.
_HARMLESS = {"abs", "float", "int", "len", "max", "min", "repr", "round", "sorted", "str", "sum"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Names(Protocol):
    """What the top-level names of a module mean."""

    package: str
    """Where its relative imports start."""

    def full(self, name: str) -> str:
        """The full name of what a name stands for: `vaml.envs.known.KNOWN`, `builtins.print`."""
        ...

    def split(self, full: str) -> tuple[str, str]:
        """A dotted full name as that of a definition, and the attributes behind it."""
        ...

    def defines(self, full: str) -> bool:
        """Whether there is a definition of this full name."""
        ...

    def is_logger(self, full: str) -> bool:
        """Whether it is a logger."""
        ...

    def is_plain_error(self, full: str) -> bool:
        """Whether it is an exception that carries a message and nothing else."""
        ...


@dataclass
class _Scope:
    """A function, comprehension or class body. meaning: what each of its names stands for."""

    is_class: bool = False
    meaning: dict[str, str] = field(default_factory=dict[str, str])


class NormalForm:
    """text: what some statements do. references: the full names in it, in order.

    rows: the names whose rows of a table count; None for all. has_table: whether they matter.
    """

    def __init__(
        self, statements: Iterable[ast.stmt], names: Names, rows: Collection[str] | None
    ) -> None:
        self._names, self._rows = names, rows
        self._scopes: list[_Scope] = []
        self._opened = 0
        self.has_table = False
        self.references: list[str] = []
        self.text = "".join(self._statements(list(statements), top=True))

    def _statements(self, body: list[ast.stmt], top: bool = False) -> Iterator[str]:
        yield "["
        for statement in body:
            if not self._does_nothing(statement):
                yield from self._statement(statement, top)
                yield ","
        yield "]"

    def _does_nothing(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                return True
            case ast.Global() | ast.Nonlocal():  # what the names mean says it
                return True
            case ast.Import() | ast.ImportFrom():
                return bool(self._scopes)  # its names are scoped, and mean what they are bound to
            case ast.AnnAssign(value=None):
                return not (self._scopes and self._scopes[-1].is_class)
            case ast.Expr(value=ast.Call() as call) if self._logs(call):
                return all(map(self._is_harmless, [*call.args, *(k.value for k in call.keywords)]))
            case ast.If(test=test, body=body, orelse=orelse):
                return self._is_harmless(test) and all(map(self._does_nothing, [*body, *orelse]))
            case _:
                return False

    def _logs(self, call: ast.Call) -> bool:
        match call.func:
            case ast.Attribute(value=ast.Name(id=name), attr=level) if level in _LEVELS:
                return self._names.is_logger(self._meaning(name))
            case _:
                return False

    def _is_harmless(self, expression: ast.expr) -> bool:
        """Whether evaluating it changes nothing."""
        for node in ast.walk(expression):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in _HARMLESS:
                    pass
                case ast.Call() | ast.Await() | ast.NamedExpr() | ast.Yield() | ast.YieldFrom():
                    return False
                case _:
                    pass
        return True

    def _statement(self, statement: ast.stmt, top: bool) -> Iterator[str]:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                # The name of a top-level function is its address, and no part of what it does.
                yield type(statement).__name__
                yield "" if top else self._named(statement.name)
                yield from self._nodes(statement.decorator_list)
                yield from self._function(statement, statement.body)
            case ast.ClassDef():
                # Two exceptions with the same body are not the same.
                yield f"ClassDef {statement.name if top else self._named(statement.name)}"
                yield from self._nodes(statement.decorator_list)
                yield from self._nodes([*statement.bases, *statement.keywords])
                self._scopes.append(_Scope(True, {n: f"class.{n}" for n in _locals(statement)}))
                yield from self._statements(statement.body)
                self._scopes.pop()
            case ast.Assign(targets=[ast.Name()], value=value) if top:
                yield from self._node(value)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                if self._scopes and self._scopes[-1].is_class:
                    yield from self._nodes([target, annotation, *([value] if value else [])])
                elif top and isinstance(target, ast.Name):
                    yield from self._node(value)
                elif value:
                    yield from self._node(ast.Assign([target], value))
            case ast.Raise(exc=ast.Call(func=ast.Name() as error)) if self._names.is_plain_error(
                self._meaning(error.id)
            ):
                yield "Raise"
                yield from self._node(error)
            case ast.Assert(test=test):
                yield "Assert"
                yield from self._node(test)
            case _:
                yield from self._generic(statement)

    def _function(self, node: _Function, body: list[ast.stmt] | ast.expr) -> Iterator[str]:
        arguments = node.args
        yield from self._nodes([*arguments.defaults, *filter(None, arguments.kw_defaults)])
        scope = self._open(_locals(node))
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        rest = [each for each in (arguments.vararg, arguments.kwarg) if each]
        # A caller may give a parameter by its name, which therefore counts.
        scope.meaning |= {each.arg: f"parameter.{each.arg}" for each in [*every, *rest]}
        imports = set(_scoped_imports(node, self._names.package))
        scope.meaning |= dict(imports)
        if len(imports) > len(dict(imports)):  # which of them counts is decided as it runs
            yield f"imports {sorted(imports)}"
        for name in _declared(node):
            scope.meaning.pop(name, None)
        kinds = (arguments.posonlyargs, arguments.args, arguments.kwonlyargs, rest)
        missing = "".join("-" if each is None else "=" for each in arguments.kw_defaults)
        yield f"({'/'.join(','.join(a.arg for a in kind) for kind in kinds)}"
        yield f"{'*' if arguments.vararg else ''}{'**' if arguments.kwarg else ''}{missing})"
        yield from self._statements(body) if isinstance(body, list) else self._node(body)
        self._scopes.pop()

    def _open(self, names: Iterable[str]) -> _Scope:
        """A scope whose names are numbered by where they first stand in the text."""
        self._opened += 1
        scope = _Scope(meaning=dict.fromkeys(names, f"?{self._opened}"))
        self._scopes.append(scope)
        return scope

    def _named(self, name: str) -> str:
        """A name as it stands in the text, in the place where it is bound or read."""
        meaning = self._meaning(name)
        if meaning.startswith("?"):
            scope = self._scope_of(name)
            assert scope
            taken = sum(each.startswith(f"local{meaning[1:]}.") for each in scope.meaning.values())
            scope.meaning[name] = meaning = f"local{meaning[1:]}.{taken}"
        return f"<{meaning}>"

    def _meaning(self, name: str) -> str:
        scope = self._scope_of(name)
        return scope.meaning[name] if scope else self._names.full(name)

    def _scope_of(self, name: str) -> _Scope | None:
        """The scope that a name is of; a class body's names are seen in that body alone."""
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope.meaning and (depth == 0 or not scope.is_class):
                return scope
        return None

    def _nodes(self, nodes: Iterable[ast.AST]) -> Iterator[str]:
        yield "("
        for node in nodes:
            yield from self._node(node)
            yield ","
        yield ")"

    def _node(self, node: object) -> Iterator[str]:
        match node:
            case ast.Name(id=name):
                yield from self._reference(self._named(name)[1:-1], type(node.ctx).__name__)
            case ast.Attribute(ctx=ast.Load()) if full := self._dotted(node):
                yield from self._reference(full, "Load")
            case ast.JoinedStr(values=values):
                # Python 3.12.1 ends some with an empty text.
                kept = [part for part in values if getattr(part, "value", None) != ""]
                yield "JoinedStr"
                yield from self._nodes(kept)
            case ast.Lambda():
                yield "Lambda"
                yield from self._function(node, node.body)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                yield from self._comprehension(node)
            case ast.Call():
                yield from self._call(node)
            case ast.Subscript(value=ast.Name(id=name)) if self._meaning(name) == _LITERAL:
                yield "Literal"
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                yield self._named(name)
                yield from self._generic(node, {"name"})
            case ast.MatchMapping(rest=str() as name):
                yield self._named(name)
                yield from self._generic(node, {"rest"})
            case ast.ExceptHandler(name=str() as name):
                yield self._named(name)
                yield from self._generic(node, {"name"})
            case ast.stmt():
                yield from self._statements([node])
            case list():
                if node and isinstance(node[0], ast.stmt):
                    yield from self._statements(node)
                else:
                    yield "["
                    for item in node:
                        yield from self._node(item)
                        yield ","
                    yield "]"
            case _:
                yield from self._generic(node)

    def _generic(self, node: object, without: Collection[str] = ()) -> Iterator[str]:
        """The same under every Python: newer ones add fields, which are empty where new syntax
        is not used. `kind` is the u of u""."""
        if not isinstance(node, ast.AST):
            # ASCII, because what counts as printable depends on Python's Unicode version.
            yield ascii(node)
            return
        yield f"{type(node).__name__}("
        for name, value in ast.iter_fields(node):
            if value is not None and value != [] and name not in ("kind", *without):
                yield f"{name}="
                yield from self._node(value)
                yield ","
        yield ")"

    def _reference(self, meaning: str, context: str) -> Iterator[str]:
        if meaning.startswith(("local", "parameter.", "class.")):
            yield f"{meaning}:{context}"
        elif context in ("Store", "Del"):
            yield f"global {meaning.rpartition('.')[2]}:{context}"
        else:
            definition, attributes = self._names.split(meaning)
            self.references.append(definition)
            yield f"§{attributes}:{context}"

    def _dotted(self, node: ast.expr) -> str | None:
        """The full name of `a.b.c` where `a` is an imported module; None of anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not (isinstance(node, ast.Name) and parts):
            return None
        meaning = self._meaning(node.id)
        if meaning.startswith(("?", "local", "parameter.", "class.", "builtins.")):
            return None
        return ".".join([meaning, *reversed(parts)])

    def _call(self, node: ast.Call) -> Iterator[str]:
        full = self._called(node.func)
        left_out = _WORDS.get(full, _WORDS.get(f".{full.rpartition('.')[2]}", set()))
        keywords = [each for each in node.keywords if each.arg not in left_out]
        is_table = full.rpartition(".")[2] == TABLE
        self.has_table |= is_table
        if is_table and self._rows is not None:
            yield "Table"
            yield from self._nodes([self._kept(argument, self._rows) for argument in node.args])
            return
        yield "Call"
        yield from self._nodes([node.func, *node.args])
        yield from self._nodes(keywords)

    def _kept(self, table: ast.expr, rows: Collection[str]) -> ast.expr:
        """A table with the rows of these names: a dictionary's entries, or a set's items."""
        match table:
            case ast.Dict():
                pairs = list(self._entries(table, rows))
                return ast.Dict([key for key, _ in pairs], [value for _, value in pairs])
            case ast.Call(func=ast.Name(id="frozenset"), args=[items]):
                return self._kept(items, rows)
            case ast.Set(elts=items):
                return ast.List([item for item in items if _is_row(item, rows)], ast.Load())
            case _:
                raise ValueError(f"{TABLE}: a table is written out as {{...}}")

    def _entries(
        self, table: ast.Dict, rows: Collection[str]
    ) -> Iterator[tuple[ast.expr | None, ast.expr]]:
        """A dictionary's entries of these names; of `**vars(module)` what the module defines."""
        for key, value in zip(table.keys, table.values, strict=True):
            match key, value:
                case None, ast.Call(func=ast.Name(id="vars"), args=[ast.Name(id=name) as module]):
                    for row in sorted(rows):
                        if self._names.defines(f"{self._meaning(name)}.{row}"):
                            yield ast.Constant(row), ast.Attribute(module, row, ast.Load())
                case _ if _is_row(key, rows):
                    yield key, value
                case _:
                    pass

    def _called(self, function: ast.expr) -> str:
        match function:
            case ast.Name(id=name):
                return self._meaning(name)
            case ast.Attribute(attr=attr):
                return self._dotted(function) or f".{attr}"
            case _:
                return ""

    def _comprehension(self, node: _Comprehension) -> Iterator[str]:
        yield type(node).__name__
        first = node.generators[0]
        yield from self._node(first.iter)  # in the scope around it
        targets = (name for each in node.generators for name in stored_names(each.target))
        self._open(targets)
        for each in node.generators:
            yield "async for" if each.is_async else "for"
            yield from self._nodes([each.target, *([] if each is first else [each.iter])])
            yield from self._nodes(each.ifs)
        if isinstance(node, ast.DictComp):
            yield from self._nodes([node.key, node.value])
        else:
            yield from self._node(node.elt)
        self._scopes.pop()


def _is_row(key: ast.expr | None, rows: Collection[str]) -> bool:
    return not (isinstance(key, ast.Constant) and isinstance(key.value, str)) or key.value in rows


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
        if isinstance(part, _Function | ast.ClassDef):
            continue
        if isinstance(part, _Comprehension):
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

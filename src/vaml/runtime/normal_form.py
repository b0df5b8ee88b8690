"""The normal form of a statement: a text that changes only with its meaning.

It leaves out comments, docstrings, layout, spelling of numbers and quotes, annotations outside
class bodies, log messages, messages of errors that end a job, help texts, descriptions, and the
bounds of fields. Local variables are numbered; a global name is a reference to its definition.
"""

import ast
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from vaml.runtime.scopes import Comprehension, Function, Scopes

if TYPE_CHECKING:
    from vaml.runtime.digest import Names

# Mark of a table whose rows a job looks up by names in its settings: only these rows count for it.
TABLE = "by_name"

# Arguments without effect on an accepted value: texts, and the bounds and names that it must meet.
_WORDS = {
    "pydantic.Field": {"description", "title", "examples", "pattern"}
    | {"ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "allow_inf_nan"},
    ".add_argument": {"help", "metavar"},
    ".add_subparsers": {"help", "metavar", "title", "description"},
    "argparse.ArgumentParser": {"description", "epilog", "prog", "usage"},
}
_LITERAL = "typing.Literal"
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
# Calls without a side effect, which a log message may contain.
_HARMLESS = {"abs", "float", "int", "len", "max", "min", "repr", "round", "sorted", "str", "sum"}


class NormalForm:
    """Normal form of some statements. text: their meaning. references: full names in it, in order.

    rows: the names whose rows of a table count; None for all. has_table: True if they matter.
    """

    def __init__(
        self, statements: Iterable[ast.stmt], names: "Names", rows: Collection[str] | None
    ) -> None:
        self._names, self._rows = names, rows
        self._scopes = Scopes(names)
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
            case ast.Global() | ast.Nonlocal():  # the meaning of the names shows it
                return True
            case ast.Import() | ast.ImportFrom():
                return self._scopes.is_open  # local names have the meaning of their bindings
            case ast.AnnAssign(value=None):
                return not self._scopes.in_class
            case ast.Expr(value=ast.Call() as call) if self._logs(call):
                return all(map(self._is_harmless, [*call.args, *(k.value for k in call.keywords)]))
            case ast.If(test=test, body=body, orelse=orelse):
                return self._is_harmless(test) and all(map(self._does_nothing, [*body, *orelse]))
            case _:
                return False

    def _logs(self, call: ast.Call) -> bool:
        match call.func:
            case ast.Attribute(value=ast.Name(id=name), attr=level) if level in _LEVELS:
                return self._names.is_logger(self._scopes.meaning(name))
            case _:
                return False

    def _is_harmless(self, expression: ast.expr) -> bool:
        """True if the evaluation of an expression changes nothing."""
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
                # The name of a top-level function is its address, and has no effect.
                yield type(statement).__name__
                yield "" if top else self._scopes.named(statement.name)
                yield from self._nodes(statement.decorator_list)
                yield from self._function(statement, statement.body)
            case ast.ClassDef():
                # Two exceptions with the same body are not the same.
                yield f"ClassDef {statement.name if top else self._scopes.named(statement.name)}"
                yield from self._nodes(statement.decorator_list)
                yield from self._nodes([*statement.bases, *statement.keywords])
                self._scopes.open_class(statement)
                yield from self._statements(statement.body)
                self._scopes.close()
            case ast.Assign(targets=[ast.Name()], value=value) if top:
                yield from self._node(value)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                if self._scopes.in_class:
                    yield from self._nodes([target, annotation, *([value] if value else [])])
                elif top and isinstance(target, ast.Name):
                    yield from self._node(value)
                elif value:
                    yield from self._generic(ast.Assign([target], value))
            case ast.Raise(exc=ast.Call(func=ast.Name() as error)) if self._names.is_plain_error(
                self._scopes.meaning(error.id)
            ):
                yield "Raise"
                yield from self._node(error)
            case ast.Assert(test=test):
                yield "Assert"
                yield from self._node(test)
            case _:
                yield from self._generic(statement)

    def _function(self, node: Function, body: list[ast.stmt] | ast.expr) -> Iterator[str]:
        arguments = node.args
        yield from self._nodes([*arguments.defaults, *filter(None, arguments.kw_defaults)])
        if imports := self._scopes.open_function(node):
            yield f"imports {imports}"
        rest = [each for each in (arguments.vararg, arguments.kwarg) if each]
        kinds = (arguments.posonlyargs, arguments.args, arguments.kwonlyargs, rest)
        missing = "".join("-" if each is None else "=" for each in arguments.kw_defaults)
        yield f"({'/'.join(','.join(a.arg for a in kind) for kind in kinds)}"
        yield f"{'*' if arguments.vararg else ''}{'**' if arguments.kwarg else ''}{missing})"
        yield from self._statements(body) if isinstance(body, list) else self._node(body)
        self._scopes.close()

    def _nodes(self, nodes: Iterable[ast.AST]) -> Iterator[str]:
        yield "("
        for node in nodes:
            yield from self._node(node)
            yield ","
        yield ")"

    def _node(self, node: object) -> Iterator[str]:
        match node:
            case ast.Name(id=name):
                yield from self._reference(self._scopes.named(name)[1:-1], type(node.ctx).__name__)
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
            case ast.Subscript(value=ast.Name(id=name)) if self._scopes.meaning(name) == _LITERAL:
                yield "Literal"
            case (
                ast.MatchAs(name=str() as name)
                | ast.MatchStar(name=str() as name)
                | ast.MatchMapping(rest=str() as name)
                | ast.ExceptHandler(name=str() as name)
            ):
                yield self._scopes.named(name)
                yield from self._generic(node, {"name", "rest"})
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
        """The form of other nodes, the same under every Python.

        Newer versions add fields, which are empty without new syntax. `kind` is the u of u"".
        """
        if not isinstance(node, ast.AST):
            # ASCII, because the set of printable characters depends on Python's Unicode version.
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
        """The full name of `a.b.c` if `a` is an imported module; None for all else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not (isinstance(node, ast.Name) and parts):
            return None
        meaning = self._scopes.meaning(node.id)
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
                        if self._names.defines(f"{self._scopes.meaning(name)}.{row}"):
                            yield ast.Constant(row), ast.Attribute(module, row, ast.Load())
                case _ if _is_row(key, rows):
                    yield key, value
                case _:
                    pass

    def _called(self, function: ast.expr) -> str:
        match function:
            case ast.Name(id=name):
                return self._scopes.meaning(name)
            case ast.Attribute(attr=attr):
                return self._dotted(function) or f".{attr}"
            case _:
                return ""

    def _comprehension(self, node: Comprehension) -> Iterator[str]:
        yield type(node).__name__
        first = node.generators[0]
        yield from self._node(first.iter)  # in the scope around it
        self._scopes.open_comprehension(node)
        for each in node.generators:
            yield "async for" if each.is_async else "for"
            yield from self._nodes([each.target, *([] if each is first else [each.iter])])
            yield from self._nodes(each.ifs)
        if isinstance(node, ast.DictComp):
            yield from self._nodes([node.key, node.value])
        else:
            yield from self._node(node.elt)
        self._scopes.close()


def _is_row(key: ast.expr | None, rows: Collection[str]) -> bool:
    return not (isinstance(key, ast.Constant) and isinstance(key.value, str)) or key.value in rows

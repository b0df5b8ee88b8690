"""The package's source: its modules, their definitions, and the modules that a step can load."""

import ast
import functools
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "vaml"


@dataclass
class Module:
    """One source file.

    definitions: the statements that bind each top-level name. imports: the full name behind each
    name that an import binds at the top level. effects: statements that run at import and bind
    nothing. loads: the modules that it imports, wherever in it; members: `module.name` for each
    `from module import name`, which may be modules too.
    """

    definitions: dict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, str] = field(default_factory=dict[str, str])
    effects: list[ast.stmt] = field(default_factory=list[ast.stmt])
    loads: set[str] = field(default_factory=set[str])
    members: set[str] = field(default_factory=set[str])


def source_files(root: Path | None) -> dict[str, Path]:
    """The file of each module. root: the folder of the package, by default the running code's."""
    root = root or Path(__file__).parents[2]
    found = {}
    for path in (root / PACKAGE).rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def import_closure(*modules: str, root: Path | None = None) -> tuple[str, ...]:
    """The modules of the package that importing and running `modules` can load, sorted.

    Imports count wherever they stand, inside functions too, but not under `if TYPE_CHECKING:`.
    ModuleNotFoundError: an import from the package that has no file.
    """
    files = source_files(root)
    found: set[str] = set()
    waiting = [(module, "the caller") for module in modules]
    while waiting:
        module, importer = waiting.pop()
        # A package without __init__.py runs no code, but exists.
        if module not in files and not any(name.startswith(f"{module}.") for name in files):
            raise ModuleNotFoundError(f"{importer} imports {module}, which has no source file")
        parts = module.split(".")
        for name in (".".join(parts[: end + 1]) for end in range(len(parts))):
            if name in files and name not in found:
                found.add(name)
                loaded = parsed(name, files[name], files[name].read_bytes())
                waiting += [(imported, name) for imported in loaded.loads]
                waiting += [(each, name) for each in loaded.members if each in files]
    return tuple(sorted(found))


def unexpected_modules(closure: Iterable[str]) -> list[str]:
    """The package's modules that this process has loaded and `closure` lacks."""
    loaded = {name for name in list(sys.modules) if name.split(".")[0] == PACKAGE}
    return sorted(loaded.difference(closure))


def imported_names(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """Each name that an import binds, and the full name of what it is bound to."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, f"{_origin(node, package)}.{alias.name}"
        elif alias.asname:
            yield alias.asname, alias.name
        else:
            first = alias.name.split(".")[0]
            yield first, first


def ours(name: str) -> bool:
    """True for the full names of the package and of its parts."""
    return name.split(".")[0] == PACKAGE


def _origin(node: ast.ImportFrom, package: str) -> str:
    """The absolute name of a `from` import's module."""
    if not node.level:
        return node.module or ""
    parents = package.split(".")
    base = parents[: len(parents) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


@functools.cache
def parsed(module: str, path: Path, source: bytes) -> Module:
    """A module by its name, file and content, which is parsed once per process."""
    tree = ast.parse(source, filename=str(path))
    if b"TYPE_CHECKING" in source:
        _WithoutTypeChecking().visit(tree)
    package = package_of(module, path)
    found = Module()
    for statement in tree.body:
        names = list(_bound(statement))
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            found.imports |= dict(imported_names(statement, package))
        elif names:
            for name in names:
                found.definitions[name].append(statement)
        elif not (_does_nothing(statement) or _is_entry(statement)):
            found.effects.append(statement)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.loads.update(alias.name for alias in node.names if ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and ours(origin := _origin(node, package)):
            found.loads.add(origin)
            found.members.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


def package_of(module: str, path: Path) -> str:
    """The package that relative imports of a module start from."""
    return module if path.name == "__init__.py" else module.rpartition(".")[0]


class _WithoutTypeChecking(ast.NodeTransformer):
    """The source without the blocks that only type checkers read."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        match node.test:
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                return node.orelse
        return node


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a top-level statement binds, also within its blocks; imports are left out."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name
        case ast.Import() | ast.ImportFrom():
            return
        case ast.Assign(targets=targets):
            for target in targets:
                yield from stored_names(target)
        case ast.AnnAssign(target=target, value=ast.expr()):
            yield from stored_names(target)
        case ast.If() | ast.Try() | ast.For() | ast.While() | ast.With():
            if not _is_entry(statement):
                for part in ast.walk(statement):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        yield part.id
                    elif isinstance(part, (ast.FunctionDef, ast.ClassDef)):
                        yield part.name
                    elif isinstance(part, (ast.Import, ast.ImportFrom)):
                        yield from (name for name, _ in imported_names(part, ""))
        case _:
            return


def stored_names(target: ast.AST) -> Iterator[str]:
    """The names that a target of an assignment or of a loop binds."""
    for part in ast.walk(target):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
            return True
        case ast.AnnAssign(value=None):
            return True
        case _:
            return False


def _is_entry(statement: ast.stmt) -> bool:
    """True for `if __name__ == "__main__":`, which runs nothing at import."""
    match statement:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return True
        case _:
            return False

"""Which source a job runs, and a digest of it that only a change of meaning changes.

Snakemake does not see an edit of an imported module; this digest, as a param of the rule, makes
it see those that matter and none that do not.
"""

import ast
import functools
import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = "vaml"


def code_digest(*modules: str, root: Path | None = None) -> str:
    """SHA-256 (hex) over the import closure of `modules`: names and what their source does.

    Blind to comments, docstrings, layout, quotes, redundant parentheses and the spelling of
    numbers; the same under every Python from 3.11.
    """
    lines = [f"{name} {digest}\n" for name, digest in module_digests(*modules, root=root).items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def module_digests(*modules: str, root: Path | None = None) -> dict[str, str]:
    """The same for each module of the import closure by itself, sorted by name."""
    sources = _sources(root)
    return {name: _load(name, sources).digest for name in _closure(modules, sources)}


def import_closure(*modules: str, root: Path | None = None) -> tuple[str, ...]:
    """The modules of the package that importing and running `modules` can load, sorted.

    Imports count wherever they stand, inside functions too, but not under `if TYPE_CHECKING:`.
    root: the folder that holds the package; by default that of the running code.
    ModuleNotFoundError: an import from the package that has no file.
    """
    return tuple(_closure(modules, _sources(root)))


def unexpected_modules(closure: Iterable[str]) -> list[str]:
    """The package's modules that this process has loaded and `closure` lacks."""
    loaded = {name for name in list(sys.modules) if name.split(".")[0] == PACKAGE}
    return sorted(loaded.difference(closure))


def _sources(root: Path | None) -> dict[str, Path]:
    """The file of each module of the package."""
    root = root or Path(__file__).parents[2]
    sources = {}
    for path in (root / PACKAGE).rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return sources


def _closure(modules: Iterable[str], sources: dict[str, Path]) -> list[str]:
    found: set[str] = set()
    waiting = [(module, "the caller") for module in modules]
    while waiting:
        module, importer = waiting.pop()
        # A package without __init__.py runs no code, but it is there.
        if module not in sources and not any(name.startswith(f"{module}.") for name in sources):
            raise ModuleNotFoundError(f"{importer} imports {module}, which has no source file")
        parts = module.split(".")
        for name in (".".join(parts[: end + 1]) for end in range(len(parts))):
            if name in sources and name not in found:
                found.add(name)
                loaded = _load(name, sources)
                waiting += [(imported, name) for imported in loaded.modules]
                waiting += [(each, name) for each in loaded.names if each in sources]
    return sorted(found)


class _Module:
    """What one source file does and imports."""

    def __init__(self, module: str, path: Path, source: bytes) -> None:
        tree = _Executed().visit(ast.parse(source, filename=str(path)))
        self.digest = hashlib.sha256("".join(_canonical(tree)).encode()).hexdigest()
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        self.modules: set[str] = set()
        # `from package import name`: a module or not, its files tell.
        self.names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.modules.update(alias.name for alias in node.names if _ours(alias.name))
            elif isinstance(node, ast.ImportFrom):
                origin = _origin(node, package)
                if _ours(origin):
                    self.modules.add(origin)
                    self.names.update(f"{origin}.{alias.name}" for alias in node.names)


# A dry run asks for hundreds of digests: each content is parsed once per process.
_parse = functools.cache(_Module)


def _load(module: str, sources: dict[str, Path]) -> _Module:
    return _parse(module, sources[module], sources[module].read_bytes())


def _ours(module: str) -> bool:
    return module.split(".")[0] == PACKAGE


def _origin(node: ast.ImportFrom, package: str) -> str:
    """The absolute name behind `from`."""
    if not node.level:
        return node.module or ""
    parents = package.split(".")
    base = parents[: len(parents) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


class _Executed(ast.NodeTransformer):
    """Drop what runs nothing: docstrings and other bare strings, `pass`, type-checking blocks."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        bare = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if bare else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_If(self, node: ast.If) -> ast.AST | None:
        match node.test:
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                if not node.orelse:
                    return None
                node.body = []
        return self.generic_visit(node)


def _canonical(value: object) -> Iterator[str]:
    """Text of a syntax tree, the same under every Python version.

    ast.dump is not: newer versions add fields, which are empty unless new syntax uses them, and
    leave empty ones out. Here every empty field is left out. `kind` is the u of u"".
    """
    if isinstance(value, ast.AST):
        yield type(value).__name__
        yield "("
        for name, field in ast.iter_fields(value):
            if field is not None and field != [] and name != "kind":
                yield f"{name}="
                yield from _canonical(field)
                yield ","
        yield ")"
    elif isinstance(value, list):
        yield "["
        for item in value:
            yield from _canonical(item)
            yield ","
        yield "]"
    else:
        # ASCII, because what counts as printable depends on Python's Unicode version.
        yield ascii(value)

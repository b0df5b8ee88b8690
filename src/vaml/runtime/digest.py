"""A digest of the code that a job runs; it changes only with edits that can change its numbers.

Snakemake does not see edits of imported modules; this digest, as a param of the rule, shows it
those that matter. It covers the definitions that a step's `main` reaches, each in the form of
`vaml.runtime.normal_form`, whatever their place and their names.
"""

import ast
import builtins
import functools
import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

from vaml.runtime.normal_form import NormalForm
from vaml.runtime.source import (
    PACKAGE,
    Module,
    import_closure,
    ours,
    package_of,
    parsed,
    source_files,
)

# Code that runs around a job and changes no number of an undisturbed one.
RUNTIME = f"{PACKAGE}.runtime"
AROUND = (
    RUNTIME,
    f"{PACKAGE}.files.UnreadableFile",
    f"{PACKAGE}.files.atomic",
    f"{PACKAGE}.files.reading",
)
# Exceptions to AROUND, which do decide bits.
DECISIVE = (
    f"{PACKAGE}.determinism.one_thread",
    f"{PACKAGE}.files.write_json",
    f"{PACKAGE}.files.finite_or_null",
)

# Number of rounds that separate definitions of equal text by what they refer to, step by step.
_ROUNDS = 12


def code_digest(step: str, names: Iterable[str] | None = None, *, root: Path | None = None) -> str:
    """SHA-256 (hex) of the code that `main` of the module `step` runs.

    names: the names in a job's settings, for tables whose rows they look up
    (`vaml.config.fields.by_name`); None for all rows. root: the folder that holds the package; by
    default that of the running code. ModuleNotFoundError: an import from the package that has no
    file.
    """
    forms = _reached(step, names, root)
    colours = {name: _hash(form.text) for name, form in forms.items()}
    for _ in range(_ROUNDS):
        colours = {
            name: _hash(form.text, *(colours.get(each, each) for each in form.references))
            for name, form in forms.items()
        }
    return _hash(colours.get(f"{step}.main", ""), *sorted(colours.values()))


def module_digests(
    step: str, names: Iterable[str] | None = None, *, root: Path | None = None
) -> dict[str, str]:
    """Digests by module of the definitions that the step reaches in it, sorted by name.

    They locate an edit. A definition that was moved or renamed changes them, but not `code_digest`.
    """
    files = source_files(root)
    texts: dict[str, list[str]] = {}
    for name, form in sorted(_reached(step, names, root).items()):
        leaves = (each.rpartition(".")[2] for each in form.references)
        texts.setdefault(_home(name, files), []).append(_hash(form.text, *leaves))
    return {module: _hash(*each)[:16] for module, each in sorted(texts.items())}


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _home(full: str, modules: Collection[str]) -> str:
    """The module of a definition's full name."""
    while full not in modules:
        full = full.rpartition(".")[0]
    return full


def _reached(step: str, names: Iterable[str] | None, root: Path | None) -> dict[str, NormalForm]:
    """The definitions that a step's `main` and its modules' imports lead to, by full name."""
    files = source_files(root)
    contents = tuple((name, path, path.read_bytes()) for name, path in sorted(files.items()))
    rows = None if names is None else frozenset(names)
    return _source(contents).reached(step, import_closure(step, root=root), rows)


class _Source:
    """All modules of the package, to follow names from definition to definition."""

    def __init__(self, contents: tuple[tuple[str, Path, bytes], ...]) -> None:
        self._contents = {name: (path, content) for name, path, content in contents}
        self.packages = {name: package_of(name, path) for name, path, _ in contents}
        # Most forms contain no table and are the same for every job.
        self._forms: dict[tuple[str, frozenset[str] | None], NormalForm] = {}

    def module(self, name: str) -> Module:
        """A module, parsed when it is first asked for: no step reaches them all."""
        return parsed(name, *self._contents[name])

    def reached(
        self, step: str, closure: Collection[str], rows: frozenset[str] | None
    ) -> dict[str, NormalForm]:
        found: dict[str, NormalForm] = {}
        waiting = [f"{step}.main"]
        if f"{RUNTIME}.job" in closure:
            waiting += DECISIVE
        for module in closure:
            if not self.around(module):
                effects = range(len(self.module(module).effects))
                waiting += [f"{module}.<effect {i}>" for i in effects]
        while waiting:
            name = waiting.pop()
            if name in found or not ours(name) or self.around(name):
                continue
            if name in self.packages:  # a module as a value: all its definitions
                waiting += [f"{name}.{each}" for each in self.module(name).definitions]
            elif form := self._form(name, rows):
                found[name] = form
                waiting += form.references
        return found

    def around(self, name: str) -> bool:
        return f"{name}.".startswith(tuple(f"{each}." for each in AROUND))

    def _form(self, name: str, rows: frozenset[str] | None) -> NormalForm | None:
        for key in ((name, None), (name, rows)):
            if (known := self._forms.get(key)) and (key[1] == rows or not known.has_table):
                return known
        home = _home(name, self.packages)
        module, inner = self.module(home), name.removeprefix(f"{home}.")
        if inner.startswith("<effect "):
            statements = [module.effects[int(inner[len("<effect ") : -1])]]
        else:
            statements = module.definitions.get(inner, [])
        if not statements:
            return None
        form = NormalForm(statements, Names(self, home), rows)
        if not _binds_one_name(statements):
            form.text = f"{inner} of {form.text}"
        self._forms[name, rows if form.has_table else None] = form
        return form


# One state of the source at a time: a dry run asks for hundreds of digests.
_source = functools.lru_cache(maxsize=4)(_Source)


def _binds_one_name(statements: list[ast.stmt]) -> bool:
    """True if a statement binds one name alone; `A, B = f()` gives its names two meanings."""
    match statements:
        case [ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef()]:
            return True
        case [ast.Assign(targets=[ast.Name()]) | ast.AnnAssign(target=ast.Name())]:
            return True
        case _:
            return False


class Names:
    """Meanings of a module's top-level names, through the imports of others.

    package: the one that its relative imports start from.
    """

    def __init__(self, source: _Source, module: str) -> None:
        self._source, self._module = source, module
        self.package = source.packages[module]

    def full(self, name: str) -> str:
        """Full name behind a local one: `vaml.envs.known.KNOWN`, `builtins.print`."""
        here = self._source.module(self._module)
        if name in here.definitions or name not in here.imports:
            known = name in here.definitions or not hasattr(builtins, name)
            return f"{self._module}.{name}" if known else f"builtins.{name}"
        return here.imports[name]

    def split(self, full: str) -> tuple[str, str]:
        """A dotted full name, split into that of a definition and the attributes behind it."""
        modules = self._source.packages
        if not ours(full) or full in modules:
            return full, ""
        if self._source.around(full):  # by its name alone, whatever its module
            return f"{RUNTIME}.{full.rpartition('.')[2]}", ""
        home = _home(full, modules)
        first, _, attributes = full.removeprefix(f"{home}.").partition(".")
        here = self._source.module(home)
        if first in here.imports and first not in here.definitions:
            return self.split(".".join(filter(None, [here.imports[first], attributes])))
        return f"{home}.{first}", attributes

    def defines(self, full: str) -> bool:
        """True if there is a definition of this full name."""
        return bool(self._definitions(full))

    def is_logger(self, full: str) -> bool:
        """True if the name is that of a logger."""
        match self._definitions(full):
            case [ast.Assign(value=ast.Call(func=ast.Attribute(attr="getLogger")))]:
                return True
            case _:
                return full == "logging"

    def is_plain_error(self, full: str) -> bool:
        """True if the name is that of an exception that carries only a message."""
        match self._definitions(full):
            case [ast.ClassDef(bases=[_], body=[ast.Expr() | ast.Pass()])]:
                return True
            case _:
                known = getattr(builtins, full.removeprefix("builtins."), None)
                return isinstance(known, type) and issubclass(known, Exception)

    def _definitions(self, full: str) -> list[ast.stmt]:
        module, _, name = self.split(full)[0].rpartition(".")
        known = module in self._source.packages
        return self._source.module(module).definitions.get(name, []) if known else []

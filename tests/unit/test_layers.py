"""The architecture of CONTRIBUTING.md: who imports whom; rules, programs and tables agree."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaml.pipeline.jobs import FIGURES, FOLDERS, PUBLISHED, RESULTS, TABLES
from vaml.runtime.digest import import_closure

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "vaml"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
RULES = {
    name
    for path in (ROOT / "workflow").rglob("*.smk")
    for name in re.findall(r"^rule ([a-z_]+):", path.read_text(encoding="utf-8"), re.MULTILINE)
}
# Programs for the user, beside those that a rule calls.
COMMANDS = {
    "check_results",
    "clean_stale",
    "export_minari",
    "export_tensorboard",
    "pack",
    "plan",
    "status",
    "unpack",
}

# What the modules of a layer may import from: the table of CONTRIBUTING.md.
MATERIAL = {"study", "envs", "data", "networks"}
ALLOWED = {
    "study": {"study"},
    "envs": MATERIAL,
    "data": MATERIAL,
    "networks": MATERIAL,
    "losses": MATERIAL | {"losses"},
    "algorithms": MATERIAL | {"losses", "algorithms"},
    "analysis": {"study", "analysis"},
    "<step>": {*MATERIAL, "losses", "algorithms", "analysis"},
}


def layer(path: Path) -> str:
    inner = path.relative_to(SOURCE)
    return inner.parts[0] if len(inner.parts) > 1 else "<step>"


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def imported(path: Path) -> Iterator[str]:
    """The modules that a source file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str() as module, level=0):
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.ImportFrom():
                raise AssertionError(f"{path}: a relative import")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_one_way(path: Path) -> None:
    parts = [module.split(".") for module in imported(path)]
    layers = {words[1] for words in parts if words[0] == "vaml" and len(words) > 1}
    assert layers <= ALLOWED[layer(path)]


def test_every_folder_is_a_layer() -> None:
    assert {layer(path) for path in MODULES} == ALLOWED.keys()
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"`vaml.{folder}`" in table for folder in ALLOWED)


@pytest.mark.parametrize("entry", ["study", *sorted(COMMANDS)])
def test_what_snakemake_and_the_user_wait_for_loads_no_torch(entry: str) -> None:
    modules = [f"vaml.{entry}"]
    if entry == "study":
        modules = [f"vaml.study.{path.stem}" for path in (SOURCE / "study").glob("*.py")]
        modules.remove("vaml.study.__init__")
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=_with_source())


def _with_source() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "src")}


def test_a_step_runs_no_other_step() -> None:
    steps = {f"vaml.{step}" for step in RULES - {"all"}}
    assert all(steps.isdisjoint({*import_closure(step)} - {step}) for step in steps)


def test_names_say_what_is_inside() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common", "tools"}
    assert not [
        path for path in MODULES if vague & {*path.relative_to(SOURCE).with_suffix("").parts}
    ]


def test_every_rule_calls_the_program_of_its_name() -> None:
    programs = {path.stem for path in MODULES if layer(path) == "<step>"}
    assert RULES - {"all"} | COMMANDS == programs
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            own = rule.partition(":")[0]
            assert re.findall(r"-m vaml\.([a-z_]+)", rule) == [own]


def test_the_tables_of_jobs_agree() -> None:
    """A stage has a folder; a table reads a file that the stage has; a figure reads tables."""
    assert FOLDERS.keys() <= RULES
    assert RESULTS.keys() <= FOLDERS.keys()
    assert all(file in RESULTS[stage] for stage, file in TABLES.values())
    assert all(table in TABLES for tables in FIGURES.values() for table in tables)
    assert PUBLISHED.keys() <= FIGURES.keys()
    files = {path.stem for path in (ROOT / "paper" / "reference").glob("*.csv")}
    assert all(published in files for names in PUBLISHED.values() for published in names)

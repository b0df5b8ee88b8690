"""The architecture of CONTRIBUTING.md: rules, programs and tables of jobs agree."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vaml.pipeline.figures import AUTHORS, FIGURES
from vaml.pipeline.jobs import FOLDERS, RESULTS, TABLES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "vaml"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
RULES = {
    name
    for path in (ROOT / "workflow").rglob("*.smk")
    for name in re.findall(r"^rule ([a-z_]+):", path.read_text(encoding="utf-8"), re.MULTILINE)
}
# Modules that are neither a program nor in a folder.
GROUND = {"determinism", "divergence", "files", "saving", "seeding"}


def layer(path: Path) -> str:
    inner = path.relative_to(SOURCE)
    if len(inner.parts) > 1:
        return inner.parts[0]
    if inner.stem == "__main__":
        return "<entry>"
    return "<ground>" if inner.stem in GROUND else "<program>"


def test_imports_go_one_way() -> None:
    """The layers stand in pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, env=_with_source(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_layer_is_described() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {layer(path) for path in MODULES} - {"<entry>", "<ground>", "<program>"}
    assert all(f"`vaml.{name}`" in table for name in folders | GROUND)


@pytest.mark.parametrize("folder", ["config", "pipeline", "runtime"])
def test_what_snakemake_waits_for_loads_no_torch(folder: str) -> None:
    names = {path.stem for path in (SOURCE / folder).glob("*.py")}
    modules = [f"vaml.{folder}.{name}" for name in names - {"__init__", "torch_device"}]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=_with_source())


def _with_source() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "src")}


def test_names_say_what_is_inside() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common", "tools"}
    assert not [
        path for path in MODULES if vague & {*path.relative_to(SOURCE).with_suffix("").parts}
    ]


def test_every_rule_calls_the_program_of_its_name() -> None:
    programs = {path.stem for path in MODULES if layer(path) == "<program>"}
    assert RULES - {"all"} == programs
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            own = rule.partition(":")[0]
            assert re.findall(r"-m vaml\.([a-z_]+)", rule) == [own]


def test_the_tables_of_jobs_agree() -> None:
    """A stage has a folder; a table reads a file that the stage has; a figure reads tables."""
    assert FOLDERS.keys() <= RULES
    assert RESULTS.keys() <= FOLDERS.keys()
    assert all(file in RESULTS[stage] for stage, file in TABLES.values())
    assert all(table in TABLES for figure in FIGURES.values() for table in figure.tables)
    assert all(table in AUTHORS for figure in FIGURES.values() for table in figure.authors)
    assert set(AUTHORS) == {path.stem for path in (ROOT / "paper" / "reference").glob("*.csv")}

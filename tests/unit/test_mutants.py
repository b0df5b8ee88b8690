"""tools/mutants.toml, the list of `make mutate`, names files, tests and changes that are there."""

import runpy
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MUTANTS = runpy.run_path(str(ROOT / "tools" / "mutants.py"))["mutants"]
LISTED = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", LISTED["tests"])
def test_every_change_without_effect_can_be_made(file: str) -> None:
    made = {(mutant.function, mutant.change) for mutant in MUTANTS(ROOT / file)}
    listed = {
        (entry["function"], entry["change"])
        for entry in LISTED["equivalent"]
        if entry["file"] == file
    }
    assert made
    assert listed <= made


def test_the_files_and_their_tests_are_there() -> None:
    assert {entry["file"] for entry in LISTED["equivalent"]} <= set(LISTED["tests"])
    for file, tests in LISTED["tests"].items():
        assert (ROOT / file).is_file()
        assert all((ROOT / "tests" / "unit" / f"{name}.py").is_file() for name in tests)

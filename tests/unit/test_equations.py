"""docs/equations.md: its functions and tests exist, and the functions name their equations."""

import importlib
import inspect
import re
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
EQUATIONS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| eq. (")
]


def found(name: str) -> object:
    """The object of a dotted name such as `vaml.data.replay.History`."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[end:], module)
    raise AssertionError(name)


def test_every_equation_has_its_row() -> None:
    assert [row[0] for row in EQUATIONS] == [f"eq. ({i})" for i in range(1, 11)]


@pytest.mark.parametrize("row", [row for row in EQUATIONS if row[2] != "–"], ids=lambda row: row[0])
def test_a_function_says_its_equation_and_has_its_test(row: list[str]) -> None:
    equation, _, function, test, _ = row
    name = function.strip("`")
    assert equation in (inspect.getdoc(found(name)) or "")
    source = (ROOT / "tests" / "unit" / f"{test.strip('`')}.py").read_text(encoding="utf-8")
    assert re.search(rf"\b{name.rpartition('.')[2]}\b", source)


def test_each_place_of_algorithm_1_exists_and_names_its_lines() -> None:
    row = r"^\| ([\d, ]+) \| .* \| `(vaml\.[\w.]+)` \| `(\w+)\.(\w+)` \| .+ \|$"
    rows = re.findall(row, PAGE, re.MULTILINE)
    marked = {"3, 4", "5, 7", "6", "8", "9"}
    for lines, name, file, test in rows:
        source = inspect.getsource(found(name))  # pyright: ignore[reportArgumentType]
        places = re.findall(r"Algorithm 1, lines? ([\d and]+)", source)
        numbers = {number for place in places for number in re.findall(r"\d+", place)}
        assert lines not in marked or numbers.issuperset(lines.split(", ")), (lines, name)
        tests = (ROOT / "tests" / "unit" / f"{file}.py").read_text(encoding="utf-8")
        assert f"def {test}(" in tests, (lines, test)
    assert [lines for lines, *_ in rows] == ["1", "2", "3, 4", "5, 7", "6", "8", "9"]

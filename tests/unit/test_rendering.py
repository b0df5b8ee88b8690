"""Tables for a manuscript: every cell there, nothing that breaks Markdown or LaTeX."""

import csv
import math
import re
from pathlib import Path

import pytest

from vaml.analysis.tables.rendering import Table, write_csv, write_latex, write_markdown

TABLE = Table(
    "Errors of 100 % & more",
    ["Note: σ ≤ 0.5 | x_1."],
    {"name": "Method", "n": "n", "error": "Error (σ)", "interval": "Interval", "why": "Why"},
    [
        {
            "name": "reg_vaml",
            "n": 5,
            "error": 0.0123456,
            "interval": (-0.25, 1234.5),
            "why": r"a & b | c_d $e$ 50% {x} \y ~z^2 <1 #",
        },
        {"name": "mle", "n": 12, "error": 3.2e16, "interval": (None, None), "why": None},
        {"name": "vaml", "n": 0, "error": None, "interval": (math.nan, math.nan), "why": ""},
    ],
)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_csv_keeps_every_digit_and_splits_intervals(tmp_path: Path) -> None:
    write_csv(TABLE, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["name", "n", "error", "interval_low", "interval_high", "why"]
    assert [row["error"] for row in rows] == ["0.0123456", "3.2e+16", ""]
    assert [row["interval_low"] for row in rows] == ["-0.25", "", ""]
    assert rows[0]["why"] == TABLE.rows[0]["why"]


def test_markdown_has_one_cell_per_column(tmp_path: Path) -> None:
    write_markdown(TABLE, tmp_path / "table.md")
    table = [line for line in lines(tmp_path / "table.md") if line.startswith("|")]
    assert len(table) == 2 + len(TABLE.rows)
    for line in table:
        assert len(re.findall(r"(?<!\\)\|", line)) == len(TABLE.headers) + 1
    assert table[1] == "| --- | ---: | ---: | ---: | --- |"
    assert r"| reg\_vaml | 5 | 0.0123 | [−0.250, 1230] |" in table[2]
    assert table[3] == "| mle | 12 | 3.20e16 | – | – |"


def test_latex_has_one_cell_per_column_and_no_bare_special_character(tmp_path: Path) -> None:
    write_latex(TABLE, tmp_path / "table.tex")
    found = lines(tmp_path / "table.tex")
    body = found[found.index(r"    \midrule") + 1 : found.index(r"    \bottomrule")]
    assert len(body) == len(TABLE.rows)
    for line in body:
        assert line.endswith(r" \\")
        assert len(re.findall(r"(?<!\\)&", line)) == len(TABLE.headers) - 1
        assert not re.findall(r"(?<!\\)[%#_]", line)
        assert len(re.findall(r"(?<!\\)\$", line)) % 2 == 0
    assert all(ord(character) < 128 for line in found for character in line)
    assert [line.strip() for line in found].count(r"\toprule") == 1
    assert r"reg\_vaml & 5 & 0.0123 & [$-$0.250, 1230]" in body[0]
    assert r"\caption{Errors of 100 \% \& more." in "".join(found)


def test_latex_columns_fit_what_they_hold(tmp_path: Path) -> None:
    """Numbers to the right; a long text breaks its lines."""
    rows = [{"n": 1, "text": "x" * 60, "short": "y"}]
    table = Table("t", [], {"n": "n", "text": "Text", "short": "Short"}, rows)
    write_latex(table, tmp_path / "table.tex")
    assert r"{@{}rp{0.60\linewidth}l@{}}" in (tmp_path / "table.tex").read_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (-0.0004996, "−5.00e−4"),
        (0.000999, "9.99e−4"),
        (0.0009999, "0.00100"),
        (12.345, "12.3"),
        (-1.5, "−1.50"),
        (999.6, "1000"),
        (99951.0, "1.00e5"),
        (math.inf, "–"),
        (7, "7"),
    ],
)
def test_numbers_have_three_digits(value: float, text: str, tmp_path: Path) -> None:
    table = Table("t", [], {"x": "x"}, [{"x": value}])
    write_markdown(table, tmp_path / "t.md")
    assert f"| {text} |" in lines(tmp_path / "t.md")

"""A table for a manuscript: as CSV, as Markdown, and as LaTeX with booktabs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaml.analysis.numbers import NONE, digits, interval_text
from vaml.files import atomic, finite_or_null, write_rows

_LONG = 40  # characters from which a LaTeX column breaks its lines
_MANY = 8  # columns from which LaTeX sets the table smaller
_MARKDOWN = {"\\": "\\\\", "|": "\\|", "*": "\\*", "_": "\\_", "<": "\\<", "`": "\\`"}
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "–": "--",
    "−": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "½": r"$\frac{1}{2}$",
    "′": "$'$",
    "ρ": r"$\rho$",
    "σ": r"$\sigma$",
    "’": "'",
    "²": "$^2$",
}


@dataclass(frozen=True)
class Table:
    """A table for a manuscript.

    headers: heading by column. rows: by column, a number, text, None, or an interval (pair).
    """

    title: str
    notes: Sequence[str]
    headers: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]


def write_csv(table: Table, path: Path) -> None:
    """Write every digit; an interval becomes two columns, <name>_low and <name>_high."""
    rows = [
        dict(entry for name in table.headers for entry in _plain(name, row[name]))
        for row in table.rows
    ]
    pairs = {name for name in table.headers for row in table.rows if isinstance(row[name], tuple)}
    columns = [
        column
        for name in table.headers
        for column in ([f"{name}_low", f"{name}_high"] if name in pairs else [name])
    ]
    write_rows(path, columns, rows)


def _plain(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, tuple):
        low, high = (finite_or_null(end) for end in value)
        return [(f"{name}_low", low), (f"{name}_high", high)]
    return [(name, finite_or_null(value))]


def write_markdown(table: Table, path: Path) -> None:
    """Write a pipe table under its title, with its notes below."""
    lines = [f"**{_escaped(table.title, _MARKDOWN)}**", ""]
    lines += [_line(map(_markdown, table.headers.values()))]
    lines += [_line("---:" if _numeric(table, name) else "---" for name in table.headers)]
    lines += [_line(_markdown(row[name]) for name in table.headers) for row in table.rows]
    lines += [line for note in table.notes for line in ("", _escaped(note, _MARKDOWN))]
    _write(path, lines)


def write_latex(table: Table, path: Path) -> None:
    """Write a table environment; the notes stand in the caption."""
    caption = " ".join(_escaped(text, _LATEX) for text in (f"{table.title}.", *table.notes))
    wide = len(table.headers) > _MANY
    lines = [
        r"% Needs \usepackage{booktabs}" + ("; wide: set it sideways" if wide else ""),
        r"\begin{table}",
        r"  \centering",
        *([r"  \footnotesize\setlength{\tabcolsep}{3pt}"] if wide else []),
        rf"  \caption{{{caption}}}",
        rf"  \begin{{tabular}}{{@{{}}{''.join(_specification(table))}@{{}}}}",
        r"    \toprule",
        _row(map(_latex, table.headers.values())),
        r"    \midrule",
        *(_row(_latex(row[name]) for name in table.headers) for row in table.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    _write(path, lines)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _row(cells: Any) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _specification(table: Table) -> list[str]:
    """Numbers to the right, text to the left, long text in a column that breaks lines."""
    long = [name for name in table.headers if _longest(table, name) > _LONG]
    share = 0.3 if len(table.headers) > _MANY else 0.6
    width = f"p{{{share / max(1, len(long)):.2f}\\linewidth}}"
    return [
        width if name in long else "r" if _numeric(table, name) else "l" for name in table.headers
    ]


def _longest(table: Table, name: str) -> int:
    return max((len(text(row[name])) for row in table.rows), default=0)


def _numeric(table: Table, name: str) -> bool:
    return not any(isinstance(row[name], str) for row in table.rows)


def _markdown(value: Any) -> str:
    return _escaped(text(value), _MARKDOWN)


def _latex(value: Any) -> str:
    return _escaped(text(value), _LATEX)


def _escaped(text: str, characters: Mapping[str, str]) -> str:
    return "".join(characters.get(character, character) for character in text)


def text(value: Any) -> str:
    """A cell as a reader sees it: three digits of a number, a dash where there is none."""
    if isinstance(value, tuple):
        return interval_text(*map(text, value)) or NONE
    if isinstance(value, float):
        return digits(value) if math.isfinite(value) else NONE
    return NONE if value is None else str(value).replace("\n", " ")


def _write(path: Path, lines: Sequence[str]) -> None:
    with atomic(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")

"""The style of all figures: colours, names, sizes, and the output files."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from vaml.files import atomic, write_rows

matplotlib.use("Agg")

# Ten colours, and darker ones where a study has more methods.
_PALETTE = [
    (shade * red, shade * green, shade * blue)
    for shade in (1.0, 0.55)
    for red, green, blue in sns.color_palette("colorblind")
]
_MARKERS = ["o", "^", "s", "D", "v", "P", "X", "<", ">", "p"]
# No dotted lines, which mark reference levels.
_LINES: list[Any] = ["-", "--", "-.", (0, (5, 1.2, 1, 1.2, 1, 1.2)), (0, (9, 2))]
_HATCHES = ["", "////", "....", "\\\\\\\\", "xxxx", "----", "oo", "++++", "||||", "**"]
# The paper's methods always look the same; others take the remaining looks, in their order.
_FIRST = ("mle", "vaml", "reg_vaml", "sac")
_METHOD_LINES = {"mle": "-", "vaml": "-.", "reg_vaml": "--", "sac": "-"}

_NOTE_SIZE = 7.0
_STYLE: dict[str, Any] = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelsize": 8,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.5,
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same on every machine
    "font.sans-serif": ["DejaVu Sans"],
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,  # TrueType: text in the PDF stays text
    "xtick.labelsize": 7.5,
    "xtick.major.size": 3,
    "xtick.major.width": 0.8,
    "ytick.labelsize": 7.5,
    "ytick.major.size": 3,
    "ytick.major.width": 0.8,
}


class Methods:
    """Names and looks of objectives or agents.

    names: the methods in a figure, in their order. order: all methods of the study, so that each
    looks the same in every figure. labels: the config's names for them; others keep their own.
    """

    def __init__(
        self, names: Iterable[str], order: Iterable[str], labels: Mapping[str, str]
    ) -> None:
        self.names = list(names)
        self._labels = labels
        ranks = {name: rank for rank, name in enumerate(dict.fromkeys([*_FIRST, *order]))}
        index = {name: ranks[name] for name in self.names}
        self.colours = {name: _PALETTE[i % len(_PALETTE)] for name, i in index.items()}
        self.markers = {name: _MARKERS[i % len(_MARKERS)] for name, i in index.items()}
        self.hatches = {name: _HATCHES[i % len(_HATCHES)] for name, i in index.items()}
        self.lines: dict[str, Any] = {
            name: _METHOD_LINES.get(name, _LINES[i % len(_LINES)]) for name, i in index.items()
        }

    def label(self, name: str) -> str:
        """The name in legends."""
        return self._labels.get(name, name)

    def handle(self, name: str, **look: Any) -> Line2D:
        """A legend entry."""
        return Line2D([], [], color=self.colours[name], label=self.label(name), **look)

    @property
    def line_handles(self) -> list[Line2D]:
        """A legend entry per name, as a line."""
        return [self.handle(name, linestyle=self.lines[name]) for name in self.names]


@contextmanager
def style() -> Iterator[None]:
    """Context for drawing and saving, in which the user's matplotlib settings have no effect."""
    with matplotlib.style.context(_STYLE, after_reset=True):
        yield


def panels(
    width: float,
    height: float,
    count: int,
    columns: int,
    same_x: bool = True,
    same_y: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels in rows of at most `columns`.

    width: of the figure, in inches. height: of each row, in inches. same_x, same_y: the panels of
    a row have the same x axis, the same y axis.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(width, rows * height + 0.7), layout="constrained")
    axes = list(
        figure.subplots(
            rows,
            columns,
            squeeze=False,
            sharex="row" if same_x else "none",
            sharey="row" if same_y else "none",
        ).flat
    )
    for spare in axes[count:]:
        spare.remove()
    return figure, axes[:count]


def name_rows(grid: Sequence[Axes], columns: int, places: Sequence[str]) -> None:
    """Write the place of each row of panels to its left; `places` has one entry per panel."""
    for axes, place in list(zip(grid, places, strict=True))[::columns]:
        axes.set_ylabel(place, fontweight="bold")


def finish(figure: Figure, handles: Sequence[Artist], paragraphs: Sequence[str]) -> None:
    """Add the legend above the panels, and the note below: study, n, interval, failures."""
    width, height = figure.get_size_inches()
    labels = [str(handle.get_label()) for handle in handles]
    figure.legend(handles, labels, loc="outside upper center", ncols=_columns(labels, width))
    characters = int(width * 72 / (0.56 * _NOTE_SIZE))
    lines = [line for text in paragraphs for line in textwrap.wrap(text, characters)]
    share = (len(lines) * 1.35 + 0.6) * _NOTE_SIZE / 72 / height
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, share, 1, 1 - share))
    note = figure.text(0.008, 0.4 * _NOTE_SIZE / 72 / height, "\n".join(lines))
    note.set(fontsize=_NOTE_SIZE, linespacing=1.25, va="bottom", color="0.25", gid="note")


def _columns(labels: Sequence[str], width: float) -> int:
    """Number of columns that a legend of this width (inches) has room for, at most 5."""
    size = float(_STYLE["legend.fontsize"])
    # Width of an entry in font sizes: the longest text of its column, its line and the gaps.
    for count in range(min(len(labels), 5), 1, -1):
        columns = [list(map(len, column)) for column in np.array_split(labels, count)]
        wide = sum(max(column) * 0.56 + 4.8 for column in columns)
        if wide * size / 72 < width:
            return count
    return 1


def counted(counts: Iterable[int], noun: str = "") -> str:
    """`1 seed`, `5 seeds`, or `3 to 5 seeds` where the counts differ; without a noun, `3 to 5`."""
    numbers = sorted({int(count) for count in counts}) or [0]
    text = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    return f"{text} {noun}{'' if numbers == [1] else 's'}" if noun else text


def counted_means(rows: pd.DataFrame, noun: str) -> str:
    """Number of the noun behind each mean in the rows of a figure: `3 to 5 seeds`."""
    return counted(rows.loc[rows["kind"] == "mean", "n"], noun)


def failures(noun: str, jobs: pd.DataFrame) -> str:
    """Sentence on the number of diverged jobs and, with one error per job, of others without it."""
    diverged = jobs["status"].to_numpy() == "diverged"
    text = f"{diverged.sum()} of {len(jobs)} {noun}s diverged"
    if "value_aware_error" in jobs:
        finite = np.isfinite(jobs["value_aware_error"].to_numpy(np.float64))
        silent = (~diverged & ~finite).sum()
        text += f"; {silent} more have no finite error" if silent else ""
    return f"{text}."


def thousands(number: float, _position: int | None = None) -> str:
    """Steps on an axis: 50k instead of 50000."""
    return f"{number / 1000:g}k" if abs(number) >= 1000 else f"{number:g}"


THOUSANDS = FuncFormatter(thousands)


def save(figure: Figure, rows: pd.DataFrame, pdf: Path, png: Path, table: Path, dpi: int) -> None:
    """Write PDF, PNG and the CSV behind them; the same figure gives the same bytes."""
    with style():
        _fix_layout(figure)
        with atomic(pdf) as temporary:
            figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
        with atomic(png) as temporary:
            figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None})
    plain = rows.astype(object).where(rows.notna(), None)
    columns = [str(column) for column in rows.columns]
    write_rows(table, columns, [dict(zip(columns, row, strict=True)) for row in plain.to_numpy()])


def _fix_layout(figure: Figure) -> None:
    """Lay the panels out once, to five decimals: the solver's last digits differ between runs."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(side, 5) for side in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))

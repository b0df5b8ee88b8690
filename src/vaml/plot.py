"""Draw one figure from the study's tables: PDF, PNG, and the CSV of what it shows."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from vaml.analysis.figures.draw import draw
from vaml.analysis.figures.drawing import FigureSettings
from vaml.analysis.figures.style import save
from vaml.analysis.tables.aggregates import read_table
from vaml.config.fields import read_flag
from vaml.pipeline.figures import FIGURES
from vaml.runtime.derivation import deriving, require_derived


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure. The same tables give the same bytes."""
    parser = argparse.ArgumentParser(prog="python -m vaml.plot", description=__doc__)
    parser.add_argument("name", choices=FIGURES, help="the figure")
    parser.add_argument("--config", required=True, help="what all figures share: JSON")
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="<table>.csv files")
    parser.add_argument(
        "--published", type=Path, nargs="*", default=[], help="authors' tables, where it shows them"
    )
    for suffix in ("pdf", "png", "csv"):
        parser.add_argument(f"--{suffix}", type=Path, required=True, help="output file")
    arguments = parser.parse_args(argv)
    settings = read_flag(parser, "--config", FigureSettings, arguments.config)
    drawn = FIGURES[arguments.name]
    if {path.stem for path in arguments.tables} != set(drawn.tables):
        parser.error(f"--tables: {arguments.name} is drawn from {', '.join(drawn.tables)}")
    if {path.stem for path in arguments.published} != set(drawn.authors):
        named = ", ".join(drawn.authors or ["none"])
        parser.error(f"--published: the authors' tables that {arguments.name} shows: {named}")
    pdf, png, csv = arguments.pdf, arguments.png, arguments.csv
    with deriving("plot", [*arguments.tables, *arguments.published], [pdf, png, csv]):
        require_derived(*arguments.tables)
        tables = {path.stem: read_table(path) for path in arguments.tables}
        tables |= {f"published_{path.stem}": read_table(path) for path in arguments.published}
        figure, rows = draw(arguments.name, tables, settings)
        save(figure, rows, pdf, png, csv, settings.dpi)


if __name__ == "__main__":
    main()

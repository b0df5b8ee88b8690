"""Draw one figure from the study's tables: PDF, PNG, and the CSV of what it shows."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from vaml.analysis.figures.draw import draw
from vaml.analysis.figures.drawing import FigureSettings
from vaml.analysis.figures.style import save
from vaml.analysis.tables.aggregates import read_table
from vaml.config.fields import first_mistake
from vaml.files import UnreadableFile
from vaml.pipeline.figures import FIGURES
from vaml.runtime.derivation import record, require_derived


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
    try:
        settings = FigureSettings.model_validate_json(arguments.config)
    except ValidationError as error:
        parser.error(f"--config: {first_mistake(error)}")
    drawn = FIGURES[arguments.name]
    if {path.stem for path in arguments.tables} != set(drawn.tables):
        parser.error(f"--tables: {arguments.name} is drawn from {', '.join(drawn.tables)}")
    if {path.stem for path in arguments.published} != set(drawn.authors):
        named = ", ".join(drawn.authors or ["none"])
        parser.error(f"--published: the authors' tables that {arguments.name} shows: {named}")
    try:
        require_derived(*arguments.tables)
        tables = {path.stem: read_table(path) for path in arguments.tables}
        tables |= {f"published_{path.stem}": read_table(path) for path in arguments.published}
        figure, rows = draw(arguments.name, tables, settings)
        pdf, png, csv = arguments.pdf, arguments.png, arguments.csv
        save(figure, rows, pdf, png, csv, settings.dpi)
        record("plot", [*arguments.tables, *arguments.published], [pdf, png, csv])
    except (UnreadableFile, OSError) as error:
        sys.exit(f"plot: {error}")


if __name__ == "__main__":
    main()

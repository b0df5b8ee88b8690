"""Gather the results of all jobs of a stage into one tidy CSV table."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from vaml.analysis.tables.gather import gather
from vaml.files import write_rows
from vaml.pipeline.branches import read_branch
from vaml.pipeline.jobs import TABLES, folder, labels
from vaml.runtime.derivation import deriving


def main(argv: Sequence[str] | None = None) -> None:
    """Gather the table. Every job of the config has its row or rows, diverged jobs included."""
    parser = argparse.ArgumentParser(prog="python -m vaml.tabulate", description=__doc__)
    parser.add_argument("name", choices=TABLES, help="the table")
    parser.add_argument("--config", required=True, help="the stage's branch of the config: JSON")
    parser.add_argument("--results", type=Path, required=True, help="the study's folder")
    parser.add_argument("--table", type=Path, required=True, help="output file")
    arguments = parser.parse_args(argv)
    try:
        study = read_branch(arguments.config)
    except (ValueError, KeyError) as error:
        parser.error(f"--config: {str(error).splitlines()[0]}")
    stage, file = TABLES[arguments.name]
    inputs = [arguments.results / folder(stage, job) / file for job in labels(stage, study)]
    with deriving("tabulate", inputs, [arguments.table]):
        columns, rows = gather(arguments.name, study, arguments.results)
        write_rows(arguments.table, columns, rows)


if __name__ == "__main__":
    main()

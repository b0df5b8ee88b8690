"""Add the finished jobs of a study to the tables of a folder of paper/published.

    python tools/add_to_published.py paper/published/pendulum mbac mbac_returns mbac_fits \\
        mbac_diagnostics --configfile config/pendulum.yaml

A row that is there stays, unless it is of a job that is finished here. Numbers have nine
significant digits, all that single precision has. `--columns env_step value` keeps these of a table
that has many.
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from vaml.analysis.tables.gather import Row, gather
from vaml.commands.flags import add_configfile
from vaml.config.schema import Config, ConfigError
from vaml.files import UnreadableFile, write_rows
from vaml.pipeline.dry_run import DryRunFailed, read_study
from vaml.pipeline.jobs import TABLES, Labels, folder, labels

_DECIMAL = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, help="the folder of the tables")
    parser.add_argument("tables", nargs="+", choices=TABLES, help="which ones")
    parser.add_argument("--columns", nargs="+", help="the columns to keep beside the job's labels")
    add_configfile(parser)
    arguments = parser.parse_args(argv)
    try:
        study = read_study(arguments.configfile)
        results = Path("results") / study.study.name
        found: dict[Path, tuple[list[str], list[Row]]] = {}
        for table in arguments.tables:
            path = arguments.folder / f"{table}.csv"
            jobs = _finished(table, study, results)
            columns, rows = gather(table, study, results, jobs)
            if arguments.columns:
                columns, rows = _only([*jobs[0], "key", *arguments.columns], columns, rows)
            found[path] = columns, add(path, columns, rows, list(jobs[0]))
            print(f"{path}: {len(found[path][1])} rows, those of {len(jobs)} jobs from here")
        for path, (columns, rows) in found.items():
            write_rows(path, columns, rows)
    except (ConfigError, DryRunFailed, UnreadableFile, OSError) as error:
        sys.exit(f"add_to_published: {error}")


def _finished(table: str, study: Config, results: Path) -> Sequence[Labels]:
    """Labels of the table's jobs that have left a file."""
    stage, file = TABLES[table]
    found = [job for job in labels(stage, study) if (results / folder(stage, job) / file).exists()]
    if not found:
        raise UnreadableFile(f"{results}: no job of {stage} is finished")
    return found


def _only(
    names: Sequence[str], columns: Sequence[str], rows: Iterable[Row]
) -> tuple[list[str], list[Row]]:
    """These columns of a table."""
    if unknown := [name for name in names if name not in columns]:
        raise UnreadableFile(f"no column {', '.join(unknown)}; there are {', '.join(columns)}")
    return [*names], [{name: row[name] for name in names} for row in rows]


def add(path: Path, columns: Sequence[str], rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    """Rows of the file, but those of the given rows' jobs, and these, as text and in order.

    names: the columns that name a job. A job comes after those whose labels are named earlier in
    the file; rows of one job keep their order.

    UnreadableFile: the file has other columns.
    """
    new = [{name: _short(entry) for name, entry in row.items()} for row in rows]
    old: list[Row] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            old = list(reader)
            if reader.fieldnames != list(columns):
                raise UnreadableFile(f"{path}: its columns are {reader.fieldnames}, not {columns}")

    def job(row: Row) -> tuple[str, ...]:
        return tuple(row[name] for name in names)

    here = {job(row) for row in new}
    kept = [row for row in old if job(row) not in here]
    ranks = [list(dict.fromkeys(row[name] for row in [*old, *new])) for name in names]
    return sorted(
        [*kept, *new],
        key=lambda row: [rank.index(value) for rank, value in zip(ranks, job(row), strict=True)],
    )


def _short(entry: object) -> str:
    """A field as CSV has it."""
    text = "" if entry is None else str(entry)
    return f"{float(text):.9g}" if _DECIMAL.fullmatch(text) else text


if __name__ == "__main__":
    main()

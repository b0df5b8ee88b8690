"""Write what the training jobs cost in time and memory: as CSV, Markdown and LaTeX."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from vaml.analysis.costs import Entry, costs_table
from vaml.analysis.rendering import write_csv, write_latex, write_markdown
from vaml.study.config import Config
from vaml.study.files import UnreadableFile, read_json
from vaml.study.jobs import FOLDERS, folder, labels


def main(argv: Sequence[str] | None = None) -> None:
    """Of the jobs that the config has, whatever else lies in the folder."""
    parser = argparse.ArgumentParser(prog="python -m vaml.summarise_costs", description=__doc__)
    parser.add_argument("--config", required=True, help="the study's config: JSON")
    parser.add_argument("--results", type=Path, required=True, help="the study's folder")
    for suffix in ("csv", "md", "tex"):
        parser.add_argument(f"--{suffix}", type=Path, required=True, help="output file")
    arguments = parser.parse_args(argv)
    try:
        study = Config.model_validate_json(arguments.config)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        parser.error(f"--config: {'.'.join(map(str, first['loc']))}: {first['msg']}")
    try:
        table = costs_table(list(_entries(study, arguments.results)))
        write_csv(table, arguments.csv)
        write_markdown(table, arguments.md)
        write_latex(table, arguments.tex)
    except KeyError as error:
        sys.exit(f"summarise_costs: a manifest has no {error}")
    except (UnreadableFile, OSError) as error:
        sys.exit(f"summarise_costs: {error}")


def _entries(study: Config, results: Path) -> Iterator[Entry]:
    for stage in FOLDERS:
        for job in labels(stage, study):
            yield stage, job, read_json(results / folder(stage, job) / "manifest.json")


if __name__ == "__main__":
    main()

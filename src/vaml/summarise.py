"""Write one table for a manuscript: as CSV, Markdown and LaTeX."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from vaml.analysis.claims.verdict_tables import claims_table, comparisons_table
from vaml.analysis.tables.aggregates import read_table
from vaml.analysis.tables.experiments import OF_EXPERIMENT
from vaml.analysis.tables.rendering import Table, write_csv, write_latex, write_markdown
from vaml.files import read_json
from vaml.pipeline.summaries import SUMMARIES
from vaml.runtime.derivation import deriving, require_derived

_OF_CLAIMS = {"claims": claims_table, "comparisons": comparisons_table}


def main(argv: Sequence[str] | None = None) -> None:
    """Write the table. The same inputs give the same bytes."""
    parser = argparse.ArgumentParser(prog="python -m vaml.summarise", description=__doc__)
    parser.add_argument("name", choices=SUMMARIES, help="the table")
    parser.add_argument("--config", required=True, help='JSON: {"confidence": 0.95}')
    parser.add_argument("--inputs", type=Path, nargs="+", required=True, help="what it sums up")
    for suffix in ("csv", "md", "tex"):
        parser.add_argument(f"--{suffix}", type=Path, required=True, help="output file")
    arguments = parser.parse_args(argv)
    try:
        confidence = float(json.loads(arguments.config)["confidence"])
    except (ValueError, KeyError, TypeError):
        parser.error(f"--config: got {arguments.config!r}")
    expected = [Path(name).name for name in SUMMARIES[arguments.name]]
    if sorted(path.name for path in arguments.inputs) != sorted(expected):
        parser.error(f"--inputs: {arguments.name} is made from {', '.join(expected)}")
    outputs = [arguments.csv, arguments.md, arguments.tex]
    with deriving("summarise", arguments.inputs, outputs):
        require_derived(*arguments.inputs)
        table = _table(arguments.name, arguments.inputs, confidence)
        write_csv(table, arguments.csv)
        write_markdown(table, arguments.md)
        write_latex(table, arguments.tex)


def _table(name: str, paths: Sequence[Path], confidence: float) -> Table:
    if name in _OF_CLAIMS:
        return _OF_CLAIMS[name](read_json(paths[0])["claims"], confidence)
    return OF_EXPERIMENT[name]({path.stem: read_table(path) for path in paths}, confidence)


if __name__ == "__main__":
    main()

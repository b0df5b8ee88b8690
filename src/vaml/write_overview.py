"""Write a study's page to read first: verdicts, figures, tables, config and costs in one HTML."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from jinja2 import TemplateError

from vaml.analysis.overview import overview_page
from vaml.config.fields import read_flag
from vaml.config.schema import Config
from vaml.files import atomic, read_json
from vaml.runtime.derivation import deriving, require_derived


def main(argv: Sequence[str] | None = None) -> None:
    """Write the page, which needs no other file. The same inputs give the same bytes."""
    parser = argparse.ArgumentParser(prog="python -m vaml.write_overview", description=__doc__)
    parser.add_argument("--config", required=True, help="the whole config: JSON")
    parser.add_argument("--base", required=True, help="the config that it changes: JSON")
    parser.add_argument("--claims", type=Path, required=True, help="claims.json")
    parser.add_argument("--paper", type=Path, required=True, help="paper.json")
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="summaries, CSV")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="<figure>.png files")
    parser.add_argument("--template", type=Path, required=True, help="the page's HTML, Jinja")
    parser.add_argument("--html", type=Path, required=True, help="output file")
    arguments = parser.parse_args(argv)
    study, base = (
        read_flag(parser, "--config or --base", Config, text)
        for text in (arguments.config, arguments.base)
    )
    inputs = [arguments.claims, arguments.paper, *arguments.tables, *arguments.figures]
    with deriving("write_overview", [*inputs, arguments.template], [arguments.html], TemplateError):
        require_derived(*inputs)
        page = overview_page(
            arguments.template.read_text(encoding="utf-8"),
            study,
            base,
            read_json(arguments.claims)["claims"],
            read_json(arguments.paper),
            arguments.tables,
            arguments.figures,
        )
        with atomic(arguments.html) as temporary:
            temporary.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Typeset the manuscript from its source and the study's results."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import typst

from vaml.analysis.manuscript.data import manuscript_data, provenance
from vaml.analysis.tables.aggregates import read_table
from vaml.config.fields import read_flag
from vaml.config.schema import Config
from vaml.files import atomic, read_json, write_json
from vaml.pipeline.jobs import every_job, folder, tables
from vaml.pipeline.summaries import paper_tables
from vaml.runtime.derivation import deriving, require_derived
from vaml.runtime.manifest import read_manifest

MAIN = "main.typ"


def main(argv: Sequence[str] | None = None) -> None:
    """Compile the manuscript. Its bytes depend on source, results and typst alone."""
    parser = argparse.ArgumentParser(prog="python -m vaml.compile_paper", description=__doc__)
    parser.add_argument("--config", required=True, help="the whole config: JSON")
    parser.add_argument("--results", type=Path, required=True, help="the study's folder")
    parser.add_argument("--claims", type=Path, required=True, help="claims.json")
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="<table>.csv files")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="<figure>.pdf files")
    parser.add_argument("--sources", type=Path, nargs="+", required=True, help="files of paper/")
    parser.add_argument(
        "--data", type=Path, required=True, help="output: what the text reads, JSON"
    )
    parser.add_argument("--pdf", type=Path, required=True, help="output file")
    arguments = parser.parse_args(argv)
    study = read_flag(parser, "--config", Config, arguments.config)
    for flag, paths, needed in (
        ("--tables", [path.stem for path in arguments.tables], paper_tables(tables(study))),
        ("--sources", [path.name for path in arguments.sources], [MAIN]),
    ):
        if lacking := set(needed).difference(paths):
            parser.error(f"{flag}: lacks {', '.join(sorted(lacking))}")
    shown = [arguments.claims, *arguments.tables, *arguments.figures]
    outputs = [arguments.pdf, arguments.data]
    with deriving("compile_paper", [*shown, *arguments.sources], outputs):
        require_derived(*shown)
        read = {path.stem: read_table(path) for path in arguments.tables}
        judged = read_json(arguments.claims)
        manifests = [
            read_manifest(arguments.results / folder(*job) / "manifest.json")
            for job in every_job(study)
        ]
        try:
            drawn, made = [path.stem for path in arguments.figures], provenance(manifests)
            write_json(arguments.data, manuscript_data(study, read, judged, drawn, made))
            pdf = typeset(arguments.sources, arguments.figures, arguments.data)
        except KeyError as error:
            sys.exit(f"compile_paper: a table or {arguments.claims} has no {error}")
        except typst.TypstError as error:
            sys.exit(f"compile_paper: {error.diagnostic}")
        with atomic(arguments.pdf) as temporary:
            temporary.write_bytes(pdf)


def typeset(sources: Sequence[Path], figures: Sequence[Path], data: Path) -> bytes:
    """The manuscript as PDF. typst.TypstError: a mistake in the source.

    The compiler runs in a folder of its own and without a date, so that the bytes depend on the
    files alone.
    """
    with tempfile.TemporaryDirectory() as folder:
        compiler = lay_out(Path(folder), sources, figures, data)
        pdf, warnings = compiler.compile_with_warnings(format="pdf", timestamp=0)
    for warning in warnings:
        print(f"compile_paper: {warning.diagnostic}", file=sys.stderr)
    assert isinstance(pdf, bytes)
    return pdf


def lay_out(
    root: Path, sources: Sequence[Path], figures: Sequence[Path], data: Path
) -> typst.Compiler:
    """Make a compiler of main.typ that sees `sources`, data.json and figures/<name> below `root`.

    It uses the fonts that typst includes and no packages, neither from the machine nor from the
    network.
    """
    (root / "figures").mkdir()
    for path in sources:
        shutil.copyfile(path, root / path.name)
    for path in figures:
        shutil.copyfile(path, root / "figures" / path.name)
    shutil.copyfile(data, root / "data.json")
    none = root / "packages"
    return typst.Compiler(
        root / MAIN,
        root=root,
        ignore_system_fonts=True,
        package_path=none,
        package_cache_path=none,
    )


if __name__ == "__main__":
    main()

"""Judge the paper's claims from the study's tables, beside the authors' published numbers."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from vaml.analysis.claims.authors import read_reference
from vaml.analysis.claims.judge import judge
from vaml.analysis.claims.rows import VALUE_COLUMNS, comparison_rows, judgement, value_rows
from vaml.analysis.tables.aggregates import read_table
from vaml.config.claims import load_claims
from vaml.config.fields import read_flag
from vaml.config.schema import ConfigError
from vaml.config.statistics import Statistics
from vaml.files import write_json, write_rows
from vaml.runtime.derivation import deriving, require_derived
from vaml.runtime.digest import code_digest


def main(argv: Sequence[str] | None = None) -> None:
    """Judge the claims. The same tables, claims and settings give the same bytes."""
    parser = argparse.ArgumentParser(prog="python -m vaml.judge_claims", description=__doc__)
    parser.add_argument("--config", required=True, help="the section `statistics`: JSON")
    parser.add_argument("--claims", type=Path, required=True, help="claims.yaml")
    parser.add_argument("--reference", type=Path, nargs="+", required=True, help="authors' tables")
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="<table>.csv files")
    parser.add_argument("--csv", type=Path, required=True, help="output: a row per comparison")
    parser.add_argument("--values", type=Path, required=True, help="output: a row per run")
    parser.add_argument("--json", type=Path, required=True, help="output: all of it, by claim")
    arguments = parser.parse_args(argv)
    statistics = read_flag(parser, "--config", Statistics, arguments.config)
    inputs = [arguments.claims, *arguments.reference, *arguments.tables]
    outputs = [arguments.json, arguments.csv, arguments.values]
    with deriving("judge_claims", inputs, outputs, ConfigError):
        require_derived(*arguments.tables)
        claims = load_claims(arguments.claims)
        tables = {path.stem: read_table(path) for path in arguments.tables}
        findings = judge(claims, tables, read_reference(arguments.reference), statistics)
        rows = comparison_rows(findings)
        write_rows(arguments.csv, list(rows[0]), rows)
        write_rows(arguments.values, VALUE_COLUMNS, value_rows(findings))
        document = judgement(claims, findings, statistics, inputs)
        write_json(arguments.json, {**document, "code": code_digest("vaml.judge_claims")})


if __name__ == "__main__":
    main()

"""Flags that several commands have."""

import argparse

from vaml.runtime.terminal import core_count


def add_configfile(parser: argparse.ArgumentParser) -> None:
    """The flag that names a study, as Snakemake has it."""
    parser.add_argument(
        "--configfile", nargs="+", default=[], help="overlays of config/config.yaml, in order"
    )


def add_cores(parser: argparse.ArgumentParser) -> None:
    """The flag for the number of cores, on which an estimate of the time left depends."""
    parser.add_argument("--cores", type=core_count, default="all", help="number of cores, or all")


def for_snakemake(arguments: argparse.Namespace) -> list[str]:
    """The flag of `add_configfile` as it was given."""
    return ["--configfile", *arguments.configfile] if arguments.configfile else []

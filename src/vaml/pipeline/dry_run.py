"""The jobs that Snakemake would run, asked of Snakemake itself, and the config as it reads it."""

import contextlib
import io
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import vaml
from vaml.config.claims import CLAIMS, load_claims
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged

CONFIG = Path("config/config.yaml")
_LOCKS = Path(".snakemake/locks")


class DryRunFailed(Exception):
    """Snakemake cannot plan: what it says about why, or why it is not asked."""


@dataclass(frozen=True)
class PlannedJob:
    """A job of a dry run: its rule, its wildcards, and Snakemake's reason to run it."""

    rule: str
    labels: Mapping[str, str]
    reason: str
    outputs: tuple[str, ...]


def dry_run(*flags: str) -> list[PlannedJob]:
    """What `snakemake --dry-run` with these flags lists, without the rule that is only a target.

    Runs in the working folder, and in this process: call it once.

    DryRunFailed: for what `snakemake` would stop as well, or for being in the wrong folder.
    """
    _require_project()
    from snakemake.cli import main

    jobs: list[PlannedJob] = []
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        handler = _Handler(jobs.append)
        logging.getLogger("snakemake").addHandler(handler)
        try:
            main(["--dry-run", *flags])
        except SystemExit as end:
            if end.code:
                raise DryRunFailed(output.getvalue().strip()) from None
        finally:
            logging.getLogger("snakemake").removeHandler(handler)
    return jobs


def read_study(overlays: Sequence[str | Path] = ()) -> Config:
    """The study of the working folder's config with these overlays, merged as Snakemake does.

    ConfigError: one line per mistake. DryRunFailed: the wrong folder. OSError: a missing file.
    """
    _require_project()
    return load(merged([CONFIG, *map(Path, overlays)]))


def read_judged_study(overlays: Sequence[str | Path] = ()) -> tuple[Config, list[str]]:
    """The study, and the tables that its claims read. Errors: as of `read_study`."""
    return read_study(overlays), load_claims(CLAIMS).tables


def require_no_snakemake(results: Path, outcome: str) -> None:
    """DryRunFailed: Snakemake works in this folder. outcome: what is therefore not done."""
    if _LOCKS.is_dir() and any(_LOCKS.iterdir()):
        raise DryRunFailed(
            f"{results}: Snakemake is running here, or was killed; when it is not, remove its "
            f"lock by `snakemake --unlock`; {outcome}"
        )


class _Handler(logging.Handler):
    """Hands on each job that Snakemake reports."""

    def __init__(self, found: Callable[[PlannedJob], None]) -> None:
        super().__init__()
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        from snakemake_interface_logger_plugins.common import LogEvent

        if getattr(record, "event", None) is LogEvent.JOB_INFO:
            fields = vars(record)
            if fields["output"]:
                job = PlannedJob(
                    rule=fields["rule_name"],
                    labels={name: str(label) for name, label in fields["wildcards"].items()},
                    reason=fields["reason"],
                    outputs=tuple(fields["output"]),
                )
                self._found(job)


def _require_project() -> None:
    """The workflow that is read here must run the package that explains it."""
    if not Path("workflow/Snakefile").is_file():
        raise DryRunFailed(f"{os.getcwd()}: no workflow/Snakefile; start in the project's folder")
    here, running = Path("src/vaml").resolve(), Path(vaml.__file__).resolve().parent
    if here != running:
        raise DryRunFailed(
            f"this folder's source is {here}, but Python imports {running}: set PYTHONPATH=src"
        )

"""The jobs that Snakemake says it would run, and the config as Snakemake reads it."""

import contextlib
import io
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import vaml
from vaml.config.claims import CLAIMS, load_claims
from vaml.config.schema import Config, ConfigError, load
from vaml.config.yaml_file import merged

CONFIG = Path("config/config.yaml")
_LOCKS, _RECORDS = Path(".snakemake/locks"), Path(".snakemake/metadata")


class DryRunFailed(Exception):
    """Raised if Snakemake cannot plan; the message is Snakemake's, or says why it was not asked."""


@dataclass(frozen=True)
class PlannedJob:
    """A job of a dry run: its rule, its wildcards, and Snakemake's reason to run it."""

    rule: str
    labels: Mapping[str, str]
    reason: str
    outputs: tuple[str, ...]


def dry_run(*flags: str) -> list[PlannedJob]:
    """List the jobs of `snakemake --dry-run` with these flags, without the target rule.

    Runs in the working folder, and in this process: call it once.

    DryRunFailed: `snakemake` would stop as well, or the working folder is the wrong one.
    """
    handler = _Handler()
    said = _snakemake(handler, "--dry-run", *flags)
    if said is not None:
        raise DryRunFailed(said)
    return handler.jobs


def forget_records(files: Sequence[Path], *flags: str) -> None:
    """Have Snakemake forget how it made these files, if it did; instead of `dry_run`.

    flags: those of the config.
    """
    if files and _RECORDS.is_dir():
        said = _snakemake(_Handler(), "--cleanup-metadata", *map(str, files), *flags)
        if said is not None and "metadata was not present" not in said:
            raise DryRunFailed(said)


def _snakemake(handler: logging.Handler, *flags: str) -> str | None:
    """Run Snakemake in this process. Returns what it said if it failed."""
    _require_project()
    from snakemake.cli import main

    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        logging.getLogger("snakemake").addHandler(handler)
        try:
            main([*flags])
        except SystemExit as end:
            return output.getvalue().strip() if end.code else None
        finally:
            logging.getLogger("snakemake").removeHandler(handler)
    return None


def read_study(overlays: Sequence[str | Path] = ()) -> Config:
    """Read the study of the working folder's config with these overlays, merged as Snakemake does.

    ConfigError: one line per mistake, or for a file that is not there. DryRunFailed: the wrong
    folder. OSError: a file that cannot be read.
    """
    _require_project()
    try:
        return load(merged([CONFIG, *map(Path, overlays)]))
    except FileNotFoundError as error:
        raise ConfigError(
            f"--configfile: got {error.filename}, which is not there; allowed: overlays of "
            f"{CONFIG} (a target stands before the flag, or behind --)"
        ) from None


def read_judged_study(overlays: Sequence[str | Path] = ()) -> tuple[Config, list[str]]:
    """The study, and the tables that its claims read. Errors: as of `read_study`."""
    return read_study(overlays), load_claims(CLAIMS).tables


def require_no_snakemake(results: Path, outcome: str) -> None:
    """Raise DryRunFailed if Snakemake works in this folder. outcome: the action that is refused."""
    if _LOCKS.is_dir() and any(_LOCKS.iterdir()):
        raise DryRunFailed(
            f"{results}: Snakemake is running here, or was killed; when it is not, remove its "
            f"lock by `snakemake --unlock`; {outcome}"
        )


class _Handler(logging.Handler):
    """Log handler that keeps each job that Snakemake reports."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[PlannedJob] = []

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
                self.jobs.append(job)


def _require_project() -> None:
    """Check that the workflow in this folder runs this package."""
    if not Path("workflow/Snakefile").is_file():
        raise DryRunFailed(f"{os.getcwd()}: no workflow/Snakefile; start in the project's folder")
    here, running = Path("src/vaml").resolve(), Path(vaml.__file__).resolve().parent
    if here != running:
        raise DryRunFailed(
            f"this folder's source is {here}, but Python imports {running}: set PYTHONPATH=src"
        )

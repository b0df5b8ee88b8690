"""Isolation of jobs from the user's shell: one source folder and one Python."""

import os
import sys
from pathlib import Path


def isolate_jobs(source: Path) -> None:
    """Set this process's environment, which its jobs inherit, and report the ignored variables.

    Jobs then have `source` alone on PYTHONPATH, no user's site-packages, and this Python first on
    PATH. `python -P` in the rules keeps out the folder that a job runs in; PYTHONSAFEPATH does so
    for the Snakemake that runs within a cluster's job.
    """
    ignored = [
        entry
        for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if entry and Path(entry).resolve() != source.resolve()
    ]
    if ignored:
        print(f"vaml: jobs ignore PYTHONPATH's {', '.join(ignored)}", file=sys.stderr)
    os.environ["PYTHONPATH"] = str(source)
    os.environ["PYTHONNOUSERSITE"] = "1"
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

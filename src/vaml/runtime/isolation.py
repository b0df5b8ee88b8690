"""Isolation of jobs from the user's shell: one source folder and one Python."""

import os
import sys
from pathlib import Path


def isolate_jobs(source: Path) -> None:
    """Set this process's environment, which its jobs inherit, and report the ignored variables.

    No other folder of PYTHONPATH than `source`, no user's site-packages, and this Python first. The
    folder that a job runs in is kept out by `python -P` in the rules, and, for the Snakemake that
    runs within a cluster's job, by PYTHONSAFEPATH.
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

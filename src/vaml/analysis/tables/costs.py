"""Costs of a study's training jobs, from the manifests beside their results."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from vaml.analysis.tables.rendering import Table
from vaml.runtime.manifest import Manifest, Volatile

HEADERS = {
    "stage": "Stage",
    "part": "Part",
    "method": "Method",
    "jobs": "Jobs",
    "core_hours": "Core-hours",
    "wall_hours": "Hours",
    "median_seconds": "Median s",
    "longest_seconds": "Longest s",
    "memory_mb": "Memory MB",
    "resumed": "Resumed",
}

Entry = tuple[str, Mapping[str, Any], Manifest]


def costs_table(entries: Sequence[Entry]) -> Table:
    """One row per stage, part (setting or environment) and method, then one for all jobs.

    entries: stage, labels and manifest of each job.
    """
    groups: dict[tuple[str, str | None, str | None], list[Volatile]] = {}
    for stage, labels, manifest in entries:
        part = labels.get("setting", labels.get("environment"))
        method = labels.get("objective", labels.get("agent"))
        groups.setdefault((stage, part, method), []).append(manifest.volatile)
    rows = [
        {"stage": stage, "part": part, "method": method, **_spent(runs)}
        for (stage, part, method), runs in groups.items()
    ]
    every = [run for runs in groups.values() for run in runs]
    rows.append({"stage": "all", "part": None, "method": None, **_spent(every)})
    processors = ", ".join(sorted({run.processor for run in every}))
    notes = [
        f"Processor: {processors}. Core-hours: CPU time, all threads. Hours, seconds: wall time of "
        "the jobs, one after the other.",
        "A resumed job counts with what it did before, up to its last saved state.",
    ]
    return Table("What the study cost", notes, HEADERS, rows)


def _spent(runs: Sequence[Volatile]) -> dict[str, float | int]:
    seconds = [run.wall_seconds for run in runs]
    return {
        "jobs": len(runs),
        "core_hours": sum(run.cpu_seconds for run in runs) / 3600,
        "wall_hours": sum(seconds) / 3600,
        "median_seconds": statistics.median(seconds),
        "longest_seconds": max(seconds),
        "memory_mb": max(run.max_rss_mb for run in runs),
        "resumed": sum(bool(run.resumed_from) for run in runs),
    }

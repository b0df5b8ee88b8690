"""The manuscript's results: every number and verdict, ready to be printed.

paper/*.typ holds the words; this module gives them the study's numbers, as text where they need
rounding, and a dash where there is no number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from vaml.analysis.claims.verdict_tables import claims_of, error_rate
from vaml.analysis.manuscript.claims import claim_entries, predictions, verdict_counts
from vaml.analysis.manuscript.scale import level, sizes
from vaml.analysis.manuscript.sentences import discussion, untested
from vaml.analysis.manuscript.settings import setting_rows
from vaml.analysis.numbers import interval_text, number_text, span
from vaml.config.schema import Config
from vaml.pipeline import jobs
from vaml.runtime.manifest import Manifest

Row = dict[str, Any]
Tables = Mapping[str, pd.DataFrame]

_OTHER_LABELS = {"sac_returns": "SAC"}


def manuscript_data(
    study: Config,
    tables: Tables,
    judged: Mapping[str, Any],
    drawn: Sequence[str],
    made: Mapping[str, Any],
) -> Row:
    """The data that the manuscript's source reads, as JSON values.

    An experiment that the study does not have is left out, with the claims about it alone.

    tables: see `paper_tables`. judged: claims.json. drawn: names of the figures that it may show.
    made: see `provenance`. KeyError: one of these lacks an entry.
    """
    labels = _labels(study)
    asked = claims_of(study, judged["claims"])
    entries, notes = claim_entries(asked, labels)
    claims = [entry for entry in entries if not entry["explains"]]
    explanations = [entry for entry in entries if entry["explains"]]
    parts = {
        "synthetic": _synthetic(tables["summary_synthetic"], study, labels)
        if study.synthetic.settings
        else None,
        "snapshots": _summary("fit_snapshot", tables["summary_snapshots"], study, labels)
        if study.sac.environments
        else None,
        "sac": _sac(tables["sac"]) if study.sac.environments else None,
        "mbac": _summary("train_mbac", tables["summary_mbac"], study, labels)
        if study.mbac.environments
        else None,
    }
    return {
        "study": {"name": study.study.name, "level": level(study)},
        "config": study.model_dump(mode="json"),
        "labels": labels,
        "sizes": [
            {name: entry for name, entry in asdict(size).items() if name != "length"}
            for size in sizes(study)
        ],
        **parts,
        "diverged": sum(part["diverged"] for part in parts.values() if part),
        "figures": list(drawn),
        "claims": claims,
        "explanations": explanations,
        "notes": notes,
        "counts": {side: verdict_counts(claims, side) for side in ("ours", "authors")},
        "statistics": judged["statistics"],
        "claims_digest": judged["inputs"]["claims.yaml"][:12],
        "error_rate": error_rate(asked, judged["statistics"]["confidence"]),
        "predictions": predictions(entries),
        "discussion": discussion(claims),
        "untested": {
            "claims": untested(claims),
            "explanations": untested(explanations),
        },
        "settings": setting_rows(study),
        "provenance": made,
    }


def _labels(study: Config) -> dict[str, str]:
    names = [*study.objectives, *study.agents, *study.mbac.agents]
    return {name: study.figures.names.get(name, name) for name in names} | _OTHER_LABELS


def _synthetic(summary: pd.DataFrame, study: Config, labels: Mapping[str, str]) -> Row:
    """Errors by hidden size; for other columns, the lowest and the highest over hidden sizes."""
    rows, widths = [], study.synthetic.hidden_sizes
    for setting in summary["setting"].unique():
        mine = summary.loc[summary["setting"] == setting]
        for i, name in enumerate(mine["objective"].unique()):
            group = mine.loc[mine["objective"] == name].set_index("hidden_size")
            rows.append(
                {
                    "part": setting,
                    "first": i == 0,
                    "method": labels.get(name, name),
                    "n": span(group["n"]),
                    "diverged": number_text(group["diverged"].sum()),
                    "errors": [number_text(group["mean"].get(size)) for size in widths],
                    "exact": span(group["exact_error"]),
                    "sigma": span(group["sigma_ratio"]),
                    "nll": span(group["nll"]),
                }
            )
        for name in ("true_value_aware_error", "noise_floor"):
            means = mine.groupby("hidden_size", sort=False)[name].mean()
            errors = [number_text(means.get(size)) for size in widths]
            rows.append({"part": setting, "method": None, "of": name, "errors": errors})
    return {**_jobs("fit_synthetic", study, summary), "rows": rows}


def _sac(runs: pd.DataFrame) -> Row:
    return {"jobs": len(runs), "diverged": int(np.sum(runs["status"].to_numpy() == "diverged"))}


def _summary(stage: str, summary: pd.DataFrame, study: Config, labels: Mapping[str, str]) -> Row:
    """The rows of a summary as text; `mean` with its interval where it has one."""
    method = "agent" if "agent" in summary else "objective"
    rows = []
    for entry in summary.to_dict("records"):
        numbers = {
            str(name): number_text(value)
            for name, value in entry.items()
            if not isinstance(value, str)
        }
        names = {
            "part": entry["environment"],
            "first": not rows or rows[-1]["part"] != entry["environment"],
            "method": labels.get(entry[method], entry[method]),
            "interval": interval_text(numbers["interval_low"], numbers["interval_high"]),
        }
        rows.append(numbers | names)
    return {**_jobs(stage, study, summary), "rows": rows}


def _jobs(stage: str, study: Config, summary: pd.DataFrame) -> Row:
    return {
        "jobs": len(list(jobs.labels(stage, study))),
        "diverged": int(np.sum(summary["diverged"].to_numpy())),
    }


def provenance(manifests: Sequence[Manifest]) -> Row:
    """Commits with their number of jobs, and all versions and processors that took part.

    manifests: one per training job.
    """
    commits: dict[tuple[str, bool], int] = {}
    versions: dict[str, set[str]] = {}
    for manifest in manifests:
        source = manifest.volatile.commit or "unknown", bool(manifest.volatile.dirty)
        commits[source] = commits.get(source, 0) + 1
        for package, version in manifest.stable.versions.items():
            versions.setdefault(package, set()).add(version or "not installed")
    return {
        "jobs": len(manifests),
        "commits": [
            {"commit": commit[:12], "dirty": dirty, "jobs": jobs}
            for (commit, dirty), jobs in sorted(commits.items())
        ],
        "versions": {package: sorted(found) for package, found in sorted(versions.items())},
        "processors": sorted({each.volatile.processor for each in manifests}),
        "devices": sorted({each.volatile.device for each in manifests}),
        "core_hours": number_text(sum(each.volatile.cpu_seconds for each in manifests) / 3600),
        "longest_hours": number_text(max(each.volatile.wall_seconds for each in manifests) / 3600),
        "memory_mb": max(each.volatile.max_rss_mb for each in manifests),
    }

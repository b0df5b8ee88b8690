"""Write what the training jobs cost in time and memory: as CSV, Markdown and LaTeX."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vaml.analysis.tables.costs import costs_table
from vaml.analysis.tables.rendering import write_csv, write_latex, write_markdown
from vaml.pipeline.branches import read_branch
from vaml.pipeline.jobs import folder, key, labels, require_result
from vaml.runtime.derivation import deriving

# By branch of the config, which has a stage's name: the stages whose jobs it lists.
_STAGES = {
    "fit_synthetic": ("simulate_dynamics", "fit_synthetic", "measure_synthetic"),
    "fit_snapshot": ("train_sac", "fit_snapshot", "measure_snapshot"),
    "train_mbac": ("train_mbac",),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Write the costs of the config's jobs, whatever else lies in the folder."""
    parser = argparse.ArgumentParser(prog="python -m vaml.summarise_costs", description=__doc__)
    parser.add_argument("--config", required=True, help="JSON: the branch of each kind of fit")
    parser.add_argument("--results", type=Path, required=True, help="the study's folder")
    for suffix in ("csv", "md", "tex"):
        parser.add_argument(f"--{suffix}", type=Path, required=True, help="output file")
    arguments = parser.parse_args(argv)
    branches = json.loads(arguments.config)
    if set(branches) != set(_STAGES):
        parser.error(f"--config: needs {', '.join(_STAGES)}")
    jobs = list(_jobs(branches))
    paths = [arguments.results / folder(stage, job) / "manifest.json" for stage, job, _ in jobs]
    with deriving("summarise_costs", paths, [arguments.csv, arguments.md, arguments.tex]):
        table = costs_table(
            [
                (stage, job, require_result(path, stage, expected_key))
                for (stage, job, expected_key), path in zip(jobs, paths, strict=True)
            ]
        )
        write_csv(table, arguments.csv)
        write_markdown(table, arguments.md)
        write_latex(table, arguments.tex)


def _jobs(branches: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Stage, labels and key of each job."""
    for branch, stages in _STAGES.items():
        study = read_branch(json.dumps(branches[branch]))
        for stage in stages:
            for job in labels(stage, study):
                yield stage, job, key(stage, study, job)


if __name__ == "__main__":
    main()

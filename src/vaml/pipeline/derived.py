"""Files derived from the jobs' results and their state: tables, figures, verdicts, manuscript.

Paths are relative to results/<study>/.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from vaml.config.schema import Config
from vaml.pipeline.figures import FIGURES, figures
from vaml.pipeline.jobs import FOLDERS, TABLES, folder, labels, tables
from vaml.pipeline.summaries import SUMMARIES, overview_tables, paper_tables, summaries

PAPER = "paper.pdf"
OVERVIEW = "overview.html"


def derived(study: Config, judged: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Each job's first file with its inputs, in an order in which they can be made.

    judged: the tables that the claims read.
    """
    manifests = {
        stage: tuple(f"{folder(stage, job)}/manifest.json" for job in labels(stage, study))
        for stage in FOLDERS
    }
    every = tuple(path for paths in manifests.values() for path in paths)
    made, drawn = tables(study), figures(study)
    found = {_table(name): manifests[TABLES[name][0]] for name in made}
    found["tables/costs.csv"] = every
    for name in drawn:
        found[f"figures/{name}.pdf"] = tuple(_table(table) for table in FIGURES[name].tables)
    found["claims.json"] = tuple(_table(name) for name in judged if name in made)
    for name in summaries(made):
        found[_table(f"summary_{name}")] = SUMMARIES[name]
    pictures = [path for path in found if path.startswith("figures/")]
    found[PAPER] = (*every, "claims.json", *map(_table, paper_tables(made)), *pictures)
    found[OVERVIEW] = ("claims.json", PAPER, *map(_table, overview_tables(made)), *pictures)
    return found


def finished(files: Mapping[str, tuple[str, ...]], results: Path) -> set[str]:
    """The files that exist and are no older than any of their inputs."""
    done: set[str] = set()
    times: dict[str, float] = {}

    def time(path: str) -> float:
        if path not in times:
            try:
                times[path] = (results / path).stat().st_mtime
            except OSError:
                times[path] = float("inf")
        return times[path]

    for path, needed in files.items():
        ready = all(each in done for each in needed if each in files)
        if ready and time(path) < float("inf") and all(time(each) <= time(path) for each in needed):
            done.add(path)
    return done


def _table(name: str) -> str:
    return f"tables/{name}.csv"

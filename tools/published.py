"""Redraw what paper/published shows from the CSV files of results there, and nothing else.

python tools/published.py [folder]    # by default paper/published itself
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from vaml.analysis.claims.authors import read_reference
from vaml.analysis.claims.judge import judge
from vaml.analysis.claims.rows import comparison_rows
from vaml.analysis.figures import first_page
from vaml.analysis.figures.draw import draw
from vaml.analysis.figures.drawing import Drawing, FigureSettings
from vaml.analysis.figures.rows import Bands
from vaml.analysis.figures.style import save, style
from vaml.analysis.figures.tails import error_tails
from vaml.analysis.tables.aggregates import read_table
from vaml.analysis.tables.rendering import Table, write_csv, write_markdown
from vaml.analysis.tables.summaries import mbac_table, snapshots_table, synthetic_table
from vaml.config.claims import load_claims
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.files import write_rows
from vaml.pipeline.figures import AUTHORS

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "paper" / "published"
REFERENCE = ROOT / "paper" / "reference"
CONFIG = ROOT / "config" / "config.yaml"
# The experiment that each study was run for; config/<study>.yaml made its tables.
STUDIES = {
    "why": "synthetic",
    "as_run": "synthetic",
    "snapshots": "snapshots",
    "pendulum": "mbac",
    "pusher_v5": "mbac",
}
DPI = 150
# By experiment: its tables, the figures drawn from them, and its summary.
Summary = Callable[[Mapping[str, pd.DataFrame], float], Table]
EXPERIMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Summary]] = {
    "synthetic": (("synthetic",), ("figure_1_seeds", "why_synthetic"), synthetic_table),
    "snapshots": (("snapshots",), ("figure_2_seeds", "why_snapshots"), snapshots_table),
    "mbac": (
        ("mbac", "mbac_returns", "mbac_fits", "mbac_diagnostics"),
        ("figure_3_seeds", "why_mbac"),
        mbac_table,
    ),
}


def redraw(folder: Path) -> None:
    """Write every table, verdict and picture into folder/<study>/."""
    for name, experiment in STUDIES.items():
        study = load(merged([CONFIG, ROOT / "config" / f"{name}.yaml"]))
        _experiment(experiment, study, PUBLISHED / name, folder / name)
    fits = read_table(PUBLISHED / "why" / "synthetic.csv")
    with style():
        _picture("exact_error", folder / "why", first_page.exact_error(fits, Bands(0.95, 4)))
        tails = error_tails(read_table(PUBLISHED / "snapshots" / "tails.csv"))
        _picture("error_tails", folder / "snapshots", tails)
    # The mean of each evaluation's episodes.
    episodes = read_table(PUBLISHED / "pusher_v5" / "mbac_returns.csv")
    text: Any = episodes.groupby(["agent", "seed", "env_step"], as_index=False)["return"].mean()
    settings = read_table(PUBLISHED / "pusher_settings" / "whole_returns.csv")
    settings = settings.loc[settings["agent"].str.endswith("_as_run")]
    settings = settings.assign(agent=settings["agent"].str.removesuffix("_as_run"))
    authors = read_table(REFERENCE / "figure_3.csv")
    with style():
        whole = first_page.pusher(text, settings, authors)
        _picture("pusher", folder / "pusher_settings", whole)


def _experiment(name: str, study: Config, source: Path, folder: Path) -> None:
    """The summary of an experiment's tables, the verdicts on claims about it, and its figures."""
    needed, figures, summary = EXPERIMENTS[name]
    tables = {table: read_table(source / f"{table}.csv") for table in needed}
    confidence = study.statistics.confidence
    table = summary(tables, confidence)
    write_csv(table, folder / f"summary_{name}.csv")
    write_markdown(table, folder / f"summary_{name}.md")
    claims = load_claims(ROOT / "config" / "claims.yaml")
    reference = read_reference([REFERENCE / f"{each}.csv" for each in AUTHORS])
    findings = judge(claims, tables, reference, study.statistics)
    rows = comparison_rows([each for each in findings if each.question.comparison.table in tables])
    if name == "mbac":  # of claims about both environments, what this study has
        rows = [r for r in rows if any(e.startswith(r["part"]) for e in study.mbac.environments)]
    write_rows(folder / "claims.csv", list(rows[0]), rows)
    objectives = study.synthetic.objectives if name == "synthetic" else study.snapshots.objectives
    method = "agent" if name == "mbac" else "objective"
    shown = study.mbac.agents if name == "mbac" else objectives
    tables = {each: rows.loc[rows[method].isin(shown)] for each, rows in tables.items()}
    tables |= {f"published_{each}": rows for each, rows in reference.files.items()}
    settings = FigureSettings(
        **study.figures.model_dump(),
        study=study.study.name,
        objectives=objectives,
        agents=study.mbac.agents,
        confidence=confidence,
        minimum_seeds=study.statistics.minimum_seeds,
    )
    for figure in figures:
        _picture(figure, folder, draw(figure, tables, settings))


def _picture(name: str, folder: Path, drawing: Drawing) -> None:
    """The picture as PNG, and exactly what it shows as CSV."""
    figure, rows = drawing
    with tempfile.TemporaryDirectory() as spare:
        save(
            figure, rows, Path(spare) / "a.pdf", folder / f"{name}.png", folder / f"{name}.csv", DPI
        )


if __name__ == "__main__":
    redraw(Path(*sys.argv[1:2]) if sys.argv[1:] else PUBLISHED)

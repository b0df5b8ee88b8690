"""Redraw what paper/published shows from the CSV files of results there, and nothing else.

python tools/published.py [folder]    # by default paper/published itself
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from vaml.analysis import first_page
from vaml.analysis.aggregates import read_table
from vaml.analysis.authors import FILES, read_reference
from vaml.analysis.claim_rows import comparison_rows
from vaml.analysis.claims import judge
from vaml.analysis.drawing import Drawing, FigureSettings
from vaml.analysis.figures import draw
from vaml.analysis.figures_style import save, style
from vaml.analysis.published import read_published
from vaml.analysis.rendering import Table, write_csv, write_markdown
from vaml.analysis.seed_rows import Bands
from vaml.analysis.summaries import snapshots_table, synthetic_table
from vaml.analysis.tail_figure import error_tails
from vaml.config.claims import load_claims
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.files import write_rows

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "paper" / "published"
REFERENCE = ROOT / "paper" / "reference"
CONFIG = ROOT / "config" / "config.yaml"
# Studies of experiment A: the overlay of config/config.yaml that made their synthetic.csv.
STUDIES = {"why": "why.yaml", "as_run": "as_run.yaml"}
DPI = 150
AUTHORS = ("figure_1", "figure_2")
FIGURES = {
    "synthetic": ("figure_1_seeds", "why_synthetic"),
    "snapshots": ("figure_2_seeds", "why_snapshots"),
}


def redraw(folder: Path) -> None:
    """Write every table, verdict and picture into folder/<study>/."""
    for name, overlay in STUDIES.items():
        study = load(merged([CONFIG, ROOT / "config" / overlay]))
        fits = read_table(PUBLISHED / name / "synthetic.csv")
        objectives = study.synthetic.objectives
        _experiment("synthetic", fits, objectives, study, synthetic_table, folder / name)
    fits = read_table(PUBLISHED / "why" / "synthetic.csv")
    with style():
        _picture("exact_error", folder / "why", first_page.exact_error(fits, Bands(0.95, 4)))
    study, fits = load(merged([CONFIG])), read_table(PUBLISHED / "snapshots" / "snapshots.csv")
    objectives = study.snapshots.objectives
    _experiment("snapshots", fits, objectives, study, snapshots_table, folder / "snapshots")
    with style():
        tails = error_tails(read_table(PUBLISHED / "snapshots" / "tails.csv"))
        _picture("error_tails", folder / "snapshots", tails)
    parts = {"whole": "whole_returns.csv", "short": "returns.csv"}
    runs = [read_table(PUBLISHED / "pusher" / file).assign(run=run) for run, file in parts.items()]
    authors = read_published(REFERENCE / "figure_3.csv")
    with style():
        whole = first_page.pusher(pd.concat(runs, ignore_index=True), authors)
        _picture("pusher", folder / "pusher", whole)


def _experiment(
    name: str,
    fits: pd.DataFrame,
    objectives: list[str],
    study: Config,
    summary: Callable[[Mapping[str, pd.DataFrame], float], Table],
    folder: Path,
) -> None:
    """The summary of a table of fits, the verdicts on claims about it, and its figures."""
    confidence = study.statistics.confidence
    table = summary({name: fits}, confidence)
    write_csv(table, folder / f"summary_{name}.csv")
    write_markdown(table, folder / f"summary_{name}.md")
    claims = load_claims(ROOT / "config" / "claims.yaml")
    reference = read_reference([REFERENCE / f"{name}.csv" for name in FILES])
    findings = judge(claims, {name: fits}, reference, study.statistics)
    rows = comparison_rows([each for each in findings if each.question.comparison.table == name])
    write_rows(folder / "claims.csv", list(rows[0]), rows)
    tables = {name: fits.loc[fits["objective"].isin(objectives)]}
    for theirs in AUTHORS:
        tables[f"published_{theirs}"] = read_published(REFERENCE / f"{theirs}.csv")
    settings = FigureSettings(
        **study.figures.model_dump(),
        study=study.study.name,
        objectives=objectives,
        agents=study.mbac.agents,
        confidence=confidence,
        minimum_seeds=study.statistics.minimum_seeds,
    )
    for figure in FIGURES[name]:
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

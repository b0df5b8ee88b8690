"""Redraw what paper/published shows from the CSV files of results there, and nothing else.

python tools/published.py [folder]    # by default paper/published itself
"""

import sys
import tempfile
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
from vaml.analysis.rendering import write_csv, write_markdown
from vaml.analysis.summaries import synthetic_table
from vaml.study.claims import load_claims
from vaml.study.config import Config, load
from vaml.study.files import write_rows
from vaml.study.yaml_file import merged

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "paper" / "published"
REFERENCE = ROOT / "paper" / "reference"
# Studies of experiment A: the overlay of config/config.yaml that made their synthetic.csv.
STUDIES = {"why": "why.yaml", "as_run": "as_run.yaml"}
DPI = 150
FIGURES = ("figure_1_seeds", "why_synthetic")


def redraw(folder: Path) -> None:
    """Write every table, verdict and picture into folder/<study>/."""
    for name, overlay in STUDIES.items():
        study = load(merged([ROOT / "config" / "config.yaml", ROOT / "config" / overlay]))
        _experiment_a(read_table(PUBLISHED / name / "synthetic.csv"), study, folder / name)
    fits = read_table(PUBLISHED / "why" / "synthetic.csv")
    with style():
        _picture("exact_error", folder / "why", first_page.exact_error(fits, 0.95))
    parts = {"whole": "whole_returns.csv", "short": "returns.csv"}
    runs = [read_table(PUBLISHED / "pusher" / file).assign(run=run) for run, file in parts.items()]
    authors = read_published(REFERENCE / "figure_3.csv")
    with style():
        whole = first_page.pusher(pd.concat(runs, ignore_index=True), authors)
        _picture("pusher", folder / "pusher", whole)


def _experiment_a(fits: pd.DataFrame, study: Config, folder: Path) -> None:
    confidence = study.statistics.confidence
    summary = synthetic_table({"synthetic": fits}, confidence)
    write_csv(summary, folder / "summary_synthetic.csv")
    write_markdown(summary, folder / "summary_synthetic.md")
    claims = load_claims(ROOT / "config" / "claims.yaml")
    reference = read_reference([REFERENCE / f"{name}.csv" for name in FILES])
    findings = judge(claims, {"synthetic": fits}, reference, study.statistics)
    rows = comparison_rows(
        [each for each in findings if each.question.comparison.table == "synthetic"]
    )
    write_rows(folder / "claims.csv", list(rows[0]), rows)
    known = fits.loc[fits["objective"].isin(study.synthetic.objectives)]
    tables = {
        "synthetic": known,
        "published_figure_1": read_published(REFERENCE / "figure_1.csv"),
    }
    settings = FigureSettings(
        **study.figures.model_dump(),
        study=study.study.name,
        objectives=study.synthetic.objectives,
        agents=study.mbac.agents,
        confidence=confidence,
    )
    for name in FIGURES:
        _picture(name, folder, draw(name, tables, settings))


def _picture(name: str, folder: Path, drawing: Drawing) -> None:
    """The picture as PNG, and exactly what it shows as CSV."""
    figure, rows = drawing
    with tempfile.TemporaryDirectory() as spare:
        save(
            figure, rows, Path(spare) / "a.pdf", folder / f"{name}.png", folder / f"{name}.csv", 150
        )


if __name__ == "__main__":
    redraw(Path(*sys.argv[1:2]) if sys.argv[1:] else PUBLISHED)

"""Redraw what paper/published shows from the CSV files of results there, and nothing else.

python tools/published.py [folder]    # by default paper/published itself
"""

import csv
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from vaml.analysis.claims.authors import read_reference
from vaml.analysis.claims.judge import Finding, judge
from vaml.analysis.claims.rows import (
    VALUE_COLUMNS,
    comparison_rows,
    judgement,
    value_rows,
)
from vaml.analysis.claims.verdict_tables import claims_table
from vaml.analysis.figures import first_page
from vaml.analysis.figures.components import components
from vaml.analysis.figures.draw import draw
from vaml.analysis.figures.drawing import Drawing, FigureSettings
from vaml.analysis.figures.rows import Bands
from vaml.analysis.figures.style import save, style
from vaml.analysis.manuscript.data import manuscript_data
from vaml.analysis.tables.aggregates import average_returns, read_table
from vaml.analysis.tables.experiments import OF_EXPERIMENT
from vaml.analysis.tables.rendering import write_csv, write_markdown
from vaml.compile_paper import typeset
from vaml.config.claims import load_claims
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.files import atomic, write_json, write_rows
from vaml.pipeline.figures import AUTHORS, FIGURES, figures, shared_settings
from vaml.pipeline.jobs import TABLES, labels

ROOT = Path(__file__).parents[1]
PAPER = ROOT / "paper"
PUBLISHED = PAPER / "published"
REFERENCES = [PAPER / "reference" / f"{each}.csv" for each in AUTHORS]
CLAIMS = ROOT / "config" / "claims.yaml"
# Studies of one experiment other than the manuscript's, each with its tables, the first of which
# has the experiment's name, and its figures. Their jobs are those of config/<study>.yaml; a study
# within another puts its overlay behind that one's. Its rows are in its own tables, if it has any,
# else in those of OTHERS or of the study around it.
_OF_AGENTS = ("mbac", "mbac_returns", "mbac_fits", "mbac_diagnostics")
_RUNS_OF_SAC = ("snapshots", "four_runs")  # the first of each environment, and the others
STUDIES = {
    "as_run": (("synthetic",), ("figure_1_seeds", "why_synthetic")),
    "four_runs": (("snapshots",), ("figure_2_seeds", "error_tails")),
    "four_runs/along": (("snapshots",), ("figure_2_seeds",)),
    "four_runs/course": (("snapshots",), ()),
    "four_runs/middle": (("snapshots", "snapshots_costs"), ()),
    "four_runs/narrow": (("snapshots",), ()),
    "four_runs/patient": (("snapshots",), ()),
    "four_runs/wide": (("snapshots",), ()),
    "pendulum/targets": (_OF_AGENTS, ("where_mbac",)),
    "pusher/mean": (_OF_AGENTS, ("where_mbac",)),
    "pusher/samples": (_OF_AGENTS, ("where_mbac",)),
    "pusher_v5": (_OF_AGENTS, ("figure_3_seeds", "why_mbac")),
    "snapshots/every": (("snapshots",), ("figure_2_seeds",)),
    "snapshots/whole": (("snapshots",), ("figure_2_seeds",)),
    "vaml_alone": (_OF_AGENTS, ("where_mbac",)),
    "why/equal_terms": (("synthetic",), ("why_synthetic",)),
    "why/moving": (("synthetic",), ()),
    "why/small_models": (("synthetic",), ()),
    "why/still_small_models": (("synthetic",), ()),
}
_OF_C = ("pendulum", "pusher")
OTHERS = {"snapshots/every": _RUNS_OF_SAC, "snapshots/whole": _RUNS_OF_SAC, "vaml_alone": _OF_C}
# The tables of the manuscript's study, `reduced`, each with the studies that hold its rows.
MANUSCRIPT = {
    "synthetic": ("why",),
    **dict.fromkeys(("snapshots", "sac", "sac_returns"), _RUNS_OF_SAC),
    **dict.fromkeys(_OF_AGENTS, _OF_C),
}
DPI = 125
DIGITS = 12  # of a number behind a picture


def redraw(folder: Path, spare: Path) -> None:
    """Write every table, verdict and picture into folder/<study>/.

    spare: a folder for files that nobody keeps.
    """
    for name in STUDIES:
        _experiment(name, folder / name, spare)
    _manuscript(folder / "reduced", spare)
    studies = {
        "paper": "equal_terms",
        "moving": "moving",
        "small": "small_models",
        "still_small": "still_small_models",
    }
    on_exact_targets = {
        dynamics: read_table(PUBLISHED / "why" / study / "synthetic.csv")
        for dynamics, study in studies.items()
    }
    fits, bands = read_table(PUBLISHED / "why" / "synthetic.csv"), Bands(0.95, 4)
    with style():
        picture = first_page.exact_error(fits, on_exact_targets["paper"], bands)
        _picture("exact_error", folder / "why", picture, spare)
        picture = first_page.equal_terms(on_exact_targets, bands)
        _picture("equal_terms", folder / "why" / "equal_terms", picture, spare)
    episodes = read_table(PUBLISHED / "pusher" / "mbac_returns.csv")
    means = average_returns(episodes, ["agent", "seed", "env_step"])
    runs = means.rename(columns={"average_return": "return"})
    earlier = read_table(PUBLISHED / "pusher_settings" / "whole_returns.csv")
    authors = read_table(PAPER / "reference" / "figure_3.csv")
    felt = read_table(PUBLISHED / "four_runs" / "components.csv")
    common = felt["step"].isin(_config("four_runs", "four_runs/course").snapshots.steps)
    with style():
        _picture("pusher", folder / "pusher", first_page.pusher(runs, earlier, authors), spare)
        picture = components(felt.loc[common], bands)
        _picture("components_felt", folder / "four_runs", picture, spare)


def _config(*overlays: str) -> Config:
    names = ("config", *overlays)
    return load(merged([ROOT / "config" / f"{name}.yaml" for name in names]))


def _experiment(name: str, folder: Path, spare: Path) -> None:
    """The summary, verdicts and figures of a study of one experiment."""
    needed, drawn = STUDIES[name]
    outer = name.partition("/")[0]
    study, experiment = _config(*dict.fromkeys((outer, name))), needed[0]
    own = (PUBLISHED / name / f"{experiment}.csv").exists()
    parts = OTHERS.get(name, [name if own else outer])
    tables = {table: _selected(table, study, parts) for table in needed}
    _summary(experiment, tables, study, folder)
    findings = [f for f in _judged(tables, study) if f.question.comparison.table in tables]
    has = _parts_and_methods(experiment, study)[0]
    rows = [
        row
        for row in comparison_rows(findings)
        if any(part.startswith(row["part"]) for part in has)
    ]
    if (elsewhere := outer if own else parts[0]) != name:
        # That study is judged elsewhere, on more: this one adds what its further methods have, or
        # judges again what it has run again.
        known = {*_parts_and_methods(experiment, _config(elsewhere))[1], None}
        rows = [row for row in rows if row["n"]]
        rows = [row for row in rows if {row["method"], row["baseline"]} - known] or rows
    write_rows(folder / "claims.csv", list(rows[0]), rows)
    for figure in drawn:
        _picture(figure, folder, _drawing(figure, tables, study), spare)


def _parts_and_methods(experiment: str, study: Config) -> tuple[Sequence[str], Sequence[str]]:
    """The experiment's settings or environments, and its objectives or agents."""
    return {
        "synthetic": (study.synthetic.settings, study.synthetic.objectives),
        "snapshots": (study.sac.environments, study.snapshots.objectives),
        "mbac": (study.mbac.environments, study.mbac.agents),
    }[experiment]


def _manuscript(folder: Path, spare: Path) -> None:
    """The whole study as far as it is published: every verdict, its figures, the manuscript."""
    study = _config("why", "reduced")
    tables = {name: _selected(name, study, parts) for name, parts in MANUSCRIPT.items()}
    summaries = {name: _summary(name, tables, study, folder) for name in OF_EXPERIMENT}
    findings = _judged(tables, study)
    rows = comparison_rows(findings)
    write_rows(folder / "claims.csv", list(rows[0]), rows)
    write_rows(folder / "claims_values.csv", VALUE_COLUMNS, value_rows(findings))
    judged = judgement(load_claims(CLAIMS), findings, study.statistics, [CLAIMS])
    table = claims_table(judged["claims"], study.statistics.confidence)
    write_markdown(table, folder / "summary_claims.md")
    read = {f"summary_{name}": table for name, table in summaries.items()} | {"sac": tables["sac"]}
    drawn = [name for name in figures(study) if tables.keys() >= set(FIGURES[name].tables)]
    pictures = [_picture(name, folder, _drawing(name, tables, study), spare) for name in drawn]
    data = folder / "paper.json"
    write_json(data, manuscript_data(study, read, judged, drawn, _provenance()))
    sources = [PAPER / name for name in ("main.typ", "style.typ", "references.bib")]
    (folder / "paper.pdf").write_bytes(typeset(sources, pictures, data))


def _selected(table: str, study: Config, parts: Iterable[str]) -> pd.DataFrame:
    """The rows of the study's jobs, in its order, from these folders.

    SystemExit: a job has none.
    """
    found = [read_table(PUBLISHED / part / f"{table}.csv") for part in parts]
    stage, file = TABLES[table]
    jobs = pd.DataFrame(labels(stage, study))
    rows = jobs.merge(pd.concat(found), on=[*jobs.columns])
    if file.endswith(".json") and len(rows) != len(jobs):  # a curve has any number of points
        sys.exit(f"{table}: {len(rows)} rows of {len(jobs)} jobs")
    return rows


def _judged(tables: Mapping[str, pd.DataFrame], study: Config) -> list[Finding]:
    return judge(load_claims(CLAIMS), tables, read_reference(REFERENCES), study.statistics)


def _summary(
    experiment: str, tables: Mapping[str, pd.DataFrame], study: Config, folder: Path
) -> pd.DataFrame:
    """The table that sums an experiment up, as it reads it back."""
    table = OF_EXPERIMENT[experiment](tables, study.statistics.confidence)
    write_csv(table, folder / f"summary_{experiment}.csv")
    write_markdown(table, folder / f"summary_{experiment}.md")
    return read_table(folder / f"summary_{experiment}.csv")


def _provenance() -> dict[str, Any]:
    """What made the manuscript's tables, from parts.csv, in the form that the manuscript reads."""
    with (PUBLISHED / "reduced" / "parts.csv").open(newline="", encoding="utf-8") as file:
        parts = list(csv.DictReader(file))
    jobs = Counter[str]()
    for part in parts:
        jobs[part["commit"]] += int(part["jobs"])

    def every(column: str) -> list[str]:
        return sorted({part[column] for part in parts} - {""})

    return {
        "jobs": jobs.total(),
        "commits": [{"commit": name, "dirty": False, "jobs": n} for name, n in jobs.items()],
        "versions": {name: every(name) for name in ("python", "torch", "mujoco", "numpy")},
        "processors": every("processor"),
        "devices": every("device"),
        "core_hours": None,
    }


def _drawing(figure: str, tables: Mapping[str, pd.DataFrame], study: Config) -> Drawing:
    """A figure of the objectives and agents of a study."""
    shown = {name: tables[name] for name in FIGURES[figure].tables}
    for name in FIGURES[figure].authors:
        shown[f"published_{name}"] = read_table(PAPER / "reference" / f"{name}.csv")
    return draw(figure, shown, FigureSettings.model_validate(shared_settings(study)))


def _picture(name: str, folder: Path, drawing: Drawing, pdfs: Path) -> Path:
    """The picture as PNG, and what it shows as CSV; as PDF for a manuscript, in `pdfs`.

    The PNG has 256 colours, with which a figure looks the same and takes a third of the bytes.
    """
    figure, rows = drawing
    rows = rows.map(
        lambda entry: float(f"{entry:.{DIGITS}g}") if isinstance(entry, float) else entry
    )
    pdf, png = pdfs / f"{name}.pdf", folder / f"{name}.png"
    save(figure, rows, pdf, png, folder / f"{name}.csv", DPI)
    with Image.open(png) as picture:
        few_colours = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    with atomic(png) as temporary:
        few_colours.save(temporary, format="png", optimize=True)
    return pdf


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as spare:
        redraw(Path(*sys.argv[1:2]) if sys.argv[1:] else PUBLISHED, Path(spare))

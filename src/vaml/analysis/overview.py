"""The page of a study that one reads first: verdicts, figures, config, costs and tables."""

import base64
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from vaml.analysis.claims.verdict_tables import claims_of
from vaml.analysis.numbers import interval_text
from vaml.analysis.tables.rendering import text
from vaml.config.schema import Config
from vaml.pipeline.causes import changes
from vaml.pipeline.figures import FIGURES

# Number of comparisons shown beside a claim's verdict; the others stand in the table.
_SHOWN = 4


def overview_page(
    template: str,
    study: Config,
    base: Config,
    claims: Sequence[Mapping[str, Any]],
    paper: Mapping[str, Any],
    tables: Sequence[Path],
    figures: Sequence[Path],
) -> str:
    """HTML page that includes its pictures and needs no other file.

    base: the config that this one changes. claims: the list in claims.json. paper: paper.json.
    tables: CSV files, whose names the page's tables carry. figures: PNG files.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["text"] = text
    made = {path.stem: _table(path) for path in tables}
    pictures = {path.stem: base64.b64encode(path.read_bytes()).decode() for path in figures}
    found = changes(base.model_dump(mode="json"), study.model_dump(mode="json"))
    return environment.from_string(template).render(
        study=study,
        paper=paper,
        claims=[_claim(claim, paper["labels"]) for claim in claims_of(study, claims)],
        tables=made,
        figures=pictures,
        catalogue=FIGURES,
        changes=[change for change in found if not change.startswith("study.name:")],
    )


def _claim(claim: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """A row of the verdict table; numbers of the paper's measure where it has one."""
    measured = [entry for entry in claim["comparisons"] if entry["effect"] is not None]
    paper = [entry for entry in measured if entry["variant"] == "paper"] or measured
    verdicts = claim["verdicts"]
    return {
        "name": claim["claim"],
        "statement": claim["statement"],
        "explains": ", ".join(claim["explains"]),
        "ours": verdicts.get("paper", {}).get("ours"),
        "corrected": verdicts.get("corrected", {}).get("ours"),
        "authors": verdicts.get("paper", {}).get("authors"),
        "expected": claim["prediction"]["paper"],
        "effects": [_effect(entry, labels) for entry in paper[:_SHOWN]],
        "more": max(0, len(paper) - _SHOWN),
        "reasons": list(dict.fromkeys(entry["reason"] for entry in claim["comparisons"])),
    }


def _effect(entry: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """`realizable, VAML vs MLE: mean of log error −0.071 [−0.081, −0.061], n = 5`."""
    names = [labels.get(entry[side], entry[side]) for side in ("method", "baseline") if entry[side]]
    interval = interval_text(text(entry["low"]), text(entry["high"]))
    between = f" {interval}" if interval else ""
    where = f"{entry['part']}, {' vs '.join(names)}"
    return f"{where}: {entry['measured']} {text(entry['effect'])}{between}, n = {entry['n']}"


def _table(path: Path) -> dict[str, Any]:
    """A CSV file's columns and rows, numbers as numbers."""
    with path.open(newline="", encoding="utf-8") as file:
        columns, *rows = csv.reader(file)
    return {
        "columns": [name.replace("_", " ") for name in columns],
        "rows": [[_cell(text) for text in row] for row in rows],
    }


def _cell(text: str) -> str | float | None:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text or None

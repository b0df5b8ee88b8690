"""docs/columns.md explains every column of the result tables, and no other one."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from finished_jobs import leave, small_study
from judged_tables import CLAIMS

from vaml.algorithms.diagnostics import DIAGNOSTIC_COLUMNS
from vaml.algorithms.evaluation import EVALUATION_COLUMNS
from vaml.algorithms.learned_model import FIT_COLUMNS
from vaml.algorithms.offline_fit import CURVE_COLUMNS
from vaml.algorithms.scalars import SCALAR_COLUMNS
from vaml.analysis.claims.judge import Finding, Question
from vaml.analysis.claims.rows import VALUE_COLUMNS, comparison_rows
from vaml.analysis.claims.verdicts import Judgement
from vaml.analysis.tables.gather import gather
from vaml.config.claims import Comparison
from vaml.pipeline import jobs

PAGE = (Path(__file__).parents[2] / "docs" / "columns.md").read_text(encoding="utf-8")
POINTS = {
    "curve.csv": CURVE_COLUMNS,
    "evaluations.csv": EVALUATION_COLUMNS,
    "training.csv": SCALAR_COLUMNS,
    "fits.csv": FIT_COLUMNS,
    "diagnostics.csv": DIAGNOSTIC_COLUMNS,
}
VERDICTS = ("claims.csv", "claims_values.csv")
PREFIXES = {"synthetic": ("best_", "true_"), "snapshots": ("best_",), "claims.csv": ("authors_",)}

Blocks = list[tuple[list[str], list[str]]]


def blocks() -> Blocks:
    """For each table of the page, the result tables named above it, and its columns."""
    found: Blocks = []
    table = r"(.*?)^\| column [^\n]*\n\|[-|]+\|\n((?:\|[^\n]*\n)+)"
    for above, rows in re.findall(table, PAGE, re.MULTILINE | re.DOTALL):
        names = [name for name in re.findall(r"`([^`\n]+)`", above) if name in tables()]
        cells = [re.match(r"\| (.+?) \| (.+) \| (\S.*) \|$", row) for row in rows.splitlines()]
        assert all(cells), rows
        columns = [name for cell in cells if cell for name in re.findall(r"`([^`]+)`", cell[1])]
        found.append((list(dict.fromkeys(names)), columns))
    return found


def tables() -> tuple[str, ...]:
    return (*jobs.TABLES, *VERDICTS)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The columns that the code writes, by table."""
    study, results = small_study(), tmp_path_factory.mktemp("results")
    for stage in jobs.RESULTS:
        for job in jobs.labels(stage, study):
            leave(results, study, stage, job)
    columns: dict[str, list[str]] = {}
    for table, (stage, file) in jobs.TABLES.items():
        identity = [*next(iter(jobs.labels(stage, study))), "key"]
        columns[table] = (
            gather(table, study, results)[0]
            if file.endswith(".json")
            else [*identity, *POINTS[file]]
        )
    claim_id, claim = next(iter(CLAIMS.claims.items()))
    question = Question(claim_id, claim, 0, claim.comparisons[0], *_first(claim.comparisons[0]))
    finding = Finding(question, None, Judgement(), None, Judgement(), "")
    columns["claims.csv"] = list(comparison_rows([finding])[0])
    columns["claims_values.csv"] = [*VALUE_COLUMNS]
    return columns


def _first(comparison: Comparison) -> tuple[str, str]:
    return next(iter(comparison.parts)), comparison.methods[0]


def test_every_column_is_explained_once(written: dict[str, list[str]]) -> None:
    explained: dict[str, list[str]] = defaultdict(list)
    for names, columns in blocks():
        for name in names:
            explained[name] += columns
    for table, columns in written.items():
        assert len(explained[table]) == len(set(explained[table])), table
        known = set(explained[table])
        known |= {f"{prefix}{name}" for prefix in PREFIXES.get(table, ()) for name in known}
        assert not [name for name in columns if name not in known], table


def test_every_explained_column_is_written(written: dict[str, list[str]]) -> None:
    found = blocks()
    assert all(names for names, _ in found)
    for names, columns in found:
        here = {column for name in names for column in written[name]}
        assert not [column for column in columns if column not in here], names

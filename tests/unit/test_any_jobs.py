"""Every figure and summary is made of any set of finished jobs, and says what is missing."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest
from example_tables import SETTINGS, published, tables
from judged_tables import find, judged, study

from vaml.analysis.claims.judge import overall
from vaml.analysis.figures.draw import draw
from vaml.analysis.figures.panels import NOTHING
from vaml.analysis.figures.style import style
from vaml.analysis.tables.experiments import mbac_table, snapshots_table, synthetic_table
from vaml.pipeline.figures import FIGURES

Tables = dict[str, pd.DataFrame]
JOBS = ("synthetic", "snapshots", "sac", "mbac")
LABELS = {"setting", "hidden_size", "seed", "objective", "agent", "environment", "step"}


def all_diverged(found: Mapping[str, pd.DataFrame]) -> Tables:
    """Every job diverged at once: no number of any, and no point of a curve."""
    changed = {}
    for name, table in found.items():
        if name in JOBS:
            numbers = [column for column in table if column not in LABELS]
            changed[name] = table.assign(**dict.fromkeys(numbers, np.nan)).assign(status="diverged")
        else:
            changed[name] = table.iloc[:0]
    return changed


def only(column: str, position: int) -> Callable[[Mapping[str, pd.DataFrame]], Tables]:
    """The jobs with one value of a column, the first or the last."""

    def change(found: Mapping[str, pd.DataFrame]) -> Tables:
        return {
            name: table.loc[table[column] == table[column].unique()[position]]
            if column in table
            else table
            for name, table in found.items()
        }

    return change


def model_free(found: Mapping[str, pd.DataFrame]) -> Tables:
    """SAC is the study's only agent: no fits and no diagnostics."""
    changed = dict(found)
    for name in ("mbac", "mbac_returns"):
        table = found[name]
        changed[name] = table.loc[table["agent"] == table["agent"].unique()[0]].assign(agent="sac")
    for name in {"mbac_fits", "mbac_diagnostics"} & changed.keys():
        changed[name] = found[name].iloc[:0]
    return changed


CASES = {
    "all diverged": all_diverged,
    "one objective": only("objective", 0),
    "one agent": only("agent", -1),
    "one environment": only("environment", 0),
    "one seed": only("seed", 0),
    "SAC alone": model_free,
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_figure_is_drawn(case: str) -> None:
    changed = CASES[case](tables()) | published()
    for name in FIGURES:
        needed = {key: changed[key] for key in changed}
        with style():
            figure, rows = draw(name, needed, SETTINGS)
            figure.draw_without_rendering()
        if case == "all diverged" and "kind" in rows:
            assert not {"seed", "mean"} & set(rows["kind"]), name
            words = [text.get_text() for axes in figure.axes for text in axes.texts]
            assert all(len(axes.texts) <= 1 for axes in figure.axes), name
            assert NOTHING in words or "authors" in set(rows["kind"]), name


@pytest.mark.parametrize("case", ["all diverged", "SAC alone"])
def test_every_summary_is_made(case: str) -> None:
    changed = CASES[case](study())
    for make in (synthetic_table, snapshots_table, mbac_table):
        rows = make(changed, 0.95).rows
        assert rows
        if case == "all diverged":
            assert {row["n"] for row in rows} == {0}
            assert all(row["diverged"] > 0 for row in rows)


def test_where_every_run_diverged_no_claim_is_judged_by_its_numbers() -> None:
    findings = judged(all_diverged(study()))
    for claim in ("C1", "C4", "C7", "C9b"):
        assert overall(findings, claim, "paper")[0] == "not tested"
        assert find(findings, claim, index=0, part=PART[claim]).ours.reason


PART = {"C1": "realizable", "C4": "Hopper", "C7": "Pusher", "C9b": "Pusher"}

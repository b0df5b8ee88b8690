"""config/claims.yaml: read strictly, wrong in one line, and in step with the workflow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from judged_tables import CLAIMS, ROOT

from vaml.config.claims import LAYOUTS, Table, load_claims
from vaml.config.schema import ConfigError, load
from vaml.pipeline import jobs

FILE = ROOT / "config" / "claims.yaml"
STUDY = load(yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8")))


def test_the_workflow_has_every_table_that_a_claim_reads() -> None:
    assert set(CLAIMS.tables) <= set(jobs.TABLES)
    # A curve needs the table of its runs: one that diverged at once has no point.
    curves = {table for table in CLAIMS.tables if "mbac_" in table}
    assert curves == {"mbac_returns", "mbac_fits", "mbac_diagnostics"}
    assert "mbac" in CLAIMS.tables


def test_a_table_that_claims_read_has_the_labels_of_its_jobs() -> None:
    assert set(LAYOUTS) == set(get_args(Table))
    for table, layout in LAYOUTS.items():
        stage, file = jobs.TABLES[table]
        job = next(jobs.labels(stage, STUDY))
        of_run = {layout.part, layout.method, "seed"}
        one_row_per_job = file.endswith(".json")
        assert set(job) == of_run | ({layout.cell} if one_row_per_job and layout.cell else set())
        assert (layout.runs is None) == one_row_per_job
        assert layout.runs is None or jobs.TABLES[layout.runs][0] == stage


def test_every_claim_plans_for_at_least_four_seeds() -> None:
    for claim in CLAIMS.claims.values():
        for comparison in claim.comparisons:
            assert min(comparison.parts.values()) >= 4


def test_a_corrected_metric_stands_beside_the_papers() -> None:
    for claim in CLAIMS.claims.values():
        variants = [comparison.variant for comparison in claim.comparisons]
        assert "paper" in variants


Change = Callable[[dict[str, Any]], object]


def first(data: dict[str, Any]) -> dict[str, Any]:
    return data["claims"]["C1"]["comparisons"][0]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda data: first(data).update(direction="lowr"), "comparisons.0.direction: got 'lowr'"),
        (lambda data: first(data).update(table="synthetics"), "comparisons.0.table"),
        (lambda data: first(data).update(table="sac"), "comparisons.0.table"),
        (lambda data: first(data).pop("metric"), "comparisons.0.metric"),
        (lambda data: first(data).update(metrics="nll"), "comparisons.0.metrics"),
        (lambda data: first(data).update(metric="a; b"), "comparisons.0.metric"),
        (lambda data: first(data).update(smallest_difference=-1.0), "smallest_difference: got -1"),
        (lambda data: first(data).update(parts={}), "comparisons.0.parts"),
        (lambda data: first(data).update(parts={"realizable": 0}), "parts.realizable: got 0"),
        (lambda data: first(data).update(pairing="none"), "pairing none has no baseline"),
        (lambda data: first(data).pop("baseline"), "the others have one"),
        (lambda data: data["claims"]["W1"].update(explains=["C99"]), "W1 explains C99"),
        (lambda data: data["claims"]["W1"].update(explains=["W2"]), "W1 explains W2"),
        (lambda data: first(data).update(summary="diverged"), "needs pairing unpaired"),
        (lambda data: first(data).update(summary="rank_correlation"), "needs scale linear"),
        (lambda data: first(data).update(snapshots=19), "snapshots needs a table of snapshots"),
        (lambda data: first(data).update(direction="not_lower"), "largest_difference needs"),
        (
            lambda data: first(data).update(
                direction="equivalent", smallest_difference=0.0, largest_difference=None
            ),
            "needs a smallest_difference above 0",
        ),
        (lambda data: data["claims"]["C1"].update(needs="most"), "C1.needs: got 'most'"),
        (lambda data: data["claims"]["C1"].update(comparisons=[]), "C1.comparisons"),
        (lambda data: data.update(claims={}), "claims: got {}"),
        (lambda data: data.update(claim={}), "claim"),
    ],
)
def test_a_mistake_is_one_line_with_its_key(change: Change, complaint: str, tmp_path: Path) -> None:
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    change(data)
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_claims(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "claims: [", "claims: {}\nclaims: {}", "- 1", "claims: !!x 1"]
)
def test_what_is_no_map_of_claims_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_claims(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)

"""The tables for a manuscript say what the study's tables and claims.json say."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from derived_files import vouch
from judged_tables import CLAIMS, judged, study

from vaml.analysis.claims.rows import claims_document
from vaml.analysis.claims.verdict_tables import error_rate
from vaml.analysis.tables.experiments import mbac_table
from vaml.files import write_json
from vaml.pipeline.summaries import SUMMARIES
from vaml.summarise import main


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    (folder / "tables").mkdir()
    tables = study()
    diverged = tables["synthetic"]
    mine = (diverged["seed"] == 1) & (diverged["objective"] == "vaml")
    diverged.loc[mine, "status"] = "diverged"
    diverged.loc[mine, "value_aware_error"] = np.nan
    for name, table in tables.items():
        table.to_csv(folder / "tables" / f"{name}.csv", index=False)
        vouch(folder / "tables" / f"{name}.csv")
    document = claims_document(CLAIMS, judged(tables))
    write_json(folder / "claims.json", {"claims": document})
    vouch(folder / "claims.json")
    return folder


def run(name: str, results: Path, out: Path) -> list[dict[str, str]]:
    inputs = [str(results / each) for each in SUMMARIES[name]]
    outputs = [
        part for kind in ("csv", "md", "tex") for part in (f"--{kind}", str(out / f"{name}.{kind}"))
    ]
    main([name, "--config", '{"confidence":0.95}', "--inputs", *inputs, *outputs])
    with (out / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", SUMMARIES)
def test_each_is_written_in_three_forms_with_the_same_rows(
    name: str, results: Path, tmp_path: Path
) -> None:
    rows = run(name, results, tmp_path)
    markdown = (tmp_path / f"{name}.md").read_text(encoding="utf-8").splitlines()
    latex = (tmp_path / f"{name}.tex").read_text(encoding="utf-8").splitlines()
    assert len([line for line in markdown if line.startswith("|")]) == len(rows) + 2
    assert len([line for line in latex if line.endswith(r" \\")]) == len(rows) + 1


def test_one_row_per_claim_and_per_comparison(results: Path, tmp_path: Path) -> None:
    claims = run("claims", results, tmp_path)
    assert [row["claim"] for row in claims] == list(CLAIMS.claims)
    by_claim = {row["claim"]: row for row in claims}
    assert (by_claim["C7"]["verdict"], by_claim["C7"]["n"]) == ("supported", "5")
    assert (by_claim["C11"]["verdict"], by_claim["C11"]["n"]) == ("not tested", "")
    assert by_claim["C1"]["corrected"] == "contradicted"
    comparisons = run("comparisons", results, tmp_path)
    reasons = {row["verdict"] for row in comparisons if row["claim"] == "C11"}
    assert reasons == {
        "not tested: the table mbac has no agent vaml in Pusher",
        "not tested: the table mbac has no agent vaml in InvertedPendulum",
    }


def test_the_rate_of_wrong_verdicts_is_that_of_the_list() -> None:
    def claim(*verdicts: str) -> dict[str, Any]:
        names = ("paper", "corrected")
        return {"verdicts": {n: {"ours": v} for n, v in zip(names, verdicts, strict=False)}}

    claims = [claim("supported", "contradicted"), claim("not tested", "equivalent")]
    claims += [claim("inconclusive")] * 17
    assert "wrong in at most 5% of all studies" in error_rate(claims, 0.95)
    assert "of its 20 verdicts, 1 must be expected" in error_rate(claims, 0.95)
    assert "at most 10% of" in error_rate(claims, 0.9)
    assert "of its 20 verdicts, 2 must" in error_rate(claims, 0.9)


def test_artificial_environment(results: Path, tmp_path: Path) -> None:
    rows = run("synthetic", results, tmp_path)
    assert len(rows) == 2 * 2 * 3
    fits = study()["synthetic"]
    for row in rows:
        mine = fits.loc[
            (fits["setting"] == row["setting"])
            & (fits["hidden_size"] == int(row["hidden_size"]))
            & (fits["objective"] == row["objective"])
        ]
        failed = row["objective"] == "vaml"
        errors = mine.loc[~((mine["seed"] == 1) & failed), "value_aware_error"]
        assert (int(row["n"]), int(row["diverged"])) == ((4, 1) if failed else (5, 0))
        assert float(row["mean"]) == pytest.approx(errors.mean())
        assert float(row["sd"]) == pytest.approx(errors.std(ddof=1))
        assert float(row["interval_low"]) < errors.mean() < float(row["interval_high"])
        assert float(row["exact_error"]) == pytest.approx(mine["exact_error"].mean())
        assert float(row["noise_floor"]) == pytest.approx(0.0285)
        assert float(row["skill"]) == pytest.approx(0.75 if failed else 0.5)


def test_snapshots_take_the_run_as_the_unit(results: Path, tmp_path: Path) -> None:
    rows = run("snapshots", results, tmp_path)
    assert [row["n"] for row in rows] == ["5"] * 6
    assert [row["fits"] for row in rows] == ["20"] * 6
    fits = study()["snapshots"]
    mine = fits.loc[(fits["environment"] == "Hopper-v4") & (fits["objective"] == "mle")]
    medians = mine.groupby("seed")["value_aware_error"].median()
    first = next(
        row for row in rows if (row["environment"], row["objective"]) == ("Hopper-v4", "mle")
    )
    assert float(first["mean"]) == pytest.approx(medians.mean())
    assert float(first["highest"]) == pytest.approx(mine["value_aware_error"].max())


def test_a_diverged_run_of_an_agent_has_no_final_return() -> None:
    tables = study()
    runs = tables["mbac"]
    mine = (runs["environment"] == "Pusher-v4") & (runs["agent"] == "mle")
    failed = mine & (runs["seed"] == 1)
    runs.loc[failed, "status"] = "diverged"
    runs.loc[failed, "final_return"] = -1e6
    returns, fits = (tables[name] for name in ("mbac_returns", "mbac_fits"))
    for rows, column in ((returns, "return"), (fits, "nll")):
        of_run = (rows["environment"] == "Pusher-v4") & (rows["agent"] == "mle")
        rows.loc[of_run & (rows["seed"] == 1), column] = 1e6
    rows = mbac_table(tables, 0.95).rows
    found = next(row for row in rows if row["environment"] == "Pusher-v4")
    others = runs.loc[mine & ~failed, "final_return"]
    assert (found["agent"], found["n"], found["diverged"]) == ("mle", len(others), 1)
    assert found["mean"] == pytest.approx(others.mean())
    assert abs(found["mean_return"]) < 1000
    assert abs(found["nll"]) < 1000


def test_agents(results: Path, tmp_path: Path) -> None:
    rows = run("mbac", results, tmp_path)
    assert [(row["environment"], row["agent"]) for row in rows] == [
        (environment, agent)
        for environment in ("InvertedPendulum-v4", "Pusher-v4")
        for agent in ("mle", "reg_vaml")
    ]
    assert float(rows[3]["mean"]) == pytest.approx(80, abs=0.1)
    # Two episodes per evaluation, 10 apart.
    assert float(rows[3]["mean_return"]) == pytest.approx(85, abs=0.1)
    assert float(rows[3]["nll"]) == pytest.approx(46, abs=1)


@pytest.mark.parametrize("config", ["{}", "[]", "x"])
def test_a_bad_config_is_refused(config: str, results: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["claims", "--config", config, "--inputs", "claims.json", "--csv", "a"])


def test_other_inputs_are_refused(results: Path, tmp_path: Path) -> None:
    wrong = results / "tables" / "mbac.csv"
    outputs = [
        part for kind in ("csv", "md", "tex") for part in (f"--{kind}", str(tmp_path / kind))
    ]
    with pytest.raises(SystemExit, match="2"):
        main(["claims", "--config", '{"confidence":0.9}', "--inputs", str(wrong), *outputs])
    assert list(tmp_path.iterdir()) == []

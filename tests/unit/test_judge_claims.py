"""The step judge_claims: what it writes from a study's tables, and what it refuses."""

import csv
import hashlib
from pathlib import Path

import pytest
from derived_files import vouch
from judged_tables import CLAIMS, ROOT, STATISTICS, study

from vaml.files import read_json
from vaml.judge_claims import main

OUTPUTS = {"csv": "claims.csv", "values": "claims_values.csv", "json": "claims.json"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("tables")
    paths = []
    for name, table in study().items():
        paths.append(folder / f"{name}.csv")
        table.to_csv(paths[-1], index=False)
        vouch(paths[-1])
    return paths


def run(tables: list[Path], folder: Path, **changes: str) -> dict[str, Path]:
    reference = sorted((ROOT / "paper" / "reference").glob("*.csv"))
    flags = {
        "config": [changes.get("config", STATISTICS.model_dump_json())],
        "claims": [changes.get("claims", str(ROOT / "config" / "claims.yaml"))],
        "reference": map(str, reference),
        "tables": map(str, tables),
        **{flag: [str(folder / name)] for flag, name in OUTPUTS.items()},
    }
    main([part for flag, values in flags.items() for part in (f"--{flag}", *values)])
    return {flag: folder / name for flag, name in OUTPUTS.items()}


@pytest.fixture(scope="module")
def judged(tables: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return run(tables, tmp_path_factory.mktemp("judged"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_row_per_comparison_part_and_method(judged: dict[str, Path]) -> None:
    expected = [
        (name, comparison.variant, part, method)
        for name, claim in CLAIMS.claims.items()
        for comparison in claim.comparisons
        for part in comparison.parts
        for method in comparison.methods
    ]
    keys = ("claim", "variant", "part", "method")
    assert [tuple(row[key] for key in keys) for row in rows(judged["csv"])] == expected


def test_the_values_of_the_runs_give_the_effect(judged: dict[str, Path]) -> None:
    values = rows(judged["values"])
    keys = ("claim", "variant", "comparison", "part", "method")
    for row in rows(judged["csv"]):
        mine = [each for each in values if all(each[key] == row[key] for key in keys)]
        means = {}
        for sample in ("method", "difference", "baseline"):
            numbers = [float(each["value"]) for each in mine if each["sample"] == sample]
            means[sample] = sum(numbers) / len(numbers) if numbers else 0.0
        if row["n"]:
            effect = means["method"] + means["difference"] - means["baseline"]
            assert float(row["effect"]) == pytest.approx(effect, abs=1e-9)
            assert {each["seed"] for each in mine} == {"0", "1", "2", "3", "4"}
        else:
            assert not mine
            assert row["verdict"] == "not tested"
            assert row["reason"]


def test_json_holds_the_same_numbers_by_claim(judged: dict[str, Path]) -> None:
    document = read_json(judged["json"])
    assert [claim["claim"] for claim in document["claims"]] == list(CLAIMS.claims)
    table = iter(rows(judged["csv"]))
    for claim in document["claims"]:
        assert claim["statement"] == CLAIMS.claims[claim["claim"]].statement
        for entry in claim["comparisons"]:
            row = next(table)
            assert row["claim"] == claim["claim"]
            assert row["effect"] == ("" if entry["effect"] is None else repr(entry["effect"]))
            assert row["verdict"] == entry["verdict"]
            assert row["claim_verdict"] == claim["verdicts"][entry["variant"]]["ours"]
            assert row["authors_claim_verdict"] == claim["verdicts"][entry["variant"]]["authors"]
            assert len(entry["values"]) == sum(entry[n] or 0 for n in ("n", "n_baseline"))
    assert next(table, None) is None


def test_json_says_what_it_was_made_from(judged: dict[str, Path], tables: list[Path]) -> None:
    document = read_json(judged["json"])
    text = (ROOT / "config" / "claims.yaml").read_bytes()
    assert document["inputs"]["claims.yaml"] == hashlib.sha256(text).hexdigest()
    assert {path.name for path in tables} < set(document["inputs"])
    assert document["statistics"] == STATISTICS.model_dump(mode="json")


def test_the_same_inputs_give_the_same_bytes(
    judged: dict[str, Path], tables: list[Path], tmp_path: Path
) -> None:
    for flag, path in run(tables, tmp_path).items():
        assert path.read_bytes() == judged[flag].read_bytes()


def test_one_changed_result_changes_the_judgement(
    judged: dict[str, Path], tables: list[Path], tmp_path: Path
) -> None:
    changed = []
    for path in tables:
        changed.append(tmp_path / path.name)
        lines = path.read_text().splitlines()
        if path.stem == "mbac_fits":
            head = lines[0].split(",")
            first = lines[1].split(",")
            first[head.index("nll")] = "55.5"
            lines[1] = ",".join(first)
        changed[-1].write_text("\n".join(lines) + "\n")
    vouch(*changed)
    after = rows(run(changed, tmp_path)["csv"])
    names = [
        row["claim"] for row, old in zip(after, rows(judged["csv"]), strict=True) if row != old
    ]
    assert set(names) == {"C8"}


@pytest.mark.parametrize("change", [{"claims": "nowhere.yaml"}, {"config": '{"confidence": 2}'}])
def test_bad_input_is_refused_in_one_line(
    change: dict[str, str], tables: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(tables, tmp_path, **change)
    message = str(stopped.value.code)
    message = capsys.readouterr().err.splitlines()[-1] if message == "2" else message
    assert next(iter(change)) in message or change[next(iter(change))] in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_table_is_named(tables: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "snapshots.csv"
    broken.write_text("environment,seed\nHopper-v4\n")
    vouch(broken)
    others = [path for path in tables if path.stem != "snapshots"]
    with pytest.raises(SystemExit, match=r"judge_claims: .*snapshots\.csv"):
        run([*others, broken], tmp_path / "out")

"""Tables: every job of the config once, and only files that this config and code made."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from vaml.analysis.tables import gather, read_table
from vaml.study import config, jobs
from vaml.study.config import Config
from vaml.study.files import UnreadableFile, sha256, write_json, write_rows

ROOT = Path(__file__).parents[2]
METRICS = {"value_aware_error": 0.1, "eq9_error": 0.2, "nll": 14.25, "sigma_l1": 9.5, "mean_l1": 0.5}
DISTANCES = {"mean_l1_error": 0.25, "sigma_l1_error": 0.75}
FLOOR = {"action_sampling_floor": 0.0625}
DIVERGED = {"status": "diverged", "diverged": {"where": "training loss", "step": 7}}


def small_study(**overrides: object) -> Config:
    text = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    merged = yaml.safe_load(text)
    merged["synthetic"] |= {"hidden_sizes": [64, 32], "objectives": ["vaml", "mle"], "seeds": [1, 0]}
    merged["synthetic"] |= overrides
    merged["snapshots"] |= {"steps": [14000, 24000], "objectives": ["mle", "vaml"]}
    return config.load(merged)


def fit(distances: dict[str, float], scale: float = 1.0) -> dict:
    metrics = {name: scale * number for name, number in (METRICS | distances).items()}
    return {
        "status": "ok",
        "diverged": None,
        "epochs": 12,
        "gradient_steps": 3756,
        "best_epoch": 9,
        "last": metrics,
        "best": {name: number / 2 for name, number in metrics.items()},
    }


def run(value: float) -> dict:
    return {
        "status": "ok",
        "diverged": None,
        "env_steps": 100,
        "gradient_steps": 80,
        "final_return": value,
        "final_temperature": 0.3,
    }


def outcome(stage: str, job: dict) -> dict:
    if stage == "fit_synthetic":
        realizable = job["setting"] == "realizable"
        distances = DISTANCES | ({"parameter_l2": 3.5} if realizable else {})
        return fit(distances, job["hidden_size"]) | {"truth": METRICS}
    if stage == "fit_snapshot":
        return fit(FLOOR, job["step"])
    return run(job["seed"]) | ({"fits": 3} if stage == "train_mbac" else {})


def points(file: str, job: dict) -> tuple[list[str], list[dict]]:
    columns = {
        "curve.csv": ["epoch", "gradient_steps", "train_loss", "validation_loss"],
        "evaluations.csv": ["env_step", "episode", "return"],
        "fits.csv": ["env_step", "epochs", "value_aware_error", "nll"],
    }[file]
    numbers = [[i, i, 0.1 + job["seed"] + i, 1e-17 if i else None] for i in range(3)]
    return columns, [dict(zip(columns, line, strict=False)) for line in numbers]


def leave(results: Path, study: Config, stage: str, job: dict, result: dict | None = None) -> Path:
    """What a finished job leaves in its folder."""
    home = results / jobs.folder(stage, job)
    key = jobs.key(stage, study, job)
    for file in jobs.RESULTS[stage]:
        if file == "outcome.json":
            write_json(home / file, {"key": key, **(result or outcome(stage, job))})
        else:
            write_rows(home / file, *points(file, job))
    outputs = {Path(file).stem: sha256(home / file) for file in jobs.RESULTS[stage]}
    write_json(home / "manifest.json", {"stable": {"key": key, "outputs": outputs}, "volatile": {}})
    return home


@pytest.fixture(scope="module")
def study() -> Config:
    return small_study()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, study: Config) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    for stage in jobs.RESULTS:
        for job in jobs.labels(stage, study):
            leave(folder, study, stage, job)
    return folder


@pytest.fixture
def results(tmp_path: Path, finished: Path) -> Path:
    """A copy for each test: copying is faster than writing each file safely."""
    return shutil.copytree(finished, tmp_path / "results")


@pytest.mark.parametrize("table", jobs.TABLES)
def test_every_job_of_the_config_is_there_once_and_in_its_order(
    table: str, study: Config, results: Path
) -> None:
    stage, file = jobs.TABLES[table]
    columns, rows = gather(table, study, results)
    expected = list(jobs.labels(stage, study))
    names = list(expected[0])
    per_job = 1 if file == "outcome.json" else 3
    assert [{name: row[name] for name in names} for row in rows[::per_job]] == expected
    assert len(rows) == per_job * len(expected)
    assert columns[: len(names) + 1] == [*names, "key"]
    assert all(list(row) == columns for row in rows)
    for row in rows:
        assert row["key"] == jobs.key(stage, study, row)


def test_an_outcome_becomes_one_flat_row(study: Config, results: Path) -> None:
    _, rows = gather("synthetic", study, results)
    by_job = {
        (row["setting"], row["hidden_size"], row["objective"], row["seed"]): row for row in rows
    }
    row = by_job["realizable", 32, "mle", 1]
    assert row["value_aware_error"] == 32 * 0.1
    assert row["best_value_aware_error"] == 16 * 0.1
    assert row["true_value_aware_error"] == 0.1
    assert (row["epochs"], row["gradient_steps"], row["best_epoch"]) == (12, 3756, 9)
    assert (row["status"], row["diverged_where"], row["diverged_step"]) == ("ok", None, None)
    assert row["parameter_l2"] == 32 * 3.5
    assert by_job["unrealizable", 32, "mle", 1]["parameter_l2"] is None


def test_a_diverged_job_keeps_its_row_and_its_columns(study: Config, results: Path) -> None:
    job = {"environment": "Hopper-v4", "seed": 0, "step": 24000, "objective": "vaml"}
    before, _ = gather("snapshots", study, results)
    failed = DIVERGED | {"epochs": 2, "gradient_steps": 7, "last": None, "best": None}
    leave(results, study, "fit_snapshot", job, failed)
    columns, rows = gather("snapshots", study, results)
    assert columns == before
    diverged = [row for row in rows if row["status"] == "diverged"]
    assert len(rows) == 8
    assert [{name: row[name] for name in job} for row in diverged] == [job]
    assert (diverged[0]["diverged_where"], diverged[0]["diverged_step"]) == ("training loss", 7)
    assert diverged[0]["value_aware_error"] is None
    assert diverged[0]["epochs"] == 2


def test_a_curve_keeps_every_digit(study: Config, results: Path) -> None:
    columns, rows = gather("synthetic_curves", study, results)
    assert columns[-2:] == ["train_loss", "validation_loss"]
    job = {"setting": "realizable", "hidden_size": 64, "seed": 1, "objective": "vaml"}
    lines = (results / jobs.folder("fit_synthetic", job) / "curve.csv").read_text().splitlines()[1:]
    assert [",".join(str(row[name]) for name in columns[-4:]) for row in rows[:3]] == lines


def test_a_branch_of_the_config_is_enough(study: Config, results: Path) -> None:
    part = jobs.read_branch(jobs.branch("train_mbac", study))
    assert gather("mbac", part, results) == gather("mbac", study, results)


def test_another_configs_result_is_refused_by_name(study: Config, results: Path) -> None:
    other = small_study(fit=study.synthetic.fit.model_dump() | {"patience": 4})
    home = jobs.folder("fit_synthetic", next(jobs.labels("fit_synthetic", other)))
    with pytest.raises(UnreadableFile, match="another config or code; run snakemake") as refused:
        gather("synthetic", other, results)
    assert str(refused.value).startswith(str(results / home / "outcome.json"))
    assert "\n" not in str(refused.value)
    gather("mbac", other, results)


@pytest.mark.parametrize("manifest", ["{}", "[]", '{"stable": null}', '{"stable": {"key": "0"}}'])
def test_a_result_whose_manifest_does_not_name_its_key_is_refused(
    manifest: str, study: Config, results: Path
) -> None:
    home = results / jobs.folder("train_sac", {"environment": "Walker2d-v4", "seed": 0})
    (home / "manifest.json").write_text(manifest)
    with pytest.raises(UnreadableFile, match="another config or code"):
        gather("sac", study, results)


@pytest.mark.parametrize(("table", "file"), [("sac", "outcome.json"), ("sac_returns", "evaluations.csv")])
def test_a_file_edited_by_hand_is_refused(
    table: str, file: str, study: Config, results: Path
) -> None:
    path = results / jobs.folder("train_sac", {"environment": "Hopper-v4", "seed": 0}) / file
    path.write_text(path.read_text().replace("0.3", "0.4").replace("0.1", "0.2"))
    with pytest.raises(UnreadableFile, match=f"{file}: its SHA-256"):
        gather(table, study, results)


@pytest.mark.parametrize("file", ["outcome.json", "manifest.json"])
def test_a_missing_job_is_refused_by_name(file: str, study: Config, results: Path) -> None:
    job = {"environment": "Pusher-v5", "agent": "reg_vaml", "seed": 2}
    path = results / jobs.folder("train_mbac", job) / file
    path.unlink()
    with pytest.raises(UnreadableFile, match="run snakemake") as refused:
        gather("mbac", study, results)
    assert str(refused.value).startswith(str(path))


def test_a_folder_that_the_config_does_not_know_is_left_out(
    study: Config, results: Path
) -> None:
    before = gather("sac", study, results)
    leave(results, study, "train_sac", {"environment": "Hopper-v4", "seed": 9})
    assert gather("sac", study, results) == before


def test_an_outcome_with_an_unknown_number_is_refused(study: Config, results: Path) -> None:
    job = {"environment": "Hopper-v4", "seed": 0}
    leave(results, study, "train_sac", job, run(0.0) | {"lucky_number": 7})
    with pytest.raises(UnreadableFile, match="lucky_number"):
        gather("sac", study, results)


def test_read_table_gives_back_what_was_written(tmp_path: Path) -> None:
    columns = ["objective", "seed", "value_aware_error", "diverged_step"]
    rows = [
        {"objective": "nan", "seed": 3, "value_aware_error": 0.1 + 0.2, "diverged_step": None},
        {"objective": "1e5", "seed": 4, "value_aware_error": None, "diverged_step": 7},
    ]
    write_rows(tmp_path / "table.csv", columns, rows)
    table = read_table(tmp_path / "table.csv")
    assert list(table.columns) == columns
    assert list(table["objective"]) == ["nan", "1e5"]
    assert table["seed"].dtype.kind == "i"
    assert table["value_aware_error"][0] == 0.1 + 0.2
    assert table["value_aware_error"].isna().tolist() == [False, True]
    assert table["diverged_step"].isna().tolist() == [True, False]


def test_read_table_of_a_header_alone_is_empty(tmp_path: Path) -> None:
    write_rows(tmp_path / "table.csv", ["objective", "seed"], [])
    table = read_table(tmp_path / "table.csv")
    assert list(table.columns) == ["objective", "seed"]
    assert json.loads(table.to_json(orient="records")) == []

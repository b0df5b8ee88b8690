"""Tables: every job of the config once, and only files that this config and code made."""

import shutil
from pathlib import Path

import pytest
from finished_jobs import DIVERGED, leave, run, small_study

from vaml import tabulate
from vaml.analysis.tables.gather import gather
from vaml.config.schema import Config
from vaml.files import UnreadableFile, read_json, write_json
from vaml.pipeline import jobs
from vaml.pipeline.branches import branch, read_branch


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
    per_job = 1 if file.endswith(".json") else 3
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
    assert (row["exact_error"], row["best_exact_error"]) == (32 * 0.001, 16 * 0.001)
    assert (row["true_exact_error"], row["noise_floor"], row["state_rms"]) == (0.0, 0.03125, 9.0)
    assert (row["epochs"], row["gradient_steps"], row["best_epoch"]) == (12, 3756, 9)
    assert (row["status"], row["diverged_where"], row["diverged_step"]) == ("ok", None, None)
    assert row["parameter_l2"] == 32 * 3.5
    assert by_job["unrealizable", 32, "mle", 1]["parameter_l2"] is None


def test_a_job_on_a_gpu_has_no_cpu_seconds(study: Config, results: Path) -> None:
    first, *_ = jobs.labels("fit_snapshot", study)
    path = results / jobs.folder("fit_snapshot", first) / "manifest.json"
    made = read_json(path)
    made["volatile"]["device"] = "cuda (A GPU)"
    write_json(path, made)
    _, rows = gather("snapshots_costs", study, results)
    assert [row["seconds"] for row in rows] == [None, *[12.5] * (len(rows) - 1)]


def test_a_diverged_job_keeps_its_row_and_its_columns(study: Config, results: Path) -> None:
    job = {"environment": "Hopper-v4", "seed": 0, "step": 24000, "objective": "vaml"}
    before, _ = gather("snapshots", study, results)
    failed = DIVERGED | {"epochs": 2, "gradient_steps": 7, "last": None, "best": None}
    leave(results, study, "measure_snapshot", job, failed)
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
    part = read_branch(branch("train_mbac", study))
    assert gather("mbac", part, results) == gather("mbac", study, results)


def test_some_jobs_give_their_rows_though_others_are_missing(study: Config, results: Path) -> None:
    columns, rows = gather("mbac_returns", study, results)
    first, *others = jobs.labels("train_mbac", study)
    for job in others:
        (results / jobs.folder("train_mbac", job) / "evaluations.csv").unlink()
    assert gather("mbac_returns", study, results, [first]) == (columns, rows[:3])
    with pytest.raises(UnreadableFile, match="not there"):
        gather("mbac_returns", study, results)


def test_another_configs_result_is_refused_by_name(study: Config, results: Path) -> None:
    other = small_study(fit=study.synthetic.fit.model_dump() | {"patience": 4})
    home = jobs.folder("measure_synthetic", next(jobs.labels("measure_synthetic", other)))
    with pytest.raises(
        UnreadableFile, match="another config, code or versions; run snakemake"
    ) as refused:
        gather("synthetic", other, results)
    assert str(refused.value).startswith(str(results / home / "metrics.json"))
    assert "\n" not in str(refused.value)
    gather("mbac", other, results)


@pytest.mark.parametrize("manifest", ["{}", "[]", '{"stable": null}', '{"stable": {"key": "0"}}'])
def test_a_result_whose_manifest_does_not_name_its_key_is_refused(
    manifest: str, study: Config, results: Path
) -> None:
    home = results / jobs.folder("train_sac", {"environment": "Walker2d-v4", "seed": 0})
    (home / "manifest.json").write_text(manifest)
    with pytest.raises(UnreadableFile, match=r"manifest\.json: not a whole manifest file: "):
        gather("sac", study, results)


@pytest.mark.parametrize(
    ("table", "file"), [("sac", "outcome.json"), ("sac_returns", "evaluations.csv")]
)
def test_a_file_edited_by_hand_is_refused(
    table: str, file: str, study: Config, results: Path
) -> None:
    path = results / jobs.folder("train_sac", {"environment": "Hopper-v4", "seed": 0}) / file
    path.write_text(path.read_text().replace("0.3", "0.4").replace("0.1", "0.2"))
    with pytest.raises(UnreadableFile, match=f"{file}: its SHA-256"):
        gather(table, study, results)


@pytest.mark.parametrize("file", ["outcome.json", "manifest.json"])
def test_a_missing_job_is_refused_by_name(file: str, study: Config, results: Path) -> None:
    job = {"environment": "Pusher-v4", "agent": "reg_vaml", "seed": 2}
    path = results / jobs.folder("train_mbac", job) / file
    path.unlink()
    with pytest.raises(UnreadableFile, match="run snakemake") as refused:
        gather("mbac", study, results)
    assert str(refused.value).startswith(str(path))


def test_a_folder_that_the_config_does_not_know_is_left_out(study: Config, results: Path) -> None:
    before = gather("sac", study, results)
    leave(results, study, "train_sac", {"environment": "Hopper-v4", "seed": 9})
    assert gather("sac", study, results) == before


def test_an_outcome_with_an_unknown_number_is_refused(study: Config, results: Path) -> None:
    job = {"environment": "Hopper-v4", "seed": 0}
    leave(results, study, "train_sac", job, run(0.0) | {"lucky_number": 7})
    with pytest.raises(UnreadableFile, match="lucky_number"):
        gather("sac", study, results)


def test_the_step_writes_the_table(study: Config, results: Path) -> None:
    path = results / "tables" / "mbac_fits.csv"
    selection = branch("train_mbac", study)
    flags = ["--config", selection, "--results", str(results), "--table", str(path)]
    tabulate.main(["mbac_fits", *flags])
    columns, rows = gather("mbac_fits", study, results)
    header, *lines = path.read_text().splitlines()
    assert header == ",".join(columns)
    assert header.startswith("environment,agent,seed,key,env_step,")
    assert lines == [",".join(str(row[name]) for name in columns) for row in rows]
    before = path.read_bytes()
    tabulate.main(["mbac_fits", *flags])
    assert path.read_bytes() == before


def test_the_step_refuses_in_one_line_and_leaves_no_table(study: Config, results: Path) -> None:
    home = results / jobs.folder("train_sac", {"environment": "Walker2d-v4", "seed": 0})
    (home / "outcome.json").unlink()
    path = results / "sac.csv"
    selection = branch("train_sac", study)
    with pytest.raises(SystemExit, match=r"^tabulate: .*outcome\.json: .*$"):
        tabulate.main(
            ["sac", "--config", selection, "--results", str(results), "--table", str(path)]
        )
    assert not path.exists()

"""tools/add_to_published.py: rows of finished jobs go into a published table."""

from pathlib import Path

import add_to_published
import numpy as np
import pytest
from add_to_published import add
from finished_jobs import leave, small_study

from vaml.files import UnreadableFile
from vaml.pipeline import jobs

COLUMNS = ["agent", "seed", "key", "env_step", "error"]
TABLE = """\
agent,seed,key,env_step,error
mle,0,a,10,0.5
mle,0,a,20,0.25
sac,0,b,10,
sac,0,b,20,1e-05
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "fits.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def row(agent: str, seed: int, key: str, step: int, error: float | str | None) -> dict[str, object]:
    return dict(zip(COLUMNS, (agent, seed, key, step, error), strict=True))


def added(path: Path, *rows: dict[str, object]) -> list[str]:
    return [",".join(line.values()) for line in add(path, COLUMNS, rows, ["agent", "seed"])]


def test_a_new_job_stands_behind_those_of_its_agent(table: Path) -> None:
    new = (row("mle", 4, "c", 20, 2), row("mle", 4, "c", 10, None))
    expected = ["mle,0,a,10,0.5", "mle,0,a,20,0.25", "mle,4,c,20,2", "mle,4,c,10,"]
    assert added(table, *new) == [*expected, "sac,0,b,10,", "sac,0,b,20,1e-05"]


def test_a_job_run_again_takes_the_place_of_its_rows(table: Path) -> None:
    found = added(table, row("mle", 0, "d", 30, 3))
    assert found == ["mle,0,d,30,3", "sac,0,b,10,", "sac,0,b,20,1e-05"]


@pytest.mark.parametrize("write", [float, repr])
def test_numbers_have_nine_digits(tmp_path: Path, write: type) -> None:
    found = added(tmp_path / "new.csv", row("mle", 0, "1.5e", 10, write(0.288112998008728)))
    assert found == ["mle,0,1.5e,10,0.288112998"]
    assert np.float32(found[0].split(",")[-1]) == np.float32(0.288112998008728)


def test_another_table_is_refused(table: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"fits\.csv: its columns are .*'env_step', 'error'\]"):
        add(table, COLUMNS[:-1], [], ["agent", "seed"])


def test_finished_jobs_of_the_study_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of sixteen runs, in the order of the config, and of one table two columns alone."""
    study = small_study()
    runs = [job for job in jobs.labels("train_mbac", study) if job["seed"] == 1][:2]
    for job in runs:
        leave(tmp_path / "results" / study.study.name, study, "train_mbac", job)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(add_to_published, "read_study", lambda overlays: study)
    add_to_published.main(["there", "mbac", "--configfile", "my.yaml"])
    add_to_published.main(["there", "mbac_training", "--columns", "env_step", "value"])
    assert "there/mbac_training.csv: 6 rows, those of 2 jobs from here" in capsys.readouterr().out
    head, *lines = Path("there/mbac_training.csv").read_text(encoding="utf-8").splitlines()
    assert head == "environment,agent,seed,key,env_step,value"
    keys = [jobs.key("train_mbac", study, job) for job in runs]
    assert lines == [
        f"InvertedPendulum-v4,{agent},1,{key},{step},{value}"
        for agent, key in zip(["mle", "reg_vaml"], keys, strict=True)
        for step, value in enumerate(["", "1e-17", "1e-17"])
    ]
    outcomes = Path("there/mbac.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:5] for line in outcomes[1:]] == [
        ["InvertedPendulum-v4", agent, "1", key, "ok"]
        for agent, key in zip(["mle", "reg_vaml"], keys, strict=True)
    ]


def test_a_column_that_a_table_lacks_is_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study()
    job = next(jobs.labels("train_mbac", study))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(add_to_published, "read_study", lambda overlays: study)
    with pytest.raises(SystemExit, match="results/paper: no job of train_mbac is finished"):
        add_to_published.main(["there", "mbac_training"])
    leave(tmp_path / "results" / study.study.name, study, "train_mbac", job)
    with pytest.raises(SystemExit, match="no column entropy; there are environment, agent, seed"):
        add_to_published.main(["there", "mbac_training", "--columns", "entropy"])
    assert not Path("there").exists()

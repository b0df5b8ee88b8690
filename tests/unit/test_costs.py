"""The cost table adds up what the jobs' manifests say."""

import csv
import json
from pathlib import Path

import pytest
from finished_jobs import manifest, small_study

from vaml.config.schema import Config
from vaml.files import write_json
from vaml.pipeline import jobs
from vaml.pipeline.branches import branch
from vaml.summarise_costs import main

STUDY = small_study()


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The n-th job of a stage took n wall hours, half as much CPU time and n MB."""
    for stage in jobs.FOLDERS:
        for n, labels in enumerate(jobs.labels(stage, STUDY), start=1):
            volatile: dict[str, object] = {
                "processor": "some processor",
                "wall_seconds": 3600.0 * n,
                "cpu_seconds": 1800.0 * n,
                "max_rss_mb": n,
                "resumed_from": [5] if n == 2 else [],
            }
            path = tmp_path / jobs.folder(stage, labels) / "manifest.json"
            key = jobs.key(stage, STUDY, labels)
            write_json(path, manifest(stage, key=key, **volatile))
    return tmp_path


def run(study: Config, results: Path) -> list[dict[str, str]]:
    outputs = [f"--{kind}={results / 'costs'}.{kind}" for kind in ("csv", "md", "tex")]
    stages = ("fit_synthetic", "fit_snapshot", "train_mbac")
    config = json.dumps({stage: json.loads(branch(stage, study)) for stage in stages})
    main(["--config", config, "--results", str(results), *outputs])
    with (results / "costs.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_stage_part_and_method_has_its_sums(results: Path) -> None:
    rows = run(STUDY, results)
    fits = [row for row in rows if row["stage"] == "fit_synthetic"]
    assert [(row["part"], row["method"], row["jobs"]) for row in fits] == [
        ("realizable", "vaml", "4"),
        ("realizable", "mle", "4"),
        ("unrealizable", "vaml", "4"),
        ("unrealizable", "mle", "4"),
    ]
    # Of the eight realizable fits, VAML's are those with odd numbers: 1, 3, 5, 7.
    assert [float(fits[0][name]) for name in ("core_hours", "wall_hours")] == [8, 16]
    assert [float(fits[0][name]) for name in ("median_seconds", "longest_seconds")] == [
        4 * 3600,
        7 * 3600,
    ]
    assert [(row["memory_mb"], row["resumed"]) for row in fits[:2]] == [("7", "0"), ("8", "1")]
    total = rows[-1]
    count = sum(1 for stage in jobs.FOLDERS for _ in jobs.labels(stage, STUDY))
    assert (total["stage"], total["jobs"]) == ("all", str(count))
    assert float(total["core_hours"]) == sum(float(row["core_hours"]) for row in rows[:-1])


def test_a_missing_manifest_and_one_without_times_are_named(results: Path) -> None:
    path = results / jobs.folder("train_sac", next(jobs.labels("train_sac", STUDY)))
    write_json(path / "manifest.json", {"stable": {}})
    with pytest.raises(SystemExit, match=r"s0/manifest\.json: not a whole manifest file: stable\."):
        run(STUDY, results)
    write_json(path / "manifest.json", manifest("train_sac", key="f" * 16))
    with pytest.raises(SystemExit, match=r"s0/manifest\.json: made by another config, code or ver"):
        run(STUDY, results)
    (path / "manifest.json").unlink()
    with pytest.raises(SystemExit, match=r"train_sac/Hopper-v4/s0/manifest\.json"):
        run(STUDY, results)

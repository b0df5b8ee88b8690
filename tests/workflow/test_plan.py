"""`vaml plan` says why a job runs and how long it takes. That it lists the jobs that Snakemake
plans is tested with each change in test_reruns.py."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from finished_study import PROJECT, TINY, Project

from vaml.config.claims import load_claims
from vaml.config.environments import unversioned
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.files import write_json
from vaml.pipeline import jobs
from vaml.pipeline.causes import KEYS, changes
from vaml.pipeline.cost import (
    SNAPSHOT_EPOCHS,
    SNAPSHOT_PER_SECOND,
    TABLE_OR_FIGURE,
    read_benchmarks,
    seconds,
    table_seconds,
    wall_seconds,
)
from vaml.pipeline.derived import derived
from vaml.pipeline.derived import finished as finished_files
from vaml.pipeline.dry_run import PlannedJob

REG_VAML = "objectives.reg_vaml.mle_coefficient: 0.001 → 0.01"


@pytest.fixture(scope="module")
def paper() -> Config:
    return load(merged([PROJECT / "config/config.yaml"]))


def planned(study: Config, *stages: str) -> list[PlannedJob]:
    return [
        PlannedJob(stage, {name: str(label) for name, label in each.items()}, "", ())
        for stage in stages
        for each in jobs.labels(stage, study)
    ]


def lines(text: str, stage: str) -> list[str]:
    """The plan's lines on a stage, without its heading."""
    found = re.search(rf"^{stage}: .*\n((?:  .*\n)*)", text, flags=re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_causes_are_named_by_their_keys(changed: Callable[[str], Project]) -> None:
    text = changed(
        "objectives: {reg_vaml: {mle_coefficient: 0.01}}\n"
        "synthetic: {fit: {patience: 4}, seeds: [1, 2]}\n"
        "figures: {dpi: 60}\n"
    ).vaml("plan")
    assert lines(text, "simulate_dynamics") == ["1  no result yet (seed 2)"]
    assert set(lines(text, "fit_synthetic")) == {
        "1  synthetic.fit.patience: 3 → 4 (seed 1; objective mle)",
        f"1  {REG_VAML}; synthetic.fit.patience: 3 → 4 (seed 1; objective reg_vaml)",
        "2  no result yet (seed 2)",
    }
    assert lines(text, "fit_snapshot") == [f"2  {REG_VAML} (objective reg_vaml)"]
    assert lines(text, "train_mbac") == [f"2  {REG_VAML} (agent reg_vaml)"]
    assert "train_sac" not in text
    tables = lines(text, "tabulate")
    assert "1  fit_synthetic runs (table synthetic_curves)" in tables
    assert "1  measure_synthetic runs (table synthetic)" in tables


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_causes_of_tables_and_figures(changed: Callable[[str], Project]) -> None:
    text = changed("synthetic: {seeds: [0]}\nfigures: {dpi: 60}\n").vaml("plan")
    assert lines(text, "tabulate") == [
        "2  synthetic.seeds: [0, 1] → [0] (table synthetic, synthetic_curves)"
    ]
    assert "figures.dpi: 50 → 60" in "".join(lines(text, "plot"))
    assert "tabulate runs" in "".join(lines(text, "plot"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_changed_code_and_lost_files_are_named(editable: Project) -> None:
    editable.edit(
        "src/vaml/losses/value_aware.py", "0.5 * (targets - values", "0.6 * (targets - values"
    )
    for name in ("train_sac/Hopper-v4/s0/evaluations.csv", "tables/sac_returns.csv"):
        (editable.results / name).unlink()
    text = editable.vaml("plan")
    assert lines(text, "train_mbac") == ["4  code of vaml.losses.value_aware"]
    assert lines(text, "train_sac") == ["1  missing evaluations.csv (environment Hopper-v4)"]
    assert sorted(lines(text, "fit_snapshot")) == [
        "2  code of vaml.losses.value_aware (environment Walker2d-v4)",
        "2  code of vaml.losses.value_aware; train_sac runs (environment Hopper-v4)",
    ]


@pytest.mark.parametrize("stage", jobs.FOLDERS)
def test_each_setting_of_a_job_stands_at_its_key_in_the_config(paper: Config, stage: str) -> None:
    for labels in jobs.labels(stage, paper):
        config = paper.model_dump(mode="json")
        settings = json.loads(jobs.settings(stage, paper, labels))
        names = {
            **labels,
            "objective": labels.get("objective")
            or paper.agents[labels.get("agent", "mle")].objective,
        }
        if settings.get("agent"):  # with its objective in place of the name
            settings["objective"] = settings["agent"].pop("objective")
        for name in settings.keys() - {"seed", "step", "setting", "hidden_size", "environment_id"}:
            value = config
            for part in KEYS[stage][name].format(**names).split("."):
                value = value[part]
            if name == "agent":
                assert value.pop("objective") == names["objective"]
            assert value == settings[name], (stage, name)


def test_changes_are_the_leaves_that_differ() -> None:
    before = {"fit": {"patience": 3, "rate": 0.1}, "sizes": [1, 2], "old": 1, "same": {"a": None}}
    now = {"fit": {"patience": 4, "rate": 0.1}, "sizes": [2, 1], "new": "x", "same": {"a": None}}
    assert list(changes(before, now)) == [
        "fit.patience: 3 → 4",
        'new: nothing → "x"',
        "old: 1 → nothing",
        "sizes: [1, 2] → [2, 1]",
    ]


def test_the_table_says_what_the_paper_takes(paper: Config) -> None:
    """As docs/performance.md has it; tables, figures and paper, which it adds, take minutes."""
    documented = (PROJECT / "docs/performance.md").read_text(encoding="utf-8")
    hours = re.search(
        r"^\| with tables, figures, paper .* ([0-9.]+) \| \|$", documented, re.MULTILINE
    )
    assert hours
    times = seconds(planned(paper, *jobs.FOLDERS), paper, {})
    assert sum(times) / 3600 == pytest.approx(float(hours[1]), abs=0.1)


def test_the_table_has_the_epochs_and_the_speed_of_the_published_fits() -> None:
    published = PROJECT / "paper" / "published"
    fits = pd.concat(
        [pd.read_csv(published / name / "snapshots.csv") for name in ("snapshots", "four_runs")]
    )
    times = pd.read_csv(published / "four_runs" / "snapshots_costs.csv")
    for kind, objectives in (("mle", ["mle"]), ("vaml", ["vaml", "reg_vaml"])):
        own, timed = (rows.loc[rows["objective"].isin(objectives)] for rows in (fits, times))
        own = own.assign(an_epoch=own["gradient_steps"] / own["epochs"])
        sums = own.groupby("environment")[["gradient_steps", "an_epoch"]].sum()
        epochs = (sums["gradient_steps"] / sums["an_epoch"]).rename(unversioned).to_dict()
        assert epochs == pytest.approx(SNAPSHOT_EPOCHS[kind], rel=0.03)
        measured = timed["gradient_steps"].sum() / timed["seconds"].sum()
        assert measured == pytest.approx(SNAPSHOT_PER_SECOND[kind], rel=0.03)


@pytest.fixture
def took(paper: Config, tmp_path: Path) -> Callable[..., None]:
    """Leaves a finished job, with the seconds that it took and the device that it ran on."""

    def leave(stage: str, labels: jobs.Labels, seconds: float, study: str, device: str) -> None:
        place = jobs.folder(stage, labels)
        job = json.loads(jobs.settings(stage, paper, labels))
        write_json(tmp_path / study / place / "config.json", job)
        write_json(tmp_path / study / place / "manifest.json", {"volatile": {"device": device}})
        benchmark = tmp_path / study / "benchmarks" / f"{place}.tsv"
        benchmark.parent.mkdir(parents=True, exist_ok=True)
        benchmark.write_text(f"s\th:m:s\tcpu_time\n{seconds}\t0:00:00\t1.0\n", encoding="utf-8")

    return leave


def test_a_job_takes_as_long_as_its_like_took(
    paper: Config, tmp_path: Path, took: Callable[..., None]
) -> None:
    """Times of any study and any seed count; the table is scaled by this study's times so far."""
    jobs_of_mbac = planned(paper, "train_mbac")
    like = dict(jobs_of_mbac[0].labels)
    for study, seed, time in (("other", 7, 100.0), ("paper", 0, 200.0), ("paper", 1, 300.0)):
        took("train_mbac", {**like, "seed": seed}, time, study, "cpu")
    times = seconds(jobs_of_mbac, paper, read_benchmarks(tmp_path))
    guesses = seconds(jobs_of_mbac, paper, {})
    for job, time, guess in zip(jobs_of_mbac, times, guesses, strict=True):
        same = (like["environment"], like["agent"]) == (
            job.labels["environment"],
            job.labels["agent"],
        )
        scaled = guess * (200 + 300) / (2 * guesses[0])
        assert time == pytest.approx((100 + 200 + 300) / 3 if same else scaled)


def test_a_job_on_a_gpu_has_times_of_its_own(
    paper: Config, tmp_path: Path, took: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `auto` the value-aware fits to snapshots go there: the table's 1,900 steps for 70."""
    fits = planned(paper, "fit_snapshot")
    on_cores = seconds(fits, paper, {})
    monkeypatch.setenv("VAML_DEVICE", "auto")
    on_gpu = seconds(fits, paper, {})
    for job, core, gpu in zip(fits, on_cores, on_gpu, strict=True):
        if job.labels["objective"] == "mle":
            assert gpu == core
        else:
            assert (core - 2.5) / (gpu - 3.5) == pytest.approx(1900 / 70)
    one = next(i for i, job in enumerate(fits) if job.labels["objective"] == "vaml")
    took("fit_snapshot", fits[one].labels, 7.0, "paper", "cpu")
    assert seconds(fits, paper, read_benchmarks(tmp_path))[one] == on_gpu[one]
    took("fit_snapshot", fits[one].labels, 9.0, "other", "cuda (NVIDIA H200)")
    assert seconds(fits, paper, read_benchmarks(tmp_path))[one] == 9.0
    monkeypatch.setenv("VAML_DEVICE", "cpu")
    assert seconds(fits, paper, read_benchmarks(tmp_path))[one] == 7.0


def test_jobs_without_results_or_with_damaged_ones_are_no_benchmarks(tmp_path: Path) -> None:
    for place, job in (("train_sac/Hopper-v4/s0", None), ("train_sac/Hopper-v4/s1", "{")):
        benchmark = tmp_path / "paper/benchmarks" / f"{place}.tsv"
        benchmark.parent.mkdir(parents=True, exist_ok=True)
        benchmark.write_text("s\n1.0\n", encoding="utf-8")
        if job:
            (tmp_path / "paper" / place).mkdir(parents=True)
            (tmp_path / "paper" / place / "config.json").write_text(job, encoding="utf-8")
    assert read_benchmarks(tmp_path) == {}


def test_the_wall_time_is_a_share_or_the_longest_chain(paper: Config) -> None:
    tiny = load(merged([PROJECT / "config/config.yaml", PROJECT / TINY]))
    sac, fits = planned(tiny, "train_sac"), planned(tiny, "fit_snapshot")
    study = [*sac, *fits]
    assert (len(sac), len(fits)) == (2, 4)
    times = [100.0, 10.0, *(5.0 for _ in fits)]
    assert wall_seconds(study, times, 1) == pytest.approx(130)
    assert wall_seconds(study, times, 2) == pytest.approx(105)
    assert wall_seconds(fits, times[2:], 8) == pytest.approx(5)
    table = PlannedJob("tabulate", {"table": "snapshots_curves"}, "", ())
    assert wall_seconds([*study, table], [*times, 7.0], 8) == pytest.approx(112)
    figure = PlannedJob("plot", {"figure": "fit_curves_snapshots"}, "", ())
    last = PlannedJob("publish", {}, "", ())
    assert wall_seconds([*study, table, figure, last], [*times, 7, 3, 1], 8) == pytest.approx(116)
    assert wall_seconds([], [], 8) == 0
    # Neither the even share of two cores (10) nor the longest chain (10).
    apart = [
        PlannedJob("train_sac", {"environment": "E", "seed": f"{i}"}, "", ()) for i in (0, 1, 2)
    ]
    assert wall_seconds(apart, [5.0, 5.0, 10.0], 2) == pytest.approx(15)
    # Two of them on one card go one after the other, on two cards at once; the third has a core.
    assert wall_seconds(apart, [5.0, 5.0, 8.0], 3, {0, 1}) == pytest.approx(10)
    assert wall_seconds(apart, [5.0, 5.0, 8.0], 3, {0, 1}, cards=2) == pytest.approx(8)


def test_longer_runs_and_wider_models_take_longer(paper: Config) -> None:
    for stage, edit in (
        ("train_sac", {"training": {"total_steps": 10**6}}),
        ("train_mbac", {"total_steps": 10**6}),
        ("fit_snapshot", {"step": 10**6}),
        ("fit_synthetic", {"hidden_size": 4096}),
        ("simulate_dynamics", {"dynamics": {"train_transitions": 10**6}}),
    ):
        labels = next(iter(jobs.labels(stage, paper)))
        job = json.loads(jobs.settings(stage, paper, labels))
        changed = {
            name: {**job[name], **value} if isinstance(value, dict) else value
            for name, value in edit.items()
        }
        assert table_seconds(stage, {**job, **changed}) > table_seconds(stage, job) > 0
    assert table_seconds("tabulate", {}) == TABLE_OR_FIGURE


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_status_knows_what_is_made_of_the_results_and_of_what(finished: Project) -> None:
    study = finished.study()
    made = derived(study, load_claims(PROJECT / "config" / "claims.yaml").tables)
    home = f"results/{study.study.name}/"
    behind = [each for each in finished.dag if each.job[0] not in jobs.FOLDERS]
    firsts = {}
    for each in behind:
        outputs = {file.removeprefix(home) for file in each.outputs}
        firsts |= dict.fromkeys(outputs, *(outputs & made.keys()))
    found = {}
    for each in finished.dag:
        if each.job[0] not in jobs.FOLDERS:
            (first,) = {file.removeprefix(home) for file in each.outputs} & made.keys()
            inputs = {file.removeprefix(home) for file in each.inputs}
            inputs |= {firsts[file] for file in inputs & firsts.keys()}
            of_jobs = {i for i in inputs if i.startswith(tuple(f"{f}/" for f in jobs.FOLDERS))}
            found[first] = inputs & made.keys() | {
                i for i in of_jobs if i.endswith("manifest.json")
            }
    assert found == {path: set(needed) for path, needed in made.items()}
    assert finished_files(made, finished.results) == set(made)
    last = finished.vaml("status").splitlines()[-2].split("│")
    assert last[1].strip() == "all"
    assert last[-2].strip() == "0:00"

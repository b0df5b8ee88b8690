"""Results that are not the present config's: found, kept out of tables, and removed on request."""

import os
import shutil
import time
from pathlib import Path

import pytest
from finished_study import TINY, Project, job, jobs_of, tables_of, with_downstream
from study_folder import copy_project

from vaml.pipeline.jobs import FOLDERS, key, labels
from vaml.runtime.checkpoint import Checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

OTHER_PATIENCE = ("max_epochs: 2\n  settings", "max_epochs: 2\n    patience: 4\n  settings")


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def saved_state(project: Project, name: str) -> Path:
    """The files that a killed job with this key leaves behind."""
    checkpoint = Checkpoint(project.results / ".state", name)
    with checkpoint.lock():
        checkpoint.save({}, {})
    (path,) = checkpoint.path.iterdir()
    return path


def without_seed_0(project: Project) -> None:
    project.edit(TINY, "seeds: [0, 1]", "seeds: [1]")


def test_removed_grid_values_are_listed_and_removed(editable: Project) -> None:
    study = editable.study()
    present = key("train_sac", study, next(labels("train_sac", study)))
    kept_state, old_state = (saved_state(editable, name) for name in (present, "0123456789abcdef"))
    before = files(editable.folder)
    without_seed_0(editable)
    stale = {name for name in files(editable.results) if "h8_s0" in name}
    assert {name.split("/")[0] for name in stale} == {
        "simulate_dynamics", "fit_synthetic", "measure_synthetic", "logs", "benchmarks",
    }  # fmt: skip
    stale.add(str(old_state.relative_to(editable.results)))
    # The temporary file of a step that was killed while it wrote.
    killed = editable.results / "fit_synthetic/realizable/h8_s0/mle/.model.4711.safetensors"
    killed.touch()
    stale.add(str(killed.relative_to(editable.results)))

    listed = editable.vaml("clean-stale")
    assert files(editable.folder) >= before
    for name in stale:
        assert f"results/tiny/{Path(name).parent}: " in listed
    assert f"{len(stale)} files" in listed
    assert "--apply removes them" in listed

    assert f"{len(stale)} files" in editable.vaml("clean-stale", "--apply")
    gone = {f"results/tiny/{name}" for name in stale}
    assert before - files(editable.folder) == gone - {str(killed.relative_to(editable.folder))}
    assert not (editable.results / "simulate_dynamics/h8_s0").exists()
    assert not (editable.results / "logs/fit_synthetic/realizable/h8_s0").exists()
    assert kept_state.exists()
    assert "every result is of a job of this config" in editable.vaml("clean-stale")

    # What is left is whole; what was removed runs again when something asks for it.
    made = {*tables_of("fit_synthetic", "measure_synthetic"), job("summarise_costs", {})}
    assert editable.planned() == with_downstream(made, editable.study(), editable.dag)
    editable.edit(TINY, "seeds: [1]", "seeds: [0, 1]")
    shutil.rmtree(editable.results / "tables")
    removed = jobs_of(study, "simulate_dynamics", seed=0) | tables_of(*FOLDERS)
    assert editable.planned() == with_downstream(removed, study, editable.dag)


def test_the_results_of_an_experiment_that_is_left_out_are_removed(editable: Project) -> None:
    stages = ("simulate_dynamics", "fit_synthetic", "measure_synthetic")
    before = files(editable.results)
    own = editable.results / "fit_synthetic/realizable/h8_s0/mle/curve.png"
    own.touch()
    editable.edit(TINY, "settings: [realizable]", "settings: []")
    editable.vaml("clean-stale", "--apply")
    gone = {name for name in before if name.split("/")[0] in stages}
    assert {"config.json", "manifest.json", "model.safetensors"} <= {Path(n).name for n in gone}
    left = files(editable.results)
    assert not gone & left
    assert own.exists()
    assert {name.split("/")[1] for name in before - left - gone} == {*stages}  # logs, times
    assert "every result is of a job of this config" in editable.vaml("clean-stale")


def test_nothing_else_is_touched(editable: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    stale = editable.results / "fit_synthetic/realizable/h8_s0"
    shutil.copytree(stale, outside)
    shutil.copytree(editable.results, editable.results.with_name("other"))
    (stale / "linked").symlink_to(outside / "mle")
    (editable.results / "fit_synthetic/unrealizable").symlink_to(outside)
    (editable.results / "simulate_dynamics/h8_s9").symlink_to(outside)
    (stale / "mle/curve.csv").unlink()
    (stale / "mle/curve.csv").symlink_to(outside / "mle/curve.csv")
    for name in ("mle/notes.txt", "mle/deeper/config.json"):
        (stale / name).parent.mkdir(exist_ok=True)
        (stale / name).touch()
    for name in ("notes.txt", "figures/mine.png", "tables/mine.csv", "train_sac/notes.txt"):
        (editable.results / name).touch()
    running = saved_state(editable, "0123456789abcdef").with_name("lock")
    running.touch()
    before, linked = files(editable.folder), files(outside)
    without_seed_0(editable)
    editable.vaml("clean-stale", "--apply")
    assert files(outside) == linked
    removed = before - files(editable.folder)
    assert removed
    assert all(name.startswith("results/tiny/") and "h8_s0" in name for name in removed)
    for name in ("mle/curve.csv", "mle/notes.txt", "mle/deeper/config.json", "linked"):
        assert str((stale / name).relative_to(editable.folder)) not in removed
    # A lock that nobody touched for a while belongs to a dead job.
    long_ago = time.time() - 1000
    os.utime(running, (long_ago, long_ago))
    editable.vaml("clean-stale", "--apply")
    assert not running.parent.exists()


def test_a_linked_study_and_a_running_snakemake_are_left_alone(editable: Project) -> None:
    without_seed_0(editable)
    before = files(editable.folder)
    lock = editable.folder / ".snakemake/locks/0.input.lock"
    lock.touch()
    done = editable.run(
        "python", "-m", "vaml", "clean-stale", "--apply", "--configfile", TINY, check=False
    )
    assert done.returncode == 1
    assert "Snakemake is running here, or was killed" in done.stderr
    lock.unlink()
    editable.results.rename(editable.results.with_name("moved"))
    editable.results.symlink_to("moved")
    done = editable.run(
        "python", "-m", "vaml", "clean-stale", "--apply", "--configfile", TINY, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "results/tiny: is a link, and links are not followed; nothing is removed\n"
    )
    assert {name.replace("moved", "tiny") for name in files(editable.folder)} - before == {
        "results/tiny"
    }


def refused(project: Project) -> str:
    """The line of tabulate when its jobs' results are another config's."""
    table = "results/tiny/tables/synthetic.csv"
    done = project.snakemake(table, "--cores", "1", "--forcerun", "tabulate", check=False)
    assert done.returncode != 0
    (line,) = (project.results / "logs/tables/synthetic.log").read_text().splitlines()
    assert not (project.folder / table).exists()
    return line


def test_touched_results_of_another_config_reach_no_table(editable: Project) -> None:
    """`--touch` makes Snakemake record the new config for the old results."""
    editable.edit(TINY, *OTHER_PATIENCE)
    editable.snakemake("--touch", "--cores", "1")
    assert editable.planned() == set()
    assert "stale: 4 of fit_synthetic" in editable.vaml("plan")
    assert refused(editable) == (
        "tabulate: results/tiny/measure_synthetic/realizable/h8_s0/mle/metrics.json: "
        "made by another config, code or versions; run snakemake again"
    )
    # The remedy of docs/reruns.md.
    listed = editable.vaml("plan", "--jobs")
    stale = [line[2:] for line in listed.splitlines() if line.startswith("  results/tiny/fit_")]
    assert len(stale) == 4
    for place in stale:
        shutil.rmtree(editable.folder / place)
    shutil.rmtree(editable.results / "tables")
    study = editable.study()
    again = jobs_of(study, "fit_synthetic") | tables_of(*FOLDERS)
    assert editable.planned() == with_downstream(again, study, editable.dag)


def test_results_copied_without_snakemakes_records(finished: Project, tmp_path: Path) -> None:
    """Snakemake then sees no changed config; the results' own keys do."""
    copy = Project(tmp_path / "copy", finished.dag)
    copy_project(finished.folder, copy.folder)
    shutil.copytree(finished.folder / "results", copy.folder / "results")
    assert copy.planned() == set()
    assert "stale" not in copy.vaml("plan")
    text = (copy.folder / TINY).read_text(encoding="utf-8")
    copy.edit(TINY, *OTHER_PATIENCE)
    assert copy.planned() == set()
    assert "stale: 4 of fit_synthetic" in copy.vaml("plan")
    assert "made by another config, code or versions" in refused(copy)
    # The other way: records made anew for results that the plan found to be this config's.
    (copy.folder / TINY).write_text(text, encoding="utf-8")
    shutil.rmtree(copy.folder / "results")
    shutil.copytree(finished.folder / "results", copy.folder / "results")
    copy.snakemake("--touch", "--forceall", "--cores", "1")
    assert copy.planned() == set()
    copy.edit(TINY, *OTHER_PATIENCE)
    assert copy.planned() == with_downstream(
        jobs_of(copy.study(), "fit_synthetic"), copy.study(), copy.dag
    )

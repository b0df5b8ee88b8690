"""`vaml pack` and `vaml unpack`: finished jobs of one clone are finished in another; no others."""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from finished_study import PROJECT, TINY, Project, jobs_of
from study_folder import copy_project

from vaml.pipeline.jobs import FOLDERS, folder, labels

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FIT = "fit_snapshot/Hopper-v4/s0/t50/mle"


@pytest.fixture(scope="module")
def archive(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "tiny.tar.gz"
    assert "; 0 jobs not finished here" in finished.vaml("pack", str(path))
    return path


@pytest.fixture
def clone(finished: Project, tmp_path: Path) -> Project:
    """The project without results."""
    copy_project(PROJECT, tmp_path / "clone")
    return Project(tmp_path / "clone", finished.dag)


def training(project: Project) -> set[str]:
    """The stages of which a job is planned."""
    return {rule for rule, _ in project.planned()} & {*FOLDERS}


def count(project: Project) -> int:
    return sum(len([*labels(stage, project.study())]) for stage in FOLDERS)


def unpack(project: Project, source: Path | str) -> subprocess.CompletedProcess[str]:
    command = ("python", "-m", "vaml", "unpack", str(source))
    return project.run(*command, "--configfile", *map(str, project.overlays), check=False)


def rewritten(
    source: Path, target: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[str, bytes]]
) -> Path:
    """An archive with other names or contents."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            assert file
            member.name, block = change(member, file.read())
            member.size = len(block)
            new.addfile(member, io.BytesIO(block))
    return target


def test_jobs_of_one_clone_are_done_in_another(
    finished: Project, clone: Project, archive: Path
) -> None:
    done = unpack(clone, archive)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count(clone)} jobs taken, 0 were here, 0 of another config" in done.stdout
    assert training(clone) == set()
    for stage in FOLDERS:
        for job in labels(stage, clone.study()):
            there, here = (each.results / folder(stage, job) for each in (finished, clone))
            assert {p.name: p.read_bytes() for p in there.iterdir()} == {
                p.name: p.read_bytes() for p in here.iterdir()
            }
    assert clone.vaml("check-results").endswith("all is whole\n")
    assert f"0 jobs taken, {count(clone)} were here" in unpack(clone, archive).stdout
    assert not list(clone.results.glob(".unpacking-*"))


def test_another_study_takes_what_it_would_make_again(editable: Project, tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("study: {name: mine}\nsnapshots: {fit: {learning_rate: 0.002}}\n")
    mine = Project(editable.folder, editable.dag, (*editable.overlays, overlay))
    done = unpack(mine, "results/tiny")
    assert done.returncode == 0, done.stderr
    fits = jobs_of(mine.study(), "fit_snapshot") | jobs_of(mine.study(), "measure_snapshot")
    assert f"{count(mine) - len(fits)} jobs taken, 0 were here, {len(fits)} of another" in (
        done.stdout
    )
    assert "train_mbac: 4 jobs taken from results/tiny" in done.stdout
    assert {job for job in mine.planned() if job[0] in FOLDERS} == fits


def test_a_taken_job_is_done_whatever_was_made_there_before(editable: Project) -> None:
    simulation = {"hidden_size": 8, "seed": 0}
    home = folder("simulate_dynamics", simulation)
    archive = editable.folder / "simulation.tar.gz"
    editable.vaml("pack", archive.name, "--stages", "simulate_dynamics")
    # Snakemake has records of another result there, and the other source looks new.
    editable.edit(TINY, "test_transitions: 40", "test_transitions: 50")
    editable.snakemake(f"results/tiny/{home}/manifest.json", "--cores", "1")
    editable.edit(TINY, "test_transitions: 50", "test_transitions: 40")
    shutil.rmtree(editable.results / home)
    assert "1 jobs taken, 1 were here" in unpack(editable, archive).stdout
    assert training(editable) == set()
    overlay = editable.folder / "mine.yaml"
    overlay.write_text("study: {name: mine}\n")
    for path in (editable.results / "simulate_dynamics").rglob("manifest.json"):
        path.touch()
    mine = Project(editable.folder, editable.dag, (*editable.overlays, overlay))
    dates = {path: path.stat().st_mtime_ns for path in editable.results.rglob("*.*")}
    assert unpack(mine, "results/tiny").returncode == 0
    assert dates == {path: path.stat().st_mtime_ns for path in dates}
    assert training(mine) == set()
    # A benchmark is written in place: the other study's is no link to it.
    ours, theirs = (
        editable.folder / "results" / name / "benchmarks" / f"{home}.tsv"
        for name in ("mine", "tiny")
    )
    assert ours.read_bytes() == theirs.read_bytes()
    assert not ours.samefile(theirs)


def test_a_result_that_is_a_link_is_packed_as_a_file(
    editable: Project, clone: Project, tmp_path: Path
) -> None:
    model = editable.results / FIT / "model.safetensors"
    model.rename(tmp_path / "elsewhere")
    model.symlink_to(tmp_path / "elsewhere")
    editable.vaml("pack", str(tmp_path / "a.tar.gz"))
    assert unpack(clone, tmp_path / "a.tar.gz").returncode == 0
    copy = clone.results / FIT / "model.safetensors"
    assert not copy.is_symlink()
    assert copy.read_bytes() == model.read_bytes()


def test_a_stage_by_itself(finished: Project, clone: Project, tmp_path: Path) -> None:
    sac = tmp_path / "sac.tar.gz"
    said = finished.vaml("pack", str(sac), "--stages", "train_sac")
    assert said.startswith(f"{sac}: ")
    assert "fit" not in said
    assert unpack(clone, sac).returncode == 0
    assert training(clone) == {*FOLDERS} - {"train_sac"}


def test_a_damaged_job_and_one_of_another_config_are_refused_by_name(
    clone: Project, archive: Path, tmp_path: Path
) -> None:
    def flipped(member: tarfile.TarInfo, block: bytes) -> tuple[str, bytes]:
        if member.name == f"{FIT}/model.safetensors":
            block = block[:-1] + bytes([block[-1] ^ 1])
        return member.name, block

    done = unpack(clone, rewritten(archive, tmp_path / "flipped.tar.gz", flipped))
    assert done.returncode == 1
    assert f"refused: {FIT}/model.safetensors: is not the file that was made" in done.stdout
    assert f"{count(clone) - 1} jobs taken" in done.stdout
    assert not (clone.results / FIT / "manifest.json").exists()

    def renamed(member: tarfile.TarInfo, block: bytes) -> tuple[str, bytes]:
        return member.name.replace(f"{FIT}/config.json", f"{FIT}/config.txt"), block

    shutil.rmtree(clone.results)
    done = unpack(clone, rewritten(archive, tmp_path / "lacking.tar.gz", renamed))
    assert done.returncode == 1, done.stderr
    assert f"refused: {FIT}/config.json: is missing" in done.stdout
    assert f"{count(clone) - 1} jobs taken" in done.stdout
    shutil.rmtree(clone.results)
    overlay = tmp_path / "other.yaml"
    overlay.write_text("sac: {training: {evaluation_episodes: 3}}\n")
    other = Project(clone.folder, clone.dag, (*clone.overlays, overlay))
    done = unpack(other, archive)
    assert done.returncode == 1
    assert "refused: train_sac/Hopper-v4/s0: its key " in done.stdout
    assert training(other) == {"train_sac", "fit_snapshot", "measure_snapshot"}


HOSTILE: dict[str, dict[str, Any]] = {
    "a path that leaves": {"name": f"{FIT}/../../../../../x"},
    "an absolute path": {"name": "/tmp/vaml-unpacked"},
    "a file of no job": {"name": "tables/costs.md"},
    "a file at the top": {"name": "logs"},
    "a link": {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
    "a pipe": {"type": tarfile.FIFOTYPE},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_whole(
    kind: str, clone: Project, archive: Path, tmp_path: Path
) -> None:
    path = tmp_path / "hostile.tar.gz"
    with tarfile.open(archive) as old, tarfile.open(path, "w:gz") as new:
        member = next(member for member in old if member.name.startswith(FIT))
        for name, value in {**HOSTILE[kind], "size": 0}.items():
            setattr(member, name, value)
        new.addfile(member)
    done = unpack(clone, path)
    assert done.returncode == 1
    assert "is no file of a job; nothing is taken" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not [*clone.results.iterdir()]
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("size", [0, 10, 5000])
def test_a_cut_archive_is_refused_whole(
    size: int, clone: Project, archive: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cut.tar.gz"
    path.write_bytes(archive.read_bytes()[:size])
    done = unpack(clone, path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}: not a whole archive file: ")
    assert done.stderr.count("\n") == 1
    assert not [*clone.results.iterdir()]


def test_a_damaged_result_is_not_packed_and_a_stale_one_not_overwritten(
    editable: Project, archive: Path, tmp_path: Path
) -> None:
    model = editable.results / FIT / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-20])
    done = editable.run(
        *("python", "-m", "vaml", "pack", str(tmp_path / "a.tar.gz"), "--configfile"),
        *map(str, editable.overlays),
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.endswith(
        "model.safetensors: is not the file that was made: damaged, or changed since\n"
    )
    assert [*tmp_path.iterdir()] == [editable.folder]
    manifest = editable.results / FIT / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"key": "', '"key": "0', 1))
    done = unpack(editable, archive)
    assert f"refused: {FIT}: results/tiny/{FIT} holds a result of another config or code" in (
        done.stdout
    )

"""The whole workflow: equal results however it is run, and after what befalls its jobs."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Count
from study_folder import FEWER_JOBS, RESULTS, StudyFolder, finish
from tiny_jobs import results

pytestmark = pytest.mark.slow

RUN = Path("train_sac/Hopper-v4/s0")
ONE_RUN = ("--cores", "1", f"results/tiny/{RUN}/outcome.json")


def test_one_core_and_another_folder_give_the_same_bytes(
    small_study: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    other = StudyFolder(tmp_path / "another place", FEWER_JOBS).create()
    # It also saves its states at every chance, where the first one never did.
    monkeypatch.setenv("VAML_STATE_SECONDS", "0")
    other.run("--cores", "1", *RESULTS)
    first, second = small_study.digests(), other.digests()
    equal = sum(first[name] == second.get(name) for name in first)
    count(
        "files equal with -j1 and -j2, in other folders, with and without saving", equal, len(first)
    )
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} == set()
    assert len(first) > 40


def process_of_job(study: StudyFolder, snakemake: subprocess.Popen[str]) -> int:
    """The process that runs the job, once it has its lock."""
    while snakemake.poll() is None:
        for owner in study.owners():
            return int(owner["pid"])
        time.sleep(0.01)
    raise AssertionError(snakemake.communicate()[0])


def test_snakemake_goes_on_after_signals(
    small_study: StudyFolder, tmp_path: Path, count: Count
) -> None:
    study = StudyFolder(tmp_path / "study", FEWER_JOBS).create()

    # SIGTERM to the job alone: Snakemake gives up, the state stays.
    with study.started(*ONE_RUN) as snakemake:
        os.kill(process_of_job(study, snakemake), signal.SIGTERM)
        text = finish(snakemake, 1)
    assert "exit status 143" in text, text
    assert results(study.results / RUN) == {}
    assert list(study.results.glob(".state/*/state-*"))

    # Ctrl-C: SIGINT to Snakemake and its job, which saves its state too.
    with study.started(*ONE_RUN) as snakemake:
        process_of_job(study, snakemake)
        os.killpg(snakemake.pid, signal.SIGINT)
        text = finish(snakemake, 1)
    log = (study.results / "logs" / RUN).with_suffix(".log").read_text(encoding="utf-8")
    assert "Traceback" not in text + log
    assert log.splitlines()[-1].endswith("the next start goes on from the saved state")

    # With --retries it goes on by itself.
    with study.started(*ONE_RUN, "--retries", "2", "--rerun-incomplete") as snakemake:
        os.kill(process_of_job(study, snakemake), signal.SIGTERM)
        finish(snakemake)
    equal = results(study.results / RUN) == results(small_study.results / RUN)
    count("runs equal after signals to Snakemake and its jobs", int(equal), 1)
    assert equal
    assert len(study.volatile(str(RUN))["resumed_from"]) >= 2


def test_snakemake_goes_on_after_its_own_death(
    small_study: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    """All processes killed at once, as on a machine that fails."""
    monkeypatch.setenv("VAML_STATE_SECONDS", "0")
    study = StudyFolder(tmp_path / "study", FEWER_JOBS).create()
    with study.started(*ONE_RUN) as snakemake:
        process_of_job(study, snakemake)
        while not list(study.results.glob(".state/*/state-00000[1-9]*")):
            assert snakemake.poll() is None
            time.sleep(0.01)
        os.killpg(snakemake.pid, signal.SIGKILL)
        snakemake.communicate()
    study.run(*ONE_RUN, "--unlock")
    study.run(*ONE_RUN, "--rerun-incomplete")
    equal = results(study.results / RUN) == results(small_study.results / RUN)
    count("runs equal after signals to Snakemake and its jobs", int(equal), 1)
    assert equal
    assert len(study.volatile(str(RUN))["resumed_from"]) == 1

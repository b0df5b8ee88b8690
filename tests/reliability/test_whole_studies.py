"""The whole workflow: equal results however it is run, and after what befalls its jobs."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Count
from finished_study import TINY, Project, copy_project
from tiny_jobs import results, volatile

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

LONGER = "sac: {training: {total_steps: 600}}\n"
RUN = Path("results/tiny/train_sac/Hopper-v4/s0")


def digests(folder: Path) -> Mapping[str, str]:
    """Of every result of a study, without its logs, timings and saved states."""
    found = {}
    for parent in sorted({path.parent for path in folder.rglob("*") if path.is_file()}):
        name = parent.relative_to(folder)
        if not {"logs", "benchmarks", ".state"}.intersection(name.parts):
            found |= {f"{name}/{file}": digest for file, digest in results(parent).items()}
    return found


def test_one_core_and_another_folder_give_the_same_bytes(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    other = Project(tmp_path / "another place" / "vaml")
    copy_project(other.folder)
    # It also saves its state at every chance, where the first one never did.
    monkeypatch.setenv("VAML_STATE_SECONDS", "0")
    other.snakemake("--cores", "1")
    first, second = digests(finished.results), digests(other.results)
    equal = sum(first[name] == second.get(name) for name in first)
    count("files equal with two cores, one core, another folder", equal, len(first))
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} == set()
    assert len(first) > 100


def project_with_longer_run(folder: Path) -> Project:
    copy_project(folder)
    (folder / "longer.yaml").write_text(LONGER, encoding="utf-8")
    return Project(folder, (TINY, "longer.yaml"))


def start(project: Project, *flags: str) -> subprocess.Popen[str]:
    """Snakemake on one SAC run, as the leader of a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": "src"}
    return subprocess.Popen(
        ["snakemake", "--cores", "1", f"{RUN}/outcome.json", *flags]
        + ["--configfile", *map(str, project.overlays)],
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def process_of_job(project: Project, snakemake: subprocess.Popen[str]) -> int:
    """The process that runs the job, once it has its lock."""
    while snakemake.poll() is None:
        for path in (project.results / ".state").glob("*/lock"):
            try:
                return int(json.loads(path.read_bytes())["pid"])
            except (ValueError, FileNotFoundError):  # just being written or removed
                continue
        time.sleep(0.01)
    raise AssertionError(snakemake.stdout.read() if snakemake.stdout else "")


def test_snakemake_goes_on_after_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    monkeypatch.setenv("PATH", f"{Path(shutil.which('python') or '').parent}:{os.environ['PATH']}")
    undisturbed = project_with_longer_run(tmp_path / "undisturbed")
    with start(undisturbed) as snakemake:
        text, _ = snakemake.communicate()
        assert snakemake.returncode == 0, text
    whole = results(undisturbed.folder / RUN)
    project = project_with_longer_run(tmp_path / "disturbed")

    # SIGTERM to the job alone: Snakemake gives up, the state stays.
    with start(project) as snakemake:
        os.kill(process_of_job(project, snakemake), signal.SIGTERM)
        text, _ = snakemake.communicate()
    assert snakemake.returncode == 1, text
    assert "exit code 143" in text or "exit status 143" in text or "143" in text
    assert results(project.folder / RUN) == {}
    assert list((project.results / ".state").glob("*/state-*"))

    # Ctrl-C: SIGINT to Snakemake, which terminates the job.
    with start(project) as snakemake:
        process_of_job(project, snakemake)
        snakemake.send_signal(signal.SIGINT)
        text, _ = snakemake.communicate()
    assert snakemake.returncode == 1, text
    assert "Traceback" not in text

    # With --retries, as in the cluster's profile, it goes on by itself.
    with start(project, "--retries", "2", "--rerun-incomplete") as snakemake:
        os.kill(process_of_job(project, snakemake), signal.SIGTERM)
        text, _ = snakemake.communicate()
    assert snakemake.returncode == 0, text
    equal = results(project.folder / RUN) == whole
    count("runs equal after signals to Snakemake's jobs", int(equal), 1)
    assert equal
    assert len(volatile(project.folder / RUN)["resumed_from"]) >= 2


def test_snakemake_goes_on_after_its_own_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    """All processes killed at once, as on a node that fails."""
    monkeypatch.setenv("VAML_STATE_SECONDS", "0")
    project = project_with_longer_run(tmp_path)
    with start(project) as snakemake:
        process_of_job(project, snakemake)
        while not list((project.results / ".state").glob("*/state-00000[1-9]*")):
            assert snakemake.poll() is None
            time.sleep(0.01)
        os.killpg(snakemake.pid, signal.SIGKILL)
        snakemake.communicate()
    project.snakemake("--unlock", "--cores", "1")
    done = project.snakemake(f"{RUN}/outcome.json", "--cores", "1", "--rerun-incomplete")
    resumed_from = volatile(project.folder / RUN)["resumed_from"]
    count("studies that went on after Snakemake was killed", int(len(resumed_from) == 1), 1)
    assert len(resumed_from) == 1, done.stderr
    assert resumed_from[0] >= 1

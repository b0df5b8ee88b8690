"""A full disk ends a job with one line that names the file; no half file and no other one stays."""

import errno
import json
import logging
import os
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tiny_jobs
from conftest import Count
from matplotlib.figure import Figure
from study_folder import StudyFolder

from vaml import tabulate
from vaml.analysis.figures.style import save
from vaml.pipeline.branches import branch
from vaml.runtime import job

OLD = b"what an earlier run left\n"


@pytest.fixture
def full_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on a file system without a free byte; as far as root is not there to make one,
    a folder whose files cannot be brought to the disk."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and not subprocess.run(mount, check=False).returncode
    if not mounted:
        fsync = os.fsync

        def no_space(descriptor: int) -> None:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if path.startswith(f"{folder}/"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", no_space)
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Take what space there is; names of new files need none."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for _ in range(1000):
            try:
                file.write(b"\0" * 4096)
            except OSError:
                break


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a step run in this process, which has loaded more than the step does."""
    monkeypatch.setattr(job, "_require_known", lambda *_: None)
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


def short_run() -> dict[str, Any]:
    settings = json.loads(json.dumps(tiny_jobs.SETTINGS["train_sac"]))
    settings["training"] |= {"total_steps": 80, "first_snapshot_step": 70, "snapshot_every": 10}
    return settings


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("flag", "file"),
    [
        *tiny_jobs.OUTPUTS["train_sac"].items(),
        ("resolved", "config.json"),
        ("manifest", "manifest.json"),
        ("state", None),
    ],
)
def test_each_kind_of_write(
    flag: str,
    file: str | None,
    full_folder: Path,
    tmp_path: Path,
    count: Count,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VAML_STATE_SECONDS", "0" if flag == "state" else "300")
    path = full_folder / (file or "state")
    if file:
        path.write_bytes(OLD)
    fill(full_folder)
    flags = tiny_jobs.arguments("train_sac", tmp_path / "out", tmp_path, **{flag: path})
    flags[flags.index("--config") + 1] = json.dumps(short_run())
    with pytest.raises(SystemExit) as ended:
        import_module("vaml.train_sac").main(flags)
    told = str(ended.value.code)
    reason = f"[Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}: '{path}"
    good = told.startswith(f"train_sac: {reason}") and "\n" not in told
    if file:
        good = good and path.read_bytes() == OLD
        good = good and {entry.name for entry in full_folder.iterdir()} <= {file, "filler"}
    else:  # not even the lock can be written
        good = good and not [entry for entry in path.rglob("*") if entry.is_file()]
    count("kinds of write on a full disk, refused by name", int(good), 1)
    assert good, (told, list(full_folder.iterdir()))


@pytest.mark.parametrize("kind", ["pdf", "png", "csv"])
def test_a_figure(kind: str, full_folder: Path, tmp_path: Path, count: Count) -> None:
    paths = {each: tmp_path / f"figure.{each}" for each in ("pdf", "png", "csv")}
    paths[kind] = full_folder / f"figure.{kind}"
    paths[kind].write_bytes(OLD)
    fill(full_folder)
    rows = pd.DataFrame({"step": range(2000), "error": 0.5})
    with pytest.raises(OSError, match=f"{os.strerror(errno.ENOSPC)}: '{paths[kind]}'$"):
        save(Figure(), rows, paths["pdf"], paths["png"], paths["csv"], 50)
    good = paths[kind].read_bytes() == OLD
    good = good and {path.name for path in full_folder.iterdir()} <= {paths[kind].name, "filler"}
    count("kinds of write on a full disk, refused by name", int(good), 1)
    assert good


def test_a_table(full_folder: Path, small_study: StudyFolder, count: Count) -> None:
    path = full_folder / "synthetic.csv"
    path.write_bytes(OLD)
    fill(full_folder)
    flags = ["--config", branch("fit_synthetic", small_study.config())]
    flags += ["--results", str(small_study.results), "--table", str(path)]
    with pytest.raises(SystemExit) as ended:
        tabulate.main(["synthetic", *flags])
    told = str(ended.value.code)
    good = f"{os.strerror(errno.ENOSPC)}: '{path}'" in told and "\n" not in told
    good = good and path.read_bytes() == OLD
    good = good and {entry.name for entry in full_folder.iterdir()} <= {path.name, "filler"}
    count("kinds of write on a full disk, refused by name", int(good), 1)
    assert good, told


@pytest.mark.slow
def test_the_job_goes_on_once_there_is_space(tmp_path: Path, count: Count) -> None:
    """As a process of its own, under a limit of the size of a file."""
    flags = tiny_jobs.arguments("train_sac", tmp_path / "out", tmp_path)
    flags[flags.index("--config") + 1] = json.dumps(short_run())
    status, text = tiny_jobs.run("train_sac", flags, VAML_TEST_LARGEST_FILE="20000")
    assert status == 1
    assert text.splitlines()[-1].startswith("train_sac: [Errno 27] File too large: ")
    assert "/state-" in text.splitlines()[-1]
    assert "Traceback" not in text
    assert tiny_jobs.results(tmp_path / "out") == {}
    status, text = tiny_jobs.run("train_sac", flags)
    assert status == 0, text
    other = tiny_jobs.arguments("train_sac", tmp_path / "other", tmp_path)
    other[other.index("--config") + 1] = json.dumps(short_run())
    assert tiny_jobs.run("train_sac", other)[0] == 0
    equal = tiny_jobs.results(tmp_path / "out") == tiny_jobs.results(tmp_path / "other")
    count("jobs equal after a full disk", int(equal), 1)
    assert equal

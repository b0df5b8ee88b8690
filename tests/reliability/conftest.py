"""One uninterrupted run of each job, and counts for the figures that are printed at the end."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tiny_jobs
from small_study import SmallStudy

from vaml.pipeline.jobs import TABLES

Count = Callable[[str, int, int], None]


@contextmanager
def once(factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """A folder that all workers share, and whether it is still to be filled."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield root / name, not (root / f"{name}.done").exists()
        (root / f"{name}.done").touch()


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per step, with the results of a job that nothing disturbed."""
    with once(tmp_path_factory, "reference") as (folder, missing):
        for step in tiny_jobs.OUTPUTS if missing else ():
            flags = tiny_jobs.arguments(step, folder / step, folder)
            status, text = tiny_jobs.run(step, flags, VAML_STATE_SECONDS="300")
            assert status == 0, text
    return folder


TARGETS = [
    *(f"results/tiny/tables/{table}.csv" for table in TABLES),
    *(
        f"results/tiny/figures/figure_{number}.{kind}"
        for number in "123"
        for kind in ("pdf", "png")
    ),
]


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """A finished study, made with two cores. Not to be changed."""
    with once(tmp_path_factory, "small_study") as (folder, missing):
        study = SmallStudy(folder)
        if missing:
            study.create().run("--cores", "2", *TARGETS)
    return study


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """count(what, good, tried): a figure for the summary, added up over the tests."""

    def add(what: str, good: int, tried: int) -> None:
        record_property(f"reliability: {what}", [good, tried])

    return add

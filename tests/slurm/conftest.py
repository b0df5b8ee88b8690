"""One cluster for all tests of a process, and what the same jobs leave without it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, missing
from study import LONG_RUN, TARGET, Study


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    started = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        try:
            started.start()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"SLURM's daemons do not start here: {error}")
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The long run's results, made without a cluster and without interruption."""
    study = Study(tmp_path_factory.mktemp("undisturbed") / "study", None, LONG_RUN)
    study.run(TARGET, "--cores", "1")
    return study


@pytest.fixture
def long_run(cluster: Cluster, tmp_path: Path) -> Study:
    """The place at which the run is to be interrupted."""
    return Study(tmp_path / "study", cluster, LONG_RUN)

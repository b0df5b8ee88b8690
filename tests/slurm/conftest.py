"""One cluster for all tests of a process, and what the same jobs leave without it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, missing
from runs import LONG_RUN, TARGET
from study_folder import StudyFolder


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
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """The long run's results, made without a cluster and without interruption."""
    study = StudyFolder(tmp_path_factory.mktemp("undisturbed") / "study", LONG_RUN)
    study.create().run(TARGET, "--cores", "1")
    return study


@pytest.fixture
def long_run(cluster: Cluster, tmp_path: Path) -> StudyFolder:
    """The place at which the run is to be interrupted."""
    return StudyFolder(tmp_path / "study", LONG_RUN, environment=cluster.environment).create()

"""A study through sbatch gives what it gives without SLURM."""

from pathlib import Path

import pytest
from cluster import Cluster
from runs import QUICK, submitted
from study_folder import FEWER_JOBS, RESULTS, StudyFolder

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(1200)]

# One synthetic environment with two fits, measured, in one SLURM job; a SAC run; fits with two
# objectives to its one snapshot, measured in one; two agents in one environment; all tables, the
# figures and the verdicts in one SLURM job.
SLURM_JOBS = 1 + 1 + 2 + 1 + 2 + 1


def minutes(limit: str) -> int:
    hours, minutes, seconds = map(int, limit.split(":"))
    return hours * 60 + minutes + (seconds > 0)


def test_same_bytes_as_without_slurm(
    cluster: Cluster, small_study: StudyFolder, tmp_path: Path
) -> None:
    study = StudyFolder(tmp_path / "cluster", FEWER_JOBS, environment=cluster.environment).create()
    jobs = submitted(study.run(*RESULTS, *QUICK))
    assert len(jobs) == SLURM_JOBS
    found = [cluster.job(each) for each in jobs]
    assert {each["JobState"] for each in found} == {"COMPLETED"}
    assert {each["NumCPUs"] for each in found} == {"1"}
    groups = [each for each in found if "group_" in each["StdOut"]]
    assert len(groups) == 3
    assert all(minutes(each["TimeLimit"]) < 60 for each in groups)
    assert cluster.jobs() == {}
    assert study.owners() == []
    assert len(small_study.digests()) > 40
    assert study.digests() == small_study.digests()

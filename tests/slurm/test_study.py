"""A study through sbatch gives what it gives without SLURM."""

from pathlib import Path

import pytest
from cluster import Cluster
from study import QUICK, ROOT, Study, submitted

from vaml.pipeline.jobs import TABLES

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(1200)]

FEWER_JOBS = ROOT / "tests" / "reliability" / "fewer_jobs.yaml"
TARGETS = [
    *(f"results/tiny/tables/{table}.csv" for table in TABLES),
    "results/tiny/figures/figure_1.pdf",
    "results/tiny/claims.json",
]
# One synthetic environment with two fits, measured, in one SLURM job; a SAC run; fits with two
# objectives to its one snapshot, measured in one; two agents in one environment; all tables, the
# figure and the verdicts in one SLURM job.
SLURM_JOBS = 1 + 1 + 2 + 1 + 2 + 1


def minutes(limit: str) -> int:
    hours, minutes, seconds = map(int, limit.split(":"))
    return hours * 60 + minutes + (seconds > 0)


def test_same_bytes_as_without_slurm(cluster: Cluster, tmp_path: Path) -> None:
    study = Study(tmp_path / "cluster", cluster, FEWER_JOBS)
    jobs = submitted(study.run(*TARGETS, *QUICK))
    assert len(jobs) == SLURM_JOBS
    found = [cluster.job(each) for each in jobs]
    assert {each["JobState"] for each in found} == {"COMPLETED"}
    assert {each["NumCPUs"] for each in found} == {"1"}
    groups = [each for each in found if "group_" in each["StdOut"]]
    assert len(groups) == 3
    assert all(minutes(each["TimeLimit"]) < 60 for each in groups)
    assert cluster.jobs() == {}
    assert study.owners() == []

    local = Study(tmp_path / "local", None, FEWER_JOBS)
    local.run(*TARGETS, "--cores", "2")
    assert len(local.digests()) > 40
    assert study.digests() == local.digests()

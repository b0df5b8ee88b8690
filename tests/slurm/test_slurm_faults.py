"""Faults of a cluster change no result, and no work is done twice.

States are saved every 300 s, longer than these runs take: a run that went on from a state had
saved it when it was told to stop, so that it lost not a step.
"""

import os
import signal
import subprocess
from itertools import pairwise

import pytest
from cluster import Cluster
from runs import QUICK, RUN, TARGET, submitted
from study_folder import ROOT, StudyFolder, finish

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(1200)]

# Each takes two to five minutes, most of which SLURM and Snakemake spend waiting.
by_hand = pytest.mark.skipif(
    "SLURM_FAULTS" not in os.environ, reason="takes minutes; set SLURM_FAULTS=1 to run it"
)

LOG = f"results/tiny/logs/{RUN}.log"


def wait_until_running(study: StudyFolder, cluster: Cluster, steps: int = 500) -> str:
    """The id of the SLURM job that trains, once it has done so many steps."""
    log = study.folder / LOG

    def steps_done() -> int:
        lines = log.read_text().splitlines() if log.exists() else []
        words = [line.partition("env_step ")[2].split() for line in lines]
        return max((int(each[0]) for each in words if each), default=0)

    cluster.wait_for(lambda: bool(study.owners()) and steps_done() >= steps, seconds=180)
    (owner,) = study.owners()
    return owner["slurm_job_id"]


def check(study: StudyFolder, undisturbed: StudyFolder, resumptions: int) -> None:
    """The same results, made in so many parts beside the first, each from where one stopped."""
    assert study.digests() == undisturbed.digests()
    steps = study.volatile(RUN)["resumed_from"]
    assert len(steps) == resumptions
    assert all(before < after for before, after in pairwise([0, *steps]))
    assert not list(study.results.glob(".state/*"))


def test_cancelled_job_is_submitted_again(
    cluster: Cluster, long_run: StudyFolder, undisturbed: StudyFolder
) -> None:
    with long_run.started(TARGET, *QUICK) as snakemake:
        first = wait_until_running(long_run, cluster)
        cluster.run("scancel", first)
        text = finish(snakemake)
    assert len(submitted(text)) == 2
    check(long_run, undisturbed, resumptions=1)


@by_hand
@pytest.mark.parametrize("partition", ["low", "grace"])
def test_preempted_job_goes_on(
    cluster: Cluster, long_run: StudyFolder, undisturbed: StudyFolder, partition: str
) -> None:
    flags = ("--default-resources", f"slurm_partition={partition}")
    with long_run.started(TARGET, *QUICK, *flags) as snakemake:
        first = wait_until_running(long_run, cluster)
        cluster.block(5, "urgent")
        text = finish(snakemake)
    if partition == "low":
        # The same job again.
        assert submitted(text) == [first]
        assert cluster.job(first)["Restarts"] == "1"
    else:
        # It saved its state and left when it was warned, which counts as a failure.
        assert len(submitted(text)) == 2
        assert cluster.job(first)["JobState"] == "FAILED"
    check(long_run, undisturbed, resumptions=1)


@by_hand
def test_time_limits_shorter_than_the_job(
    cluster: Cluster, long_run: StudyFolder, undisturbed: StudyFolder
) -> None:
    """A minute is the shortest limit there is, so this run saves its state after every step.

    However slow the machine, the run has retries enough for its work.
    """
    flags = ("--set-resources", "train_sac:runtime=1", "--retries", "30")
    text = long_run.run(TARGET, *QUICK, *flags, VAML_STATE_SECONDS="0")
    *cut, last = submitted(text)
    assert len(cut) >= 2
    assert {cluster.job(each)["JobState"] for each in cut} == {"TIMEOUT"}
    assert cluster.job(last)["JobState"] == "COMPLETED"
    check(long_run, undisturbed, resumptions=len(cut))


@by_hand
def test_more_memory_after_too_little(
    cluster: Cluster, long_run: StudyFolder, undisturbed: StudyFolder
) -> None:
    flags = ("--set-resources", "train_sac:mem_mb=300 * attempt")
    text = long_run.run(TARGET, *QUICK, *flags)
    first, second = submitted(text)
    assert cluster.job(first)["JobState"] in ("FAILED", "OUT_OF_MEMORY")
    assert [cluster.job(each)["MinMemoryNode"] for each in (first, second)] == ["300M", "600M"]
    check(long_run, undisturbed, resumptions=0)


def kill(snakemake: subprocess.Popen[str]) -> None:
    os.killpg(snakemake.pid, signal.SIGKILL)
    snakemake.communicate()


@by_hand
def test_new_start_after_snakemake_was_killed(
    cluster: Cluster, long_run: StudyFolder, undisturbed: StudyFolder
) -> None:
    with long_run.started(TARGET, *QUICK) as snakemake:
        first = wait_until_running(long_run, cluster)
        kill(snakemake)
    assert "LockException" in long_run.run(TARGET, *QUICK, status=1)
    long_run.run(TARGET, *QUICK, "--unlock")

    # A second copy is refused. The first must not be done before that, however fast it is.
    cluster.run("scontrol", "suspend", first)
    text = long_run.run(TARGET, *QUICK, "--retries", "0", status=1)
    assert "another copy of this job is running" in text
    assert f"SLURM job {first}; wait for it or stop it" in text
    cluster.run("scontrol", "resume", first)

    # As docs/slurm.md says. Another folder's jobs stay.
    other = cluster.block(60, "main", "--chdir=/tmp", "--cpus-per-task=1")
    document = (ROOT / "docs" / "slurm.md").read_text(encoding="utf-8")
    (cancel,) = (line for line in document.splitlines() if line.endswith("| xargs -r scancel"))
    subprocess.run(
        ["bash", "-c", cancel.strip()],
        cwd=long_run.folder,
        env=os.environ | cluster.environment,
        check=True,
    )
    cluster.wait_for(lambda: list(cluster.jobs()) == [other])
    cluster.run("scancel", other)
    assert len(submitted(long_run.run(TARGET, *QUICK))) == 1
    check(long_run, undisturbed, resumptions=1)


@by_hand
def test_lost_node(cluster: Cluster, long_run: StudyFolder, undisturbed: StudyFolder) -> None:
    with long_run.started(TARGET, *QUICK, VAML_STATE_SECONDS="1") as snakemake:
        first = wait_until_running(long_run, cluster)
        cluster.lose_node()
        cluster.wait_for(lambda: cluster.jobs()[first] == "PENDING", seconds=120)
        cluster.start_node()
        text = finish(snakemake)
    assert submitted(text) == [first]
    assert cluster.job(first)["Restarts"] == "1"
    check(long_run, undisturbed, resumptions=1)

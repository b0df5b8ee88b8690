"""A run on the cluster, and what Snakemake says of its jobs."""

from collections.abc import Sequence
from pathlib import Path

# A run that lasts long enough to be interrupted, and what it leaves last.
LONG_RUN = Path(__file__).parent / "long_run.yaml"
RUN = "train_sac/Hopper-v4/s0"
TARGET = f"results/tiny/{RUN}/manifest.json"
# What a run on one quiet node may do faster than the profile, which is made for real ones.
QUICK = (
    "--profile",
    "workflow/profiles/slurm",
    "--slurm-init-seconds-before-status-checks",
    "1",
    "--latency-wait",
    "5",
)


def submitted(text: str) -> Sequence[str]:
    """The SLURM jobs that Snakemake says it submitted."""
    marker = "has been submitted with SLURM jobid "
    return [line.split(marker)[1].split()[0] for line in text.splitlines() if marker in line]

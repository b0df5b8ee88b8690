"""Do the agents learn? SAC, and MBAC with maximum likelihood, on InvertedPendulum.

    python benchmarks/learning.py sac --seeds 0 1 2 3
    python benchmarks/learning.py mbac --seeds 0 1 2 3 --device cuda

Networks and optimisation as in config/config.yaml; both agents with the warm-up, the length and
the evaluations that experiment C has in this environment. A run ends at the first evaluation (10
deterministic episodes) with a mean return of at least 950, or after 30 000 environment steps.
Prints one CSV row per evaluation, and at the end how many seeds got there.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.sac import SACRun
from vaml.config.mbac import TrainMBACJob
from vaml.config.sac import TrainSACJob
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.pipeline import jobs
from vaml.runtime.allocator import keep_freed_memory
from vaml.seeding import Streams

ENVIRONMENT = "InvertedPendulum-v4"
ENOUGH = 950.0


def agent(name: str, study: Config, seed: int, device: str) -> SACRun | MBACRun:
    """A run of the agent as the config has it."""
    streams = Streams(seed, f"train_{name}", ENVIRONMENT)
    labels = {"environment": ENVIRONMENT, "agent": "mle", "seed": seed}
    mbac = TrainMBACJob.model_validate_json(jobs.settings("train_mbac", study, labels))
    if name == "mbac":
        return MBACRun(mbac, streams, device)
    every = mbac.training.evaluation_every
    sac = TrainSACJob.model_validate_json(jobs.settings("train_sac", study, labels))
    training = sac.training.model_copy(
        update={
            "total_steps": mbac.total_steps,
            "warmup_steps": mbac.warmup_steps,
            "first_snapshot_step": mbac.warmup_steps + every,
            "snapshot_every": every,
        }
    )
    return SACRun(sac.model_copy(update={"training": training}), streams, device)


def evaluated(run: SACRun | MBACRun) -> Iterator[tuple[int, float]]:
    """Environment step and mean return of each evaluation, as the run goes on to its end."""
    seen = 0
    while not run.finished:
        run.advance()
        rows = run.evaluations.rows
        if len(rows) > seen and (mean := run.evaluations.last_mean()) is not None:
            seen = len(rows)
            yield run.steps, mean


def main() -> None:
    parser = argparse.ArgumentParser(description="Do the agents learn InvertedPendulum?")
    parser.add_argument("agent", choices=["sac", "mbac"])
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments = parser.parse_args()
    study = load(merged([Path(__file__).parents[1] / "config" / "config.yaml"]))
    keep_freed_memory()
    solved = 0
    print("agent,seed,env_step,mean_return,seconds", flush=True)
    for seed in arguments.seeds:
        run = agent(arguments.agent, study, seed, arguments.device)
        start = time.monotonic()
        for step, mean in evaluated(run):
            seconds = time.monotonic() - start
            print(f"{arguments.agent},{seed},{step},{mean:.1f},{seconds:.0f}", flush=True)
            if mean >= ENOUGH:
                solved += 1
                break
    print(f"# {solved} of {len(arguments.seeds)} seeds reached a mean return of {ENOUGH:g}")
    sys.exit(solved < len(arguments.seeds))


if __name__ == "__main__":
    main()

"""Do the agents learn? SAC, and MBAC with maximum likelihood, on InvertedPendulum.

    python benchmarks/learning.py sac --seeds 0 1 2 3
    python benchmarks/learning.py mbac --seeds 0 1 2 3

Networks and optimisation as in config/config.yaml; both agents with the warm-up, the length and
the evaluations that experiment C has in this environment. A run ends at the first evaluation (10
deterministic episodes) with a mean return of at least 950, or after 30 000 environment steps.
Prints one CSV row per evaluation, and at the end how many seeds got there.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import yaml

from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.sac import SACRun
from vaml.config.mbac import AgentSettings, TrainMBACJob
from vaml.config.sac import TrainSACJob
from vaml.config.schema import Config, load
from vaml.runtime.allocator import keep_freed_memory
from vaml.seeding import Streams

ENVIRONMENT = "InvertedPendulum-v4"
ENOUGH = 950.0


def agent(name: str, study: Config, seed: int) -> SACRun | MBACRun:
    """A run of the agent as the config has it."""
    run, training = study.mbac.runs[ENVIRONMENT], study.mbac.training
    streams = Streams(seed, f"train_{name}", ENVIRONMENT)
    environment = study.environments[ENVIRONMENT]
    if name == "sac":
        settings = study.sac.training.model_copy(
            update={
                "total_steps": run.total_steps,
                "warmup_steps": run.warmup_steps,
                "first_snapshot_step": run.warmup_steps + training.evaluation_every,
                "snapshot_every": training.evaluation_every,
            }
        )
        job = TrainSACJob(
            environment_id=ENVIRONMENT, environment=environment, training=settings, seed=seed
        )
        return SACRun(job, streams)
    return MBACRun(
        TrainMBACJob(
            environment_id=ENVIRONMENT,
            environment=environment,
            agent=AgentSettings(
                objective=study.objectives["mle"],
                final_mle_coefficient=1.0,
                critic_actions="replay",
                average_rewards=False,
                frozen_split=False,
            ),
            total_steps=run.total_steps,
            warmup_steps=run.warmup_steps,
            decay_end_step=run.decay_end_step,
            training=training,
            seed=seed,
        ),
        streams,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Do the agents learn InvertedPendulum?")
    parser.add_argument("agent", choices=["sac", "mbac"])
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    arguments = parser.parse_args()
    config = Path(__file__).parents[1] / "config" / "config.yaml"
    study = load(yaml.safe_load(config.read_text()))
    keep_freed_memory()
    solved = 0
    print("agent,seed,env_step,mean_return,seconds", flush=True)
    for seed in arguments.seeds:
        run, start, seen = agent(arguments.agent, study, seed), time.monotonic(), 0
        while not run.finished:
            run.advance()
            rows = run.evaluations.rows
            if len(rows) == seen:
                continue
            seen, mean = len(rows), run.evaluations.last_mean()
            seconds = time.monotonic() - start
            print(f"{arguments.agent},{seed},{run.steps},{mean:.1f},{seconds:.0f}", flush=True)
            if mean is not None and mean >= ENOUGH:
                solved += 1
                break
    print(f"# {solved} of {len(arguments.seeds)} seeds reached a mean return of {ENOUGH:g}")


if __name__ == "__main__":
    main()

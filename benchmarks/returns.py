"""Does our SAC learn as Stable-Baselines3's does? Equal steps, settings and environment.

    python benchmarks/returns.py ours Hopper-v4 --seeds 0 1 2 > ours.csv
    python benchmarks/returns.py stable_baselines3 Hopper-v4 --seeds 0 1 2 > theirs.csv

The runs of experiment B as config/config.yaml has them: environment with its time limit and the
position in the observation, hidden layers, learning rate, batch, discount, averaging of the target
networks, initial temperature, warm-up and length. What stays each library's own: the networks'
initialisation, and the bounds of the policy's standard deviation. Ten deterministic episodes at the
steps where experiment B evaluates. Prints one CSV row per evaluation. A run takes half an hour to
an hour on one core.
"""

import argparse
import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from learning import evaluated

from vaml.algorithms.sac import SACRun
from vaml.config.sac import TrainSACJob
from vaml.config.schema import load
from vaml.config.yaml_file import merged
from vaml.envs import mujoco
from vaml.pipeline import jobs
from vaml.runtime.allocator import keep_freed_memory
from vaml.seeding import Streams

Evaluation = tuple[int, float]  # environment step, mean return


def ours(job: TrainSACJob, seed: int) -> Iterator[Evaluation]:
    """The run of `vaml.train_sac`, with its random streams."""
    return evaluated(SACRun(job, Streams(seed, "train_sac", job.environment_id)))


def stable_baselines3(job: TrainSACJob, seed: int) -> Iterator[Evaluation]:
    """The same run by Stable-Baselines3, learning from one evaluation to the next."""
    library = importlib.import_module("stable_baselines3")
    evaluation = importlib.import_module("stable_baselines3.common.evaluation")
    training, settings = job.training, job.training.actor_critic
    env, held_out = (mujoco.configured(job.environment_id, job.environment) for _ in range(2))
    held_out.reset(seed=seed + 1000)
    agent = library.SAC(
        "MlpPolicy",
        env,
        learning_rate=settings.learning_rate,
        buffer_size=training.total_steps,
        learning_starts=training.warmup_steps,
        batch_size=settings.batch_size,
        tau=settings.polyak,
        gamma=settings.discount,
        ent_coef=f"auto_{settings.initial_temperature}",
        policy_kwargs={"net_arch": list(settings.hidden_sizes)},
        seed=seed,
        device="cpu",
    )
    for step in (training.warmup_steps, *training.snapshot_schedule):
        agent.learn(step - agent.num_timesteps, reset_num_timesteps=False)
        episodes = training.evaluation_episodes
        mean, _ = evaluation.evaluate_policy(agent, held_out, episodes, warn=False)
        yield step, float(mean)


AGENTS = {"ours": ours, "stable_baselines3": stable_baselines3}


def main() -> None:
    parser = argparse.ArgumentParser(description="Returns of SAC, ours and another library's.")
    parser.add_argument("agent", choices=AGENTS)
    parser.add_argument("environment")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    arguments = parser.parse_args()
    study = load(merged([Path(__file__).parents[1] / "config" / "config.yaml"]))
    keep_freed_memory()
    print("agent,environment,seed,env_step,mean_return,seconds", flush=True)
    for seed in arguments.seeds:
        labels = {"environment": arguments.environment, "seed": seed}
        job = TrainSACJob.model_validate_json(jobs.settings("train_sac", study, labels))
        start = time.monotonic()
        for step, mean in AGENTS[arguments.agent](job, seed):
            row = (arguments.agent, arguments.environment, seed, step, f"{mean:.1f}")
            print(*row, f"{time.monotonic() - start:.0f}", sep=",", flush=True)


if __name__ == "__main__":
    main()

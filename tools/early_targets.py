"""Measure how far the critics' targets of agents are from the true ones early in a run, by sign.

    python tools/early_targets.py early_targets.csv --configfile config/pendulum.yaml \\
        config/pendulum/targets.yaml

Runs each agent of the study from its start to the last step of STEPS, a minute or two each. One row
per agent, seed and step, with means over all transitions so far, for the value function and the
model of then (SAC has no model, and V alone):

    value              V(s')
    bias               target by the model's samples less the true target, eq. (7)
    mean_bias          the same by the model's mean
    termination_bias   the part of `bias` that comes from where samples end the episode:
                       - discount (1[s̃ ends] V(s̃) - 1[s' ends] V(s'))
    terminal           share of transitions that end the episode
    spurious           probability that a sample ends it, on those that do not
    missed             probability that a sample goes on, on those that do
"""

from pathlib import Path
from typing import Any

import torch
from fits import write_table
from torch import Tensor

from vaml.algorithms.learned_model import LearnedModel
from vaml.algorithms.mbac import MBACRun
from vaml.config.mbac import TrainMBACJob
from vaml.config.schema import Config
from vaml.data.transitions import Transitions
from vaml.losses.actor_critic import bellman_target
from vaml.networks.value import SoftValue
from vaml.pipeline import jobs
from vaml.seeding import Streams

STEPS = (3000, 4000)
BIASES = ("bias", "mean_bias", "termination_bias", "terminal", "spurious", "missed")
DRAWS = 100  # of the policy's action at s', and of the model's next state


@torch.no_grad()
def biases(
    learned: LearnedModel, data: Transitions, generator: torch.Generator
) -> dict[str, float]:
    """BIASES of one row."""
    prediction = learned.model(data.observations, data.actions)

    def parts(next_observations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means over draws (DRAWS, B, n): target, V where the episode ends, share that ends."""
        rewards = learned.known.reward(data.observations, data.actions, next_observations)
        ended = learned.known.terminated(next_observations)
        values = learned.value(next_observations, generator)
        targets = bellman_target(rewards, ended, values, discount)
        return targets.mean(0), (ended * values).mean(0), ended.float().mean(0)

    discount = learned.job.training.actor_critic.discount
    true = data.next_observations.expand(DRAWS, -1, -1)
    target, lost, ended = parts(true)
    by_samples, lost_by_samples, ended_by_samples = parts(prediction.sample(DRAWS, generator))
    by_mean, _, _ = parts(prediction.repeated_mean(DRAWS))
    goes_on = ended == 0
    return {
        "bias": (by_samples - target).mean().item(),
        "mean_bias": (by_mean - target).mean().item(),
        "termination_bias": -discount * (lost_by_samples - lost).mean().item(),
        "terminal": ended.mean().item(),
        "spurious": ended_by_samples[goes_on].mean().item(),
        "missed": 1 - ended_by_samples[~goes_on].mean().item(),
    }


@torch.no_grad()
def mean_value(value: SoftValue, data: Transitions, generator: torch.Generator) -> float:
    """Mean of V(s') over transitions."""
    return value(data.next_observations.expand(DRAWS, -1, -1), generator).mean().item()


def rows(study: Config, _results: Path) -> list[dict[str, Any]]:
    """Rows of each agent, along its run."""
    found: list[dict[str, Any]] = []
    for labels in jobs.labels("train_mbac", study):
        job = TrainMBACJob.model_validate_json(jobs.settings("train_mbac", study, labels))
        run = MBACRun(job, Streams(job.seed, "train_mbac", job.environment_id))
        for step in STEPS:
            while run.steps < step:
                run.advance()
            data = run.interaction.history.transitions()
            generator = torch.Generator().manual_seed(step)
            numbers: dict[str, Any] = dict.fromkeys(BIASES)
            if run.learned:
                numbers = biases(run.learned, data, generator)
            value = mean_value(run.agent.value, data, generator)
            found.append({**labels, "env_step": step, "value": value, **numbers})
    return found


if __name__ == "__main__":
    write_table(__doc__ or "", rows)

"""The artificial environment of experiment A: random dynamics, uniform actions, no reward."""

import torch
from torch import Tensor

from vaml.data.transitions import Transitions
from vaml.networks.dynamics import GaussianDynamics


@torch.no_grad()
def simulate(
    dynamics: GaussianDynamics,
    transitions: int,
    horizon: int,
    generator: torch.Generator,
) -> Transitions:
    """Transitions of full episodes, side by side, in random order.

    s0 ~ N(0, I), actions uniform in [-1, 1], next states drawn from the dynamics; episodes end
    after `horizon` steps and never before. The last episode is cut where the count asks for it.
    """
    episodes = -(-transitions // horizon)

    def normal(*shape: int) -> Tensor:
        return torch.empty(shape).normal_(generator=generator)

    observations = normal(episodes, dynamics.observation_size)
    steps: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(horizon):
        actions = torch.empty(episodes, dynamics.action_size).uniform_(-1, 1, generator=generator)
        next_observations = dynamics(observations, actions).sample(1, generator)[0]
        steps.append((observations, actions, next_observations))
        observations = next_observations
    # (horizon, episodes, ...) to rows in the order of the episodes.
    columns = [
        torch.stack(column).transpose(0, 1).flatten(0, 1) for column in zip(*steps, strict=True)
    ]
    order = torch.randperm(transitions, generator=generator)
    return Transitions(*(column[:transitions][order] for column in columns))

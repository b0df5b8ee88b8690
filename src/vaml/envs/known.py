"""Known reward and termination functions for model-based critic targets (section 4.1, eq. (7)).

Each equals what `env.step` of Gymnasium's environment computes, as a function of the observation
before the step, the action and the observation after it; the x-position must be kept in the
observation of Hopper (12 entries) and Walker2d (18), whose reward is the distance moved.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from vaml.config.fields import by_name

Reward = Callable[[Tensor, Tensor, Tensor], Tensor]
Termination = Callable[[Tensor], Tensor]

_LOCOMOTION_SECONDS = 0.008  # per step of Hopper and Walker2d: 4 sub-steps of 0.002


@dataclass(frozen=True)
class KnownFunctions:
    """Reward and termination of one environment, for any batch dimensions, which broadcast."""

    environment: str
    observation_size: int
    _reward: Reward
    _terminated: Termination

    def reward(self, observations: Tensor, actions: Tensor, next_observations: Tensor) -> Tensor:
        """Reward of each transition, shaped as the broadcast batch dimensions.

        If a next observation is not finite, and therefore terminal, the reward is still finite.
        Pusher never terminates: there the value is then non-finite, as Pusher-v5's reward is.

        observations: (..., observation_size), e.g. (B, n).
        actions: (..., action_size), e.g. (B, m).
        next_observations: (..., observation_size), e.g. (K, B, n) for K model samples.
        Raises ValueError for observations of another size.
        """
        self._check(observations)
        self._check(next_observations)
        batch = (observations.shape[:-1], actions.shape[:-1], next_observations.shape[:-1])
        rewards = self._reward(observations, actions, next_observations)
        return rewards.expand(torch.broadcast_shapes(*batch))

    def terminated(self, next_observations: Tensor) -> Tensor:
        """True for each transition that ends its episode, time limits aside.

        A non-finite next observation is terminal, except in Pusher, where nothing is.
        Hopper also ends if a velocity exceeds 100. Its observation clips velocities to 10, so that
        only this case of `env.step` cannot be recognised from the observation.

        next_observations: (..., observation_size). Returns (...), bool.
        Raises ValueError for observations of another size.
        """
        self._check(next_observations)
        return self._terminated(next_observations)

    def _check(self, observations: Tensor) -> None:
        if observations.shape[-1] != self.observation_size:
            raise ValueError(
                f"{self.environment}: got observations of {observations.shape[-1]} entries; "
                f"allowed: {self.observation_size}, with the x-position where there is one"
            )


def known_functions(environment: str) -> KnownFunctions:
    """Reward and termination of an environment, by its id.

    Raises ValueError for an id that has none.
    """
    if environment not in _KNOWN:
        raise ValueError(
            f"known reward and termination: got {environment!r}; allowed: {', '.join(_KNOWN)}"
        )
    return KnownFunctions(environment, *_KNOWN[environment])


def _inverted_pendulum_terminated(next_observations: Tensor) -> Tensor:
    # [x, pole angle, their velocities]
    upright = next_observations[..., 1].abs() <= 0.2
    return ~(upright & next_observations.isfinite().all(-1))


def _inverted_pendulum_v4_reward(
    observations: Tensor, actions: Tensor, next_observations: Tensor
) -> Tensor:
    """1, on the terminating step too."""
    return torch.ones_like(next_observations[..., 0])


def _inverted_pendulum_v5_reward(
    observations: Tensor, actions: Tensor, next_observations: Tensor
) -> Tensor:
    """1, but 0 on the terminating step."""
    return (~_inverted_pendulum_terminated(next_observations)).to(next_observations.dtype)


def _hopper_terminated(next_observations: Tensor) -> Tensor:
    # [x, height, torso angle, 3 joint angles, 6 velocities]
    height, angle = next_observations[..., 1], next_observations[..., 2]
    bounded = (next_observations[..., 2:].abs() < 100).all(-1)
    healthy = (height > 0.7) & (angle.abs() < 0.2) & bounded
    return ~(healthy & next_observations.isfinite().all(-1))


def _walker2d_terminated(next_observations: Tensor) -> Tensor:
    # [x, height, torso angle, 6 joint angles, 9 velocities]
    height, angle = next_observations[..., 1], next_observations[..., 2]
    healthy = (height > 0.8) & (height < 2.0) & (angle.abs() < 1.0)
    return ~(healthy & next_observations.isfinite().all(-1))


def _locomotion_v4_reward(
    observations: Tensor, actions: Tensor, next_observations: Tensor
) -> Tensor:
    """A healthy bonus of 1, on the terminating step too."""
    return _progress(observations, actions, next_observations) + 1.0


def _locomotion_v5_reward(
    observations: Tensor, actions: Tensor, next_observations: Tensor, *, terminated: Termination
) -> Tensor:
    """A healthy bonus of 1, but none on the terminating step."""
    healthy = ~terminated(next_observations)
    return _progress(observations, actions, next_observations) + healthy.to(actions.dtype)


def _progress(observations: Tensor, actions: Tensor, next_observations: Tensor) -> Tensor:
    """Forward velocity less the cost of the action."""
    position, next_position = observations[..., 0], next_observations[..., 0]
    # A non-finite position is terminal, but its velocity would reach the critic's target.
    moved = torch.where(next_position.isfinite(), next_position - position, 0.0)
    return moved / _LOCOMOTION_SECONDS - 0.001 * actions.square().sum(-1)


def _never_terminated(next_observations: Tensor) -> Tensor:
    return torch.zeros_like(next_observations[..., 0], dtype=torch.bool)


def _pusher_v4_reward(observations: Tensor, actions: Tensor, next_observations: Tensor) -> Tensor:
    """Reward of the state before the step."""
    return _pusher_reward(observations, actions)


def _pusher_v5_reward(observations: Tensor, actions: Tensor, next_observations: Tensor) -> Tensor:
    """Reward of the state after the step."""
    return _pusher_reward(next_observations, actions)


def _pusher_reward(states: Tensor, actions: Tensor) -> Tensor:
    """Distances of the object from goal and fingertip, and a cost of the action."""
    # [7 joint angles, 7 joint velocities, fingertip, object, goal]
    fingertip, manipulated, goal = states[..., 14:].split(3, -1)
    to_goal = torch.linalg.vector_norm(manipulated - goal, dim=-1)
    to_object = torch.linalg.vector_norm(manipulated - fingertip, dim=-1)
    return -to_goal - 0.5 * to_object - 0.1 * actions.square().sum(-1)


_hopper_v5_reward = partial(_locomotion_v5_reward, terminated=_hopper_terminated)
_walker2d_v5_reward = partial(_locomotion_v5_reward, terminated=_walker2d_terminated)

_KNOWN: dict[str, tuple[int, Reward, Termination]] = by_name(
    {
        "Hopper-v4": (12, _locomotion_v4_reward, _hopper_terminated),
        "Hopper-v5": (12, _hopper_v5_reward, _hopper_terminated),
        "InvertedPendulum-v4": (4, _inverted_pendulum_v4_reward, _inverted_pendulum_terminated),
        "InvertedPendulum-v5": (4, _inverted_pendulum_v5_reward, _inverted_pendulum_terminated),
        "Pusher-v4": (23, _pusher_v4_reward, _never_terminated),
        "Pusher-v5": (23, _pusher_v5_reward, _never_terminated),
        "Walker2d-v4": (18, _locomotion_v4_reward, _walker2d_terminated),
        "Walker2d-v5": (18, _walker2d_v5_reward, _walker2d_terminated),
    }
)
KNOWN: tuple[str, ...] = tuple(_KNOWN)

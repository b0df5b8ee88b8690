"""Gymnasium's Pusher-v4, the paper's Pusher-v2, under MuJoCo 3 and later."""

from typing import Any

import numpy as np
from gymnasium.envs.mujoco.pusher_v4 import DEFAULT_CAMERA_CONFIG, PusherEnv
from gymnasium.spaces import Box

_SLIDES = 2  # mjModel.body_simple: its joints are slides and its inertia is diagonal


class Pusher(PusherEnv):
    """Pusher-v4 with the contact that MuJoCo 2 computes.

    Gymnasium refuses to make it with MuJoCo 3 and later, where the arm passes through the object
    (Gymnasium, issues 950 and, of Pusher-v5, 1576). The reason is one constant: a contact is as
    soft as the bodies' inverse weights are large, and since MuJoCo 3 that of a body which only
    slides is one over its mass, without the armature of its joints. Here the armature counts, as it
    does in the equations of motion: 16.7 for the object, in place of 7.6e7.
    """

    def __init__(self, **options: Any) -> None:
        space = Box(low=-np.inf, high=np.inf, shape=(23,), dtype=np.float64)
        # PusherEnv's own constructor does the same, behind the refusal.
        super(PusherEnv, self).__init__(
            "pusher.xml", 5, space, default_camera_config=DEFAULT_CAMERA_CONFIG, **options
        )
        count_armature(self.model)


def count_armature(model: Any) -> None:
    """Set the inverse weights of all bodies that only slide to those of MuJoCo 2.

    A degree of freedom: 1 / (mass + armature). A body: a third of their sum, the mean over the
    three directions.
    """
    for body in np.flatnonzero(model.body_simple == _SLIDES):
        first = model.body_dofadr[body]
        joints = slice(first, first + model.body_dofnum[body])
        model.dof_invweight0[joints] = 1 / model.dof_M0[joints]
        model.body_invweight0[body] = model.dof_invweight0[joints].sum() / 3, 0

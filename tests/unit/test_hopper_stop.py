"""tools/hopper_stop.py: which entry is the thigh, where its stop is, and what is counted there."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaml.config.sac import Environment
from vaml.envs import mujoco

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "hopper_stop.py"))
STOP, THIGH = TOOL["STOP"], TOOL["THIGH"]


def test_the_thigh_is_at_its_stop_at_an_angle_of_zero() -> None:
    env: Any = mujoco.configured("Hopper-v4", Environment(time_limit=10, keep_position=True))
    model = env.unwrapped.model
    joint = model.joint("thigh_joint")
    assert joint.qposadr.tolist() == [THIGH]
    assert np.degrees(joint.range) == pytest.approx([-150.0, 0.0])
    observation, _ = env.reset(seed=0)
    assert observation[THIGH] == env.unwrapped.data.qpos[THIGH]
    env.close()


def test_the_part_at_the_stop_is_that_of_rows_errors_and_the_largest_hundredth() -> None:
    observations = np.full((400, 12), -1.0)
    observations[:100, THIGH] = -STOP / 2
    observations[100:200, THIGH] = -2 * STOP
    errors = np.ones(400)
    errors[[0, 5, 50, 399]] = 26.0
    found = TOOL["shares"](observations, errors)
    assert found == {"rows": 0.25, "error": 175 / 500, "top": 0.75}

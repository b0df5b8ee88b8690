"""tools/thigh_stop.py: which entries are thighs, where their stop is, what is counted there."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from thigh_stop import STOP, THIGHS, shares, widths

from vaml.config.sac import Environment
from vaml.data.transitions import Transitions
from vaml.envs import mujoco
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics


@pytest.mark.parametrize("name", THIGHS)
def test_every_thigh_is_at_its_stop_at_an_angle_of_zero(name: str) -> None:
    env: Any = mujoco.configured(f"{name}-v4", Environment(time_limit=10, keep_position=True))
    model = env.unwrapped.model
    joints = [model.joint(i) for i in range(model.njnt) if "thigh" in model.joint(i).name]
    assert [int(joint.qposadr[0]) for joint in joints] == THIGHS[name]
    for joint in joints:
        assert np.degrees(joint.range) == pytest.approx([-150.0, 0.0])
    observation, _ = env.reset(seed=0)
    assert np.array_equal(observation[THIGHS[name]], env.unwrapped.data.qpos[THIGHS[name]])
    env.close()


def test_a_models_width_is_the_length_of_its_standard_deviations() -> None:
    model = GaussianDynamics(2, 1, [4], "default", torch.Generator().manual_seed(0))
    rows = Transitions(torch.zeros(5, 2), torch.zeros(5, 1), torch.zeros(5, 2))
    with torch.no_grad():
        model.log_std_head.weight.zero_()
        model.log_std_head.bias.copy_(torch.tensor([math.log(3.0), math.log(4.0)]))
        log_std = model(rows.observations, rows.actions).log_std[0]
    test = ModelTest(model, rows, lambda observations, generator: observations[..., 0], 10, 2)
    assert widths(test) == pytest.approx([math.hypot(*log_std.exp().tolist())] * 5)


def test_the_part_at_the_stop_is_that_of_rows_errors_and_the_largest_hundredth() -> None:
    angles = np.full((400, 2), -1.0)
    angles[:100, 0] = angles[50:100, 1] = -STOP / 2
    angles[100:200] = -2 * STOP
    errors = np.ones(400)
    errors[[0, 5, 50, 399]] = 26.0
    sigmas = np.full(400, 2.0)
    sigmas[[0, 5, 50, 399]] = 5.0, 6.0, 8.0, 9.0
    found = shares(angles, errors, sigmas)
    assert found == {"rows": 0.25, "error": 175 / 500, "top": 0.75, "top_sigma": 3.5}

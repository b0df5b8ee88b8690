"""Pusher-v4 is Gymnasium's, and what the arm touches moves as it did in MuJoCo 2."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.mujoco.pusher_v4 import PusherEnv

from vaml.envs.mujoco import make

ROOT = Path(__file__).parents[2]

# Torques of twenty steps and of forty more, the object's start on its two joints, and where it lay
# in the end in MuJoCo 2.3.7 with the same XML: x and y, m. Found among random torques as those that
# push the object and do not amplify a rounding error.
PUSHES = [
    (
        [1.8, 0.0, 1.9, -1.7, 0.4, -0.5, 1.2],
        [-1.3, 1.5, 0.2, 1.6, -0.1, -0.3, 1.2],
        (0.0, -0.05),
        (0.295, 0.044),
    ),
    (
        [0.6, 2.0, -1.6, 0.0, -0.4, -1.2, 1.5],
        [0.2, 0.4, -0.9, 0.2, 0.9, -1.2, -0.9],
        (-0.2, 0.01),
        (0.331, -0.133),
    ),
    (
        [1.1, 0.4, -0.2, 0.4, 1.5, 0.2, 1.1],
        [-0.2, -0.5, -0.7, 0.3, 1.8, -0.2, 1.6],
        (-0.04, 0.19),
        (0.585, 0.014),
    ),
    (
        [1.9, 1.2, -1.6, -0.4, 0.4, 0.7, -0.8],
        [1.1, -1.5, 0.3, 0.3, 1.1, 0.4, 1.9],
        (-0.09, 0.06),
        (-0.158, -0.241),
    ),
    (
        [0.6, 0.8, -0.4, -0.4, -0.4, 1.3, 1.4],
        [-1.7, -0.9, -1.8, 1.9, 1.2, -0.8, -0.5],
        (-0.21, 0.2),
        (0.666, -0.45),
    ),
]


@pytest.fixture
def simulator() -> Any:
    env = make("Pusher-v4", keep_position=False, time_limit=100)
    env.reset(seed=0)
    return env.unwrapped


@pytest.mark.parametrize(("first", "then", "start", "end"), PUSHES)
def test_a_push_moves_the_object_as_in_mujoco_2(
    simulator: Any, first: list[float], then: list[float], start: Any, end: Any
) -> None:
    position = simulator.model.qpos0.copy()
    position[-4:-2] = start
    simulator.set_state(position, np.zeros(simulator.model.nv))
    begun = simulator.data.body("object").xpos[:2].copy()
    for torques in [first] * 20 + [then] * 40:
        simulator.do_simulation(np.array(torques), simulator.frame_skip)
    moved = simulator.data.body("object").xpos[:2]
    assert moved == pytest.approx(end, abs=0.01)
    assert np.linalg.norm(np.array(end) - begun) > 0.07


def test_the_inverse_weights_are_those_of_mujoco_2(simulator: Any) -> None:
    model = simulator.model
    for name, of_joints, of_body in (
        ("object", 24.99999182, 16.66666121),
        ("goal", 24.99999975, 16.6666665),
    ):
        body = model.body(name)
        joints = slice(body.dofadr[0], body.dofadr[0] + body.dofnum[0])
        assert model.dof_invweight0[joints] == pytest.approx([of_joints] * 2, rel=1e-9)
        assert model.body_invweight0[body.id] == pytest.approx([of_body, 0], rel=1e-8)
    arm = model.body("tips_arm").id
    assert model.body_invweight0[arm] == pytest.approx([1.05484712, 33.47678037], rel=1e-8)


def test_it_is_gymnasiums_environment_in_all_else() -> None:
    env = make("Pusher-v4", keep_position=False, time_limit=100)
    assert env.spec is not None
    assert env.spec.max_episode_steps == 100
    assert env.unwrapped.metadata == PusherEnv.metadata
    assert env.observation_space.shape == (23,)
    assert env.action_space == gymnasium.make("Pusher-v5").action_space


@pytest.mark.slow
@pytest.mark.parametrize(
    ("xml", "row", "flags"),
    [
        ("pusher.xml", "Pusher-v2 and v4", []),
        ("pusher_v5.xml", "Pusher-v5", []),
        ("pusher.xml", "Pusher-v2 and v4, armature counted", ["--count-armature"]),
    ],
)
def test_the_table_of_pushes_is_that_of_its_tool(xml: str, row: str, flags: list[str]) -> None:
    assets = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"
    command = [sys.executable, str(ROOT / "tools" / "pusher_contact.py"), str(assets / xml), *flags]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    version, pushed, inverse = re.findall(
        r"^MuJoCo (\S+), \S+: (\d+) of 250 .* weight (\S+) / kg$", said
    )[0]
    text = (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8")
    found = re.findall(rf"^\| {version} \| {row} \| (\S+) \| (\d+) \|", text, re.MULTILINE)
    ((weight, number),) = found
    assert weight == inverse
    # Another processor rounds otherwise, and a contact carries that on.
    assert abs(int(number) - int(pushed)) <= 2

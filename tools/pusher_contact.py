"""How often random torques push Pusher's object, in the MuJoCo that is installed.

    python tools/pusher_contact.py pusher.xml
    python tools/pusher_contact.py pusher.xml --count-armature

The XML files are Gymnasium's (gymnasium/envs/mujoco/assets). Without the flag numpy and MuJoCo are
enough, so that MuJoCo 2.3.7 runs it in an environment of its own. Each of 250 sequences starts with
the object at a place of its own and holds one draw of torques for 20 steps and another for 40.
Prints how many move the object by more than a centimetre.
"""

import argparse
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

SEQUENCES = 250
MUJOCO: Any = mujoco  # compiled, without type stubs


def push(model: Any, sequence: int) -> float:
    """How far the object is moved (m)."""
    random = np.random.default_rng(sequence)
    torques = np.round(random.uniform(-2, 2, (2, 7)), 1)
    data, body = MUJOCO.MjData(model), model.body("object").id
    data.qpos[-4:-2] = np.round(random.uniform((-0.3, -0.2), (0, 0.2)), 2)
    MUJOCO.mj_forward(model, data)
    start = data.xpos[body].copy()
    for step in range(60):
        data.ctrl[:] = torques[int(step >= 20)]
        MUJOCO.mj_step(model, data, 5)
    return float(np.linalg.norm(data.xpos[body] - start))


def main() -> None:
    parser = argparse.ArgumentParser(description="How often random torques push Pusher's object.")
    parser.add_argument("xml", type=Path)
    parser.add_argument("--count-armature", action="store_true", help="as vaml.envs.pusher does")
    arguments = parser.parse_args()
    model = MUJOCO.MjModel.from_xml_path(str(arguments.xml))
    if arguments.count_armature:
        from vaml.envs.pusher import count_armature

        count_armature(model)
    moved = np.array([push(model, sequence) for sequence in range(SEQUENCES)])
    inverse = model.body_invweight0[model.body("object").id][0]
    print(
        f"MuJoCo {mujoco.__version__}, {arguments.xml.name}: {np.sum(moved > 0.01)} of {SEQUENCES} "
        f"move the object by more than 1 cm, {moved.max():.3f} m at most; the object's inverse "
        f"weight {inverse:.4g} / kg"
    )


if __name__ == "__main__":
    main()

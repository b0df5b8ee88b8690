"""Take the policies out of finished runs of agents, for paper/published.

    python tools/policies.py results/pendulum/train_mbac/*/*/s0 paper/published/pendulum/policies

Writes the actor of each run as <agent>_<seed>.safetensors: a fifth of the run's networks.
"""

import argparse
import sys
from pathlib import Path

from vaml.files import UnreadableFile, read_tensors, write_tensors
from vaml.saving import prefixed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("folder", type=Path, help="the folder of the policies")
    arguments = parser.parse_args()
    try:
        for run in arguments.runs:
            actor = read_tensors(run / "networks.safetensors", "actor/")
            name = f"{run.parent.name}_{run.name}.safetensors"
            write_tensors(arguments.folder / name, prefixed("actor", actor))
    except (UnreadableFile, OSError) as error:
        sys.exit(f"policies: {error}")


if __name__ == "__main__":
    main()

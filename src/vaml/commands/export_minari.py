"""Store the replay history of a SAC run as a local Minari data set."""

import argparse
from pathlib import Path

from pydantic import ValidationError

from vaml.config.fields import first_mistake
from vaml.config.sac import TrainSACJob
from vaml.determinism import one_thread
from vaml.files import UnreadableFile, read_arrays, read_json
from vaml.runtime.allocator import keep_freed_memory
from vaml.runtime.extras import library
from vaml.runtime.manifest import read_manifest
from vaml.runtime.provenance import verify


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished SAC run")
    parser.add_argument(
        "--dataset", required=True, help="id of the new data set: namespace/name-v0"
    )


def run(arguments: argparse.Namespace) -> None:
    """Store the data set where Minari's own MINARI_DATASETS_PATH says; only files are read."""
    one_thread()
    keep_freed_memory()
    config, manifest, file = (
        arguments.run / name for name in ("config.json", "manifest.json", "history.npz")
    )
    library("minari", "minari")
    try:
        settings = TrainSACJob.model_validate(read_json(config))
    except ValidationError as error:
        raise UnreadableFile(f"{config}: {first_mistake(error)}") from None
    verify(file, manifest, "history")
    metadata = _metadata(settings, manifest)
    history = read_arrays(file)

    from vaml.data.minari import save_history
    from vaml.envs import mujoco

    env = mujoco.configured(settings.environment_id, settings.environment)
    episodes = save_history(arguments.dataset, history, env, metadata)
    print(f"{arguments.dataset}: {len(history['rewards'])} steps in {episodes} episodes")


def _metadata(settings: TrainSACJob, manifest: Path) -> dict[str, object]:
    """The description of its origin in the data set."""
    versions = read_manifest(manifest).stable.versions
    return {
        "algorithm_name": "SAC",
        "description": (
            f"The whole replay history of a SAC run in {settings.environment_id}, in order. The "
            f"first {settings.training.warmup_steps} actions are uniform, the others are drawn "
            "from the policy as it learns. Observations and rewards are rounded to float32. The "
            "end of the run may cut the last episode, which then neither terminates nor is "
            "truncated. Seeds of the resets, infos and the simulator's states are not recorded."
        ),
        "requirements": [f"{name}=={versions[name]}" for name in ("gymnasium", "mujoco")],
        "vaml_key": read_manifest(manifest).stable.key,
        "vaml_seed": settings.seed,
    }

"""Draw an episode of a trained policy: a sheet of frames, with times and returns, and a film."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from vaml.config.fields import first_mistake
from vaml.config.mbac import TrainMBACJob
from vaml.config.sac import TrainSACJob
from vaml.config.snapshots import saved_steps
from vaml.determinism import one_thread
from vaml.files import UnreadableFile, atomic, read_json, read_tensors
from vaml.runtime.allocator import keep_freed_memory
from vaml.runtime.provenance import verify
from vaml.seeding import Streams


class Moment(NamedTuple):
    """A state of an episode: its time, the return so far, and the body's pose (qpos)."""

    seconds: float
    total: float
    pose: np.ndarray


_SETTINGS = {"train_sac": TrainSACJob, "train_mbac": TrainMBACJob}
_COLUMNS, _ROWS = 4, 3
_PIXELS = 240
_FRAMES_PER_SECOND, _FILM_SECONDS = 25, 10.0


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the first episode of the evaluation at the run's last step, or last snapshot.

    Without OpenGL, it ends with one line and exit code 1, and writes nothing.
    """
    parser = argparse.ArgumentParser(prog="python -m vaml.render_policy", description=__doc__)
    parser.add_argument("--stage", choices=_SETTINGS, required=True, help="what trained the policy")
    parser.add_argument("--run", type=Path, required=True, help="folder of the finished run")
    parser.add_argument("--png", type=Path, required=True, help="output file: the sheet")
    parser.add_argument("--gif", type=Path, required=True, help="output file: the film")
    arguments = parser.parse_args(argv)
    run = arguments.run
    one_thread()
    keep_freed_memory()
    try:
        settings = _SETTINGS[arguments.stage].model_validate(read_json(run / "config.json"))
        networks, step = _networks(settings, run)
        renderer = _renderer_type()
        env = _make(settings)
        streams = Streams(settings.seed, arguments.stage, settings.environment_id)
        moments = list(_episode(env, networks, streams.seed("evaluation", step)))
        title = f"{settings.environment_id}, seed {settings.seed}, after {step} steps"
        picture = _pictures(env, renderer)
        _save_sheet(arguments.png, title, moments, picture)
        _save_film(arguments.gif, moments, picture)
    except ValidationError as error:
        sys.exit(f"render_policy: {run / 'config.json'}: {first_mistake(error)}")
    except (UnreadableFile, OSError) as error:
        sys.exit(f"render_policy: {error}")


def _networks(settings: TrainSACJob | TrainMBACJob, run: Path) -> tuple[dict[str, np.ndarray], int]:
    """Read the last networks of a run, and the number of environment steps that trained them."""
    agent = isinstance(settings, TrainMBACJob)
    path = run / ("networks.safetensors" if agent else "snapshots.safetensors")
    verify(path, run / "manifest.json", path.stem)
    if agent:
        outcome = run / "outcome.json"
        verify(outcome, run / "manifest.json", outcome.stem)
        return read_tensors(path), read_json(outcome)["env_steps"]
    steps = saved_steps(path)
    if not steps:
        raise UnreadableFile(f"{path}: the run diverged before its first snapshot")
    return read_tensors(path, f"{steps[-1]}/"), steps[-1]


def _renderer_type() -> Any:
    """Find a working offscreen renderer of MuJoCo. MUJOCO_GL chooses it: egl or osmesa."""
    platform = os.environ.setdefault("MUJOCO_GL", "egl")
    try:
        import mujoco

        library: Any = mujoco
        empty = library.MjModel.from_xml_string("<mujoco/>")
        library.Renderer(empty, 1, 1).close()
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise OSError(
            f"no OpenGL through MUJOCO_GL={platform} ({reason}); install a driver with EGL, or"
            " OSMesa and set MUJOCO_GL=osmesa"
        ) from error
    return library.Renderer


def _make(settings: TrainSACJob | TrainMBACJob) -> Any:
    from vaml.envs import mujoco

    return mujoco.configured(settings.environment_id, settings.environment)


def _episode(env: Any, networks: dict[str, np.ndarray], seed: int) -> Iterator[Moment]:
    """Replay every state of the evaluation's episode, the first included."""
    import torch

    from vaml.networks.actor_critic import Actor
    from vaml.saving import below

    actor, data = Actor.from_arrays(below("actor", networks)), env.unwrapped.data
    observation, _ = env.reset(seed=seed)
    total, done = 0.0, False
    yield Moment(0.0, total, data.qpos.copy())
    while not done:
        action = actor.mode(torch.from_numpy(observation.astype(np.float32))).numpy()
        observation, reward, terminated, truncated, _ = env.step(action)
        total, done = total + float(reward), terminated or truncated
        yield Moment(data.time, total, data.qpos.copy())


def _pictures(env: Any, renderer_type: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Draw pictures (height, width, 3) of the body in its poses, from the model's own camera."""
    simulator = env.unwrapped
    renderer = renderer_type(simulator.model, _PIXELS, _PIXELS)
    camera = 0 if simulator.model.ncam else -1

    def picture(pose: np.ndarray) -> np.ndarray:
        simulator.set_state(pose, np.zeros(simulator.model.nv))
        renderer.update_scene(simulator.data, camera=camera)
        return renderer.render()

    return picture


def _save_sheet(
    path: Path,
    title: str,
    moments: Sequence[Moment],
    picture: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Save a grid of pictures, evenly spaced in time from the first moment to the last."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcdefaults()  # the user's own settings do not matter

    figure = Figure(figsize=(7, 6), layout="constrained")
    figure.suptitle(f"{title}. Return: {moments[-1].total:.1f}", fontsize=9)
    count = min(_COLUMNS * _ROWS, len(moments))
    chosen = np.linspace(0, len(moments) - 1, count).round().astype(int)
    for place, axes in enumerate(figure.subplots(_ROWS, _COLUMNS).flat):
        axes.axis("off")
        if place < count:
            moment = moments[chosen[place]]
            axes.imshow(picture(moment.pose))
            axes.set_title(f"{moment.seconds:.2f} s, return {moment.total:.1f}", fontsize=7)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})


def _film(moments: Sequence[Moment]) -> list[Moment]:
    """Choose the latest moment at each frame of the episode's first seconds, at real speed."""
    end = min(moments[-1].seconds, _FILM_SECONDS)
    times = np.arange(0.0, end + 1e-9, 1 / _FRAMES_PER_SECOND)
    # A moment that is due now may be late by a rounding error.
    seconds = np.array([moment.seconds for moment in moments]) - 1e-9
    return [moments[at - 1] for at in np.searchsorted(seconds, times, side="right")]


def _save_film(
    path: Path, moments: Sequence[Moment], picture: Callable[[np.ndarray], np.ndarray]
) -> None:
    import imageio.v3 as imageio

    frames = [picture(moment.pose) for moment in _film(moments)]
    with atomic(path) as temporary:
        imageio.imwrite(
            temporary, frames, extension=".gif", duration=1000 / _FRAMES_PER_SECOND, loop=0
        )


if __name__ == "__main__":
    main()

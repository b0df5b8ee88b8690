"""A sheet of a trained policy shows the evaluation's episode, or says that there is no OpenGL."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import imageio.v3
import matplotlib.image
import mbac_runs
import numpy as np
import pytest
from finished_jobs import manifest

from vaml import render_policy
from vaml.algorithms.mbac import MBACRun
from vaml.config.mbac import TrainMBACJob
from vaml.files import UnreadableFile, sha256, write_json, write_tensors
from vaml.seeding import Streams

STEPS = 7


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainMBACJob, MBACRun, Path]:
    """A run that diverged before any learning, an evaluation, and the folder of its files."""
    settings = mbac_runs.job()
    run = MBACRun(settings, Streams(settings.seed, "train_mbac", settings.environment_id))
    run.evaluations.add(run.agent.actor, STEPS)
    folder = tmp_path_factory.mktemp("run")
    write_json(folder / "config.json", settings.model_dump(mode="json"))
    write_tensors(folder / "networks.safetensors", run.networks())
    write_json(folder / "outcome.json", {"env_steps": STEPS})
    outputs = {path.stem: sha256(path) for path in folder.iterdir() if path.stem != "config"}
    write_json(folder / "manifest.json", manifest("train_mbac", outputs=outputs))
    return settings, run, folder


Run = tuple[TrainMBACJob, MBACRun, Path]


def test_the_episode_is_the_evaluations(run: Run) -> None:
    settings, trained, _ = run
    env = render_policy._make(settings)
    streams = Streams(settings.seed, "train_mbac", settings.environment_id)
    seed = streams.seed("evaluation", STEPS)
    moments = list(render_policy._episode(env, trained.networks(), seed))
    assert moments[-1].total == trained.evaluations.rows[0]["return"]
    assert len(moments) == 1 + moments[-1].total  # the pendulum's reward is 1 per step
    assert moments[-1].seconds == pytest.approx(0.04 * moments[-1].total)
    assert len({moment.pose.tobytes() for moment in moments}) == len(moments)


def test_the_networks_are_those_that_the_run_ended_with(run: Run, tmp_path: Path) -> None:
    settings, trained, folder = run
    networks, steps = render_policy._networks(settings, folder)
    assert steps == STEPS != settings.total_steps
    assert all((networks[name] == array).all() for name, array in trained.networks().items())
    shutil.copytree(folder, tmp_path / "altered")
    changed = {name: 0 * array for name, array in networks.items()}
    write_tensors(tmp_path / "altered" / "networks.safetensors", changed)
    with pytest.raises(UnreadableFile, match=r"networks\.safetensors: its SHA-256 is"):
        render_policy._networks(settings, tmp_path / "altered")


@pytest.mark.parametrize("step", [0.04, 0.008, 0.05])
def test_the_film_runs_at_the_episodes_own_speed(step: float) -> None:
    count = 1 + round(1 / step)
    moments = [render_policy.Moment(i * step, 0.0, np.array(i)) for i in range(count)]
    frames = render_policy._film(moments)
    assert len(frames) == 26  # of one second, its end included
    for number, frame in enumerate(frames):
        assert 0 <= number / 25 - frame.seconds + 1e-6 <= step


def test_a_film_ends_after_ten_seconds() -> None:
    moments = [render_policy.Moment(i * 0.04, 0.0, np.array(i)) for i in range(1001)]
    frames = render_policy._film(moments)
    assert [frame.pose for frame in frames] == [moment.pose for moment in moments[:251]]


def _run(folder: Path, png: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    flags = ["--stage=train_mbac", "--run", str(folder)]
    outputs = ["--png", str(png), "--gif", str(png.with_suffix(".gif"))]
    command = [sys.executable, "-m", "vaml.render_policy", *flags, *outputs]
    path = str(Path(render_policy.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_without_opengl_it_says_so_in_one_line(run: Run, tmp_path: Path) -> None:
    png = tmp_path / "policies" / "sheet.png"
    done = _run(run[2], png, MUJOCO_GL="disabled")
    assert done.returncode == 1
    assert done.stderr.startswith("render_policy: no OpenGL through MUJOCO_GL=disabled (")
    assert done.stderr.count("\n") == 1
    assert not png.parent.exists()


@pytest.mark.slow
def test_the_sheet_has_twelve_pictures(run: Run, tmp_path: Path) -> None:
    png = tmp_path / "sheet.png"
    done = _run(run[2], png, MUJOCO_GL="egl")
    if "no OpenGL" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    pixels = matplotlib.image.imread(png)[..., :3]
    height, width = pixels.shape[0] // 3, pixels.shape[1] // 4
    for row in range(3):
        for column in range(4):
            cell = pixels[row * height : (row + 1) * height, column * width : (column + 1) * width]
            assert len(np.unique(cell.reshape(-1, 3), axis=0)) > 50
    film = imageio.v3.imread(png.with_suffix(".gif"), index=None)
    seconds = 0.04 * run[1].evaluations.rows[0]["return"]
    assert len(film) == 1 + int(min(seconds, 10) * 25 + 1e-6)
    assert film[0].shape[:2] == (240, 240)
    assert not np.array_equal(film[0], film[-1])

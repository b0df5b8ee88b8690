"""A run's history as a Minari data set, and transitions from one; both need the extra `minari`."""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import gymnasium
import mbac_runs
import numpy as np
import pytest
import torch

from vaml import train_sac
from vaml.__main__ import run as run_command
from vaml.config.sac import Environment, SACTraining, TrainSACJob
from vaml.data.minari import episode_ends, load_transitions, save_history
from vaml.envs import mujoco
from vaml.files import UnreadableFile, read_arrays, read_json, write_arrays
from vaml.runtime.extras import MissingExtra

DATASET = "vaml/Hopper-v4/sac_s0-v0"
LIBRARY_PAGE = Path(__file__).parents[2] / "docs" / "library.md"
# Some episodes fall before the time limit, some reach it, and the run's end cuts the last one.
JOB = TrainSACJob(
    environment_id="Hopper-v4",
    environment=Environment(time_limit=18, keep_position=True),
    training=SACTraining(
        total_steps=150,
        warmup_steps=145,
        first_snapshot_step=150,
        snapshot_every=150,
        evaluation_episodes=1,
        actor_critic=mbac_runs.job().training.actor_critic,
    ),
    seed=0,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a SAC run."""
    folder = tmp_path_factory.mktemp("run")
    files = {
        "history": "history.npz",
        "snapshots": "snapshots.safetensors",
        "evaluations": "evaluations.csv",
        "training": "training.csv",
        "outcome": "outcome.json",
        "resolved": "config.json",
        "manifest": "manifest.json",
        "state": ".state",
    }
    flags = [f"--{flag}={folder / file}" for flag, file in files.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vaml.runtime.job.unexpected_modules", lambda _: [])
        train_sac.main([f"--config={JOB.model_dump_json()}", *flags])
    return folder


@pytest.fixture
def minari(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Minari with an empty store of its own."""
    pytest.importorskip("h5py", reason="the extra minari is not installed")
    module = pytest.importorskip("minari", reason="the extra minari is not installed")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return module


def files_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_data_set_holds_the_history(
    minari: Any, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(["export-minari", "--run", str(run), "--dataset", DATASET])
    history = read_arrays(run / "history.npz")
    dataset = minari.load_dataset(DATASET)
    episodes = list(dataset.iterate_episodes())
    assert capsys.readouterr().out == f"{DATASET}: 150 steps in {len(episodes)} episodes\n"
    found = {
        "observations": [each.observations[:-1] for each in episodes],
        "next_observations": [each.observations[1:] for each in episodes],
        "actions": [each.actions for each in episodes],
        "rewards": [each.rewards for each in episodes],
        "terminated": [each.terminations for each in episodes],
        "truncated": [each.truncations for each in episodes],
    }
    assert found.keys() == history.keys()
    for name, parts in found.items():
        array = np.concatenate(parts)
        assert array.dtype == history[name].dtype
        np.testing.assert_array_equal(array, history[name])
    # The test means something: all three kinds of an episode's end.
    *whole, cut = episodes
    assert any(each.terminations[-1] for each in whole)
    assert any(each.truncations[-1] for each in whole)
    assert all(each.terminations[-1] or each.truncations[-1] for each in whole)
    assert not any((each.terminations | each.truncations)[:-1].any() for each in episodes)
    assert not cut.terminations[-1]
    assert not cut.truncations[-1]


def test_the_data_set_says_where_it_comes_from(minari: Any, run: Path) -> None:
    run_command(["export-minari", "--run", str(run), "--dataset", DATASET])
    dataset = minari.load_dataset(DATASET)
    metadata = dataset.storage.metadata
    assert metadata["vaml_key"] == read_json(run / "manifest.json")["stable"]["key"]
    assert "first 145 actions are uniform" in metadata["description"]
    env = dataset.recover_environment()
    assert env.spec is not None
    assert env.spec.max_episode_steps == 18
    assert env.observation_space.shape == dataset.observation_space.shape
    assert env.action_space == dataset.action_space


def test_transitions_are_those_of_the_history(minari: Any, run: Path) -> None:
    """By the code of docs/library.md."""
    run_command(["export-minari", "--run", str(run), "--dataset", DATASET])
    page = LIBRARY_PAGE.read_text(encoding="utf-8")
    (source,) = [
        block
        for block in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        if "vaml.data.minari" in block
    ]
    names: dict[str, Any] = {}
    exec(compile(source, LIBRARY_PAGE.name, "exec"), names)
    history = read_arrays(run / "history.npz")
    for name in ("observations", "actions", "next_observations"):
        array = getattr(names["transitions"], name)
        assert array.dtype == torch.float32
        np.testing.assert_array_equal(array.numpy(), history[name])
    assert (names["n"], names["m"]) == (12, 3)


def test_a_taken_id_stays_as_it_is(minari: Any, run: Path, tmp_path: Path) -> None:
    run_command(["export-minari", "--run", str(run), "--dataset", DATASET])
    before = files_below(tmp_path)
    with pytest.raises(
        SystemExit, match=f"^export-minari: .*{DATASET}: already at .*minari delete"
    ):
        run_command(["export-minari", "--run", str(run), "--dataset", DATASET])
    assert files_below(tmp_path) == before


def test_what_fails_on_the_way_leaves_no_data_set(
    minari: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = importlib.import_module("minari.dataset._storages.hdf5_storage").HDF5Storage

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(storage, "update_episodes", full)
    with pytest.raises(SystemExit, match=r"^export-minari: no space left on device$"):
        run_command(["export-minari", "--run", str(run), "--dataset", DATASET])
    assert minari.list_local_datasets() == {}


@pytest.mark.parametrize("dataset", ["hopper", "a b-v0", "../hopper-v0", "/hopper-v0"])
def test_a_bad_id_is_refused(minari: Any, dataset: str) -> None:
    with pytest.raises(UnreadableFile, match=r"got the id .*; allowed: name-v0, or namespace/"):
        load_transitions(dataset)


def test_an_absent_data_set_is_named(minari: Any) -> None:
    with pytest.raises(UnreadableFile, match="vaml/none-v0: not on this machine"):
        load_transitions("vaml/none-v0")


def test_other_spaces_are_refused(minari: Any, run: Path) -> None:
    class Discrete:
        action_space = gymnasium.spaces.Discrete(3)
        spec = None

    history = read_arrays(run / "history.npz")
    env: Any = Discrete()
    save_history("vaml/discrete-v0", history, env, {})
    with pytest.raises(UnreadableFile, match=r"actions in Discrete\(3\); allowed: a Box"):
        load_transitions("vaml/discrete-v0")


def test_an_altered_history_is_refused(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("minari", reason="the extra minari is not installed")
    for name in ("config.json", "manifest.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    history = read_arrays(run / "history.npz")
    write_arrays(tmp_path / "history.npz", {**history, "rewards": -history["rewards"]})
    with pytest.raises(SystemExit, match=r"^export-minari: .*history\.npz: its SHA-256 is"):
        run_command(["export-minari", "--run", str(tmp_path), "--dataset", DATASET])


def test_a_boundary_without_flag_is_refused() -> None:
    observations = np.array([[0.0], [1.0], [5.0], [6.0]], np.float32)
    history = {
        "observations": observations,
        "next_observations": observations + 1,
        "terminated": np.array([False, False, False, False]),
        "truncated": np.array([False, True, False, False]),
    }
    assert episode_ends(history).tolist() == [2, 4]
    with pytest.raises(UnreadableFile, match="row 1 ends no episode, but row 2 starts one"):
        episode_ends(history | {"truncated": history["terminated"]})


@pytest.mark.parametrize("absent", ["minari", "h5py"])
def test_without_the_extra_one_line_says_so(
    run: Path, absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if absent == "h5py":
        pytest.importorskip("minari", reason="the extra minari is not installed")
    monkeypatch.setitem(sys.modules, absent, None)
    line = f"{absent} is not installed; the extra 'minari' brings it: make extras, .*"
    with pytest.raises(SystemExit, match=f"^export-minari: {line}$"):
        run_command(["export-minari", "--run", str(run), "--dataset", DATASET])
    with pytest.raises(MissingExtra, match=f"^{line}$"):
        load_transitions(DATASET)
    env = mujoco.configured(JOB.environment_id, JOB.environment)
    with pytest.raises(MissingExtra, match=f"^{line}$"):
        save_history(DATASET, {}, env, {})

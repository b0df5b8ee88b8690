"""Minari's data sets of episodes: read as transitions for model fits, written from a run's history.

Needs the extra `minari`; without it every function raises MissingExtra.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch

from vaml.data.transitions import Transitions
from vaml.envs.mujoco import Env
from vaml.files import UnreadableFile
from vaml.runtime.extras import library


def load_transitions(dataset: str) -> Transitions:
    """All transitions of a local Minari data set, episode after episode, as float32.

    dataset: its id. Observations and actions must be vectors, spaces.Box of one dimension.
    An episode of T steps gives T rows; none leads from one episode into the next.

    MissingExtra: no Minari. UnreadableFile: the data set is missing, empty or has other spaces.
    """
    found = _load(dataset)
    for name, space in [("observations", found.observation_space), ("actions", found.action_space)]:
        if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
            raise UnreadableFile(
                f"Minari data set {dataset}: {name} in {space}; allowed: a Box of one dimension"
            )
    parts = [
        (episode.observations[:-1], episode.actions, episode.observations[1:])
        for episode in found.iterate_episodes()
        if len(episode)
    ]
    if not parts:
        raise UnreadableFile(f"Minari data set {dataset}: holds no step")
    return Transitions(
        *(
            torch.from_numpy(np.concatenate(part, dtype=np.float32))
            for part in zip(*parts, strict=True)
        )
    )


def _load(dataset: str) -> Any:
    minari = _minari()
    _namespace(dataset)
    try:
        return minari.load_dataset(dataset)
    except FileNotFoundError:
        raise UnreadableFile(
            f"Minari data set {dataset}: not on this machine; Minari's own "
            f"`minari download {dataset}` fetches a published one"
        ) from None


def _minari(part: str = "") -> Any:
    found = library(f"minari{part}", "minari")
    library("h5py", "minari")  # the data sets' format, which Minari imports late
    return found


def _namespace(dataset: str) -> str | None:
    """The namespace of an id, if it has one. UnreadableFile: the id is malformed."""
    parse = _minari(".dataset.minari_dataset").parse_dataset_id
    try:
        namespace, _, _ = parse(dataset)
    except (ValueError, TypeError):  # TypeError: Minari's answer to an id without version
        raise UnreadableFile(
            f"Minari data set: got the id {dataset!r}; allowed: name-v0, or namespace/name-v0"
        ) from None
    return namespace


def episode_ends(history: Mapping[str, np.ndarray]) -> np.ndarray:
    """The row after the last of each episode, (episodes,) int, from a history's flags.

    The last episode ends with the history. If that cut the episode short, it has neither flag.
    UnreadableFile: within an episode, a row does not start where the previous row ended.
    """
    ended = history["terminated"] | history["truncated"]
    leads_on = (history["next_observations"][:-1] == history["observations"][1:]).all(1)
    if not (ended[:-1] | leads_on).all():
        row = int(np.flatnonzero(~(ended[:-1] | leads_on))[0])
        raise UnreadableFile(f"history: row {row} ends no episode, but row {row + 1} starts one")
    rows = len(ended)
    return np.unique(np.append(np.flatnonzero(ended) + 1, rows)) if rows else np.empty(0, np.int64)


def save_history(
    dataset: str, history: Mapping[str, np.ndarray], env: Env, metadata: Mapping[str, Any]
) -> int:
    """Store a run's history as a new local Minari data set; return its number of episodes.

    history: the arrays of vaml.data.replay.History. env: the environment of the run; the data set
    records how to make it. metadata: further entries of the data set's metadata, by name.
    The data set appears whole or not at all. Observations and rewards are float32, as stored.

    MissingExtra: no Minari. UnreadableFile: the history is empty, its flags contradict the
    observations, or the id is malformed or in use.
    """
    minari = _minari()
    namespace = _namespace(dataset)
    ends = episode_ends(history)
    if not len(ends):
        raise UnreadableFile("history: holds no step")
    place: Path = _minari(".storage.datasets_root_dir").get_dataset_path(dataset)
    if place.exists():
        raise UnreadableFile(
            f"Minari data set {dataset}: already at {place}; "
            f"Minari's own `minari delete {dataset}` removes it"
        )
    namespaces = _minari(".namespace")
    if namespace is not None and namespace not in namespaces.list_local_namespaces():
        namespaces.create_namespace(namespace)
    place.parent.mkdir(parents=True, exist_ok=True)
    # Minari passes over folders whose name starts with a dot.
    with tempfile.TemporaryDirectory(prefix=".", dir=place.parent) as temporary:
        data = Path(temporary) / "set" / "data"
        data.mkdir(parents=True)
        storage = _minari(".dataset.minari_storage").MinariStorage.new(
            data,
            observation_space=gymnasium.spaces.Box(
                -np.inf, np.inf, history["observations"].shape[1:], np.float32
            ),
            action_space=env.action_space,
            env_spec=env.spec,
            data_format="hdf5",
        )
        storage.update_metadata(
            {"dataset_id": dataset, "minari_version": minari.__version__, **metadata}
        )
        buffer = _minari(".data_collector").EpisodeBuffer
        storage.update_episodes(buffer(**episode) for episode in _episodes(history, ends))
        os.replace(data.parent, place)
    return len(ends)


def _episodes(
    history: Mapping[str, np.ndarray], ends: np.ndarray
) -> Iterator[dict[str, np.ndarray]]:
    """Each episode under Minari's names: T + 1 observations, T entries of the other arrays."""
    starts = [0, *ends[:-1]]
    for start, end in zip(starts, ends, strict=True):
        last = history["next_observations"][end - 1 : end]
        yield {
            "observations": np.concatenate([history["observations"][start:end], last]),
            "actions": history["actions"][start:end],
            "rewards": history["rewards"][start:end],
            "terminations": history["terminated"][start:end],
            "truncations": history["truncated"][start:end],
        }

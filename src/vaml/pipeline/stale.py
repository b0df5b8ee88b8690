"""Results that no job of the present config makes: the remains of removed grid values."""

import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from vaml.config.schema import Config
from vaml.files import sha256
from vaml.pipeline.job_files import MANIFEST, SETTINGS
from vaml.pipeline.jobs import BESIDE, FOLDERS, every_job, folder, key, labels
from vaml.runtime.checkpoint import LIVE, STATE
from vaml.runtime.lock import STALE_SECONDS
from vaml.runtime.manifest import found_manifest

_LABEL = r"[A-Za-z0-9_-]+"
_KEY = re.compile(r"[0-9a-f]{16}")


def stale_files(study: Config, results: Path, names: Mapping[str, Collection[str]]) -> list[Path]:
    """Files of jobs that the config does not have, sorted: outputs, logs, benchmarks, states.

    results: the study's folder. names: by stage, the names of the files that a job writes; a stage
    of which the config has no job may lack, and its files are those that manifests record. Other
    files in a job's folder are no results, and neither are links and their targets. Saved states
    of a running job are left out, whatever its config.
    """
    found: list[Path] = []
    for stage, template in FOLDERS.items():
        present = {folder(stage, job) for job in labels(stage, study)}
        for place in _matches(results, template):
            if str(place.relative_to(results)) not in present:
                known = names.get(stage) or _recorded(place)
                found += (file for file in _files(place) if _final(file.name) in known)
        for kind, suffix in BESIDE.items():
            for path in _matches(results / kind, template + suffix):
                name = str(path.relative_to(results / kind)).removesuffix(suffix)
                if name not in present and path.is_file():
                    found.append(path)
    keys = {key(stage, study, job) for stage, job in every_job(study)}
    for place in _matches(results / ".state", "{key}"):
        if _KEY.fullmatch(place.name) and place.name not in keys and not _in_use(place):
            found += (file for file in _files(place) if _is_state(file.name))
    return sorted(found)


def remove(files: list[Path], results: Path) -> None:
    """Remove these files, then the folders below `results` that this leaves empty."""
    for file in files:
        file.unlink(missing_ok=True)
    for file in files:
        for place in file.parents:
            if place == results:
                break
            with suppress(OSError):  # not empty, or gone already
                place.rmdir()


def _recorded(place: Path) -> set[str]:
    """The names of the files that a finished job wrote; none if it is not finished."""
    if (manifest := found_manifest(place / MANIFEST)) is None:
        return set()
    outputs = manifest.stable.outputs
    named = [file for file in _files(place) if file.stem in outputs]
    results = {file.name for file in named if sha256(file) == outputs[file.stem]}
    return {*results, SETTINGS, MANIFEST}


def _matches(root: Path, template: str) -> Iterator[Path]:
    """Paths below `root` that fit a template with any labels, without links."""
    places = [root] if _is_folder(root) else []
    for part in template.split("/"):
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", _LABEL, re.escape(part)))
        places = [
            Path(entry.path)
            for place in places
            if _is_folder(place)
            for entry in os.scandir(place)
            if pattern.fullmatch(entry.name) and not entry.is_symlink()
        ]
    yield from places


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _files(place: Path) -> Iterator[Path]:
    if _is_folder(place):
        for entry in os.scandir(place):
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _is_state(name: str) -> bool:
    final = _final(name)
    return final in ("lock", LIVE) or bool(STATE.fullmatch(final))


def _final(name: str) -> str:
    """The name that a killed step's temporary file was to get; any other name as it is."""
    temporary = re.fullmatch(r"\.(.+)\.\d+(\.[a-z]+)", name)
    return f"{temporary[1]}{temporary[2]}" if temporary else name


def _in_use(place: Path) -> bool:
    """True if the owner of a state's lock touched it recently, as a living one does."""
    try:
        return time.time() - (place / "lock").stat().st_mtime < STALE_SECONDS
    except FileNotFoundError:
        return False

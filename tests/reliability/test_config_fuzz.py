"""Whatever stands in a config, it is accepted or refused in printable lines: never a traceback."""

import copy
import datetime
import functools
import math
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from vaml.config.schema import Config, ConfigError, load
from vaml.config.yaml_file import merged, read
from vaml.pipeline import jobs

ROOT = Path(__file__).parents[2]
BASE: Any = read(ROOT / "config" / "config.yaml")
TEXT = (ROOT / "config" / "demo.yaml").read_text(encoding="utf-8")

quietly = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

names = st.sampled_from(["mle", "vaml", "Hopper-v4", "Pusher-v4", "name", "seeds", "..", "a/b", ""])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -1, 0, 1, 2**31, 2**63, 1e-3, 1e308, math.nan, math.inf])
    | st.floats()
    | names
    | st.text(max_size=8)
    | st.sampled_from(["1e-3", "1e999", "0x10", "\x00", "{seed}", "a\nb", "\ud800"])
    | st.binary(max_size=4)
    | st.just(datetime.date(2020, 8, 1))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | scalars, inner, max_size=3),
    max_leaves=6,
)


def places(config: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every value of the config."""
    children = config.items() if isinstance(config, dict) else enumerate(config)
    found = []
    for key, value in children:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += places(value, (*path, key))
    return found


PLACES = places(BASE)


def accepted(study: Config) -> None:
    """A config that is accepted describes each of its jobs."""
    for stage in jobs.FOLDERS:
        for labels in jobs.labels(stage, study):
            jobs.settings(stage, study, labels)
            jobs.folder(stage, labels)


def take(config: dict[str, Any]) -> str:
    try:
        study = load(config)
    except ConfigError as error:
        lines = str(error).splitlines()
        assert lines
        for line in lines:
            assert line.startswith("config: "), line
            assert line.isprintable(), line
            assert len(line) < 1000, line
        return "refused"
    accepted(study)
    return "accepted"


@settings(quietly, max_examples=400)
@given(data=st.data())
def test_a_changed_value_or_key(data: st.DataObject) -> None:
    config = copy.deepcopy(BASE)
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        *way, key = data.draw(st.sampled_from(PLACES), label="place")
        parent: Any = config
        for step in way:
            if isinstance(parent, dict):
                parent = parent.get(step)
            else:  # a change before this one may have shortened or replaced it
                inside = isinstance(parent, list) and isinstance(step, int) and step < len(parent)
                parent = parent[step] if inside else None
        change = data.draw(st.sampled_from(["replace", "delete", "add"]), label="change")
        if isinstance(parent, dict) and change == "replace":
            parent[key] = data.draw(values, label="value")
        elif isinstance(parent, dict) and change == "delete":
            parent.pop(key, None)
        elif isinstance(parent, dict):
            parent[data.draw(names | scalars, label="key")] = data.draw(values, label="value")
        elif isinstance(parent, list):
            parent.insert(0, data.draw(values, label="entry"))
    event(take(config))


NUMBERS = [
    place
    for place in PLACES
    if type(functools.reduce(lambda inner, key: inner[key], place, BASE)) in (int, float)
]


@settings(quietly, max_examples=400)
@given(data=st.data())
def test_numbers_that_are_plausible_one_by_one(data: st.DataObject) -> None:
    """A config whose parts do not fit together is refused too, or every job can be described."""
    config = copy.deepcopy(BASE)
    for place in data.draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4)):
        *way, key = place
        parent: Any = functools.reduce(lambda inner, key: inner[key], way, config)
        whole = isinstance(parent[key], int)
        numbers = st.integers(0, 250_000) if whole else st.floats(0, 1)
        parent[key] = data.draw(numbers, label=str(place))
    event(take(config))


def test_a_number_too_long_to_show() -> None:
    for value in (10**5000, -(10**5000), [10**5000], {"a": 10**5000}):
        config = copy.deepcopy(BASE)
        config["sac"]["training"]["total_steps"] = value
        take(config)


@settings(quietly, max_examples=150)
@given(
    start=st.integers(0, len(TEXT)),
    length=st.integers(0, 30),
    inserted=st.text(alphabet="\n\t -:,[]{}#&*!|>'\"%@`?~0123.eax<\x00é", max_size=12),
)
def test_a_changed_text(start: int, length: int, inserted: str, tmp_path: Path) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text(TEXT[:start] + inserted + TEXT[start + length :], encoding="utf-8")
    try:
        overlay = read(path)
    except ConfigError as error:
        event("unreadable")
        told = str(error)
    else:
        event(take(apply(copy.deepcopy(BASE), overlay)))
        told = str(path)
    assert told.isprintable()
    assert told.startswith(str(path))


def apply(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """As `merged` does with files, which would read the base anew each time."""
    for key, value in overlay.items():
        inner = base.get(key)
        base[key] = (
            apply(inner if isinstance(inner, dict) else {}, value)
            if isinstance(value, dict)
            else value
        )
    return base


def test_files_merge_as_snakemake_merges_them(tmp_path: Path) -> None:
    from snakemake.common.configfile import load_configfile
    from snakemake.utils import update_config

    paths = [ROOT / "config" / name for name in ("config.yaml", "demo.yaml")]
    odd = (
        "study: {name: {a: 1}}\nsac: 3\nsnapshots: {fit: [1]}\nnew: {b: 2}\nsynthetic: null\n",
        "synthetic: {seeds: [0]}\nsac: {seeds: [1]}\n",
    )
    for i, text in enumerate(odd):
        paths.append(tmp_path / f"odd{i}.yaml")
        paths[-1].write_text(text)
    config, *overlays = map(load_configfile, paths)
    overwriting: dict[str, Any] = {}
    for overlay in overlays:
        update_config(overwriting, overlay)
    update_config(config, overwriting)
    assert merged(paths) == config
    assert config["synthetic"]["seeds"] == [0]
    assert config["synthetic"]["dynamics"]

"""Every mistake in a config is refused in one line that names the key, the value, what is allowed.

Each file in bad_configs/ is an overlay of config/config.yaml; its first lines say what it is told.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Count

from vaml.config.schema import ConfigError, load
from vaml.config.yaml_file import merged

ROOT = Path(__file__).parents[2]
BASE = ROOT / "config" / "config.yaml"
CASES = sorted((Path(__file__).parent / "bad_configs").glob("*.yaml"))
MARK = b"# refused: "


def expected(path: Path) -> list[str]:
    lines = path.read_bytes().splitlines()
    return [line.removeprefix(MARK).decode() for line in lines if line.startswith(MARK)]


def starts_like(lines: list[str], path: Path) -> bool:
    """Lists of what is allowed may grow."""
    pairs = zip(lines, expected(path), strict=True)
    return all(line.startswith(start) for line, start in pairs)


def test_the_overlays_of_the_project_are_accepted() -> None:
    for overlays in ([], ["demo.yaml"], ["extended.yaml"]):
        load(merged([BASE, *(ROOT / "config" / name for name in overlays)]))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_bad_config_is_refused_in_plain_words(path: Path, count: Count) -> None:
    with pytest.raises(ConfigError) as caught:
        load(merged([BASE, path]))
    lines = str(caught.value).replace(str(path), path.name).splitlines()
    refused = len(lines) == len(expected(path)) and starts_like(lines, path)
    count("malformed configs refused as documented", int(refused), 1)
    assert refused, lines


def snakemake(folder: Path, *flags: str) -> tuple[int, str]:
    """Exit status and output of a real run, not a dry one, in a folder of its own."""
    place = ["--directory", folder, "--snakefile", ROOT / "workflow" / "Snakefile"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *place, *flags],
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["duplicate_key", "mle_coefficient_above_one", "name_with_newline", "no_as_value", "template"],
)
def test_snakemake_says_the_same_and_starts_nothing(name: str, folder: Path) -> None:
    path = next(path for path in CASES if path.stem == name)
    status, text = snakemake(folder, "--configfile", str(path))
    lines = [line.replace(str(path), path.name) for line in text.splitlines()]
    assert status == 1
    assert all(any(line.startswith(told) for line in lines) for told in expected(path)), text
    assert "Traceback" not in text
    assert not (folder / "results").exists()


@pytest.mark.slow
def test_snakemake_names_the_line_that_is_not_yaml(folder: Path) -> None:
    path = folder / "config" / "config.yaml"
    path.write_text("study:\n  name: a\n  list: [1, 2\n", encoding="utf-8")
    status, text = snakemake(folder)
    assert status == 1
    assert "config/config.yaml, line 4, column 1: not YAML: expected ',' or ']'" in text
    assert "Traceback" not in text

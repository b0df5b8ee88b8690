"""What paper/published shows is what its CSV files of results give, and it is all there."""

import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "paper" / "published"


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    subprocess.run(
        [sys.executable, str(ROOT / "tools" / "published.py"), str(folder)], check=True, cwd=folder
    )
    return folder


def test_tables_verdicts_and_the_numbers_of_pictures_have_the_same_bytes(redrawn: Path) -> None:
    made = [path for path in redrawn.rglob("*") if path.suffix in (".csv", ".md")]
    assert len(made) == 12
    for path in made:
        assert path.read_bytes() == (PUBLISHED / path.relative_to(redrawn)).read_bytes(), path


def test_pictures_are_there_and_are_not_empty(redrawn: Path) -> None:
    made = sorted(path.relative_to(redrawn) for path in redrawn.rglob("*.png"))
    assert len(made) == 6
    for path in made:
        mine, committed = imread(redrawn / path), imread(PUBLISHED / path)
        assert mine.shape == committed.shape, path
        assert committed[..., :3].std() > 0.05, path

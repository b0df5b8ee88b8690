"""paper/published is complete, and its CSV files of results give its pictures and tables."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "paper" / "published"
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)")


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    subprocess.run(
        [sys.executable, str(ROOT / "tools" / "published.py"), str(folder)], check=True, cwd=folder
    )
    return folder


def test_tables_and_verdicts_have_the_committed_text_and_numbers(redrawn: Path) -> None:
    made = [path for path in redrawn.rglob("*") if path.suffix in (".csv", ".json", ".md")]
    assert len(made) == 97
    for path in made:
        mine, committed = (
            NUMBER.split(text.read_text(encoding="utf-8"))
            for text in (path, PUBLISHED / path.relative_to(redrawn))
        )
        # NUMBER has one group, so that every second part is a number.
        assert mine[::2] == committed[::2], path
        # Vector units of another processor round sums and logarithms otherwise.
        assert list(map(float, mine[1::2])) == pytest.approx(
            list(map(float, committed[1::2])), rel=1e-9, abs=1e-12, nan_ok=True
        ), path


def test_pictures_are_the_committed_ones_and_are_not_empty(redrawn: Path) -> None:
    made = sorted(path.relative_to(redrawn) for path in redrawn.rglob("*.png"))
    assert len(made) == 30
    for path in made:
        mine, committed = (imread(folder / path)[..., :3] for folder in (redrawn, PUBLISHED))
        assert mine.shape == committed.shape, path
        assert committed.std() > 0.05, path
        # A thin line in another place makes 0.004; other rounding moves the edges of lines alone.
        assert np.abs(mine - committed).mean() < 0.001, path


def test_the_manuscript_has_as_many_pages_as_the_committed_one(redrawn: Path) -> None:
    mine, committed = (
        len(re.findall(rb"/Type */Page\b", (folder / "reduced" / "paper.pdf").read_bytes()))
        for folder in (redrawn, PUBLISHED)
    )
    assert mine == committed > 10

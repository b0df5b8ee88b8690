"""The code of docs/library.md runs as it stands, and the model learns."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "library.md"


def block(number: int) -> Any:
    """One of the page's programs; the last needs Minari: test_minari.py."""
    found = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(found) == 3
    return compile(found[number], PAGE.name, "exec")


def test_a_published_policy_balances_the_pole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    exec(block(1), {})
    assert capsys.readouterr().out == "1000.0\n"


@pytest.mark.slow
def test_the_example_runs_and_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    observations = random.normal(size=(2000, 3)).astype(np.float32)
    actions = random.uniform(-1, 1, size=(2000, 2)).astype(np.float32)
    changes = 0.5 * observations + np.pad(actions, [(0, 0), (0, 1)])
    np.savez(
        tmp_path / "transitions.npz",
        observations=observations,
        actions=actions,
        next_observations=observations + changes,
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(block(0), names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == names["progress"].epochs + 1
    # Half of what predicting no change would cost, and less.
    values = names["value"](names["test"].next_observations, names["generator"])
    unchanged = names["value"](names["test"].observations, names["generator"])
    assert names["result"]["value_aware_error"] < 0.25 * 0.5 * (values - unchanged).square().mean()

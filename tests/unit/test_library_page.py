"""The code of docs/library.md runs as it stands, and the model learns."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "library.md"


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
    # The second block needs Minari: test_minari.py.
    source, _ = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile(source, PAGE.name, "exec"), names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == names["progress"].epochs + 1
    # Half of what predicting no change would cost, and less.
    values = names["value"](names["test"].next_observations, names["generator"])
    unchanged = names["value"](names["test"].observations, names["generator"])
    assert names["result"]["value_aware_error"] < 0.25 * 0.5 * (values - unchanged).square().mean()

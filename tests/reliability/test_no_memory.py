"""A job too large for the memory ends at once, in one line that says how much it asked for."""

import resource
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import tiny_jobs

TERABYTES: dict[str, tuple[str, Any]] = {
    "simulate_dynamics": ("dynamics.train_transitions", 2**31 - 1),
    "train_sac": ("training.total_steps", 2**31 - 1),
    "train_mbac": ("training.actor_critic.hidden_sizes", [16384, 16384]),
}


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 GiB of addresses for each job, so that no machine has room enough."""
    start = tiny_jobs.subprocess.Popen

    def limited(*arguments: Any, **options: Any) -> Any:
        limit = (3 << 30, 3 << 30)
        options["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_AS, limit)
        return start(*arguments, **options)

    monkeypatch.setattr(tiny_jobs.subprocess, "Popen", limited)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("step", TERABYTES)
def test_a_job_larger_than_the_memory_ends_in_a_line(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deepcopy(tiny_jobs.SETTINGS[step])
    place, value = TERABYTES[step]
    block = settings
    *path, last = place.split(".")
    for name in path:
        block = block[name]
    assert last in block
    block[last] = value
    monkeypatch.setitem(tiny_jobs.SETTINGS, step, settings)
    code, text = tiny_jobs.run_anew(step, tiny_jobs.arguments(step, tmp_path, tmp_path))
    assert code == 1, text
    assert "Traceback" not in text
    *_, line = text.splitlines()
    largest = max(value) if isinstance(value, list) else value
    assert line.startswith(
        f"{step}: it does not fit into the memory; its largest setting is {place} {largest}: "
    )
    assert "allocate" in line
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".")]

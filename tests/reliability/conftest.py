"""One uninterrupted run of each job, and the figures that are printed at the end."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_jobs

Count = Callable[[str, int, int], None]

_PREFIX = "reliability: "


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per step, with the results of a job that nothing disturbed."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # all workers share one
        root = root.parent
    folder = root / "reference"
    with (root / "reference.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for step in tiny_jobs.OUTPUTS:
                flags = tiny_jobs.arguments(step, folder / step, folder)
                status, text = tiny_jobs.run(step, flags, VAML_STATE_SECONDS="300")
                assert status == 0, text
            (folder / "complete").touch()
    return folder


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """count(what, good, tried): a figure for the summary, added up over the tests."""

    def add(what: str, good: int, tried: int) -> None:
        record_property(_PREFIX + what, [good, tried])

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    totals: dict[str, tuple[int, int]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, numbers in getattr(report, "user_properties", ()):
                if name.startswith(_PREFIX) and report.when == "call":
                    good, tried = totals.get(name, (0, 0))
                    totals[name] = (good + numbers[0], tried + numbers[1])
    if totals:
        terminalreporter.section("reliability")
        for name, (good, tried) in sorted(totals.items()):
            terminalreporter.line(f"{name.removeprefix(_PREFIX)}: {good} of {tried}")

"""Fixtures of all tests, and the counts of the reliability tests at the end of a run."""

from collections.abc import Iterator

import pytest
from shared_folder import once
from study_folder import FEWER_JOBS, RESULTS, StudyFolder

_PREFIX = "reliability: "


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


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """A finished study, made with two cores. Not to be changed."""
    with once(tmp_path_factory, "small_study") as (folder, missing):
        study = StudyFolder(folder, FEWER_JOBS)
        if missing:
            study.create().run(*RESULTS, "--cores", "2")
    return study


@pytest.fixture
def double_precision() -> Iterator[None]:
    """Networks in double precision, where one step's order shows however small the step."""
    import torch

    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)

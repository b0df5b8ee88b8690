"""One uninterrupted run of each job, and counts for the figures that are printed at the end."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_jobs
from shared_folder import once

Count = Callable[[str, int, int], None]


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per step, with the results of a job that nothing disturbed."""
    with once(tmp_path_factory, "reference") as (folder, missing):
        for step in tiny_jobs.OUTPUTS if missing else ():
            flags = tiny_jobs.arguments(step, folder / step, folder)
            status, text = tiny_jobs.run_anew(step, flags, VAML_STATE_SECONDS="300")
            assert status == 0, text
    return folder


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """count(what, good, tried): a figure for the summary, added up over the tests."""

    def add(what: str, good: int, tried: int) -> None:
        record_property(f"reliability: {what}", [good, tried])

    return add

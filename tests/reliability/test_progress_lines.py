"""Progress lines change no number: a run that logs at every step equals one that never does."""

import logging
from pathlib import Path

import pytest
from conftest import Count
from test_numerical_health import job_in, make_run

from vaml.algorithms.training_run import run_training
from vaml.runtime import progress


@pytest.mark.parametrize("step", ["train_sac", "train_mbac"])
def test_logging_is_neutral(
    step: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    count: Count,
) -> None:
    caplog.set_level(logging.INFO)
    results = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(progress, "_FIRST_PAUSE", seconds)
        monkeypatch.setattr(progress, "_LONGEST_PAUSE", seconds)
        caplog.clear()
        run = make_run(step)
        outcome = run_training(run, 10**6, job_in(tmp_path))
        arrays = {name: array.tobytes() for name, array in run.arrays().items()}
        results.append((len(caplog.records), outcome, arrays))
    (lines, *with_lines), (none, *without) = results
    assert lines > 300
    assert none == 0
    count("runs equal with and without progress lines", int(with_lines == without), 1)
    assert with_lines == without

"""A job's settings hold what has a meaning for it, so that no other edit makes it run again."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaml.algorithms.learned_model import decayed
from vaml.config.schema import load
from vaml.pipeline import jobs

BASE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "config" / "config.yaml").read_text(encoding="utf-8")
)
# One more agent, whose coefficient stays, and SAC.
BASE["agents"]["stays"] = BASE["agents"]["reg_vaml"] | {"final_mle_coefficient": 0.001}
BASE["mbac"]["agents"] += ["stays", "sac"]
BASE["snapshots"]["fit"]["weight_decay"] = 0.0


def merged(into: dict[str, Any], edit: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in edit.items():
        into[name] = merged(into[name], value) if isinstance(value, Mapping) else value
    return into


def settings(stage: str, edit: Mapping[str, Any]) -> dict[str, str]:
    """The settings of every job of a stage, by its folder."""
    study = load(merged(deepcopy(BASE), edit))
    return {
        jobs.folder(stage, each): jobs.settings(stage, study, each)
        for each in jobs.labels(stage, study)
    }


@pytest.mark.parametrize(
    ("stage", "edit", "changed"),
    [
        ("fit_synthetic", {"synthetic": {"fit": {"unrealizable_width": 0.5}}}, ["/unrealizable/"]),
        (
            "train_mbac",
            {"mbac": {"runs": {"Pusher-v4": {"decay_end_step": 12345}}}},
            ["Pusher-v4/reg_vaml/"],
        ),
        ("fit_snapshot", {"snapshots": {"fit": {"weight_decay": -0.0}}}, []),
        ("train_mbac", {"agents": {"reg_vaml": {"final_mle_coefficient": -0.0}}}, []),
        ("train_mbac", {"agents": {"stays": {"final_mle_coefficient": 0.5}}}, ["/stays/"]),
    ],
)
def test_an_edit_changes_the_jobs_for_which_it_means_something(
    stage: str, edit: Mapping[str, Any], changed: list[str]
) -> None:
    before, after = settings(stage, {}), settings(stage, edit)
    assert before.keys() == after.keys()
    found = {place for place in before if before[place] != after[place]}
    assert found == {place for place in before if any(part in place for part in changed)}
    assert bool(found) == bool(changed)


@pytest.mark.parametrize("last_step", [3000, 9000, 15000])
def test_a_coefficient_that_stays_does_so_whatever_the_decays_end(last_step: int) -> None:
    assert {decayed(0.001, 0.001, step, 1000, last_step) for step in range(0, 20000, 7)} == {0.001}

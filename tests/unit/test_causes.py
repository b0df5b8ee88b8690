"""What `make plan` says of a setting that changed, and of nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.pipeline.causes import setting_changes
from vaml.pipeline.jobs import settings

CONFIG = Path(__file__).parents[2] / "config" / "config.yaml"
PENDULUM = "mbac.runs.InvertedPendulum-v4"


def study(run: dict[str, Any], agent: dict[str, Any]) -> Config:
    config = merged([CONFIG])
    config["mbac"]["agents"].append("sac")
    config["mbac"]["runs"]["InvertedPendulum-v4"] |= run
    config["agents"]["reg_vaml"] |= agent
    return load(config)


def lines(agent: str, run: dict[str, Any], changed: dict[str, Any]) -> Iterator[str]:
    labels = {"environment": "InvertedPendulum-v4", "agent": agent, "seed": 0}
    before, now = study({}, {}), study(run, changed)
    trees = [json.loads(settings("train_mbac", each, labels)) for each in (before, now)]
    return setting_changes("train_mbac", labels, now, *trees)


@pytest.mark.parametrize("agent", ["mle", "sac"])
def test_an_agent_without_decay_has_no_changed_end_of_it(agent: str) -> None:
    """Its job has the run's length there, which nobody sets."""
    assert list(lines(agent, {"total_steps": 31000}, {})) == [
        f"{PENDULUM}.total_steps: 30000 → 31000"
    ]


def test_an_agent_with_decay_has_both() -> None:
    assert list(lines("reg_vaml", {"total_steps": 31000, "decay_end_step": 31000}, {})) == [
        f"{PENDULUM}.decay_end_step: 30000 → 31000",
        f"{PENDULUM}.total_steps: 30000 → 31000",
    ]


def test_a_decay_that_is_taken_away_is_one_change() -> None:
    assert list(lines("reg_vaml", {}, {"final_mle_coefficient": 0.001})) == [
        "agents.reg_vaml.final_mle_coefficient: 0.0 → 0.001"
    ]

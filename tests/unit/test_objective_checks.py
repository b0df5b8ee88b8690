"""Objectives that a config may not select: one line each, before any job starts."""

from pathlib import Path
from typing import Any

import pytest

from vaml.study.config import ConfigError, load
from vaml.study.yaml_file import merged

CONFIG = Path(__file__).parents[2] / "config"


def refused(changes: dict[str, Any]) -> list[str]:
    config = merged([CONFIG / "config.yaml"])
    for section, entries in changes.items():
        config[section] = {**config[section], **entries}
    with pytest.raises(ConfigError) as error:
        load(config)
    return str(error.value).splitlines()


PLAIN = {"critic_actions": "replay", "average_rewards": False, "frozen_split": False}


def entry(loss: str, samples: int = 10) -> dict[str, Any]:
    return {"mine": {"loss": loss, "mle_coefficient": 0.0, "model_samples": samples}}


def test_the_exact_loss_is_for_the_artificial_environment_alone() -> None:
    agent = {"mine": {**PLAIN, "objective": "mine", "final_mle_coefficient": 0.0}}
    lines = refused(
        {
            "objectives": entry("vaml_exact"),
            "snapshots": {"objectives": ["mle", "mine"]},
            "agents": agent,
        }
    )
    allowed = (
        "got 'mine', whose loss vaml_exact needs the true dynamics, known in synthetic alone; "
        "allowed: mle, vaml, reg_vaml"
    )
    assert lines == [
        f"config: snapshots.objectives: {allowed}",
        f"config: agents.mine.objective: {allowed}",
    ]


@pytest.mark.parametrize("loss", ["vaml_debiased", "vaml_score_function"])
def test_a_variance_needs_two_samples(loss: str) -> None:
    assert refused({"objectives": entry(loss, 1)}) == [
        f"config: objectives.mine.model_samples: got 1; allowed: at least 2 with the loss {loss}"
    ]


def test_a_wrong_loss_is_named_with_those_there_are() -> None:
    (line,) = refused({"objectives": entry("huber")})
    assert line.startswith("config: objectives.mine.loss: got 'huber'; allowed: 'vaml', ")
    assert "'vagram'" in line


@pytest.mark.parametrize("overlay", ["why.yaml", *sorted((CONFIG / "why").glob("*.yaml"))])
def test_the_overlays_are_studies_of_their_own(overlay: str | Path) -> None:
    study = load(merged([CONFIG / "config.yaml", CONFIG / "why.yaml", CONFIG / overlay]))
    paper = load(merged([CONFIG / "config.yaml"]))
    assert study.study.name.startswith("why")
    assert study.objectives.items() >= paper.objectives.items()
    assert (study.sac, study.snapshots, study.mbac) == (paper.sac, paper.snapshots, paper.mbac)

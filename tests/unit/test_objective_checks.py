"""Objectives that a config may not select: one line each, before any job starts."""

from pathlib import Path
from typing import Any

import pytest

from vaml.config.mbac import Agent
from vaml.config.schema import ConfigError, load
from vaml.config.yaml_file import merged

CONFIG = Path(__file__).parents[2] / "config"


def refused(changes: dict[str, Any]) -> list[str]:
    config = merged([CONFIG / "config.yaml"])
    for section, entries in changes.items():
        config[section] = {**config[section], **entries}
    with pytest.raises(ConfigError) as error:
        load(config)
    return str(error.value).splitlines()


PLAIN = {
    "critic_actions": "replay",
    "critic_next_states": "samples",
    "critic_terminations": "model",
    "average_rewards": False,
    "frozen_split": False,
}


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
    assert study.agents.items() >= paper.agents.items()
    assert study.sac.environments == []  # experiment B is the paper's study's
    assert study.snapshots == paper.snapshots
    agents = study.mbac.agents
    assert agents[:2] == paper.mbac.agents
    assert study.mbac.model_copy(update={"agents": paper.mbac.agents}) == paper.mbac


OVERLAYS = {
    "as_run": ("as_run",),
    "pendulum": ("as_run", "as_run/pendulum"),
    "one_by_one": ("pusher", "pusher/one_by_one"),
}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_paper_has_none_of_the_authors_switches_and_the_overlays_turn_them_on(
    name: str,
) -> None:
    paper = load(merged([CONFIG / "config.yaml"]))
    assert not paper.snapshots.fit.redraw_test_split
    for agent in paper.agents.values():
        assert switches(agent) == ("replay", False, False)
    study = load(merged([CONFIG / f"{each}.yaml" for each in ("config", *OVERLAYS[name])]))
    found = {agent: switches(study.agents[agent]) for agent in study.agents}
    if name == "one_by_one":
        alone = {"policy_actions": 0, "averaged_rewards": 1, "frozen_split": 2}
        for switch, place in alone.items():
            changed = [a != b for a, b in zip(found[f"mle_{switch}"], found["mle"], strict=True)]
            assert changed == [place == i for i in range(3)]
        assert found["mle_as_run"] == found["reg_vaml_as_run"] == ("policy", True, True)
    else:
        expected = ("policy", False, False) if name == "pendulum" else ("policy", True, True)
        assert found == {"mle": expected, "reg_vaml": expected}
        assert study.snapshots.fit.redraw_test_split
        assert study.synthetic.dynamics.train_transitions == 5000


def switches(agent: Agent) -> tuple[str, bool, bool]:
    return agent.critic_actions, agent.average_rewards, agent.frozen_split


def test_sac_alone_needs_no_known_reward() -> None:
    config = merged([CONFIG / "config.yaml"])
    config["environments"]["HalfCheetah-v5"] = {"time_limit": 1000, "keep_position": False}
    config["environments"]["Hopper-v4"]["keep_position"] = False
    run = config["mbac"]["runs"]["InvertedPendulum-v4"]
    config["mbac"]["runs"] |= {"HalfCheetah-v5": run, "Hopper-v4": run}
    config["mbac"] |= {"environments": ["HalfCheetah-v5", "Hopper-v4"], "agents": ["sac"]}
    assert load(config).mbac.agents == ["sac"]
    config["mbac"]["agents"] = ["sac", "mle"]
    with pytest.raises(ConfigError) as error:
        load(config)
    first, second = str(error.value).splitlines()
    assert "got 'HalfCheetah-v5', which has no known reward" in first
    assert "environments.Hopper-v4.keep_position: got False" in second


def test_sac_is_no_name_for_an_agent_of_ones_own() -> None:
    agent = {**PLAIN, "objective": "mle", "final_mle_coefficient": 1.0}
    (line,) = refused({"agents": {"sac": agent}})
    assert line.startswith("config: agents: got 'sac'")

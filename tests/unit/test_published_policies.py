"""The published policies earn the published returns of their runs' last evaluation."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vaml.algorithms.evaluation import Evaluations
from vaml.config.mbac import TrainMBACJob
from vaml.config.schema import load
from vaml.config.yaml_file import merged
from vaml.files import read_tensors
from vaml.networks.actor_critic import Actor
from vaml.pipeline import jobs
from vaml.seeding import Streams

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "paper" / "published"
POLICIES = sorted(PUBLISHED.glob("*/policies/*.safetensors"))


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_policy_earns_what_its_run_s_last_evaluation_says(path: Path) -> None:
    name = path.parts[-3]
    study = load(merged([ROOT / "config" / f"{each}.yaml" for each in ("config", name)]))
    agent, seed = path.stem.rsplit("_s", 1)
    (environment,) = study.mbac.environments
    labels = {"environment": environment, "agent": agent, "seed": int(seed)}
    settings = TrainMBACJob.model_validate_json(jobs.settings("train_mbac", study, labels))
    streams = Streams(settings.seed, "train_mbac", settings.environment_id)
    episodes = settings.training.evaluation_episodes
    evaluations = Evaluations(environment, settings.environment, episodes, streams)
    evaluations.add(Actor.from_arrays(read_tensors(path, "actor/")), settings.total_steps)
    rows: Any = pd.read_csv(PUBLISHED / name / "mbac_returns.csv")
    last = rows.loc[rows["env_step"] == settings.total_steps]
    mine = last.loc[(last["agent"] == agent) & (last["seed"] == int(seed))]
    # Another processor rounds otherwise, and an episode carries that on.
    assert [row["return"] for row in evaluations.rows] == pytest.approx(
        mine["return"].to_list(), rel=1e-3
    )


def test_there_are_policies_of_each_agent() -> None:
    assert {path.stem for path in POLICIES if path.parts[-3] == "pendulum"} == {
        "mle_s0",
        "reg_vaml_s0",
        "sac_s0",
    }

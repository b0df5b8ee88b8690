"""Tiny runs of model-based actor-critic, for the tests."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vaml.algorithms.learned_model import LearnedModel
from vaml.algorithms.mbac import MBACRun
from vaml.config.mbac import AgentSettings, MBACTraining, ModelLearning, TrainMBACJob
from vaml.config.objectives import Objective
from vaml.config.sac import ActorCriticSettings, Environment
from vaml.seeding import Streams

# objective's coefficient, final coefficient
MLE, REG_VAML = (1.0, 1.0), (0.001, 0.0)


def job(
    agent: tuple[float, float] | None = REG_VAML, seed: int = 0, **changes: Any
) -> TrainMBACJob:
    """A tiny run: W = 20, a refit every 10 calls; `changes` are of any key below.

    agent: None is SAC, without a model.
    """
    values: dict[str, Any] = {
        "environment_id": "InvertedPendulum-v4",
        "total_steps": 45,
        "warmup_steps": 20,
        "decay_end_step": 45,
        "evaluation_every": 15,
        "episodes": 1,
        "max_validation_transitions": 5000,
        "refit_every": 10,
        "refit_max_gradient_steps": 6,
        "critic_actions": "replay",
        "critic_next_states": "samples",
        "critic_terminations": "model",
        "average_rewards": False,
        "frozen_split": False,
    } | changes
    model = ModelLearning(
        hidden_sizes=[16, 16],
        learning_rate=1e-4,
        weight_decay=1e-5,
        batch_size=8,
        validation_fraction=0.2,
        max_validation_transitions=values["max_validation_transitions"],
        patience=5,
        first_fit_max_epochs=4,
        refit_every=values["refit_every"],
        refit_max_epochs=2,
        refit_max_gradient_steps=values["refit_max_gradient_steps"],
        warmup_mle_coefficient=1.0,
    )
    actor_critic = ActorCriticSettings(
        hidden_sizes=[16, 16],
        learning_rate=3e-4,
        batch_size=8,
        discount=0.9,
        polyak=0.005,
        initial_temperature=1.0,
    )
    return TrainMBACJob(
        environment_id=values["environment_id"],
        environment=Environment(time_limit=30, keep_position=False),
        agent=agent
        and AgentSettings(
            objective=Objective(loss="vaml", mle_coefficient=agent[0], model_samples=3),
            final_mle_coefficient=agent[1],
            critic_actions=values["critic_actions"],
            critic_next_states=values["critic_next_states"],
            critic_terminations=values["critic_terminations"],
            average_rewards=values["average_rewards"],
            frozen_split=values["frozen_split"],
        ),
        total_steps=values["total_steps"],
        warmup_steps=values["warmup_steps"],
        decay_end_step=values["decay_end_step"],
        training=MBACTraining(
            evaluation_every=values["evaluation_every"],
            evaluation_episodes=values["episodes"],
            target_samples=4,
            actor_critic=actor_critic,
            model=model,
        ),
        seed=seed,
    )


def start(agent: tuple[float, float] | None = REG_VAML, seed: int = 0, **changes: Any) -> MBACRun:
    return MBACRun(job(agent, seed, **changes), streams(seed))


def learned(run: MBACRun) -> LearnedModel:
    assert run.learned is not None
    return run.learned


def streams(seed: int = 0) -> Streams:
    return Streams(seed, "train_mbac", "test")


def finish(run: MBACRun) -> MBACRun:
    while not run.finished:
        run.advance()
    return run


def same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].tobytes() == second[name].tobytes() for name in first
    )

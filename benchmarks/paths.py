"""The measured paths: functions of one step, at the sizes of config/config.yaml.

Made inside of `plain_modules`, each leaves every derivative to autograd.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.model_fitting import ModelFitting
from vaml.algorithms.sac import SACRun
from vaml.config.mbac import TrainMBACJob
from vaml.config.sac import TrainSACJob
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.data.transitions import Transitions
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue, SoftValue
from vaml.pipeline import jobs
from vaml.seeding import Streams

Step = Callable[[], object]
ROOT = Path(__file__).parents[1]
SAC_ENVIRONMENT, MBAC_ENVIRONMENT = "Hopper-v4", "Pusher-v5"
WARMUP = 300


def study() -> Config:
    return load(merged([ROOT / "config" / "config.yaml"]))


def sac_run() -> SACRun:
    """A run of the study, its warm-up shortened and over."""
    labels = {"environment": SAC_ENVIRONMENT, "seed": 0}
    job = TrainSACJob.model_validate_json(jobs.settings("train_sac", study(), labels))
    training = job.training.model_copy(update={"warmup_steps": WARMUP})
    job = job.model_copy(update={"training": training})
    run = SACRun(job, Streams(0, "benchmark"))
    while run.steps < WARMUP - 1:
        run.interaction.step(run.agent.act)
    return run


def sac() -> Step:
    run = sac_run()

    def step() -> None:
        run.interaction.step(run.agent.act)
        run.learn()

    return step


def mbac_run(objective: str) -> MBACRun:
    labels = {"environment": MBAC_ENVIRONMENT, "agent": objective, "seed": 0}
    job = TrainMBACJob.model_validate_json(jobs.settings("train_mbac", study(), labels))
    run = MBACRun(job.model_copy(update={"warmup_steps": WARMUP}), Streams(0, "benchmark"))
    while run.steps < WARMUP - 1:
        run.interaction.step(run.agent.act)
    return run


def mbac(objective: str) -> Step:
    run = mbac_run(objective)
    assert run.learned
    fitting, settings = run.learned.fitting, run.job.training.model
    everything = run.interaction.history.transitions()
    fitting.start(everything, everything, fitting.objective.mle_coefficient, 1, 1)
    random = np.random.default_rng(0)

    def step() -> None:
        run.interaction.step(run.agent.act)
        rows = run.interaction.history.sample(settings.batch_size, random)
        fitting.gradient_step(Transitions(rows.observations, rows.actions, rows.next_observations))
        run.learn()

    return step


def rows(observations: int, actions: int, count: int) -> Transitions:
    draws = torch.randn(count, 2 * observations + actions)
    states, taken, change = draws.split([observations, actions, observations], 1)
    return Transitions(states, taken.tanh(), states + 0.1 * change)


def snapshot_fit(objective: str) -> tuple[ModelFitting, SACRun, Transitions]:
    section, agent = study().snapshots, sac_run()
    value = SoftValue.from_snapshot(agent.agent.networks())
    size, actions = agent.interaction.observation_size, len(agent.interaction.low)
    generator = torch.Generator().manual_seed(0)
    model = GaussianDynamics(size, actions, section.model_hidden_sizes, "orthogonal", generator)
    return (
        _fitting(model, value, objective, section.fit.learning_rate),
        agent,
        rows(size, actions, section.fit.batch_size),
    )


def synthetic_fit(width: int) -> tuple[ModelFitting, Transitions]:
    dynamics, fit = study().synthetic.dynamics, study().synthetic.fit
    size, actions = dynamics.observation_size, dynamics.action_size
    generator = torch.Generator().manual_seed(0)
    value = RandomValue(size, dynamics.value_hidden_size, generator)
    model = GaussianDynamics(size, actions, [width, width], "default", generator)
    return _fitting(model, value, "vaml", fit.learning_rate), rows(size, actions, fit.batch_size)


def _fitting(
    model: GaussianDynamics, value: SoftValue | RandomValue, objective: str, rate: float
) -> ModelFitting:
    goal = study().objectives[objective]
    return ModelFitting(model, value, goal, rate, 0.0, 128, Streams(0, "benchmark"))


def fit_step(fitting: ModelFitting, batch: Transitions) -> Step:
    fitting.start(batch, batch, fitting.objective.mle_coefficient, 1, 1)
    return lambda: fitting.gradient_step(batch)


def snapshot(objective: str) -> Step:
    fitting, _, batch = snapshot_fit(objective)
    return fit_step(fitting, batch)


def synthetic(width: int) -> Step:
    return fit_step(*synthetic_fit(width))


# By path, the function that makes its step.
PATHS: dict[str, Callable[[], Step]] = {
    "SAC": sac,
    "VAML": lambda: snapshot("vaml"),
    "MLE": lambda: snapshot("mle"),
    **{f"synthetic {width}": (lambda w=width: synthetic(w)) for width in (32, 128, 1024)},
    "MBAC, MLE": lambda: mbac("mle"),
    "MBAC, regularised VAML": lambda: mbac("reg_vaml"),
}

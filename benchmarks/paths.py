"""The measured paths: functions of one step, at the sizes of config/config.yaml.

Made inside of `plain_modules`, each leaves every derivative to autograd.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.model_fitting import ModelFitting
from vaml.algorithms.sac import SACRun
from vaml.config.mbac import TrainMBACJob
from vaml.config.objectives import FitSettings
from vaml.config.sac import TrainSACJob
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.data.transitions import Transitions
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue, SoftValue, Value
from vaml.pipeline import jobs
from vaml.saving import prefixed
from vaml.seeding import Streams

Step = Callable[[], object]
ROOT = Path(__file__).parents[1]
SAC_ENVIRONMENT, MBAC_ENVIRONMENT = "Hopper-v4", "Pusher-v4"
WARMUP = 300
CPU = torch.device("cpu")


def study() -> Config:
    return load(merged([ROOT / "config" / "config.yaml"]))


def sac_run(device: torch.device = CPU) -> SACRun:
    """A run of the study, its warm-up shortened and over."""
    labels = {"environment": SAC_ENVIRONMENT, "seed": 0}
    job = TrainSACJob.model_validate_json(jobs.settings("train_sac", study(), labels))
    training = job.training.model_copy(update={"warmup_steps": WARMUP})
    job = job.model_copy(update={"training": training})
    run = SACRun(job, Streams(0, "benchmark"), device)
    while run.steps < WARMUP - 1:
        run.interaction.step(run.agent.act)
    return run


def whole_sac_run() -> SACRun:
    """A run with the transitions and the snapshots that it has at its end, drawn at random."""
    run = sac_run()
    history, random = run.interaction.history, np.random.default_rng(0)
    history.size = run.settings.total_steps
    for column in history.arrays().values():
        if column.dtype == np.float32:
            column[:] = random.standard_normal(column.shape, np.float32)
    for step in run.settings.snapshot_schedule:
        run.snapshots |= prefixed(str(step), run.networks())
    return run


def sac(device: torch.device) -> Step:
    run = sac_run(device)

    def step() -> None:
        run.interaction.step(run.agent.act)
        run.learn()

    return step


def mbac_run(objective: str, device: torch.device = CPU) -> MBACRun:
    labels = {"environment": MBAC_ENVIRONMENT, "agent": objective, "seed": 0}
    job = TrainMBACJob.model_validate_json(jobs.settings("train_mbac", study(), labels))
    job = job.model_copy(update={"warmup_steps": WARMUP})
    run = MBACRun(job, Streams(0, "benchmark"), device)
    while run.steps < WARMUP - 1:
        run.interaction.step(run.agent.act)
    return run


def mbac(objective: str, device: torch.device) -> Step:
    run = mbac_run(objective, device)
    assert run.learned
    fitting, settings = run.learned.fitting, run.job.training.model
    everything = run.interaction.history.transitions().to(device)
    fitting.start(everything, everything, fitting.objective.mle_coefficient, 1, 1)
    random = np.random.default_rng(0)

    def step() -> None:
        run.interaction.step(run.agent.act)
        rows = run.interaction.history.sample(settings.batch_size, random, device)
        fitting.gradient_step(Transitions(rows.observations, rows.actions, rows.next_observations))
        run.learn()

    return step


def rows(observations: int, actions: int, count: int) -> Transitions:
    draws = torch.randn(count, 2 * observations + actions)
    states, taken, change = draws.split([observations, actions, observations], 1)
    return Transitions(states, taken.tanh(), states + 0.1 * change)


def snapshot(objective: str, device: torch.device) -> Step:
    section, agent = study().snapshots, sac_run()
    value = SoftValue.from_snapshot(agent.agent.networks(), device)
    size, actions = agent.interaction.observation_size, len(agent.interaction.low)
    generator = torch.Generator().manual_seed(0)
    model = GaussianDynamics(size, actions, section.model_hidden_sizes, "orthogonal", generator)
    return _fit(model.to(device), value, objective, section.fit)


def synthetic(width: int, device: torch.device) -> Step:
    dynamics, fit = study().synthetic.dynamics, study().synthetic.fit
    size, actions = dynamics.observation_size, dynamics.action_size
    generator = torch.Generator().manual_seed(0)
    value = RandomValue(size, dynamics.value_hidden_size, generator).to(device)
    model = GaussianDynamics(size, actions, [width, width], "default", generator)
    return _fit(model.to(device), value, "vaml", fit)


def _fit(model: GaussianDynamics, value: Value, objective: str, settings: FitSettings) -> Step:
    goal, streams = study().objectives[objective], Streams(0, "benchmark")
    rate, batch_size = settings.learning_rate, settings.batch_size
    fitting = ModelFitting(model, value, goal, rate, 0.0, batch_size, streams)
    device = next(model.parameters()).device
    batch = rows(model.observation_size, model.action_size, batch_size).to(device)
    fitting.start(batch, batch, goal.mle_coefficient, 1, 1)
    return lambda: fitting.gradient_step(batch)


# By path, the function that makes its step on a device.
PATHS: dict[str, Callable[[torch.device], Step]] = {
    "SAC": sac,
    "VAML": partial(snapshot, "vaml"),
    "MLE": partial(snapshot, "mle"),
    **{f"synthetic {width}": partial(synthetic, width) for width in (32, 128, 1024)},
    "MBAC, MLE": partial(mbac, "mle"),
    "MBAC, regularised VAML": partial(mbac, "reg_vaml"),
}

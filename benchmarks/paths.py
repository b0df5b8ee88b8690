"""The measured paths, ours and plain: functions of one step, at the sizes of config/config.yaml."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from plain import PlainFit, PlainMBAC, PlainRandomValue, PlainSAC, PlainSoftValue

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
        run._learn()

    return step


def plain_sac() -> Step:
    run = sac_run()
    plain = PlainSAC(run.agent.actor, run.agent.critics)

    def step() -> None:
        run.interaction.step(plain.act)
        plain.step(run.interaction.history.sample(256, run.replay), run.policy_noise)

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
        fitting._gradient_step(Transitions(rows.observations, rows.actions, rows.next_observations))
        run._learn()

    return step


def plain_mbac(objective: str) -> Step:
    run = mbac_run(objective)
    assert run.learned
    assert run.job.agent
    settings, goal = run.job.training.model, run.job.agent.objective
    plain = PlainSAC(run.agent.actor, run.agent.critics)
    fit = PlainFit(
        run.learned.model,
        plain.value,
        goal.mle_coefficient,
        goal.model_samples,
        settings.learning_rate,
        settings.weight_decay,
    )
    samples = run.job.training.target_samples
    both = PlainMBAC(plain, fit, run.learned.known, samples)

    def step() -> None:
        run.interaction.step(plain.act)
        batch = run.interaction.history.sample(settings.batch_size, run.replay)
        both.step(batch, run.policy_noise)

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
    value = RandomValue(size, dynamics.value_hidden_size, generator).requires_grad_(False)
    model = GaussianDynamics(size, actions, [width, width], "default", generator)
    return _fitting(model, value, "vaml", fit.learning_rate), rows(size, actions, fit.batch_size)


def _fitting(
    model: GaussianDynamics, value: SoftValue | RandomValue, objective: str, rate: float
) -> ModelFitting:
    goal = study().objectives[objective]
    return ModelFitting(model, value, goal, rate, 0.0, 128, Streams(0, "benchmark"))


def fit_step(fitting: ModelFitting, batch: Transitions) -> Step:
    fitting.start(batch, batch, fitting.objective.mle_coefficient, 1, 1)
    return lambda: fitting._gradient_step(batch)


def plain_fit_step(
    fitting: ModelFitting, value: PlainSoftValue | PlainRandomValue, batch: Transitions
) -> Step:
    goal, noise = fitting.objective, torch.Generator().manual_seed(0)
    rate = fitting.optimizer.learning_rate
    plain = PlainFit(fitting.model, value, goal.mle_coefficient, goal.model_samples, rate)
    return lambda: plain.step(batch, noise)


def snapshot(objective: str) -> Step:
    fitting, _, batch = snapshot_fit(objective)
    return fit_step(fitting, batch)


def plain_snapshot(objective: str) -> Step:
    fitting, run, batch = snapshot_fit(objective)
    value = PlainSAC(run.agent.actor, run.agent.critics).value
    for module in (value.actor, *value.critics):
        module.requires_grad_(False)
    return plain_fit_step(fitting, value, batch)


def synthetic(width: int) -> Step:
    return fit_step(*synthetic_fit(width))


def plain_synthetic(width: int) -> Step:
    fitting, batch = synthetic_fit(width)
    assert isinstance(fitting.value, RandomValue)
    value = PlainRandomValue(fitting.value).requires_grad_(False)
    return plain_fit_step(fitting, value, batch)


# The name of a path, and for each way to run it the function that makes its step.
OURS: dict[str, Callable[[], Step]] = {
    "SAC": sac,
    "VAML": lambda: snapshot("vaml"),
    "MLE": lambda: snapshot("mle"),
    **{f"synthetic {width}": (lambda w=width: synthetic(w)) for width in (32, 128, 1024)},
    "MBAC, MLE": lambda: mbac("mle"),
    "MBAC, regularised VAML": lambda: mbac("reg_vaml"),
}
PLAIN: dict[str, Callable[[], Step]] = {
    "SAC": plain_sac,
    "VAML": lambda: plain_snapshot("vaml"),
    "MLE": lambda: plain_snapshot("mle"),
    **{f"synthetic {width}": (lambda w=width: plain_synthetic(w)) for width in (32, 128, 1024)},
    "MBAC, MLE": lambda: plain_mbac("mle"),
    "MBAC, regularised VAML": lambda: plain_mbac("reg_vaml"),
}

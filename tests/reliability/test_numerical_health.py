"""A number that is not finite stops a run at once, by name and step, and is never hidden."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_jobs
import torch
from conftest import Count

from vaml.algorithms import evaluation
from vaml.algorithms.learned_model import FIT_COLUMNS
from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.model_fitting import ModelFitting
from vaml.algorithms.offline_fit import run_offline_fit
from vaml.algorithms.sac import SACRun
from vaml.algorithms.training_run import run_training
from vaml.config.mbac import TrainMBACJob
from vaml.config.sac import TrainSACJob
from vaml.config.synthetic import FitSyntheticJob
from vaml.data.transitions import Transitions
from vaml.files import read_json
from vaml.metrics.errors import COLLAPSED_SIGMA, model_metrics
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue
from vaml.runtime.checkpoint import Checkpoint
from vaml.runtime.job import Job
from vaml.saving import module_arrays, prefixed
from vaml.seeding import Streams

NAN, INF = math.nan, math.inf
# Long before the next snapshot, evaluation or refit, but for those that `SPOILS` tells.
SPOILT_AT = 110


class Spoiler:
    """Puts one value into a run's numbers."""

    def __init__(self, run: SACRun | MBACRun, value: float, patch: pytest.MonkeyPatch) -> None:
        self.run, self.value, self.patch = run, value, patch

    def parameter(self, name: str) -> None:
        run = self.run
        modules: dict[str, Any] = {
            "actor": run.agent.actor,
            "log_temperature": run.agent,
        }
        pairs = zip(run.agent.critics, run.agent.target_critics, strict=True)
        for index, critics in enumerate(pairs):
            modules[f"critic_{index}"], modules[f"target_critic_{index}"] = critics
        if isinstance(run, MBACRun):
            assert run.learned
            modules["model"] = run.learned.model
        owner, _, path = name.partition("/")
        tensor: Any = modules[owner]
        for part in (path or owner).split("."):
            tensor = getattr(tensor, part)
        with torch.no_grad():
            tensor.view(-1)[-1] = self.value

    def step(self, index: int) -> None:
        """From now on in what the environment returns: 0 for observations, 1 for rewards."""
        step = self.run.interaction.env.step

        def spoilt(action: Any) -> Any:
            returned = list(step(action))
            returned[index] = np.full_like(returned[index], self.value)
            return returned

        self.patch.setattr(self.run.interaction.env, "step", spoilt)

    def history(self, column: str) -> None:
        getattr(self.run.interaction.history, column)[:] = self.value

    def evaluations(self) -> None:
        make = evaluation.mujoco.make

        def made(*names: Any, **options: Any) -> Any:
            env = make(*names, **options)
            step = env.step
            env.step = lambda action: (step(action)[0], self.value, True, False, {})
            return env

        self.patch.setattr(evaluation.mujoco, "make", made)


# Name in the outcome: what spoils it, and the last step at which a NaN must have been seen.
SPOILS: dict[str, tuple[Callable[[Spoiler], None], int]] = {
    "actor/mean_head.weight": (lambda it: it.parameter("actor/mean_head.weight"), 111),
    "actor/hidden.0.bias": (lambda it: it.parameter("actor/hidden.0.bias"), 111),
    "critic_1/output.bias": (lambda it: it.parameter("critic_1/output.bias"), 111),
    "target_critic_0/output.bias": (lambda it: it.parameter("target_critic_0/output.bias"), 111),
    "log_temperature": (lambda it: it.parameter("log_temperature"), 111),
    "observation": (lambda it: it.step(0), 110),
    "reward": (lambda it: it.step(1), 110),
    "evaluation return": (lambda it: it.evaluations(), 260),
}
OF_SAC = SPOILS | {"critics loss": (lambda it: it.history("rewards"), 111)}
OF_MBAC = SPOILS | {
    # A non-finite next state counts as terminal, so that the next refit is the first to see it.
    "model/mean_head.bias": (lambda it: it.parameter("model/mean_head.bias"), 120),
    "model training loss": (lambda it: it.history("next_observations"), 120),
}
CASES = [("train_sac", name) for name in OF_SAC] + [("train_mbac", name) for name in OF_MBAC]


def make_run(step: str) -> SACRun | MBACRun:
    text = json.dumps(tiny_jobs.SETTINGS[step])
    if step == "train_sac":
        return SACRun(TrainSACJob.model_validate_json(text), Streams(1))
    return MBACRun(TrainMBACJob.model_validate_json(text), Streams(1))


def job_in(folder: Path) -> Job[Any]:
    settings = TrainSACJob.model_validate_json(json.dumps(tiny_jobs.SETTINGS["train_sac"]))
    return Job(settings, "key", {}, Checkpoint(folder, "key"), {}, None)


@pytest.mark.parametrize("value", [NAN, INF])
@pytest.mark.parametrize(("step", "name"), CASES)
def test_a_run_stops_at_once_and_says_where(
    step: str,
    name: str,
    value: float,
    tmp_path: Path,
    count: Count,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run(step)
    while run.steps < SPOILT_AT:
        run.advance()
    spoil, last = (OF_SAC if step == "train_sac" else OF_MBAC)[name]
    spoil(Spoiler(run, value, monkeypatch))
    # An infinite parameter may leave the losses finite; no snapshot or evaluation lets it pass.
    last = last if math.isnan(value) else max(last, 260)
    outcome = run_training(run, 500, job_in(tmp_path))
    assert outcome["status"] == "diverged"
    stopped = outcome["diverged"]
    good = stopped["where"] == name and stopped["step"] <= last
    count("numbers that are not finite, stopped by name", int(good), 1)
    assert good, stopped
    if step == "train_sac":
        assert all(np.isfinite(array).all() for array in run.snapshots.values())  # type: ignore[union-attr]


def test_the_last_gradient_step_is_checked_too(tmp_path: Path) -> None:
    run = make_run("train_sac")
    while run.steps < 499:
        run.advance()
    advance = run.advance

    def spoilt() -> None:
        advance()
        with torch.no_grad():
            run.agent.actor.mean_head.weight[0, 0] = NAN

    run.advance = spoilt
    outcome = run_training(run, 500, job_in(tmp_path))
    assert outcome["diverged"] == {"where": "actor/mean_head.weight", "step": 500}


def make_fit() -> tuple[ModelFitting, Transitions, Transitions, FitSyntheticJob]:
    settings = FitSyntheticJob.model_validate_json(json.dumps(tiny_jobs.SETTINGS["fit_synthetic"]))
    generator = torch.Generator().manual_seed(0)
    states, actions, noise = (
        torch.empty(200, size).normal_(generator=generator) for size in (4, 2, 4)
    )
    rows = Transitions(states, actions, states + noise)
    model = GaussianDynamics(4, 2, [8], "default", generator)
    fitting = ModelFitting(
        model,
        RandomValue(4, 8, generator),
        settings.objective,
        settings.fit.learning_rate,
        settings.fit.weight_decay,
        settings.fit.batch_size,
        Streams(0),
    )
    return fitting, rows.take(np.arange(160)), rows.take(np.arange(160, 200)), settings


@pytest.mark.parametrize("value", [NAN, INF])
@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("model/log_std_head.bias", 9),  # three gradient steps per epoch
        ("model/hidden.0.weight", 9),
        ("model training loss", 6),
        ("model validation loss", 9),
    ],
)
def test_a_fit_stops_at_once_and_says_where(
    name: str, last: int, value: float, tmp_path: Path, count: Count
) -> None:
    fitting, train, validation, settings = make_fit()
    epoch = fitting.epoch

    def spoilt() -> Any:
        if fitting.progress.epochs == 2:
            if name == "model training loss":
                train.next_observations[:, 0] = value
            elif name == "model validation loss":
                validation.next_observations[0] = value
            else:
                parameter = dict(fitting.model.named_parameters())[name.removeprefix("model/")]
                with torch.no_grad():
                    parameter.view(-1)[0] = value
        return epoch()

    fitting.epoch = spoilt
    ended = run_offline_fit(fitting, train, validation, settings.fit, job_in(tmp_path))
    stopped = ended.outcome["diverged"]
    good = stopped["where"] == name and 6 <= stopped["step"] <= last
    count("numbers that are not finite, stopped by name", int(good), 1)
    assert good, stopped
    assert ended.outcome["status"] == "diverged"
    assert ended.weights.keys() == prefixed("last", module_arrays(fitting.model)).keys()
    assert [row["epoch"] for row in ended.curve] == [1, 2]


@pytest.mark.slow
def test_a_diverged_run_and_the_fits_on_it_end_well(tmp_path: Path, count: Count) -> None:
    settings = json.loads(json.dumps(tiny_jobs.SETTINGS["train_sac"]))
    settings["training"]["actor_critic"]["learning_rate"] = 1e20
    folder = tmp_path / "train_sac"
    flags = tiny_jobs.arguments("train_sac", folder, tmp_path)
    flags[flags.index("--config") + 1] = json.dumps(settings)
    status, text = tiny_jobs.run("train_sac", flags)
    assert status == 0, text
    run = read_json(folder / "outcome.json")
    assert run["status"] == "diverged"
    assert run["diverged"]["step"] == run["env_steps"] < 100
    assert f"{run['diverged']['where']} is not finite" in text
    for step, name in (("fit_snapshot", "outcome"), ("measure_snapshot", "metrics")):
        folder = tmp_path / step
        status, text = tiny_jobs.run(step, tiny_jobs.arguments(step, folder, tmp_path))
        assert status == 0, text
        fit = read_json(folder / f"{name}.json")
        assert fit["status"] == "diverged"
        assert fit["diverged"] == {"where": "train_sac", "step": run["env_steps"]}
        assert not {"last", "best"} & fit.keys()
    count("diverged jobs recorded as such, with those after them", 3, 3)


@pytest.mark.parametrize(("log_std", "share"), [(0.0, 0.0), (-60.0, 1.0)])
def test_a_collapsed_variance_is_told(log_std: float, share: float) -> None:
    fitting, train, _, _ = make_fit()
    with torch.no_grad():
        fitting.model.log_std_head.weight.zero_()
        fitting.model.log_std_head.bias.fill_(log_std)
    metrics = model_metrics(
        ModelTest(fitting.model, train, fitting.value, 2, 50), torch.Generator()
    )
    assert metrics["sigma_collapsed"] == share
    assert "sigma_collapsed" in FIT_COLUMNS


def test_the_share_counts_dimensions() -> None:
    fitting, train, _, _ = make_fit()
    raw = torch.tensor([-30.0, 0.0, -30.0, 1.0])
    with torch.no_grad():
        fitting.model.log_std_head.weight.zero_()
        fitting.model.log_std_head.bias.copy_(raw)
    metrics = model_metrics(
        ModelTest(fitting.model, train, fitting.value, 2, 50), torch.Generator()
    )
    assert metrics["sigma_collapsed"] == 0.5
    # Numbers of order ten are no nearer to each other than that.
    assert np.spacing(np.float32(10.0)) == pytest.approx(COLLAPSED_SIGMA, rel=0.1)

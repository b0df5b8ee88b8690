"""VAML_DEVICE: its values and errors, and whole jobs on a device that is pretended."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mbac_runs
import pytest
import torch
from offline_fits import FIT, flags
from pretend_device import Placed, pretended
from pydantic import BaseModel

from vaml import fit_snapshot, fit_synthetic, simulate_dynamics, train_mbac, train_sac
from vaml.algorithms import interaction, learned_model, mbac, model_fitting, sac
from vaml.algorithms.capture import launched
from vaml.algorithms.mbac import MBACRun
from vaml.config.objectives import Loss, Objective
from vaml.config.sac import Environment, SACTraining, TrainSACJob
from vaml.config.schema import load
from vaml.config.snapshots import FitSnapshotJob, SnapshotFitSettings
from vaml.config.synthetic import (
    FitSyntheticJob,
    SimulateDynamicsJob,
    SyntheticDynamics,
    SyntheticFitSettings,
)
from vaml.config.yaml_file import read
from vaml.envs.known import KNOWN, known_functions
from vaml.files import UnreadableFile
from vaml.losses.objective import LOSSES, model_loss
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue, SoftValue
from vaml.pipeline import jobs
from vaml.runtime.manifest import read_manifest
from vaml.runtime.torch_device import job_device
from vaml.saving import seeded

ROOT = Path(__file__).parents[2]
CUDA = torch.device("cuda")
NAME = "A GPU"
PRODUCTS = {"mm", "addmm", "bmm"}
SHORT = {**FIT, "max_epochs": 2}
DYNAMICS = SyntheticDynamics(
    observation_size=3,
    action_size=2,
    horizon=10,
    train_transitions=60,
    test_transitions=20,
    head_gain=0.01,
    mean_scale=1.0,
    noise_scale=1.0,
    value_hidden_size=8,
)
# Together with the tests of all losses and environments below: every line that runs on a device,
# but what is done otherwise on a real one (`is_cuda`), which test_captured has.
JOBS: dict[str, BaseModel] = {
    "simulate_dynamics": SimulateDynamicsJob(dynamics=DYNAMICS, hidden_size=8, seed=0),
    "train_sac": TrainSACJob(
        environment_id="Hopper-v4",
        environment=Environment(time_limit=10, keep_position=True),
        training=SACTraining(
            total_steps=40,
            warmup_steps=20,
            first_snapshot_step=30,
            snapshot_every=10,
            evaluation_episodes=1,
            actor_critic=mbac_runs.job().training.actor_critic,
        ),
        seed=0,
    ),
    "fit_synthetic": FitSyntheticJob(
        dynamics=DYNAMICS,
        fit=SyntheticFitSettings(**SHORT, unrealizable_width=1.0),
        objective=Objective(loss="vaml_exact", mle_coefficient=0.5, model_samples=2),
        setting="realizable",
        hidden_size=8,
        seed=0,
    ),
    "fit_snapshot": FitSnapshotJob(
        environment_id="Hopper-v4",
        model_hidden_sizes=[8],
        objective=Objective(loss="vagram", mle_coefficient=0.5, model_samples=2),
        fit=SnapshotFitSettings(**SHORT, test_fraction=0.1, redraw_test_split=False),
        step=30,
        seed=0,
    ),
    "train_mbac": mbac_runs.job(total_steps=36, decay_end_step=36, critic_actions="policy"),
}
STEPS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "simulate_dynamics": (simulate_dynamics.main, ("dynamics", "transitions")),
    "train_sac": (train_sac.main, ("history", "snapshots", "evaluations", "training", "outcome")),
    "fit_synthetic": (fit_synthetic.main, ("model", "curve", "outcome")),
    "fit_snapshot": (fit_snapshot.main, ("model", "curve", "outcome")),
    "train_mbac": (
        train_mbac.main,
        ("networks", "evaluations", "training", "fits", "diagnostics", "outcome"),
    ),
}
SOURCES = {
    "fit_synthetic": ("simulate_dynamics", ("dynamics", "transitions")),
    "fit_snapshot": ("train_sac", ("history", "snapshots")),
}


def run(step: str, folder: Path, sources: Path) -> dict[str, Any]:
    """Its manifest, which has the digests of all outputs."""
    main, outputs = STEPS[step]
    arguments = flags(folder / step, JOBS[step], outputs)
    if step in SOURCES:
        source, inputs = SOURCES[step]
        named = {name: sources / source / name for name in inputs}
        named["source"] = sources / source / "manifest"
        arguments += [f"--{name}={path}" for name, path in named.items()]
        arguments.append(f"--source-key={read_manifest(named['source']).stable.key}")
    main(arguments)
    return json.loads((folder / step / "manifest").read_bytes())


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """Every step's files and manifest, without the variable."""
    folder = tmp_path_factory.mktemp("cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VAML_DEVICE", raising=False)
        # This process has loaded more of the package than one step does.
        patch.setattr("vaml.runtime.job.unexpected_modules", lambda _: [])
        return folder, {step: run(step, folder, folder) for step in JOBS}


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[Placed]:
    """A machine with a GPU, asked for."""
    monkeypatch.setenv("VAML_DEVICE", "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: NAME)
    monkeypatch.setattr("vaml.runtime.job.unexpected_modules", lambda _: [])
    # There is nothing to capture here, and no generator of a GPU: the same function, launched.
    for module in (interaction, learned_model, mbac, model_fitting, sac):
        monkeypatch.setattr(module, "seeded", lambda seed, _: seeded(seed, "cpu"))
    with launched(), pretended("cuda") as placed:
        yield placed


@pytest.mark.parametrize("step", ["train_sac", "fit_synthetic", "fit_snapshot", "train_mbac"])
def test_a_job_on_a_device_does_the_same_there(
    step: str, on_cpu: tuple[Path, dict[str, dict[str, Any]]], cuda: Placed, tmp_path: Path
) -> None:
    sources, manifests = on_cpu
    manifest = run(step, tmp_path, sources)
    assert manifest["stable"] == manifests[step]["stable"]
    assert manifests[step]["volatile"]["device"] == "cpu"
    assert manifest["volatile"]["device"] == f"cuda ({NAME})"
    assert cuda.ran[CUDA] >= {"addmm", "_fused_adam_"}
    # Policies are evaluated by a copy on the CPU, and nothing is differentiated there.
    evaluated = {"addmm"} if step.startswith("train") else set()
    assert not cuda.ran[torch.device("cpu")] & (PRODUCTS - evaluated)


def test_a_run_goes_on_on_another_device(cuda: Placed) -> None:
    first, second = (MBACRun(mbac_runs.job(), mbac_runs.streams(), d) for d in ("cpu", CUDA))
    while first.steps < 38:
        first.advance()
    saved = {name: array.copy() for name, array in first.arrays().items()}
    second.restore(saved)
    assert mbac_runs.same(second.arrays(), saved)
    assert mbac_runs.same(
        mbac_runs.finish(second).arrays(), mbac_runs.finish(mbac_runs.start()).arrays()
    )
    back = mbac_runs.start()
    back.restore(second.arrays())
    assert mbac_runs.same(back.arrays(), second.arrays())


def test_a_snapshots_value_function_is_on_the_device_as_a_whole(cuda: Placed) -> None:
    value = SoftValue.from_snapshot(mbac_runs.start().agent.networks(), CUDA)
    modules = (value.actor, *value.critics)
    parts = [tensor for module in modules for tensor in module.state_dict().values()]
    assert {each.device for each in (*parts, value.log_temperature)} == {CUDA}


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_stays_on_the_device(loss: Loss, cuda: Placed) -> None:
    generator = torch.Generator().manual_seed(0)
    model, truth = (GaussianDynamics(3, 2, [8], "xavier", generator).to(CUDA) for _ in range(2))
    value = RandomValue(3, 8, generator).requires_grad_(False).to(CUDA)
    states, actions = (torch.randn(6, size, generator=generator).to(CUDA) for size in (3, 2))
    objective = Objective(loss=loss, mle_coefficient=0.5, model_samples=2)
    number, _ = model_loss(
        model(states, actions),
        states + 0.1,
        value,
        objective,
        0.5,
        generator,
        truth(states, actions),
    )
    gradients = torch.autograd.grad(number, list(model.parameters()), materialize_grads=True)
    assert {each.device for each in (number, *gradients)} == {CUDA}


@pytest.mark.parametrize("environment", KNOWN)
def test_known_functions_stay_on_the_device(environment: str, cuda: Placed) -> None:
    known = known_functions(environment)
    before, actions, after = (
        torch.zeros(shape).to(CUDA)
        for shape in ((4, known.observation_size), (4, 2), (3, 4, known.observation_size))
    )
    found = known.reward(before, actions, after), known.terminated(after)
    assert {each.device for each in found} == {CUDA}


def chosen(
    value: str | None, monkeypatch: pytest.MonkeyPatch, available: bool, faster: bool = True
) -> tuple[str, str]:
    """The device, and what the manifest says of it."""
    if value is None:
        monkeypatch.delenv("VAML_DEVICE", raising=False)
    else:
        monkeypatch.setenv("VAML_DEVICE", value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: NAME)
    job: Any = SimpleNamespace(device="cpu", settings=SimpleNamespace(faster_on_gpu=faster))
    return str(job_device(job)), job.device


def test_the_variable_chooses_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    there, cpu = ("cuda", f"cuda ({NAME})"), ("cpu", "cpu")
    for value, with_cuda, without in (
        (None, cpu, cpu),
        ("cpu", cpu, cpu),
        ("auto", there, cpu),
    ):
        assert chosen(value, monkeypatch, available=True) == with_cuda
        assert chosen(value, monkeypatch, available=False) == without
    for faster in (True, False):
        assert chosen("cuda", monkeypatch, available=True, faster=faster) == there
    assert chosen("auto", monkeypatch, available=True, faster=False) == cpu
    with pytest.raises(UnreadableFile, match="finds no CUDA device; allowed here: cpu, auto"):
        chosen("cuda", monkeypatch, available=False)


@pytest.mark.parametrize(("value", "agents"), [(None, 0), ("cpu", 0), ("auto", 0), ("cuda", 1)])
def test_a_job_asks_for_a_gpu_where_it_would_use_one(
    value: str | None, agents: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load(read(ROOT / "config" / "config.yaml"))
    if value is None:
        monkeypatch.delenv("VAML_DEVICE", raising=False)
    else:
        monkeypatch.setenv("VAML_DEVICE", value)
    asked = {
        (stage, each.get("objective"), each.get("hidden_size", 0)): jobs.gpus(stage, study, each)
        for stage in jobs.FOLDERS
        for each in jobs.labels(stage, study)
        if stage not in ("simulate_dynamics", *jobs.MEASURED)
    }
    assert not any(
        jobs.gpus(stage, study, each)
        for stage in jobs.MEASURED
        for each in jobs.labels(stage, study)
    )
    for (stage, objective, size), gpus in asked.items():
        gains = objective in ("vaml", "reg_vaml") and (stage == "fit_snapshot" or size >= 512)
        assert gpus == (1 if gains and value == "auto" else agents), (stage, objective, size)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("gpu", "VAML_DEVICE: got 'gpu'; allowed: cpu, auto, cuda"),
        ("", "VAML_DEVICE: got ''; allowed: cpu, auto, cuda"),
        ("cuda", f"VAML_DEVICE: got 'cuda', but torch {torch.__version__} finds no CUDA device"),
    ],
)
@pytest.mark.parametrize("step", ["train_sac", "fit_synthetic", "fit_snapshot", "train_mbac"])
def test_a_device_that_is_not_there_ends_a_job_before_its_work(
    step: str,
    value: str,
    said: str,
    on_cpu: tuple[Path, dict[str, dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VAML_DEVICE", value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        run(step, tmp_path, on_cpu[0])
    text = str(ended.value)
    assert text.startswith(f"{step}: {said}")
    assert "\n" not in text
    assert not [name for name in os.listdir(tmp_path / step) if name != "state"]


def test_the_pretended_device_refuses_what_a_real_one_refuses() -> None:
    with pretended("cuda"):
        here, there = torch.ones(3), torch.ones(3, device=CUDA)
        index = torch.tensor([0, 1])
        for wrong in (
            lambda: here + there,
            lambda: there.index_select(0, index),
            lambda: torch.add(there, there, out=here),
            lambda: there.quantile(torch.tensor([0.1, 0.9])),
            lambda: there.normal_(generator=torch.Generator()),
            there.numpy,
        ):
            with pytest.raises((RuntimeError, TypeError), match=r"on cuda|on the CPU"):
                wrong()
        assert (there + torch.tensor(1.0)).device == CUDA
        assert there.cpu().numpy().tolist() == [1.0, 1.0, 1.0]
        assert here.copy_(2 * there).device == torch.device("cpu")
        assert here.to(CUDA).device == there[1:].device == there.new_zeros(2).device == CUDA

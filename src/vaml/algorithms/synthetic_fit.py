"""Inputs of experiment A's fits and measurements: environment, data and model."""

from dataclasses import dataclass
from pathlib import Path

import torch

from vaml.config.synthetic import FitSyntheticJob
from vaml.data.transitions import Transitions
from vaml.files import read_arrays, read_tensors
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue
from vaml.saving import below, load_module
from vaml.seeding import Streams


@dataclass(frozen=True)
class SyntheticData:
    """The true dynamics, the random value function and the transitions drawn with them."""

    truth: GaussianDynamics
    value: RandomValue
    train: Transitions
    test: Transitions


def fit_streams(settings: FitSyntheticJob) -> Streams:
    """The random streams of a fit and of its measurement, which fits of a width and seed share."""
    return Streams(settings.seed, "fit_synthetic", settings.hidden_size)


def read_synthetic(
    dynamics: Path, transitions: Path, settings: FitSyntheticJob, device: torch.device
) -> SyntheticData:
    """Read the two files of simulate_dynamics."""
    sizes = settings.dynamics
    truth = _dynamics(settings, [settings.hidden_size, settings.hidden_size], torch.Generator())
    value = RandomValue(sizes.observation_size, sizes.value_hidden_size, torch.Generator())
    tensors = read_tensors(dynamics)
    for name, module in (("dynamics", truth), ("value", value)):
        load_module(module, below(name, tensors))
        module.requires_grad_(False).to(device)
    arrays = read_arrays(transitions)
    train, test = (
        Transitions(
            *(
                torch.from_numpy(arrays[f"{part}_{name}"])
                for name in ("observations", "actions", "next_observations")
            )
        ).to(device)
        for part in ("train", "test")
    )
    return SyntheticData(truth, value, train, test)


def synthetic_model(settings: FitSyntheticJob, generator: torch.Generator) -> GaussianDynamics:
    """Make an untrained model: the dynamics' two layers, or one layer, which may be narrower."""
    size = settings.hidden_size
    narrow = max(1, round(settings.fit.unrealizable_width * size))
    realizable = settings.setting == "realizable"
    return _dynamics(settings, [size, size] if realizable else [narrow], generator)


def _dynamics(
    settings: FitSyntheticJob, hidden_sizes: list[int], generator: torch.Generator
) -> GaussianDynamics:
    sizes = settings.dynamics
    return GaussianDynamics(
        sizes.observation_size, sizes.action_size, hidden_sizes, "default", generator
    )

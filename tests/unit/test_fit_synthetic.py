"""fit_synthetic: what the fits of one seed share, how models start, what is held out."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from offline_fits import FIT, OBJECTIVES, flags, paired, record_fits, same, started_from, states

from vaml import fit_synthetic, simulate_dynamics
from vaml.config.synthetic import (
    FitSyntheticJob,
    Setting,
    SimulateDynamicsJob,
    SyntheticDynamics,
    SyntheticFitSettings,
)
from vaml.files import read_arrays, read_tensors
from vaml.networks.value import RandomValue
from vaml.saving import below, module_arrays

DYNAMICS = SyntheticDynamics(
    observation_size=11,
    action_size=3,
    horizon=20,
    train_transitions=200,
    test_transitions=50,
    head_gain=0.01,
    mean_scale=1.0,
    noise_scale=1.0,
    value_hidden_size=16,
)
HIDDEN = 40


@pytest.fixture
def synthetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SimpleNamespace]:
    """Starts a fit to the artificial environment of a seed."""
    fits = record_fits(monkeypatch)

    def start(
        setting: Setting, objective: str, seed: int = 0, width: float = 1.0
    ) -> SimpleNamespace:
        source = tmp_path / f"simulate_{seed}"
        if not source.exists():
            settings = SimulateDynamicsJob(dynamics=DYNAMICS, hidden_size=HIDDEN, seed=seed)
            simulate_dynamics.main(flags(source, settings, ("dynamics", "transitions")))
        settings = FitSyntheticJob(
            dynamics=DYNAMICS,
            fit=SyntheticFitSettings(**FIT, unrealizable_width=width),
            objective=OBJECTIVES[objective],
            setting=setting,
            hidden_size=HIDDEN,
            seed=seed,
        )
        inputs = [f"--{name}={source / name}" for name in ("dynamics", "transitions")]
        outputs = flags(tmp_path / "fit", settings, ("model", "curve", "outcome"))
        fit_synthetic.main([*outputs, *inputs, *started_from(source)])
        return fits[-1]

    return start


def test_synthetic_fits_of_a_seed_are_paired(synthetic: Callable[..., SimpleNamespace]) -> None:
    mle, vaml = synthetic("realizable", "mle"), synthetic("realizable", "vaml")
    shallow, shallow_reg = synthetic("unrealizable", "mle"), synthetic("unrealizable", "reg_vaml")
    other = synthetic("realizable", "mle", seed=1)
    assert paired(mle, vaml)
    assert paired(shallow, shallow_reg)
    assert torch.equal(mle.train.observations, shallow.train.observations)
    assert np.array_equal(mle.order, shallow.order)
    assert not same(mle.weights, other.weights)
    assert states(mle.train).isdisjoint(states(other.train))
    assert [fit.fitting.objective.mle_coefficient for fit in (mle, vaml)] == [1.0, 0.0]


def test_synthetic_models_are_the_truths_kind_or_one_layer_short_with_default_weights(
    synthetic: Callable[..., SimpleNamespace], tmp_path: Path
) -> None:
    weights = {
        setting: synthetic(setting, "mle").weights for setting in ("realizable", "unrealizable")
    }
    truth = below("dynamics", read_tensors(tmp_path / "simulate_0" / "dynamics"))
    assert weights["realizable"].keys() == truth.keys()
    assert weights["unrealizable"].keys() == truth.keys() - {"hidden.1.weight", "hidden.1.bias"}
    for part in (*weights.values(), truth):
        for name, inputs in (("hidden.0", 14), ("hidden.1", HIDDEN)):
            if f"{name}.weight" in part:
                bound = 1 / np.sqrt(inputs)
                assert 0.97 * bound < np.abs(part[f"{name}.weight"]).max() <= bound
                assert not part[f"{name}.bias"].any()
    assert not np.array_equal(weights["realizable"]["hidden.0.weight"], truth["hidden.0.weight"])


def test_only_the_unrealizable_model_is_narrower_than_the_dynamics(
    synthetic: Callable[..., SimpleNamespace],
) -> None:
    narrow = synthetic("unrealizable", "mle", width=0.25).weights
    assert narrow["hidden.0.weight"].shape == (HIDDEN // 4, 14)
    assert synthetic("unrealizable", "mle", width=0.001).weights["hidden.0.weight"].shape == (1, 14)
    assert same(
        synthetic("realizable", "mle", width=0.25).weights, synthetic("realizable", "mle").weights
    )


def test_only_the_exact_loss_is_told_the_true_dynamics(
    synthetic: Callable[..., SimpleNamespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = OBJECTIVES["vaml"].model_copy(update={"loss": "vaml_exact"})
    monkeypatch.setitem(OBJECTIVES, "exact", exact)
    plain, told = synthetic("realizable", "vaml"), synthetic("realizable", "exact")
    assert paired(plain, told)
    assert plain.fitting.truth is None
    assert told.fitting.truth is not None
    assert not same(module_arrays(told.fitting.truth), told.weights)


def test_synthetic_fits_hold_out_a_fifth_and_the_test_rows(
    synthetic: Callable[..., SimpleNamespace], tmp_path: Path
) -> None:
    fit = synthetic("realizable", "vaml")
    arrays = read_arrays(tmp_path / "simulate_0" / "transitions")
    parts = {
        part: {row.tobytes() for row in arrays[f"{part}_observations"]}
        for part in ("train", "test")
    }
    assert (len(fit.train), len(fit.validation), len(parts["test"])) == (160, 40, 50)
    assert states(fit.train) | states(fit.validation) == parts["train"]
    assert states(fit.train).isdisjoint(states(fit.validation))
    assert parts["train"].isdisjoint(parts["test"])

    value = RandomValue(11, 16, torch.Generator())
    tensors = read_tensors(tmp_path / "simulate_0" / "dynamics")
    assert same(module_arrays(fit.fitting.value), below("value", tensors))
    assert module_arrays(value).keys() == below("value", tensors).keys()

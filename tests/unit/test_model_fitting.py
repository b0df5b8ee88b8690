"""Fitting a model: its gradient steps, its validations, what learns and what does not."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.model_fitting import ModelFitting
from vaml.config.objectives import Objective
from vaml.config.sac import ActorCriticSettings
from vaml.data.transitions import Transitions
from vaml.divergence import Diverged
from vaml.losses.objective import model_loss
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue, Value
from vaml.saving import module_arrays
from vaml.seeding import Streams

N, M, BATCH = 4, 2, 8
NAN = math.nan


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(count: int, seed: int = 0) -> Transitions:
    draws = torch.randn(count, 2 * N + M, generator=generator(seed))
    return Transitions(draws[:, :N], draws[:, N:-N], draws[:, :N] + draws[:, -N:])


def fitting(
    value: Value | None = None,
    coefficient: float = 0.3,
    seed: int = 0,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
) -> ModelFitting:
    return ModelFitting(
        GaussianDynamics(N, M, [8, 8], "default", generator(1)),
        value or RandomValue(N, 16, generator(2)),
        Objective(loss="vaml", mle_coefficient=coefficient, model_samples=3),
        learning_rate,
        weight_decay,
        BATCH,
        Streams(seed, "test"),
    )


def run(fit: ModelFitting) -> list[dict[str, np.ndarray]]:
    """Fit to the end; the weights after each epoch."""
    weights = []
    while not fit.progress.finished:
        fit.epoch()
        weights.append(module_arrays(fit.model))
    return weights


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_a_gradient_step_is_adam_with_the_decay_in_the_gradient_of_every_parameter(
    double_precision: None,
) -> None:
    value = RandomValue(N, 16, generator(2))
    fit, train = fitting(value, learning_rate=0.01, weight_decay=0.1), rows(20)
    model = GaussianDynamics(N, M, [8, 8], "default", generator(1))
    parameters = list(model.parameters())
    adam = torch.optim.Adam(parameters, lr=0.01)
    streams = Streams(0, "test")
    shuffles, noise = streams.numpy("batches"), generator(streams.seed("model_noise"))

    fit.start(train, train, 0.3, max_epochs=2, patience=9)
    run(fit)
    for _ in range(2):
        order = torch.from_numpy(shuffles.permutation(20))
        for chosen in order.split(BATCH):
            prediction = model(train.observations[chosen], train.actions[chosen])
            targets = train.next_observations[chosen]
            loss, _ = model_loss(prediction, targets, value, fit.objective, 0.3, noise)
            for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                p.grad = gradient + 0.1 * p.detach()
            adam.step()
    for mine, expected in zip(fit.model.parameters(), parameters, strict=True):
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-10)


def test_the_monitored_score_is_the_objectives_own_mixture_with_fresh_noise() -> None:
    fit, validation = fitting(), rows(20, seed=5)
    fit.start(rows(8), validation, 0.25, max_epochs=9, patience=9)
    noise = generator(Streams(0, "test").seed("validation_noise"))
    for _ in range(2):
        row = fit.epoch()
        assert row is not None
        losses: dict[str, list[float]] = {"loss": [], "nll": [], "vaml": []}
        with torch.no_grad():
            for batch in validation.batches(BATCH):
                prediction = fit.model(batch.observations, batch.actions)
                targets = batch.next_observations
                loss, terms = model_loss(prediction, targets, fit.value, fit.objective, 0.25, noise)
                for name, number in {"loss": loss, **terms}.items():
                    losses[name].append(number.item())
        # Each of the three batches weighs a third, though the last is of 4 rows.
        assert row["validation_loss"] == pytest.approx(np.mean(losses["loss"]), rel=1e-6)
        assert row["validation_nll"] == pytest.approx(np.mean(losses["nll"]), rel=1e-6)
        assert row["validation_value_loss"] == pytest.approx(np.mean(losses["vaml"]), rel=1e-6)
    assert fit._validate()["validation_loss"] != fit._validate()["validation_loss"]


def soft_agent() -> ActorCritic:
    settings = ActorCriticSettings(
        hidden_sizes=[8],
        learning_rate=3e-4,
        batch_size=8,
        discount=0.99,
        polyak=0.005,
        initial_temperature=1.0,
    )
    bounds = np.ones(M, np.float32)
    return ActorCritic(N, -bounds, bounds, settings, Streams(0, "test"))


@pytest.mark.parametrize("coefficient", [0.0, 0.001, 1.0])
def test_a_fit_moves_the_model_and_neither_critics_nor_actor_nor_temperature(
    coefficient: float,
) -> None:
    agent = soft_agent()
    fit = fitting(agent.value, coefficient)
    before, model_before = agent.networks(), module_arrays(fit.model)
    fit.start(rows(20), rows(10), coefficient, max_epochs=2, patience=9)
    run(fit)
    assert same(agent.networks(), before)
    modules = (agent.actor, agent.critics, agent.target_critics)
    frozen: list[Tensor] = [p for module in modules for p in module.parameters()]
    assert all(tensor.grad is None for tensor in (*frozen, agent.log_temperature))
    for name, array in module_arrays(fit.model).items():
        assert not np.array_equal(array, model_before[name]), name


@pytest.mark.parametrize(("part", "where"), [("train", "training"), ("validation", "validation")])
def test_a_loss_that_is_not_finite_ends_the_fit_by_name(part: str, where: str) -> None:
    data = {"train": rows(20), "validation": rows(10)}
    data[part].next_observations[3] = NAN
    fit = fitting()
    fit.start(data["train"], data["validation"], 0.3, max_epochs=2, patience=9)
    with pytest.raises(Diverged, match=f"{where} loss"):
        run(fit)
    assert all(np.isfinite(array).all() for array in module_arrays(fit.model).values())


def test_objectives_of_one_seed_meet_the_same_batches_in_the_same_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def batches(coefficient: float, seed: int = 0) -> list[Tensor]:
        seen: list[Tensor] = []
        with monkeypatch.context() as patch:
            patch.setattr(
                ModelFitting,
                "gradient_step",
                lambda self, batch: (
                    seen.append(batch.observations) or {"train_loss": torch.zeros(())}
                ),
            )
            fit = fitting(coefficient=coefficient, seed=seed)
            fit.start(rows(20), rows(10), coefficient, max_epochs=2, patience=9)
            run(fit)
        return seen

    mle, vaml, other = batches(1.0), batches(0.0), batches(1.0, seed=1)
    assert [len(batch) for batch in mle] == [8, 8, 4] * 2
    assert all(torch.equal(one, two) for one, two in zip(mle, vaml, strict=True))
    assert not torch.equal(mle[0], other[0])
    assert not torch.equal(mle[0], mle[3])  # each epoch is shuffled anew


@pytest.mark.parametrize("interrupted_after", [0, 1, 3])
def test_a_fit_goes_on_bit_for_bit_where_it_was_saved(interrupted_after: int) -> None:
    def start() -> ModelFitting:
        fit = fitting(soft_agent().value, weight_decay=0.01)
        fit.start(rows(20), rows(10), 0.3, max_epochs=5, patience=9)
        return fit

    whole, first, second = start(), start(), start()
    curve = [whole.epoch() for _ in range(5)]
    for _ in range(interrupted_after):
        first.epoch()
    state, progress = first.arrays(), first.progress.arrays()
    first.epoch()  # what was saved does not change under the hands of the one that saved it
    torch.manual_seed(99)
    second.restore(state)
    second.progress.restore(progress)
    assert [second.epoch() for _ in range(5 - interrupted_after)] == curve[interrupted_after:]
    for fit in (whole, second):
        assert fit.progress.finished
        fit.restore_best()
    assert same(second.arrays(), whole.arrays())
    assert same(second.progress.arrays(), whole.progress.arrays())

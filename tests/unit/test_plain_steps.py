"""Twenty gradient steps give the numbers of the plain steps that benchmarks/plain.py writes out."""

import numpy as np
import pytest
import torch
from mbac_runs import MLE, REG_VAML, learned, start
from plain import PlainFit, PlainMBAC, PlainRandomValue, PlainSAC, PlainSoftValue

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.model_fitting import ModelFitting
from vaml.config.objectives import Objective
from vaml.config.sac import ActorCriticSettings
from vaml.data.replay import Batch
from vaml.data.transitions import Transitions
from vaml.losses.actor_critic import bellman_target
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue
from vaml.seeding import Streams

N, M, ROWS, STEPS = 6, 2, 32, 20
# Adam's first steps have the size of the learning rate, whatever the gradient: so little of it may
# be lost to rounding where a gradient is next to zero.
CLOSE = 0.02
SETTINGS = ActorCriticSettings(
    hidden_sizes=[24, 24],
    learning_rate=3e-4,
    batch_size=ROWS,
    discount=0.99,
    polyak=0.005,
    initial_temperature=1.0,
)


def agent() -> ActorCritic:
    bounds = np.full(M, 2.0, np.float32)
    return ActorCritic(N, -bounds, bounds, SETTINGS, Streams(0, "test"))


def batch(seed: int) -> Batch:
    draws = torch.randn(ROWS, 2 * N + M + 1, generator=torch.Generator().manual_seed(seed))
    states, actions, rewards, changes = draws.split([N, M, 1, N], 1)
    return Batch(states, actions.tanh(), rewards[:, 0], states + 0.3 * changes, rewards[:, 0] > 1)


def equal(mine: torch.nn.Module, plain: torch.nn.Module, rate: float) -> None:
    pairs = zip(mine.parameters(), plain.parameters(), strict=True)
    for parameter, expected in pairs:
        torch.testing.assert_close(parameter, expected, rtol=0, atol=CLOSE * rate * STEPS)


def test_sac() -> None:
    made = agent()
    plain = PlainSAC(made.actor, made.critics)
    noises = [torch.Generator().manual_seed(1) for _ in range(2)]
    before = made.critics[0].hidden[0].weight.clone()  # type: ignore[operator, union-attr]
    for seed in range(STEPS):
        rows = batch(seed)
        targets = bellman_target(
            rows.rewards, rows.terminated, made.value(rows.next_observations, noises[0]), 0.99
        )
        made.update((rows.observations, rows.actions), targets, rows.observations, noises[0])
        plain.step(rows, noises[1])
    equal(made.actor, plain.actor, 3e-4)
    for index in range(2):
        equal(made.critics[index], plain.critics[index], 3e-4)
        equal(made.target_critics[index], plain.targets[index], 3e-4)
    torch.testing.assert_close(made.log_temperature, plain.log_temperature, rtol=0, atol=1e-6)
    moved = (made.critics[0].hidden[0].weight - before).abs().mean()  # type: ignore[operator]
    assert moved > 10 * CLOSE * 3e-4  # the steps are seen by the comparison


@pytest.mark.parametrize("coefficient", [1.0, 0.0, 0.3])
@pytest.mark.parametrize("random", [True, False])
def test_fits(coefficient: float, random: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    model = GaussianDynamics(N, M, [16, 16], "orthogonal", generator)
    if random:
        value = RandomValue(N, 24, generator).requires_grad_(False)
        plain_value = PlainRandomValue(value).requires_grad_(False)
    else:
        made = agent()
        value = made.value
        copy = PlainSAC(made.actor, made.critics)
        plain_value = PlainSoftValue(copy.actor, copy.targets, torch.zeros(()))
    plain = PlainFit(model, plain_value, coefficient, 4, 1e-3, 1e-5)
    objective = Objective(loss="vaml", mle_coefficient=coefficient, model_samples=4)
    streams = Streams(0, "test")
    fitting = ModelFitting(model, value, objective, 1e-3, 1e-5, ROWS, streams)
    noise = torch.Generator().manual_seed(streams.seed("model_noise"))
    losses = []
    for seed in range(STEPS):
        rows = batch(seed)
        data = Transitions(rows.observations, rows.actions, rows.next_observations)
        if seed == 0:
            fitting.start(data, data, coefficient, 1, 1)
        losses.append((fitting._gradient_step(data)["train_loss"].item(), plain.step(data, noise)))
    np.testing.assert_allclose(*np.array(losses).T, rtol=2e-4)
    equal(model, plain.model, 1e-3)


@pytest.mark.parametrize("objective", [MLE, REG_VAML])
@pytest.mark.parametrize("environment", ["InvertedPendulum-v4", "Pusher-v5"])
def test_mbac(environment: str, objective: tuple[float, float]) -> None:
    """A model step and a learning step: model, critics and actor after twenty of both."""
    run = start(objective, environment_id=environment)
    while run.steps < 19:  # the warm-up but for its last step, so that nothing is learned yet
        run.advance()
    model, coefficient = learned(run), objective[0]
    plain = PlainSAC(run.agent.actor, run.agent.critics, discount=0.9)
    fit = PlainFit(model.model, plain.value, coefficient, 3, 1e-4, 1e-5)
    both = PlainMBAC(plain, fit, model.known, 4)
    noise, same_noise = (torch.Generator().manual_seed(1) for _ in range(2))
    model.fitting.noise = noise
    everything = run.interaction.history.transitions()
    model.fitting.start(everything, everything, coefficient, 1, 1)
    for seed in range(STEPS):
        rows = run.interaction.history.sample(8, np.random.default_rng(seed))
        states, actions = rows.observations, rows.actions
        model.fitting._gradient_step(Transitions(states, actions, rows.next_observations))
        targets = model.critic_targets(states, actions, noise)
        run.agent.update((states, actions), targets, states, noise)
        both.step(rows, same_noise)
    equal(model.model, fit.model, 1e-4)
    equal(run.agent.actor, plain.actor, 3e-4)
    for index in range(2):
        equal(run.agent.critics[index], plain.critics[index], 3e-4)
        equal(run.agent.target_critics[index], plain.targets[index], 3e-4)

"""Twenty gradient steps by written passes give the numbers of those that autograd does alone.

The steps share all but the passes: `update` is compared with one written by hand in
test_actor_critic_losses, critic targets in test_mbac, Adam in test_model_fitting.
"""

import numpy as np
import pytest
import torch
from mbac_runs import MLE, REG_VAML, learned, start

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.model_fitting import ModelFitting
from vaml.config.objectives import Objective
from vaml.config.sac import ActorCriticSettings
from vaml.data.replay import Batch
from vaml.data.transitions import Transitions
from vaml.fast.differentiation import plain_modules
from vaml.networks.actor_critic import TwinCritics
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue, Value
from vaml.networks.written import WrittenCritics, WrittenDynamics, WrittenPolicy
from vaml.seeding import Streams

N, M, ROWS, STEPS = 6, 2, 32, 20
# Adam's first steps have the size of the learning rate, whatever the gradient: so little of it may
# be lost to rounding where a gradient is next to zero.
CLOSE = 0.001
RATE = 3e-4
SETTINGS = ActorCriticSettings(
    hidden_sizes=[24, 24],
    learning_rate=RATE,
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


def equal(written: torch.nn.Module, plain: torch.nn.Module, rate: float = RATE) -> None:
    pairs = zip(written.parameters(), plain.parameters(), strict=True)
    for parameter, expected in pairs:
        torch.testing.assert_close(parameter, expected, rtol=0, atol=CLOSE * rate * STEPS)


def equal_agents(written: ActorCritic, plain: ActorCritic) -> None:
    assert isinstance(written.policy, WrittenPolicy)
    assert isinstance(written.action_values, WrittenCritics)
    assert plain.policy == plain.actor.reparameterised
    assert isinstance(plain.action_values, TwinCritics)
    equal(written.actor, plain.actor)
    equal(written.critics, plain.critics)
    equal(written.target_critics, plain.target_critics)
    torch.testing.assert_close(written.log_temperature, plain.log_temperature, rtol=0, atol=1e-6)


def test_sac() -> None:
    written = agent()
    with plain_modules():
        plain = agent()
    before = [parameter.clone() for parameter in written.critics.parameters()]
    for made in (written, plain):
        noise = torch.Generator().manual_seed(1)
        for seed in range(STEPS):
            rows = batch(seed)
            targets = made.replay_targets(rows, noise)
            made.update((rows.observations, rows.actions), targets, rows.observations, noise)
    equal_agents(written, plain)
    # The steps are seen by the comparison.
    moved = [
        (parameter - first).abs().mean()
        for parameter, first in zip(written.critics.parameters(), before, strict=True)
    ]
    assert min(moved) > 100 * CLOSE * RATE * STEPS


def random_value() -> Value:
    return RandomValue(N, 24, torch.Generator().manual_seed(3))


@pytest.mark.parametrize("coefficient", [1.0, 0.0, 0.3])
@pytest.mark.parametrize("value", [random_value, lambda: agent().value], ids=["random", "soft"])
def test_fits(coefficient: float, value: object) -> None:
    def fitting() -> ModelFitting:
        generator = torch.Generator().manual_seed(3)
        model = GaussianDynamics(N, M, [16, 16], "orthogonal", generator)
        objective = Objective(loss="vaml", mle_coefficient=coefficient, model_samples=4)
        streams = Streams(0, "test")
        return ModelFitting(model, value(), objective, 1e-3, 1e-5, ROWS, streams)  # type: ignore[operator]

    def losses(fit: ModelFitting) -> list[float]:
        found = []
        for seed in range(STEPS):
            rows = batch(seed)
            data = Transitions(rows.observations, rows.actions, rows.next_observations)
            if seed == 0:
                fit.start(data, data, coefficient, 1, 1)
            found.append(fit.gradient_step(data)["train_loss"].item())
        return found

    written = fitting()
    with plain_modules():
        plain = fitting()
    assert isinstance(written.predict, WrittenDynamics)
    assert plain.predict is plain.model
    np.testing.assert_allclose(losses(written), losses(plain), rtol=2e-4)
    equal(written.model, plain.model, 1e-3)


@pytest.mark.parametrize("objective", [MLE, REG_VAML])
@pytest.mark.parametrize("environment", ["InvertedPendulum-v4", "Pusher-v4"])
def test_mbac(environment: str, objective: tuple[float, float]) -> None:
    """A model step and a learning step: model, critics and actor after twenty of both."""

    def stepped() -> MBACRun:
        run = start(objective, environment_id=environment)
        while run.steps < 19:  # the warm-up but for its last step, so that nothing is learned yet
            run.advance()
        fitting, everything = learned(run).fitting, run.interaction.history.transitions()
        fitting.start(everything, everything, objective[0], 1, 1)
        for seed in range(STEPS):
            rows = run.interaction.history.sample(8, np.random.default_rng(seed))
            fitting.gradient_step(
                Transitions(rows.observations, rows.actions, rows.next_observations)
            )
            run.learn()
        return run

    written = stepped()
    with plain_modules():
        plain = stepped()
    equal(learned(written).model, learned(plain).model, 1e-4)
    equal_agents(written.agent, plain.agent)

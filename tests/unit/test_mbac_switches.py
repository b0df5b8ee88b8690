"""Agents as the authors' code ran them, and SAC in the place of an agent."""

from typing import Any

import numpy as np
import pytest
import torch
from mbac_runs import MLE, finish, job, learned, same, start, streams
from torch import Tensor

from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.model_fitting import ModelFitting
from vaml.algorithms.sac import SACRun
from vaml.config.mbac import TrainMBACJob
from vaml.config.sac import SACTraining, TrainSACJob


def warmed_up(**changes: Any) -> MBACRun:
    run = start(environment_id="Pusher-v4", **changes)
    while run.steps < 20:
        run.advance()
    return run


def test_an_averaged_reward_is_the_same_for_every_pair() -> None:
    plain, averaged = warmed_up(), warmed_up(average_rewards=True)
    batch = plain.interaction.history.sample(8, np.random.default_rng(0))
    pairs = batch.observations, batch.actions
    true = batch.next_observations, batch.terminated
    noise = torch.Generator().manual_seed(5)
    with torch.no_grad():
        samples = learned(plain).model(*pairs).sample(4, noise)
        rewards = learned(plain).known.reward(*pairs, samples)
    assert rewards.shape == (4, 8)
    assert rewards.std() > 0.01
    # The model of the second run has trained on the same data: the same weights.
    first, second = (
        learned(run).critic_targets(*pairs, *true, torch.Generator().manual_seed(5))
        for run in (plain, averaged)
    )
    torch.testing.assert_close(second - first, rewards.mean() - rewards.mean(0))


def test_policy_actions_replace_the_replayed_ones_in_pairs_and_targets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = warmed_up(critic_actions="policy")
    replay = np.random.Generator(np.random.PCG64())
    replay.bit_generator.state = run.replay.bit_generator.state
    batch = run.interaction.history.sample(8, replay)
    noise = torch.Generator()
    noise.set_state(learned(run).target_noise.get_state())
    with torch.no_grad():
        expected, _ = run.agent.actor.sample(batch.observations, noise)
    true = batch.next_observations, batch.terminated
    targets = learned(run).critic_targets(batch.observations, expected, *true, noise)
    calls: list[Any] = []
    monkeypatch.setattr(run.agent, "update", lambda *arguments: calls.append(arguments))
    run.learn()
    ((observations, actions), given, actor_observations, _) = calls[0]
    assert torch.equal(observations, batch.observations)
    assert torch.equal(actions, expected)
    assert not torch.equal(actions, batch.actions)
    assert torch.equal(given, targets)
    assert torch.equal(actor_observations, batch.observations)


def test_critics_may_see_the_models_mean_in_place_of_its_samples() -> None:
    """The same model in either run: one target is at its mean, the other one scatters."""
    plain, by_mean = warmed_up(), warmed_up(critic_next_states="mean")
    batch = plain.interaction.history.sample(8, np.random.default_rng(0))
    pairs = batch.observations, batch.actions
    true = batch.next_observations, batch.terminated
    seen: list[tuple[int, ...]] = []

    def value(states: Tensor, _: torch.Generator) -> Tensor:
        seen.append(tuple(states.shape))
        return 5 * states[..., 3]

    learned(by_mean).value = learned(plain).value = value  # type: ignore[assignment]
    with torch.no_grad():
        mean = batch.observations + learned(by_mean).model(*pairs).mean
    expected = learned(by_mean).known.reward(*pairs, mean) + 0.9 * 5 * mean[:, 3]
    found = learned(by_mean).critic_targets(*pairs, *true, torch.Generator())
    torch.testing.assert_close(found, expected)
    assert seen == [(4, 8, 23)]  # as many draws of V as with samples
    noise = torch.Generator().manual_seed(0)
    sampled = torch.stack([learned(plain).critic_targets(*pairs, *true, noise) for _ in range(100)])
    assert sampled.std(0).min() > 0.5
    assert set(seen) == {(4, 8, 23)}


def test_critics_may_see_the_true_next_states() -> None:
    """As many draws of V as with samples, at the buffer's states, which end where these end."""
    run = start(critic_next_states="replay")
    model = learned(run)
    reached = torch.tensor([[0.0, 0.1, 0.0, 0.0], [0.0, 0.3, 0.0, 0.0]])
    seen: list[Tensor] = []

    def value(states: Tensor, _: torch.Generator) -> Tensor:
        seen.append(states)
        return 100 * states[..., 1]

    model.value = value  # type: ignore[assignment]
    anything = torch.zeros(2, 4), torch.zeros(2, 1)
    told = torch.tensor([True, False])  # what it is told is not asked
    found = model.critic_targets(*anything, reached, told, torch.Generator())
    torch.testing.assert_close(found, torch.tensor([1 + 0.9 * 10, 1.0]))
    assert torch.equal(seen[0], reached.expand(4, 2, 4))


@pytest.mark.parametrize("critic_terminations", ["model", "replay"])
def test_critics_may_be_told_which_transitions_end(critic_terminations: str) -> None:
    """The buffer ends the first pair; of the model's four next states two end the second."""
    run = start(critic_terminations=critic_terminations)
    while run.steps < 20:
        run.advance()
    model = learned(run)
    states, actions = torch.zeros(2, 4), torch.zeros(2, 1)
    ends = torch.tensor([[0.0, 1.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])  # pole angles (K, B)
    reached = torch.stack([torch.zeros_like(ends), ends, *torch.zeros(2, 4, 2)], -1)

    class Predicted:
        def sample(self, samples: int, _: torch.Generator) -> Tensor:
            assert samples == 4
            return reached

    model.model = lambda *_: Predicted()  # type: ignore[assignment]
    model.value = lambda states, _: torch.full(states.shape[:-1], 10.0)  # type: ignore[assignment]
    told = torch.tensor([True, False])
    found = model.critic_targets(states, actions, states, told, torch.Generator())
    share_that_goes_on = {"model": [1.0, 0.5], "replay": [0.0, 1.0]}[critic_terminations]
    torch.testing.assert_close(found, 1 + 0.9 * 10 * torch.tensor(share_that_goes_on))


def test_true_next_states_and_ends_come_from_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(critic_terminations="replay")
    while run.steps < 20:
        run.advance()
    history = run.interaction.history
    history.terminated[: history.size] = np.arange(history.size) % 2 == 0
    seen: list[Tensor] = []
    original = learned(run).critic_targets

    def recorded(*arguments: Tensor) -> Tensor:
        seen.extend(arguments[2:4])
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(learned(run), "critic_targets", recorded)
    replay = np.random.Generator(np.random.PCG64())
    replay.bit_generator.state = run.replay.bit_generator.state
    batch = history.sample(8, replay)
    run.learn()
    assert 0 < int(batch.terminated.sum()) < 8
    assert torch.equal(seen[0], batch.next_observations)
    assert torch.equal(seen[1], batch.terminated)


def test_a_frozen_split_is_the_first_fits_own(monkeypatch: pytest.MonkeyPatch) -> None:
    splits: list[tuple[bytes, bytes]] = []
    original = ModelFitting.start

    def recorded(self: ModelFitting, train: Any, validation: Any, *rest: Any) -> Any:
        splits.append(tuple(rows.observations.numpy().tobytes() for rows in (train, validation)))
        return original(self, train, validation, *rest)

    monkeypatch.setattr(ModelFitting, "start", recorded)
    finish(start())
    fresh = splits.copy()
    splits.clear()
    whole = finish(start(frozen_split=True))
    assert len(fresh) == len(splits) == 3
    assert splits == [fresh[0]] * 3
    assert len(set(fresh)) == 3

    first, second = start(frozen_split=True), start(frozen_split=True)
    while first.steps < 33:
        first.advance()
    second.restore({name: array.copy() for name, array in first.arrays().items()})
    assert same(finish(second).arrays(), whole.arrays())


def test_an_agent_without_a_model_is_soft_actor_critic() -> None:
    settings: TrainMBACJob = job(None)
    training = settings.training
    sac = SACRun(
        TrainSACJob(
            environment_id=settings.environment_id,
            environment=settings.environment,
            training=SACTraining(
                total_steps=45,
                warmup_steps=20,
                first_snapshot_step=35,
                snapshot_every=15,
                evaluation_episodes=1,
                actor_critic=training.actor_critic,
            ),
            seed=0,
        ),
        streams(),
    )
    while not sac.finished:
        sac.advance()
    run = finish(start(None))
    assert same(run.networks(), sac.networks())
    assert run.evaluations.rows == sac.evaluations.rows
    assert run.diagnostics.rows == []
    assert not any(name.startswith("learned/") for name in run.arrays())
    assert not same(run.agent.networks(), finish(start(MLE)).agent.networks())

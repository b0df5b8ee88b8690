"""Model-based actor-critic runs: schedule, critic targets, evaluation, determinism, resumption."""

import numpy as np
import pytest
import torch
from mbac_runs import finish, learned, same, start

from vaml.algorithms.diagnostics import Diagnostics
from vaml.algorithms.evaluation import Evaluations
from vaml.algorithms.interaction import Interaction
from vaml.algorithms.learned_model import LearnedModel
from vaml.algorithms.mbac import MBACRun
from vaml.data.replay import Batch


def targets_of(run: MBACRun, batch: Batch) -> torch.Tensor:
    noise = learned(run).target_noise
    true = batch.next_observations, batch.terminated
    return learned(run).critic_targets(batch.observations, batch.actions, *true, noise)


@pytest.fixture(scope="module")
def whole() -> MBACRun:
    """One run of regularised VAML to its end."""
    return finish(start())


def test_refits_gradient_steps_and_evaluations_come_at_the_steps_of_the_study(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[tuple[int, str]] = []
    monkeypatch.setattr(
        Interaction, "step", lambda self, _: setattr(self.history, "size", self.steps + 1)
    )
    run = start(
        warmup_steps=100,
        total_steps=2150,
        decay_end_step=2150,
        refit_every=200,
        evaluation_every=2000,
    )
    monkeypatch.setattr(
        Evaluations, "add", lambda self, actor, env_step: events.append((env_step, "evaluation"))
    )
    for name in ("_refit", "learn"):
        record = lambda self, name=name: events.append((self.steps, name))  # noqa: E731
        monkeypatch.setattr(MBACRun, name, record)
    monkeypatch.setattr(Diagnostics, "add", lambda *_: None)
    finish(run)
    at = {name: [step for step, event in events if event == name] for _, name in events}
    assert at["evaluation"] == [100, 2100]
    assert at["_refit"] == [100, *range(299, 2150, 200)]
    assert at["learn"] == list(range(100, 2151))
    order = [[name for step, name in events if step == when] for when in (100, 299, 2100)]
    assert order == [
        ["evaluation", "_refit", "learn"],
        ["_refit", "learn"],
        ["learn", "evaluation"],
    ]


def test_only_the_learning_calls_make_gradient_steps(whole: MBACRun) -> None:
    assert whole.agent.gradient_steps == 45 - 20 + 1
    assert [row["env_step"] for row in learned(whole).fits] == [20, 29, 39]
    assert sorted({row["env_step"] for row in whole.evaluations.rows}) == [20, 35]


def test_critic_targets_average_known_rewards_and_soft_values_over_model_samples() -> None:
    run = start(environment_id="Pusher-v5")  # whose reward depends on the next state
    while run.steps < 20:
        run.advance()
    batch = run.interaction.history.sample(8, np.random.default_rng(0))
    noise = torch.Generator()
    noise.set_state(learned(run).target_noise.get_state())
    targets = targets_of(run, batch)

    with torch.no_grad():
        prediction = learned(run).model(
            batch.observations, batch.actions
        )  # at the buffer's own actions
        samples = prediction.sample(4, noise)
        values = run.agent.value(samples, noise).double().numpy()
    expected = np.zeros(8)
    for k in range(4):
        tip, thing, goal = (samples[k, :, i : i + 3].double().numpy() for i in (14, 17, 20))
        cost = np.linalg.norm(thing - goal, axis=1) + 0.5 * np.linalg.norm(thing - tip, axis=1)
        rewards = -cost - 0.1 * (batch.actions.double().numpy() ** 2).sum(axis=1)
        expected += (rewards + 0.9 * values[k]) / 4
    np.testing.assert_allclose(targets.numpy(), expected, rtol=1e-4)
    assert not targets.requires_grad
    assert not torch.equal(targets_of(run, batch), targets)  # fresh samples each time


@pytest.mark.parametrize("bias", [100.0, float("inf"), float("nan")])
def test_predicted_termination_cuts_the_value_off_even_where_it_is_no_number(bias: float) -> None:
    run = start()
    with torch.no_grad():
        learned(run).model.mean_head.bias[1] = bias  # the pole's angle: beyond 0.2 it has fallen
    observations = torch.zeros(8, 4)
    batch = Batch(
        observations, torch.zeros(8, 1), torch.zeros(8), observations, torch.zeros(8).bool()
    )
    assert targets_of(run, batch).tolist() == [1.0] * 8


def test_critics_regress_to_the_targets_of_the_sampled_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = start()
    while run.steps < 21:
        run.advance()
    replay = np.random.Generator(np.random.PCG64())
    replay.bit_generator.state = run.replay.bit_generator.state
    batch = run.interaction.history.sample(8, replay)
    targets, calls = torch.arange(8.0), []
    monkeypatch.setattr(LearnedModel, "critic_targets", lambda *_: targets)
    monkeypatch.setattr(run.agent, "update", lambda *arguments: calls.append(arguments))
    run.learn()
    ((observations, actions), given, actor_observations, noise) = calls[0]
    assert torch.equal(observations, batch.observations)
    assert torch.equal(actions, batch.actions)
    assert torch.equal(actor_observations, batch.observations)
    assert given is targets
    assert noise is run.policy_noise


def test_evaluation_leaves_training_unchanged(
    whole: MBACRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = finish(start(episodes=4))
    monkeypatch.setattr(Evaluations, "add", lambda *_: None)
    never = finish(start())
    assert (len(whole.evaluations.rows), len(often.evaluations.rows)) == (2, 8)
    assert never.evaluations.rows == []
    for run in (often, never):
        assert same(run.agent.arrays(), whole.agent.arrays())
        assert same(learned(run).arrays(), learned(whole).arrays())
        assert same(run.interaction.arrays(), whole.interaction.arrays())
        assert learned(run).fits == learned(whole).fits


def test_one_seed_gives_the_same_bytes_and_another_gives_others(whole: MBACRun) -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    assert same(finish(start()).arrays(), whole.arrays())
    other = finish(start(seed=1)).arrays()
    for name in (
        "learned/fitting/model/hidden.0.weight",
        "agent/actor/hidden.0.weight",
        "learned/fits",
    ):
        assert not np.array_equal(other[name], whole.arrays()[name])


# Before the first fit, at it, between fits, at a later fit.
@pytest.mark.parametrize("interrupted_at", [7, 20, 33, 39])
def test_a_run_goes_on_bit_for_bit_where_it_was_saved(whole: MBACRun, interrupted_at: int) -> None:
    first, second = start(), start()
    while first.steps < interrupted_at:
        first.advance()
    state = {name: array.copy() for name, array in first.arrays().items()}
    second.restore(state)
    assert same(second.arrays(), state)
    assert same(finish(second).arrays(), whole.arrays())
    assert learned(second).fits == learned(whole).fits
    assert second.evaluations.rows == whole.evaluations.rows

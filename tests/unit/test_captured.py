"""Captured steps give the numbers of launched ones, bit for bit; the rest needs no GPU."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import mbac_runs
import numpy as np
import pytest
import torch
from emulated_graphs import as_on_a_gpu, emulated_graphs
from scipy import stats

from vaml.algorithms.actor_critic import ActorCritic
from vaml.algorithms.capture import Captured, launched
from vaml.algorithms.mbac import MBACRun
from vaml.algorithms.model_fitting import ModelFitting
from vaml.config.objectives import NEED_TRUTH, Loss, Objective
from vaml.config.sac import ActorCriticSettings
from vaml.config.schema import load
from vaml.config.yaml_file import merged
from vaml.data.replay import Batch
from vaml.data.transitions import Transitions
from vaml.divergence import Diverged
from vaml.fast.adam import Adam
from vaml.fast.parameters import ParameterVector
from vaml.losses.objective import LOSSES
from vaml.metrics.errors import model_metrics
from vaml.metrics.model_test import ModelTest
from vaml.networks.actor_critic import Actor, Critic, TwinCritics
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue, SoftValue, Value
from vaml.networks.written import CriticPasses, StackedCritics
from vaml.pipeline.jobs import labels
from vaml.saving import generator_array, load_generator
from vaml.seeding import Streams

ROOT = Path(__file__).parents[2]
N, M, BATCH = 5, 2, 8
CPU = torch.device("cpu")
SETTINGS = ActorCriticSettings(
    hidden_sizes=[16, 16],
    learning_rate=1e-3,
    batch_size=BATCH,
    discount=0.99,
    polyak=0.005,
    initial_temperature=1.0,
)
needs_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="captured steps need a CUDA device"
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(count: int, seed: int = 0) -> Transitions:
    draws = torch.randn(count, 2 * N + M, generator=generator(seed))
    return Transitions(draws[:, :N], draws[:, N:-N], draws[:, :N] + 0.1 * draws[:, -N:])


def twins(sizes: Sequence[int] = (16, 16)) -> TwinCritics:
    return TwinCritics(*(Critic(N, M, [*sizes], generator(seed)) for seed in (4, 5)))


def soft_value(device: torch.device) -> SoftValue:
    box = torch.ones(M)
    actor = Actor(N, -box, box, [16, 16], generator(3))
    critics = twins()
    for module in (actor, critics):
        module.requires_grad_(False).to(device)
    return SoftValue(actor, critics, torch.tensor(-1.0, device=device))


def fitting(
    device: torch.device = CPU,
    loss: Loss = "vaml",
    coefficient: float = 0.3,
    value: Value | None = None,
    seed: int = 0,
) -> ModelFitting:
    """Numbers of an epoch of three batches, the last one shorter."""
    model, truth = (
        GaussianDynamics(N, M, [8, 8], "default", generator(seed)).to(device) for seed in (1, 2)
    )
    fit = ModelFitting(
        model,
        value or RandomValue(N, 16, generator(3)).requires_grad_(False).to(device),
        Objective(loss=loss, mle_coefficient=coefficient, model_samples=3),
        1e-3,
        0.01,
        BATCH,
        Streams(seed, "test"),
        truth if loss in NEED_TRUTH else None,
    )
    train, validation = rows(20).to(device), rows(11, seed=1).to(device)
    fit.start(train, validation, coefficient, max_epochs=9, patience=9)
    return fit


def same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


@needs_cuda
@pytest.mark.parametrize("stochastic", [False, True], ids=["random", "soft"])
@pytest.mark.parametrize(
    ("loss", "coefficient"), [("vaml", 1.0), ("vaml", 0.0), *((loss, 0.3) for loss in LOSSES)]
)
def test_captured_steps_give_the_numbers_of_launched_ones(
    loss: Loss, coefficient: float, stochastic: bool
) -> None:
    if stochastic and loss in NEED_TRUTH:
        pytest.skip("takes experiment A's value function alone")
    device = torch.device("cuda")
    value = soft_value(device) if stochastic else None
    captured = fitting(device, loss, coefficient, value)
    with launched():
        reference = fitting(device, loss, coefficient, value)
    for _ in range(4):
        assert captured.epoch() == reference.epoch()
        assert same(captured.arrays(), reference.arrays())


def fitted(device: torch.device, seeds: range, coefficient: float = 0.3) -> list[dict[str, float]]:
    """Metrics of models after nine epochs; batches and noise differ by seed."""
    found = []
    for seed in seeds:
        fit = fitting(device, "vaml", coefficient, soft_value(device), seed)
        while not fit.progress.finished:
            fit.epoch()
        test = ModelTest(fit.model, rows(200, seed=2).to(device), soft_value(device), 3, 200)
        found.append(model_metrics(test, torch.Generator(device).manual_seed(seed)))
    return found


def alike(one: list[dict[str, float]], other: list[dict[str, float]]) -> bool:
    """Kolmogorov and Smirnov's test tells none of these apart."""

    def p(name: str) -> float:
        result: Any = stats.ks_2samp([row[name] for row in one], [row[name] for row in other])
        return result.pvalue

    return all(p(name) > 0.001 for name in ("value_aware_error", "nll", "sigma_l1"))


@pytest.mark.parametrize("way", [pytest.param("captured", marks=needs_cuda), "emulated"])
def test_twenty_captured_fits_are_distributed_as_those_of_a_core(way: str) -> None:
    on_core = fitted(CPU, range(20))
    if way == "captured":
        found = fitted(torch.device("cuda"), range(20, 40))
    else:
        with as_on_a_gpu(), emulated_graphs():
            found = fitted(CPU, range(20, 40))
    assert alike(found, on_core)
    assert not alike(found, fitted(CPU, range(20), coefficient=0.2))


@needs_cuda
def test_a_captured_fit_goes_on_bit_for_bit_and_on_a_core_and_back() -> None:
    device = torch.device("cuda")
    whole, first, second = (fitting(device, value=soft_value(device)) for _ in range(3))
    curve = [whole.epoch() for _ in range(6)]
    assert [first.epoch() for _ in range(3)] == curve[:3]
    second.restore(first.arrays())
    second.progress.restore(first.progress.arrays())
    assert [second.epoch() for _ in range(3)] == curve[3:]
    assert same(second.arrays(), whole.arrays())
    on_core = fitting(value=soft_value(CPU))
    on_core.restore(whole.arrays())
    row = on_core.epoch()
    assert row is not None
    assert math.isfinite(row["train_loss"])
    whole.restore(on_core.arrays())
    assert whole.epoch() is not None


@needs_cuda
@pytest.mark.parametrize("way", [nullcontext, launched], ids=["captured", "launched"])
def test_a_loss_that_is_not_finite_is_named_with_its_step(
    way: Callable[[], AbstractContextManager[None]],
) -> None:
    with way():
        fit = fitting(torch.device("cuda"))
    planted(fit)
    with pytest.raises(Diverged, match="diverged at step 4: model training loss"):
        fit.epoch()


def planted(fit: ModelFitting) -> None:
    """After the first epoch, a NaN in the row that the second batch of the second one holds."""
    fit.epoch()
    order = np.random.Generator(np.random.PCG64())
    order.bit_generator.state = fit.shuffles.bit_generator.state
    fit.train.next_observations[int(order.permutation(20)[BATCH])] = math.nan


def learner(device: torch.device = CPU) -> ActorCritic:
    bounds = np.full(M, 2.0, np.float32)
    return ActorCritic(N, -bounds, bounds, SETTINGS, Streams(0, "test"), device)


def learned(agent: ActorCritic, noise: torch.Generator, steps: range) -> list[dict[str, float]]:
    """Gradient steps on replayed batches, as SAC makes them; an action after each."""
    found = []
    for seed in steps:
        columns = rows(BATCH, seed).to(agent.actor.device)
        draws = torch.randn(BATCH, generator=generator(seed)).to(agent.actor.device)
        batch = Batch(
            columns.observations, columns.actions, draws, columns.next_observations, draws > 1
        )
        targets = agent.replay_targets(batch, noise)
        agent.update((batch.observations, batch.actions), targets, batch.observations, noise)
        action = agent.act(columns.observations[0].cpu().numpy(), noise)
        found.append({**agent.scalars(), "action": float(action[0])})
    return found


@needs_cuda
def test_an_agents_captured_steps_give_the_numbers_of_launched_ones() -> None:
    device = torch.device("cuda")
    captured = learner(device)
    with launched():
        reference = learner(device)
    noises = [torch.Generator(device).manual_seed(1) for _ in range(2)]
    assert learned(captured, noises[0], range(12)) == learned(reference, noises[1], range(12))
    assert same(captured.arrays(), reference.arrays())
    again = learner(device)
    again.restore(captured.arrays())
    noises[1].set_state(noises[0].get_state())
    assert learned(again, noises[1], range(12, 20)) == learned(captured, noises[0], range(12, 20))
    assert same(captured.arrays(), again.arrays())


@needs_cuda
@pytest.mark.parametrize("objective", [mbac_runs.MLE, mbac_runs.REG_VAML])
def test_a_captured_run_gives_the_numbers_of_a_launched_one(objective: tuple[float, float]) -> None:
    """Refits whose coefficient decays, targets from the model, acting, evaluations."""
    job, device = mbac_runs.job(objective), torch.device("cuda")
    captured = mbac_runs.finish(MBACRun(job, mbac_runs.streams(), device))
    with launched():
        reference = mbac_runs.finish(MBACRun(job, mbac_runs.streams(), device))
    assert mbac_runs.same(captured.arrays(), reference.arrays())


@pytest.mark.parametrize("stochastic", [False, True], ids=["random", "soft"])
@pytest.mark.parametrize("coefficient", [1.0, 0.3])
def test_an_emulated_graph_of_a_fit_gives_the_numbers_of_the_function(
    coefficient: float, stochastic: bool
) -> None:
    with as_on_a_gpu(), emulated_graphs():
        replayed = fitting(coefficient=coefficient, value=soft_value(CPU) if stochastic else None)
        found = [replayed.epoch() for _ in range(4)]
    with as_on_a_gpu():
        function = fitting(coefficient=coefficient, value=soft_value(CPU) if stochastic else None)
        assert found == [function.epoch() for _ in range(4)]
    assert same(replayed.arrays(), function.arrays())


def test_an_emulated_graph_of_an_agent_gives_the_numbers_of_the_function() -> None:
    noises = generator(1), generator(1)
    with as_on_a_gpu():
        with emulated_graphs():
            replayed = learner()
            found = learned(replayed, noises[0], range(6))
            again = learner()
            again.restore(replayed.arrays())
            state = noises[0].get_state()
            found += learned(replayed, noises[0], range(6, 9))
            resumed = learned(again, generator().set_state(state), range(6, 9))
        function = learner()
        expected = learned(function, noises[1], range(9))
    assert found == expected
    assert resumed == expected[6:]
    states = [agent.arrays() for agent in (replayed, again, function)]
    for state in states:
        del state["unread"]
    assert same(states[0], states[2])
    assert same(states[1], states[2])


def test_joined_operations_train_an_agent_alike() -> None:
    """The same steps but for the last bits."""
    agents = learner(), learner()
    expected = learned(agents[0], generator(1), range(6))
    with as_on_a_gpu():
        joined = learner()
        found = learned(joined, generator(1), range(6))
    states = agents[0].arrays(), joined.arrays()
    assert found != expected
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-5)
    for name, array in states[0].items():
        np.testing.assert_allclose(states[1][name], array, rtol=1e-3, atol=1e-5, err_msg=name)
    untrained = learner().arrays()
    assert not np.allclose(
        untrained["critics/first.output.weight"], states[1]["critics/first.output.weight"]
    )


@pytest.mark.parametrize(
    ("objective", "changes"),
    [
        (mbac_runs.REG_VAML, {}),
        (mbac_runs.REG_VAML, {"critic_actions": "policy", "average_rewards": True}),
        (None, {}),
    ],
)
def test_emulated_graphs_of_a_run_give_the_numbers_of_the_functions(
    objective: tuple[float, float] | None, changes: dict[str, Any]
) -> None:
    """Refits whose coefficient decays, targets from the model or the history, acting."""
    with as_on_a_gpu():
        with emulated_graphs():
            replayed = mbac_runs.finish(mbac_runs.start(objective, **changes))
        function = mbac_runs.finish(mbac_runs.start(objective, **changes))
    assert same(replayed.networks(), function.networks())
    assert replayed.evaluations.rows == function.evaluations.rows
    assert replayed.scalars.rows == function.scalars.rows


def test_a_function_that_reads_back_cannot_be_recorded() -> None:
    with emulated_graphs():
        function = Captured(lambda x, _: {"sum": x * x.sum().item()}, None)
        with pytest.raises(RuntimeError, match="reads back"):
            function(torch.ones(3), generator())


def test_a_graph_draws_from_one_stream() -> None:
    with emulated_graphs():
        function = Captured(lambda x, noise: {"sum": x + torch.randn(3, generator=noise)}, None)
        noise, same_noise = generator(1), generator(1)
        for _ in range(2):
            expected = torch.ones(3) + torch.randn(3, generator=same_noise)
            assert torch.equal(function(torch.ones(3), noise)["sum"], expected)
        with pytest.raises(AssertionError, match="another stream"):
            function(torch.ones(3), same_noise)


@pytest.mark.parametrize("saved_at", [None, 50, 120])
def test_captured_losses_are_read_at_the_same_steps_saved_or_not(saved_at: int | None) -> None:
    """Where the loss of step 110 is not finite, its run ends after step 200, and names it."""

    def capturing() -> ActorCritic:
        agent = learner()
        agent._captured = True
        return agent

    agent, noise = capturing(), generator(1)
    for step in range(199):
        if step == saved_at:
            state, agent = agent.arrays(), capturing()
            agent.restore(state)
        if step == 110:
            with torch.no_grad():
                agent.log_temperature.fill_(math.inf)  # a part of the critics' targets
        learned(agent, noise, range(step, step + 1))
    with pytest.raises(Diverged, match="diverged at step 110: critics loss"):
        learned(agent, noise, range(199, 200))


def test_the_last_captured_losses_are_read_at_the_end() -> None:
    agent = learner()
    agent._captured = True
    learned(agent, generator(1), range(3))
    agent.read_losses()
    with torch.no_grad():
        agent.log_temperature.fill_(math.inf)
    learned(agent, generator(1), range(3, 5))
    with pytest.raises(Diverged, match="diverged at step 3: critics loss"):
        agent.read_losses()


@pytest.mark.parametrize("each_step", [False, True], ids=["an epoch", "each step"])
def test_looking_at_losses_once_an_epoch_names_the_same_step(each_step: bool) -> None:
    fit = fitting()
    fit._captured = not each_step
    planted(fit)
    with pytest.raises(Diverged, match="diverged at step 4: model training loss"):
        fit.epoch()
    assert fit.progress.gradient_steps == 4


@pytest.mark.parametrize("in_one_vector", [False, True])
@pytest.mark.parametrize("place", ["cpu", pytest.param("cuda", marks=needs_cuda)])
@pytest.mark.parametrize(("size", "count"), [(16, 40), (256, 2816)])
def test_stacked_critics_are_two_critics_on_a_core(
    in_one_vector: bool, place: str, size: int, count: int
) -> None:
    """Values, gradients of the parameters, and that of the smaller value by the inputs."""
    inputs = torch.randn(count, N + M, generator=generator())
    draws = torch.randn(2, count, generator=generator(1))
    found = []
    for kind, device in ((CriticPasses, "cpu"), (StackedCritics, place)):
        critics, vector = twins([size, size]).to(device), None
        if in_one_vector:
            vector = ParameterVector(*(critic.parameters() for critic in critics))
        states, actions = inputs.to(device).split([N, M], 1)
        gradients = draws.to(device).unbind()
        with torch.no_grad():
            passes = kind(critics, vector, count)
            values = [each.clone() for each in passes.forward(states, actions)]
            smaller = passes.smaller(states, actions).clone()
            assert 0.1 < (smaller == values[0]).double().mean() < 0.9
            row = [*values, smaller, passes.gradient_of_smaller(gradients[0]).clone()]
            if vector:
                passes.train(*gradients)
                row.append(vector.gradients)
                assert (vector.gradients != 0).double().mean() > 0.7
            # The networks still have the memory that the passes read.
            critics.second.output.bias.data += 1.0
            last = passes.forward(states, actions)
            torch.testing.assert_close(last[1], values[1] + 1.0)
        found.append([each.cpu() for each in (*row, *last)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4 if size > 16 else 1e-6)


def test_adam_in_pieces_is_adam() -> None:
    def stepped(piece: int) -> torch.Tensor:
        vector = ParameterVector(torch.nn.Linear(7, 5).parameters())
        vector.values.data.copy_(torch.randn(len(vector.values), generator=generator()))
        adam = Adam(vector, 0.01, 0.1)
        adam._parts = adam._in_pieces(piece)
        for seed in range(3):
            draws = torch.randn(len(vector.values), generator=generator(seed))
            vector.gradients.copy_(draws)
            adam.step()
        return vector.values

    assert torch.equal(stepped(11), stepped(10_000))


def test_a_state_of_the_other_kind_of_generator_seeds_a_stream_of_its_own() -> None:
    def drawn(array: np.ndarray) -> list[float]:
        stream = generator()
        load_generator(stream, array)
        return torch.randn(3, generator=stream).tolist()

    one, other = (np.full(16, byte, np.uint8) for byte in (1, 2))
    assert drawn(one) == drawn(one) != drawn(other)
    same_kind = generator(5)
    torch.randn(2, generator=same_kind)
    saved = generator_array(same_kind)
    assert drawn(saved) == torch.randn(3, generator=same_kind).tolist()


def test_the_small_study_of_the_benchmark_is_a_study() -> None:
    files = ROOT / "config" / "config.yaml", ROOT / "benchmarks" / "gpu_study.yaml"
    study = load(merged([*files]))
    assert len([*labels("fit_snapshot", study)]) == 18
    assert {row["hidden_size"] for row in labels("fit_synthetic", study)} == {1024}

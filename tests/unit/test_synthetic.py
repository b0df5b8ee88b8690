"""The artificial environment: how it is simulated, and the numbers that the study expects of it."""

import math

import numpy as np
import pytest
import torch
from random_numbers import generator
from scipy import stats

from vaml.data.transitions import Transitions
from vaml.envs.synthetic import simulate
from vaml.losses.value_aware import vaml
from vaml.metrics.errors import model_metrics
from vaml.metrics.exact import SyntheticTest, synthetic_metrics
from vaml.metrics.model_test import ModelTest, batch_means
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue
from vaml.seeding import Streams

N, M, HORIZON = 11, 3, 200


def dynamics(hidden_sizes: list[int], seed: int = 0) -> GaussianDynamics:
    return GaussianDynamics(N, M, hidden_sizes, "default", generator(seed))


def run(
    transitions: int, horizon: int = HORIZON, hidden_size: int = 32, seed: int = 0
) -> tuple[GaussianDynamics, Transitions]:
    truth = dynamics([hidden_size, hidden_size], seed)
    return truth, simulate(truth, transitions, horizon, generator(100 + seed))


def episodes(rows: Transitions) -> list[int]:
    """Lengths of the episodes: each row's next observation is some other row's observation."""
    following = {tuple(row.tolist()): i for i, row in enumerate(rows.observations)}
    after = [following.get(tuple(row.tolist())) for row in rows.next_observations]
    starts = set(range(len(rows))) - set(after)
    lengths = []
    for start in starts:
        row, length = start, 1
        while (following_row := after[row]) is not None:
            row, length = following_row, length + 1
        lengths.append(length)
    return sorted(lengths)


def test_episodes_last_for_the_horizon_and_the_last_is_cut_to_the_count() -> None:
    _, rows = run(1000)
    assert len(rows) == 1000
    assert episodes(rows) == [200] * 5
    _, rows = run(130, horizon=40)
    assert episodes(rows) == [10, 40, 40, 40]


def test_rows_are_shuffled() -> None:
    _, rows = run(1000)
    neighbours = (rows.next_observations[:-1] == rows.observations[1:]).all(1)
    assert neighbours.float().mean() < 0.02
    # The first rows are of early and late steps alike, as the training split takes them.
    distance = rows.observations.norm(dim=1)
    assert 0.9 < (distance[:500].mean() / distance[500:].mean()).item() < 1.1


def test_starts_are_standard_normal_and_actions_uniform() -> None:
    _, rows = run(3000, horizon=1)
    assert stats.kstest(rows.observations.numpy().ravel(), "norm").pvalue > 1e-3
    _, rows = run(3000)
    assert rows.actions.shape == (3000, M)
    for actions in rows.actions.T:
        assert stats.kstest(actions.numpy(), "uniform", args=(-1, 2)).pvalue > 1e-3
    correlation = np.corrcoef(rows.actions.numpy().T)
    assert np.abs(correlation - np.eye(M)).max() < 0.08


def test_next_observations_are_drawn_from_the_dynamics() -> None:
    truth, rows = run(3000)
    with torch.no_grad():
        prediction = truth(rows.observations, rows.actions)
        change = rows.next_observations - rows.observations - prediction.mean
        noise = (change / prediction.log_std.exp()).numpy()
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(noise.T) - np.eye(N)).max() < 0.08


def test_one_seed_gives_one_simulation() -> None:
    (_, first), (_, again), (_, other) = run(400), run(400), run(400, seed=1)
    assert torch.equal(first.next_observations, again.next_observations)
    assert not torch.equal(first.next_observations, other.next_observations)


@pytest.mark.parametrize("hidden_size", [32, 128])
def test_true_dynamics_have_the_nll_and_sigma_of_the_sanity_numbers(hidden_size: int) -> None:
    truth, rows = run(5000, hidden_size=hidden_size)
    value = RandomValue(N, 64, generator(1))
    metrics = model_metrics(ModelTest(truth, rows, value, 10, 128), generator(2))
    assert 14.1 < metrics["nll"] < 14.3
    assert metrics["sigma_l1"] == pytest.approx(9.69, abs=0.06)
    assert 0.06 < metrics["mean_l1"] < 0.14
    root_mean_square = rows.observations.square().mean().sqrt().item()
    assert 7 < root_mean_square < 11

    # An untrained model of either depth is almost as likely.
    for hidden_sizes in ([hidden_size, hidden_size], [hidden_size]):
        model = dynamics(hidden_sizes, seed=9)
        untrained = model_metrics(ModelTest(model, rows, value, 10, 128), generator(2))
        assert abs(untrained["nll"] - metrics["nll"]) < 0.04


@torch.no_grad()
def test_noise_floor_of_the_value_aware_error_is_that_of_the_sanity_numbers() -> None:
    truth, rows = run(5000)
    prediction = truth(rows.observations, rows.actions)
    redrawn = [prediction.sample(1, generator(k))[0] for k in range(10)]
    collapsed = prediction._replace(log_std=prediction.log_std - 20)
    floors, true_errors, collapsed_errors = [], [], []
    for seed in range(20):  # a single value function's floor may be anywhere in 0.018 to 0.052
        value = RandomValue(N, 64, generator(50 + seed))
        values = torch.stack([value(states) for states in redrawn])
        floors.append(0.5 * values.var(0).mean().item())
        for errors, model in ((true_errors, prediction), (collapsed_errors, collapsed)):
            next_observations = redrawn[seed % 10]
            errors.append(vaml(model, next_observations, value, 10, generator(99 + seed)).item())
    floor = np.mean(floors)
    assert 0.024 < floor < 0.044
    assert 1.06 < np.mean(true_errors) / floor < 1.14
    assert 0.96 < np.mean(collapsed_errors) / floor < 1.04


def test_metrics_weigh_each_batch_alike() -> None:
    rows = Transitions(torch.arange(5.0)[:, None], torch.zeros(5, 1), torch.zeros(5, 1))
    means = batch_means(rows, 2, lambda batch: {"mean": batch.observations.mean()})
    assert means == {"mean": pytest.approx((0.5 + 2.5 + 4.0) / 3)}


def test_metrics_tell_a_models_distance_from_the_truth() -> None:
    truth, rows = run(500)
    truth.requires_grad_(False)
    value, streams = RandomValue(N, 64, generator(1)), Streams(0, "test")

    def measured(model: GaussianDynamics) -> dict[str, float]:
        return synthetic_metrics(SyntheticTest(model, rows, value, 10, 128, truth), streams)

    exact = measured(truth)
    assert exact["mean_l1_error"] == exact["sigma_l1_error"] == exact["parameter_l2"] == 0.0
    assert exact["eq9_error"] == pytest.approx(2 * exact["value_aware_error"])

    shifted = dynamics([32, 32])  # the truth's own weights
    with torch.no_grad():
        shifted.mean_head.bias.add_(0.1).sub_(0.2 * (torch.arange(N) % 2))  # 0.1, -0.1, ...
        shifted.log_std_head.bias.fill_(-0.5)
    metrics = measured(shifted)
    assert metrics["mean_l1_error"] == pytest.approx(0.1 * N, rel=1e-4)
    assert metrics["sigma_l1_error"] == pytest.approx(
        exact["sigma_l1"] - metrics["sigma_l1"], rel=1e-4
    )
    assert metrics["parameter_l2"] == pytest.approx(math.sqrt(N * (0.1**2 + 0.5**2)), rel=1e-4)
    assert "parameter_l2" not in measured(dynamics([32]))

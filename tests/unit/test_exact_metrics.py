"""Metrics of every fit beside the K-sample error: exact error, floor, and the parts."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from random_numbers import generator

from vaml.data.transitions import Transitions
from vaml.envs.synthetic import simulate
from vaml.losses.value_aware import vaml
from vaml.metrics.errors import decomposition, model_metrics
from vaml.metrics.exact import (
    SyntheticTest,
    environment_metrics,
    exact_metrics,
    synthetic_metrics,
    truth_metrics,
)
from vaml.metrics.model_test import ModelTest
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue
from vaml.seeding import Streams

N, M, ROWS, BATCH = 5, 2, 400, 128
STREAMS = Streams(0, "test")


def dynamics(seed: int = 0, gain: float = 1.0) -> GaussianDynamics:
    network = GaussianDynamics(N, M, [16, 16], "default", generator(seed), gain)
    return network.requires_grad_(False)


def rows(truth: GaussianDynamics, transitions: int = ROWS) -> Transitions:
    return simulate(truth, transitions, 20, generator(100))


VALUE = RandomValue(N, 32, generator(7)).requires_grad_(False)
TRUTH, MODEL = dynamics(), dynamics(1)
TEST = rows(TRUTH)


def measured(model: GaussianDynamics = MODEL, samples: int = 10) -> SyntheticTest:
    return SyntheticTest(model, TEST, VALUE, samples, BATCH, TRUTH)


def test_error_floor_and_model_variance_sum_up_to_the_k_sample_error() -> None:
    samples, repeats = 3, 300
    exact = exact_metrics(measured(samples=samples), generator(1))
    floor = environment_metrics(measured(), STREAMS)["noise_floor"]
    noise, errors = generator(2), []
    with torch.no_grad():
        true, predicted = (each(TEST.observations, TEST.actions) for each in (TRUTH, MODEL))
        for _ in range(repeats):
            after = true.sample(1, noise)[0]
            parts = [
                vaml(type(predicted)(*(f[start : start + BATCH] for f in predicted)),
                     after[start : start + BATCH], VALUE, samples, noise)
                for start in range(0, ROWS, BATCH)
            ]  # fmt: skip
            errors.append(torch.stack(parts).mean())
    found = torch.stack(errors)
    expected = exact["exact_error"] + exact["model_variance_term"] + floor
    error = found.std().item() / math.sqrt(repeats)
    assert abs(found.mean().item() - expected) < 4 * error + 0.003 * floor
    assert min(exact["exact_error"], exact["model_variance_term"], floor) > 10 * error


def test_the_truth_has_no_exact_error_and_the_floors_variance() -> None:
    exact = truth_metrics(measured(), STREAMS)
    environment = environment_metrics(measured(), STREAMS)
    assert (exact["exact_error"], exact["skill"]) == (0.0, 1.0)
    floor, error = environment["noise_floor"], environment["noise_floor_se"]
    assert 0 < error < 0.005 * floor
    assert abs(exact["model_variance_term"] - floor / 10) < 6 * error / 10
    other = environment_metrics(measured(), Streams(1, "test"))
    assert 0 < abs(other["noise_floor"] - floor) < 6 * error


def test_the_floors_standard_error_is_its_scatter() -> None:
    error = environment_metrics(measured(), STREAMS)["noise_floor_se"]
    floors = [
        environment_metrics(measured(), Streams(i, "floor"))["noise_floor"] for i in range(60)
    ]
    assert np.std(floors, ddof=1) == pytest.approx(error, rel=0.3)


def test_skill_is_zero_for_a_model_that_predicts_no_change() -> None:
    still = dynamics(2)
    with torch.no_grad():
        for parameter in still.parameters():
            parameter.zero_()
        still.log_std_head.bias.fill_(-60)
    metrics = exact_metrics(measured(still), generator(1))
    environment = environment_metrics(measured(), STREAMS)
    assert metrics["exact_error"] == pytest.approx(environment["no_change_error"], rel=1e-4)
    assert metrics["skill"] == pytest.approx(0, abs=1e-4)
    assert metrics["model_variance_term"] < 1e-12
    expected = 0.5 * (VALUE(TEST.next_observations) - VALUE(TEST.observations)).square()
    batches = [part.mean().item() for part in expected.split(BATCH)]
    assert metrics["value_aware_error_k1000"] == pytest.approx(sum(batches) / 4, rel=1e-4)


def test_new_metrics_leave_the_noise_of_the_others_alone() -> None:
    metrics = synthetic_metrics(measured(), STREAMS)
    noise = generator(STREAMS.seed("test_metrics"))
    before = model_metrics(measured(), noise)
    assert {name: metrics[name] for name in before} == before


def test_state_rms_is_that_of_the_next_states() -> None:
    environment = environment_metrics(replace(measured(), batch_size=ROWS), STREAMS)
    expected = TEST.next_observations.square().mean().sqrt().item()
    assert environment["state_rms"] == pytest.approx(expected, rel=1e-6)


def test_rescaled_dynamics_have_that_mean_and_that_standard_deviation() -> None:
    plain, scaled, same = dynamics(3, 0.01), dynamics(3, 0.01), dynamics(3, 0.01)
    scaled.rescale(10.0, 0.1)
    same.rescale(1.0, 1.0)
    for mine, theirs in zip(same.parameters(), plain.parameters(), strict=True):
        assert mine.numpy().tobytes() == theirs.numpy().tobytes()
    before = plain(TEST.observations, TEST.actions)
    after = scaled(TEST.observations, TEST.actions)
    torch.testing.assert_close(after.mean, 10 * before.mean)
    ratio = (after.log_std - before.log_std).exp()
    assert ratio.mean().item() == pytest.approx(0.1, rel=0.02)
    untrained = dynamics(3)
    for parameter in untrained.parameters():
        parameter.zero_()
    untrained.rescale(1.0, 3.0)
    sigma = untrained(TEST.observations, TEST.actions).log_std.exp()
    torch.testing.assert_close(sigma, torch.full_like(sigma, 3 * 0.8808), rtol=1e-4, atol=0)


class Noisy:
    """V(s) = Σ s + noise with a standard deviation of 0.5."""

    def __call__(self, observations: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        noise = torch.empty(observations.shape[:-1]).normal_(generator=generator)
        return observations.sum(-1) + 0.5 * noise


def test_decomposition_finds_bias_and_both_variances() -> None:
    truth = dynamics(4, 0.01)
    data = rows(truth, 4000)
    with torch.no_grad():
        predicted = truth(data.observations, data.actions)
        bias = (data.next_observations - data.observations - predicted.mean).sum(-1)
        spread = predicted.log_std.exp().square().sum(-1) + 0.25
    metrics = decomposition(ModelTest(truth, data, Noisy(), 4, 4000), generator(1))
    squared = 0.5 * bias.square().mean().item()
    assert metrics["squared_bias"] == pytest.approx(squared, rel=0.05)
    assert metrics["model_variance_term"] == pytest.approx(spread.mean().item() / 8, rel=0.05)
    assert metrics["target_variance_term"] == pytest.approx(0.125, rel=0.05)
    variance = data.next_observations.sum(-1).var().item()
    assert metrics["value_variance"] == pytest.approx(variance, rel=0.02)
    assert metrics["normalised_error"] == pytest.approx(2 * squared / variance, rel=0.05)


def test_squared_bias_is_unbiased_where_the_model_is_right() -> None:
    # A model without variance or error: what is left is noise of V, of either sign.
    still = dynamics(2)
    with torch.no_grad():
        for parameter in still.parameters():
            parameter.zero_()
        still.log_std_head.bias.fill_(-60)
    states = torch.randn(6000, N, generator=generator(5))
    data = Transitions(states, torch.zeros(6000, M), states)
    metrics = decomposition(ModelTest(still, data, Noisy(), 4, 6000), generator(1))
    # A row's estimate has standard deviation √2 · ½ · 2 · 0.25 / 20.
    assert abs(metrics["squared_bias"]) < 4 * math.sqrt(2) * 0.0125 / math.sqrt(6000)

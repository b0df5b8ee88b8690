"""tools/early_targets.py: the bias of critics' targets, and the part of where episodes end."""

import math
from dataclasses import replace

import pytest
import torch
from early_targets import BIASES, DRAWS, biases, mean_value
from mbac_runs import learned, start
from random_numbers import generator
from torch import Tensor

from vaml.data.transitions import Transitions
from vaml.networks.dynamics import Prediction

RUN = start(total_steps=90, decay_end_step=90)
while RUN.steps < 80:
    RUN.advance()
MODEL = learned(RUN)
DATA = RUN.interaction.history.transitions()
ENDED = MODEL.known.terminated(DATA.next_observations)
BEYOND = 0.2  # rad, the angle that ends an episode


def with_the_pole_at(angle: float) -> Transitions:
    """The transitions with this angle after each step, in rad."""
    reached = DATA.next_observations.clone()
    reached[:, 1] = angle
    return replace(DATA, next_observations=reached)


def measured(
    monkeypatch: pytest.MonkeyPatch, predicted: Transitions, sd: float
) -> dict[str, float]:
    """The numbers of a model that predicts these, with this deviation of the pole's angle."""
    reached = predicted.next_observations
    log_std = torch.full_like(reached, -math.inf)
    log_std[:, 1] = math.log(sd) if sd else -math.inf
    prediction = Prediction(DATA.observations, reached - DATA.observations, log_std)
    monkeypatch.setattr(MODEL, "model", lambda *_: prediction)
    noise = generator(1)
    return biases(MODEL, DATA, noise) | {"value": mean_value(MODEL.value, DATA, noise)}


def values(data: Transitions) -> Tensor:
    return MODEL.value(data.next_observations.expand(DRAWS, -1, -1), generator(2)).mean(0)


def test_a_model_that_is_right_has_no_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, DATA, 0)
    assert tuple(found) == (*BIASES, "value")
    assert 0 < ENDED.float().mean() < 0.5
    assert found["terminal"] == pytest.approx(ENDED.float().mean().item())
    assert (found["spurious"], found["missed"]) == (0, 0)
    for name in ("bias", "mean_bias", "termination_bias"):
        assert found[name] == pytest.approx(0, abs=0.05 * abs(found["value"])), name
    assert found["value"] == pytest.approx(values(DATA).mean().item(), rel=0.02)


def test_a_model_that_ends_every_episode_loses_the_value_of_those_that_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fallen = with_the_pole_at(10 * BEYOND)
    found = measured(monkeypatch, fallen, 0)
    lost = -0.9 * (values(DATA) * ~ENDED).mean().item()
    assert (found["spurious"], found["missed"]) == (1, 0)
    assert abs(lost) > 0.2
    assert found["bias"] == pytest.approx(lost, rel=0.05)
    assert found["mean_bias"] == pytest.approx(lost, rel=0.05)
    ends = -0.9 * (values(fallen).mean() - (values(DATA) * ENDED).mean()).item()
    assert found["termination_bias"] == pytest.approx(ends, rel=0.05)


def test_a_model_that_ends_none_keeps_the_value_at_its_predictions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upright = with_the_pole_at(0)
    found = measured(monkeypatch, upright, 0)
    assert (found["spurious"], found["missed"]) == (0, 1)
    kept = 0.9 * (values(DATA) * ENDED).mean().item()
    assert found["termination_bias"] == pytest.approx(kept, rel=0.05)


def test_samples_beyond_the_angle_end_an_episode_that_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Predicted upright, with a deviation whose two-sided tail of 0.2 rad is known."""
    upright = with_the_pole_at(0)
    found = measured(monkeypatch, upright, 0.1)
    tail = math.erfc(2 / math.sqrt(2))
    assert found["spurious"] == pytest.approx(tail, rel=0.15)
    assert found["missed"] == pytest.approx(1 - tail, rel=0.05)
    at_the_mean = 0.9 * (values(upright) - values(DATA) * ~ENDED).mean().item()
    assert found["mean_bias"] == pytest.approx(at_the_mean, rel=0.1, abs=0.02)
    assert abs(found["bias"] - at_the_mean) > 0.05

"""The quantities that the losses hold fixed: the targets, the caller's data, the baseline."""

import pytest
import torch
from test_model_losses import generator, normal, random_prediction
from torch import Tensor

from vaml.config.objectives import NEED_TRUTH
from vaml.losses.objective import LOSSES, LossInput
from vaml.losses.value_aware import vaml_score_function
from vaml.networks.dynamics import Prediction
from vaml.networks.value import RandomValue

N = 5


def leaf(prediction: Prediction) -> Prediction:
    return Prediction(*(field.detach().clone().requires_grad_() for field in prediction))


@pytest.mark.parametrize(
    "name",
    [
        "vaml",
        "vaml_debiased",
        "vaml_score_function",
        "vaml_exact",
        "vaml_noisy_samples",
        "vaml_noisy_targets",
        "kl",
    ],
)
def test_no_gradient_reaches_the_target(name: str) -> None:
    """Neither through the next state nor through its true distribution."""
    value = RandomValue(N, 16, generator(9)).double()
    next_observations = normal(12, N, seed=4).requires_grad_()
    prediction = leaf(random_prediction())
    truth = leaf(prediction._replace(mean=prediction.mean.detach() + 1))
    given = LossInput(prediction, next_observations, value, 4, generator(1), truth)
    LOSSES[name](given).backward()
    assert prediction.mean.grad is not None
    assert prediction.mean.grad.count_nonzero() > 0
    assert next_observations.grad is None
    assert all(field.grad is None for field in truth)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in NEED_TRUTH])
def test_the_callers_data_stay_as_they_were(name: str) -> None:
    value = RandomValue(N, 16, generator(9)).double().requires_grad_(False)
    next_observations = normal(12, N, seed=4)
    before = next_observations.clone()
    prediction = leaf(random_prediction())
    LOSSES[name](LossInput(prediction, next_observations, value, 4, generator(1), None))
    assert not next_observations.requires_grad
    assert torch.equal(next_observations, before)


def test_the_score_functions_baseline_takes_off_all_that_the_samples_share() -> None:
    """A value that is the same for every sample says nothing about them: the gradient is 0."""

    def value(observations: Tensor, generator: torch.Generator) -> Tensor:
        shared = 3.0 if observations.ndim == 3 else 1.0  # (K, batch, n): the model's samples
        return torch.full(observations.shape[:-1], shared, dtype=observations.dtype)

    prediction = leaf(random_prediction())
    vaml_score_function(prediction, normal(12, N, seed=4), value, 4, generator(1)).backward()
    assert prediction.mean.grad is not None
    assert prediction.mean.grad.count_nonzero() == 0

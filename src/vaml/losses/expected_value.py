"""The expected value of a Gaussian next state, in closed form."""

import math

import torch
from torch import Tensor

from vaml.networks.dynamics import Prediction
from vaml.networks.value import RandomValue

# A variance this small counts as none; above zero, the square root has a finite slope.
_SMALLEST_VARIANCE = 1e-40


def expected_value(value: RandomValue, prediction: Prediction) -> Tensor:
    """E[V(ŝ')], exact: (batch,), float64, differentiable in the prediction.

    A pre-activation of V's one ReLU layer is a linear map of a diagonal Gaussian, so it is normal,
    with mean m and standard deviation t, and E[relu] = m Φ(m/t) + t φ(m/t), for every t down to 0.
    """
    weight = value.hidden.weight.double()
    states = prediction.observations.double() + prediction.mean.double()
    mean = states @ weight.T + value.hidden.bias.double()
    variance = torch.exp(2 * prediction.log_std.double()) @ weight.square().T
    std = variance.clamp(min=_SMALLEST_VARIANCE).sqrt()
    standardised = mean / std
    density = torch.exp(-0.5 * standardised.square()) / math.sqrt(2 * math.pi)
    features = mean * torch.special.ndtr(standardised) + std * density
    return (features @ value.output.weight.double().T + value.output.bias.double()).squeeze(-1)

"""Diagnostics of a dynamics model's error: its variance, the value's slope, its gradients."""

import torch
from torch import Tensor

from vaml.config.objectives import Objective
from vaml.data.transitions import Transitions
from vaml.losses.objective import model_loss
from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.networks.value import Value

_CENTRAL_90 = 1.6448536269514722  # standard deviations on either side


@torch.no_grad()
def spread(prediction: Prediction, next_observations: Tensor) -> dict[str, float]:
    """Quantiles of the standard deviations over rows and dimensions, and their calibration.

    coverage_90: share of the next observations' entries within the central 90 % interval of their
    own dimension; 0.9 for a calibrated model.
    """
    sigma = prediction.log_std.exp()
    at = torch.tensor([0.05, 0.5, 0.95], dtype=sigma.dtype, device=sigma.device)
    quantiles = sigma.flatten().quantile(at)
    distance = prediction.residual(next_observations).abs()
    inside = (distance <= _CENTRAL_90 * sigma).double().mean()
    names = ("sigma_q05", "sigma_q50", "sigma_q95")
    return {**dict(zip(names, quantiles.tolist(), strict=True)), "coverage_90": inside.item()}


def value_slopes(value: Value, states: Tensor, generator: torch.Generator) -> Tensor:
    """Euclidean length of ∂V/∂s at each of the states (N, n): (N,), float64.

    The derivative is total: for a stochastic V, it includes the reparameterised action.
    """
    with torch.enable_grad():
        states = states.detach().requires_grad_()
        (gradients,) = torch.autograd.grad(value(states, generator).sum(), states)
    return gradients.double().norm(dim=-1)


def slopes(
    value: Value, prediction: Prediction, next_observations: Tensor, seeds: tuple[int, int]
) -> dict[str, float]:
    """Median and 95 % quantile of the value's slopes at s' and at one model sample of it each.

    seeds: for the samples and for V's own randomness.
    """
    with torch.no_grad():
        sampled = prediction.sample(1, torch.Generator().manual_seed(seeds[0]))[0]
    row: dict[str, float] = {}
    for name, states in (("data", next_observations), ("model", sampled)):
        lengths = value_slopes(value, states, torch.Generator().manual_seed(seeds[1]))
        row[f"slope_{name}"] = lengths.median().item()
        row[f"slope_{name}_q95"] = lengths.quantile(0.95).item()
    return row


def gradient_parts(
    model: GaussianDynamics,
    data: Transitions,
    value: Value,
    objective: Objective,
    mle_coefficient: float,
    generator: torch.Generator,
) -> dict[str, float]:
    """Gradients of the two terms of eq. (10) with respect to the model's parameters.

    nll_gradient, value_gradient: Euclidean lengths of the terms' gradients, without their weights.
    gradient_cosine: cosine of the angle between them. value_share: (1 - c) |g_v| over
    c |g_n| + (1 - c) |g_v|, the value term's share of an update with coefficient c.
    """
    prediction = model(data.observations, data.actions)
    # Both terms need weights above 0 to be computed; the terms themselves have no weights.
    _, terms = model_loss(prediction, data.next_observations, value, objective, 0.5, generator)
    grad_nll, grad_value = (
        torch.cat([part.flatten() for part in gradients]).double()
        for gradients in (
            torch.autograd.grad(
                terms[name],
                list(model.parameters()),
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
            for name in ("nll", objective.loss)
        )
    )
    lengths = grad_nll.norm().item(), grad_value.norm().item()
    pulls = mle_coefficient * lengths[0], (1 - mle_coefficient) * lengths[1]
    cosine = torch.nn.functional.cosine_similarity(grad_nll, grad_value, dim=0).item()
    return {
        "nll_gradient": lengths[0],
        "value_gradient": lengths[1],
        "gradient_cosine": cosine,
        "value_share": pulls[1] / sum(pulls) if sum(pulls) > 0 else 0.0,
    }

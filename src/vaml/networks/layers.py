"""Linear layers whose initial weights are drawn from the caller's generator."""

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

WeightInit = Literal["default", "orthogonal", "xavier", "xavier_relu"]


def linear(
    inputs: int,
    outputs: int,
    init: WeightInit,
    generator: torch.Generator,
    *,
    gain: float = 1.0,
    random_bias: bool = False,
) -> nn.Linear:
    """A linear layer with zero biases, unless `random_bias`.

    `default`: uniform in ±1/√inputs, PyTorch's own. `orthogonal` and `xavier` (uniform) with this
    gain; `xavier_relu` is xavier with gain √2. A random bias is uniform in ±1/√inputs.
    """
    layer = nn.Linear(inputs, outputs)
    bound = 1 / math.sqrt(inputs)
    match init:
        case "default":
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        case "orthogonal":
            nn.init.orthogonal_(layer.weight, gain, generator=generator)
        case "xavier":
            nn.init.xavier_uniform_(layer.weight, gain, generator=generator)
        case "xavier_relu":
            nn.init.xavier_uniform_(layer.weight, math.sqrt(2.0), generator=generator)
    if random_bias:
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    else:
        nn.init.zeros_(layer.bias)
    return layer


def hidden_layers(
    inputs: int, sizes: list[int], init: WeightInit, generator: torch.Generator
) -> nn.ModuleList:
    """The hidden linear layers of a multilayer perceptron, zero biases."""
    widths = [inputs, *sizes]
    return nn.ModuleList(
        linear(before, after, init, generator) for before, after in pairwise(widths)
    )


def hidden_widths(arrays: Mapping[str, np.ndarray]) -> list[int]:
    """The sizes of a network's hidden layers, read from its parameters."""
    biases = (each for name, each in arrays.items() if re.fullmatch(r"hidden\.\d+\.bias", name))
    return [len(bias) for bias in biases]


def relu_features(layers: nn.ModuleList, inputs: Tensor) -> Tensor:
    """Hidden features (..., last width) of a ReLU perceptron."""
    for layer in layers:
        inputs = torch.relu_(layer(inputs))
    return inputs


def normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal draws with the dtype and the device of `like`.

    They are drawn on the generator's device, and moved if that is another one.
    """
    draws = torch.empty(shape, dtype=like.dtype, device=generator.device)
    return draws.normal_(generator=generator).to(like.device)

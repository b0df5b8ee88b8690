"""A model under test: what every metric of a dynamics model is computed from."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from vaml.data.transitions import Transitions
from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.networks.value import Value

Metrics = dict[str, float]
Measure = Callable[[Transitions], dict[str, Tensor]]

# Draws of V(s') and of V(ŝ') per transition, for the parts of an error on a snapshot.
DRAWS = 20


@dataclass(frozen=True)
class ModelTest:
    """A model, the transitions and the value function to measure it on.

    samples: K of eq. (9), the next states that the model draws per transition.
    batch_size: the transitions that are measured at once.
    """

    model: GaussianDynamics
    transitions: Transitions
    value: Value
    samples: int
    batch_size: int

    def predict(self, batch: Transitions) -> Prediction:
        """Predict the next observations of a batch."""
        return self.model(batch.observations, batch.actions)

    def means(self, measure: Measure) -> Metrics:
        """Means of scalars over the batches of the transitions: see `batch_means`."""
        return batch_means(self.transitions, self.batch_size, measure)


@torch.no_grad()
def batch_means(transitions: Transitions, batch_size: int, measure: Measure) -> Metrics:
    """Means over batches, each batch with the same weight (also the shorter last one)."""
    measured = [measure(batch) for batch in transitions.batches(batch_size)]
    return {
        name: total([numbers[name] for numbers in measured]) / len(measured) for name in measured[0]
    }


def total(numbers: Sequence[Tensor]) -> float:
    """Sum of scalars, in their order and in double precision, read back from the device once."""
    return reduce(operator.add, torch.stack(list(numbers)).tolist(), 0.0)

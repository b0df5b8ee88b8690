"""Functions that tell whether all transitions or only a few make up a value-aware error."""

import numpy as np
import torch

from vaml.metrics.errors import DECOMPOSITION_DRAWS
from vaml.metrics.model_test import ModelTest

_TOP = 0.01  # of the transitions


@torch.no_grad()
def squared_errors(test: ModelTest, generator: torch.Generator) -> np.ndarray:
    """½ (V(s') - V(ŝ'))² per transition (N,), float64, each V a mean over 20 draws.

    V draws an action each time, and the model a next state. A transition without error therefore
    has, in expectation, a fortieth of the sum of the variances of V(s') and V(ŝ').
    """
    found = []
    for batch in test.transitions.batches(test.batch_size):
        repeated = batch.next_observations.expand(DECOMPOSITION_DRAWS, -1, -1)
        targets = test.value(repeated, generator)
        values = test.value(test.predict(batch).sample(DECOMPOSITION_DRAWS, generator), generator)
        found.append(0.5 * (targets.double().mean(0) - values.double().mean(0)).square())
    return torch.cat(found).cpu().numpy()


def error_tail(errors: np.ndarray) -> dict[str, float]:
    """Mean, median and the largest errors' share of the total: top_1_percent, top_10.

    errors: (N,), none below 0. The largest hundredth is rounded up to a whole number of them.
    """
    largest = np.sort(errors)[::-1]
    total = largest.sum()
    hundredth = int(np.ceil(_TOP * len(largest)))
    return {
        "mean": float(errors.mean()),
        "median": float(np.median(errors)),
        "top_1_percent": float(largest[:hundredth].sum() / total),
        "top_10": float(largest[:10].sum() / total),
    }

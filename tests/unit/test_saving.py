"""Objects give their whole state and go on from it, each kind of part as itself."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vaml.algorithms.rows import Rows
from vaml.saving import Stateful


class Inner(Stateful):
    saved = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Whole(Stateful):
    saved = (
        "module",
        "tensor",
        "torch_stream",
        "numpy_stream",
        "array",
        "share",
        "inner",
        "by_name",
        "collected",
        "rows",
        "missing",
    )

    def __init__(self, seed: int) -> None:
        self.torch_stream = torch.Generator().manual_seed(seed)
        self.numpy_stream = np.random.default_rng(seed)
        self.module = nn.Linear(2, 3)
        self.tensor = torch.randn(4, generator=self.torch_stream).requires_grad_()
        self.array = np.arange(3.0) + seed
        self.share = 0.25 + seed
        self.inner = Inner()
        self.by_name = {"a": Inner(), "b": Inner()}
        self.collected: dict[str, np.ndarray] = {}
        self.rows = Rows(["step", "loss"], counts=["step"])
        self.missing = None
        self.not_saved = seed


def moved(seed: int) -> Whole:
    made = Whole(seed)
    made.inner.count, made.by_name["b"].count = 3, 5
    made.collected = {"10/x": np.ones(2), "20/x": np.zeros(2)}
    made.rows.add({"step": 7, "loss": None})
    made.rows.add({"step": 8.0, "loss": 1})
    made.numpy_stream.random(5)
    return made


def test_every_kind_of_part_goes_on_from_its_state() -> None:
    first, second = moved(1), Whole(2)
    tensor, module, stream = second.tensor, second.module, second.torch_stream
    state = first.arrays()
    second.restore(state)
    found = second.arrays()
    assert found.keys() == state.keys()
    for name in state:
        np.testing.assert_array_equal(found[name], state[name], err_msg=name)
    # The same objects, which others hold; and numbers of the same kind.
    assert (second.tensor, second.module, second.torch_stream) == (tensor, module, stream)
    assert second.tensor.requires_grad
    assert (second.inner.count, second.by_name["a"].count, second.by_name["b"].count) == (3, 0, 5)
    assert (second.share, type(second.share), type(second.inner.count)) == (1.25, float, int)
    assert second.rows == [{"step": 7, "loss": None}, {"step": 8, "loss": 1.0}]
    assert [type(row["step"]) for row in second.rows] == [int, int]
    assert {*second.collected} == {"10/x", "20/x"}
    assert second.missing is None
    assert second.not_saved == 2
    assert second.numpy_stream.random() == first.numpy_stream.random()
    drawn = [torch.randn(3, generator=each.torch_stream).tolist() for each in (first, second)]
    assert drawn[0] == drawn[1]


def test_a_state_stays_as_it_was_taken() -> None:
    made = moved(1)
    state = made.arrays()
    before = {name: array.copy() for name, array in state.items()}
    with torch.no_grad():
        made.tensor.add_(1.0)
        made.module.weight.add_(1.0)
    made.array += 1.0
    made.inner.count += 1
    for name, array in before.items():
        np.testing.assert_array_equal(state[name], array, err_msg=name)


@pytest.mark.parametrize("part", ["text", [1, 2], object()])
def test_a_part_of_no_known_kind_is_refused(part: Any) -> None:
    made = Inner()
    made.count = part
    with pytest.raises(TypeError, match=f"a part to be saved: got {type(part).__name__}"):
        made.arrays()


def test_a_row_without_a_column_is_refused() -> None:
    with pytest.raises(KeyError, match="loss"):
        Rows(["step", "loss"]).add({"step": 1})

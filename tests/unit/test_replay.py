"""The history of a run, batches of transitions and random splits."""

import numpy as np
import pytest
import torch

from vaml.data.replay import History
from vaml.data.transitions import Transitions, random_split

COLUMNS = ("observations", "actions", "rewards", "next_observations", "terminated", "truncated")


def fill(history: History, rows: int) -> None:
    """Row i holds i in every column, so that rows can be told and columns cannot be mixed."""
    for i in range(history.size, history.size + rows):
        history.append(
            np.full(3, i),
            np.full(2, i + 0.25),
            i + 0.5,
            np.full(3, i + 0.75),
            i % 3 == 0,
            i % 5 == 0,
        )


def history(capacity: int = 100, rows: int = 60) -> History:
    made = History(capacity, 3, 2)
    fill(made, rows)
    return made


def transitions(rows: int) -> Transitions:
    column = torch.arange(rows, dtype=torch.float32)[:, None]
    return Transitions(column.expand(rows, 3), column + 0.25, column.expand(rows, 3) + 0.75)


def test_columns_keep_every_transition_in_order() -> None:
    arrays = history().arrays()
    rows = np.arange(60)
    assert set(arrays) == set(COLUMNS)
    np.testing.assert_array_equal(arrays["observations"], np.repeat(rows[:, None], 3, 1))
    np.testing.assert_array_equal(arrays["actions"], np.repeat(rows[:, None] + 0.25, 2, 1))
    np.testing.assert_array_equal(arrays["rewards"], rows + 0.5)
    np.testing.assert_array_equal(
        arrays["next_observations"], np.repeat(rows[:, None] + 0.75, 3, 1)
    )
    np.testing.assert_array_equal(arrays["terminated"], rows % 3 == 0)
    np.testing.assert_array_equal(arrays["truncated"], rows % 5 == 0)


def test_the_first_rows_never_change() -> None:
    made = history(rows=40)
    early = {name: array.copy() for name, array in made.arrays().items()}
    fill(made, 60)
    for name, array in made.arrays().items():
        np.testing.assert_array_equal(array[:40], early[name])
    with pytest.raises(IndexError):
        fill(made, 1)


def test_batches_are_uniform_with_replacement_over_what_is_there() -> None:
    made = history(capacity=100, rows=20)
    batch = made.sample(20000, np.random.default_rng(0))
    rows = batch.observations[:, 0].numpy().astype(int)
    counts = np.bincount(rows, minlength=100)
    assert counts[20:].sum() == 0
    assert ((counts[:20] - 1000) ** 2 / 1000).sum() < 45  # chi square, 19 degrees: p < 0.001
    repeated = made.sample(20, np.random.default_rng(0)).observations[:, 0].unique()
    assert len(repeated) < 20

    np.testing.assert_array_equal(batch.actions[:, 1], rows + 0.25)
    np.testing.assert_array_equal(batch.rewards, rows + 0.5)
    np.testing.assert_array_equal(batch.next_observations[:, 2], rows + 0.75)
    np.testing.assert_array_equal(batch.terminated, rows % 3 == 0)
    assert batch.observations.dtype == torch.float32
    assert batch.terminated.dtype == torch.bool


def test_a_batch_is_a_copy_and_sees_rows_appended_later() -> None:
    made = history(rows=1)
    batch = made.sample(4, np.random.default_rng(0))
    fill(made, 50)
    assert (batch.observations == 0).all()
    assert made.sample(500, np.random.default_rng(0)).observations.max() == 50
    assert len(made.transitions()) == 51


def test_transitions_of_a_history_are_its_rows_so_far() -> None:
    rows = history().transitions()
    assert len(rows) == 60
    np.testing.assert_array_equal(rows.observations[:, 0], np.arange(60))
    np.testing.assert_array_equal(rows.actions[:, 0], np.arange(60) + 0.25)
    np.testing.assert_array_equal(rows.next_observations[:, 0], np.arange(60) + 0.75)


def test_a_restored_history_goes_on_like_the_first() -> None:
    first, second = history(), History(100, 3, 2)
    second.restore({name: array.copy() for name, array in first.arrays().items()})
    fill(first, 10)
    fill(second, 10)
    for name, array in first.arrays().items():
        np.testing.assert_array_equal(second.arrays()[name], array)
    batches = [made.sample(50, np.random.default_rng(1)) for made in (first, second)]
    assert torch.equal(batches[0].observations, batches[1].observations)


def test_every_row_comes_once_in_batches_the_last_one_shorter() -> None:
    shuffled = list(transitions(10).batches(4, np.random.default_rng(0)))
    assert [len(batch) for batch in shuffled] == [4, 4, 2]
    order = torch.cat([batch.observations[:, 0] for batch in shuffled])
    assert sorted(order.tolist()) == list(range(10))
    assert order.tolist() != list(range(10))
    for batch in shuffled:  # rows stay whole
        torch.testing.assert_close(batch.actions[:, 0], batch.observations[:, 0] + 0.25)
        torch.testing.assert_close(batch.next_observations, batch.observations + 0.75)

    in_order = [batch.observations[:, 0].tolist() for batch in transitions(10).batches(4)]
    assert in_order == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_each_pass_is_shuffled_anew() -> None:
    generator = np.random.default_rng(0)
    first, second = (
        torch.cat([batch.observations[:, 0] for batch in transitions(50).batches(16, generator)])
        for _ in range(2)
    )
    assert not torch.equal(first, second)


def test_random_split_is_a_partition_with_the_remainder_first() -> None:
    train, validation, test = random_split(1000, [200, 100], np.random.default_rng(0))
    assert (len(train), len(validation), len(test)) == (700, 200, 100)
    assert sorted([*train, *validation, *test]) == list(range(1000))
    for part in (train, validation, test):  # drawn from the whole range, not cut from it
        assert abs(part.mean() - 499.5) < 4 * 1000 / np.sqrt(12 * len(part))
        assert part.max() - part.min() > 900
    again = random_split(1000, [200, 100], np.random.default_rng(0))
    other = random_split(1000, [200, 100], np.random.default_rng(1))
    np.testing.assert_array_equal(again[1], validation)
    assert not np.array_equal(other[1], validation)


def test_a_split_that_leaves_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(ValueError, match="none is left"):
        random_split(10, [6, 4], np.random.default_rng(0))

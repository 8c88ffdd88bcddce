"""The order of rows."""

from __future__ import annotations

from collections import Counter

import pytest

from r1light.training.row_stream import RowStream
from r1light.training.supervised_options import SupervisedOptions


def drawn(stream, size):
    batches = []
    while batch := stream.take(size):
        batches.append(batch)
    return batches


def test_an_epoch_has_every_row_once_and_the_next_another_order():
    stream = RowStream(list("abcdefghij"), seed=0, epochs=2)
    rows = [row for batch in drawn(stream, 3) for row in batch]
    assert sorted(rows[:10]) == sorted(rows[10:]) == list("abcdefghij")
    assert rows[:10] != rows[10:]
    assert stream.epoch == 2


def test_the_last_batch_holds_what_is_left_and_half_an_epoch_is_half_the_rows():
    batches = drawn(RowStream(list(range(10)), seed=0, epochs=1.5), 4)
    assert [len(batch) for batch in batches] == [4, 4, 4, 3]  # 15 rows
    assert sorted(Counter(row for batch in batches for row in batch).values()) == [1] * 5 + [2] * 5


def test_the_cursor_is_the_whole_state():
    one, other = (RowStream(list(range(50)), seed=3, epochs=3) for _ in range(2))
    one.take(37)
    other.cursor = one.cursor
    assert one.take(40) == other.take(40)
    assert RowStream(list(range(50)), seed=4, epochs=3).take(37) != RowStream(list(range(50)), 3, 3).take(37)


@pytest.mark.parametrize(
    ("options", "rows", "updates"),
    [
        ({"batch_size": 64, "epochs": 2}, 800, 25),  # 1600 / 64
        ({"batch_size": 64, "epochs": 2}, 801, 26),  # 1602 / 64 = 25.03
        ({"batch_size": 4, "epochs": 0.5}, 10, 2),  # 5 rows
        ({"batch_size": 4, "epochs": 3, "max_updates": 5}, 10, 5),
    ],
)
def test_how_many_updates_that_is(options, rows, updates):
    assert SupervisedOptions(**options).updates(rows) == updates


@pytest.mark.parametrize(
    "values",
    [
        {"batch_size": 0}, {"epochs": 0}, {"lr": float("nan")}, {"lr": float("inf")}, {"lr_floor": 1.5},
        {"max_updates": 0}, {"micro_batch_tokens": 0}, {"adam_beta2": 1.0}, {"weight_decay": -1.0},
        {"checkpoint_every": 0}, {"eval_every": -1},
    ],
)  # fmt: skip
def test_options_that_cannot_be(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        SupervisedOptions(**values)

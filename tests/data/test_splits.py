from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from r1light.data.arithmetic import Sum
from r1light.data.countdown import Game
from r1light.data.splits import TEST_SHARE, seeded, split_of


def test_a_tenth_is_held_out():
    # 20,000 draws of probability 0.1 have a standard deviation of sqrt(20000 * 0.1 * 0.9) = 42; five are 212
    held_out = sum(split_of(f"problem {index}") == "test" for index in range(20_000))
    assert abs(held_out - 20_000 * TEST_SHARE) < 212


def test_a_split_is_for_good():
    assert [split_of(text) for text in ("12+34", "100+200", "7+8", "999+1")] == [
        split_of(text) for text in ("12+34", "100+200", "7+8", "999+1")
    ]
    assert {split_of(f"{left}+50") for left in range(200)} == {"train", "test"}


@given(st.integers(0, 9999), st.integers(0, 9999))
def test_both_orders_of_a_sum_share_a_split(left, right):
    assert Sum(left, right).split == Sum(right, left).split


@given(st.permutations([3, 5, 7, 2]))
def test_all_orders_of_a_game_share_a_split(numbers):
    assert Game(tuple(numbers), 24).split == Game((3, 5, 7, 2), 24).split


def test_seeds_and_purposes_give_different_draws():
    draws = {seeded(purpose, seed).random() for purpose in ("a", "b") for seed in range(3)}
    assert len(draws) == 6
    assert seeded("a", 0).random() == seeded("a", 0).random()

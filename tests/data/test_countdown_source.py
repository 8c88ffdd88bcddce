from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.data.countdown import Countdown, combine, random_attempt


def value(expression: str) -> Fraction:
    """An evaluation of our own expressions that shares no code with them."""
    exact = "".join(f"Fraction({part})" if part.isdigit() else part for part in tokens(expression))
    return eval(exact, {"Fraction": Fraction})


def tokens(expression: str) -> list[str]:
    parts: list[str] = []
    for character in expression:
        if character.isdigit() and parts and parts[-1].isdigit():
            parts[-1] += character
        else:
            parts.append(character)
    return parts


@settings(deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 99), min_size=2, max_size=5))
def test_an_attempt_uses_every_number_once_and_is_worth_what_it_says(seed, numbers):
    attempt = random_attempt(random.Random(seed), numbers)
    assert sorted(int(part) for part in tokens(attempt.expression) if part.isdigit()) == sorted(numbers)
    for step in attempt.steps:
        assert value(step.expression) == step.value > 0
    assert len(attempt.steps) == len(numbers) - 1


def test_brackets_stand_where_they_are_needed():
    # every value of 200 attempts over numbers that make brackets matter
    for seed in range(200):
        attempt = random_attempt(random.Random(seed), [12, 2, 3, 6])
        assert value(attempt.expression) == attempt.value


@pytest.mark.parametrize(
    ("left", "operator", "right", "expected"),
    [
        (3, "+", 4, 7),
        (3, "-", 4, None),
        (4, "-", 4, None),
        (7, "/", 2, None),
        (8, "/", 2, 4),
        (3, "*", 4, 12),
    ],
)
def test_combinations_are_whole_and_positive(left, operator, right, expected):
    assert combine(left, operator, right) == expected


def test_games_are_in_range_solvable_by_construction_and_split():
    config = Countdown.Config(max_number=9, max_target=50, train_size=500, test_size=200)
    games = {}
    for split in ("train", "test"):
        for problem in Countdown(config, split):
            numbers, target = problem.meta["numbers"], problem.meta["target"]
            assert len(numbers) in (3, 4)
            assert all(1 <= number <= 9 for number in numbers)
            assert 1 <= target <= 50
            games.setdefault(split, set()).add((tuple(sorted(numbers)), target))
    assert len(games["train"]) == 500
    assert len(games["test"]) == 200
    assert not games["train"] & games["test"]


def test_games_may_be_limited_to_some_operators():
    config = Countdown.Config(counts=[3], operators=["+", "-"], max_number=12, max_target=50, train_size=200)
    for problem in Countdown(config, "train"):
        assert " with + - to make " in problem.prompt
        assert problem.meta["operators"] == ["+", "-"]
        assert not set("*/") & set(problem.meta["solution"])
        assert value(problem.meta["solution"]) == problem.meta["target"]
    for wrong in (["-"], ["+", "+"], []):
        with pytest.raises(ValueError, match="must hold \\+ and each operator once"):
            Countdown.Config(operators=wrong)


def test_each_count_of_numbers_is_asked_alike():
    # small games of three numbers are few, and drawing blindly meets them again and again
    config = Countdown.Config(max_number=12, max_target=50, train_size=2000)
    counts = [len(problem.meta["numbers"]) for problem in Countdown(config, "train")]
    assert 900 < counts.count(3) < 1100  # 1000 +- 4.5 standard deviations of sqrt(2000)/2 = 22


def test_more_games_than_there_are_is_one_clear_line():
    config = Countdown.Config(counts=[2], max_number=5, max_target=10, train_size=5000)
    with pytest.raises(
        DataError, match=r"found only \d+ games of 5000 in its train split: lower data.train_size"
    ):
        list(Countdown(config, "train"))


@pytest.mark.parametrize("options", [{"counts": []}, {"counts": [1]}, {"max_number": 2}, {"test_size": -1}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=r"counts|max_number|test_size"):
        Countdown.Config(**options)

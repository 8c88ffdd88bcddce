from __future__ import annotations

import pytest

from r1light.data.arithmetic import Arithmetic, Sum


def problems(split, **options):
    return list(Arithmetic(Arithmetic.Config(**options), split))


def unordered(problem):
    left, right = problem.id.split("/")[-1].split("+")
    return frozenset((left, right))


def test_train_and_test_share_no_sum():
    train, test = problems("train", train_size=3000), problems("test", test_size=400)
    assert not {unordered(problem) for problem in train} & {unordered(problem) for problem in test}


def test_splits_of_other_seeds_share_no_sum_either():
    train = problems("train", train_size=3000, seed=1)
    test = problems("test", test_size=400, seed=2)
    assert not {unordered(problem) for problem in train} & {unordered(problem) for problem in test}


def test_answers_are_right_and_digits_within_bounds():
    for problem in problems("train", train_size=500, min_digits=2, max_digits=3):
        left, right = (int(part) for part in problem.prompt.removeprefix("Compute ").split("+"))
        assert problem.answer == str(left + right)
        assert 10 <= left <= 999
        assert 10 <= right <= 999


def test_sizes_ids_and_repetition():
    source = Arithmetic(Arithmetic.Config(train_size=200), "train")
    first, second = list(source), list(source)
    assert len(source) == len(first) == len({problem.id for problem in first}) == 200
    assert first == second


def test_chinese_questions():
    (problem,) = problems("train", train_size=1, language="zh")
    assert problem.prompt.startswith("计算")
    assert problem.language == "zh"


@pytest.mark.parametrize(
    "options",
    [
        {"min_digits": 3, "max_digits": 2},
        {"min_digits": 0},
        {"train_size": -1},
        {"max_digits": 2, "test_size": 1000},
    ],
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=r"digits|_size"):
        Arithmetic.Config(**options)


def test_a_sum_is_its_numbers():
    assert Sum(1, 2) == Sum(1, 2) != Sum(2, 1)

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.algorithms.estimators import (
    cons_at_k,
    majority_vote,
    mean_over_samples,
    mean_pass_at_k,
    pass_at_1,
    pass_at_k,
)


def test_pass_at_1_by_hand():
    estimate = pass_at_1([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0]])
    # problem means 0.5, 1, 0: mean 0.5; variance (0 + 0.25 + 0.25) / 2 = 0.25; stderr sqrt(0.25 / 3)
    assert (estimate.mean, estimate.problems) == (0.5, 3)
    assert estimate.stderr == pytest.approx(math.sqrt(0.25 / 3))


def test_one_problem_has_no_standard_error():
    assert pass_at_1([[1, 0]]).stderr is None
    assert pass_at_1([[1, 0]]).mean == 0.5


def test_repeating_samples_of_a_problem_adds_no_certainty():
    rows = [[1, 0], [1, 1], [0, 0], [0, 1]]
    assert pass_at_1(rows) == pass_at_1([row * 50 for row in rows])


def test_a_mean_over_samples_by_hand():
    estimate = mean_over_samples([[4.0, 8.0], [3.0]])
    # mean 15 / 3 = 5; deviations by problem 4 + 8 - 10 = 2 and -2: sqrt(2 / 1 * (4 + 4)) / 3 = 4 / 3
    assert (estimate.mean, estimate.problems) == (5.0, 2)
    assert estimate.stderr == pytest.approx(4 / 3)
    assert mean_over_samples([[1.0, 2.0]]).stderr is None
    with pytest.raises(ValueError, match="a problem has no samples"):
        mean_over_samples([[1.0], []])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=6))
def test_with_as_many_samples_of_each_problem_both_means_are_one(rows):
    one, other = mean_over_samples(rows), pass_at_1(rows)
    assert one.mean == pytest.approx(other.mean)
    assert one.stderr == pytest.approx(other.stderr, abs=1e-12)


@pytest.mark.parametrize(("samples", "correct", "k"), [(5, 2, 1), (5, 2, 3), (6, 1, 2), (4, 4, 2), (4, 0, 4)])
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(samples, correct, k):
    outcomes = [True] * correct + [False] * (samples - correct)
    subsets = list(itertools.combinations(outcomes, k))
    assert pass_at_k(samples, correct, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_pass_at_k_of_many_samples_is_exact():
    assert pass_at_k(10_000, 1, 10) == pytest.approx(1e-3)
    assert pass_at_k(64, 64, 64) == 1.0


def test_mean_pass_at_k_by_hand():
    # of 1 right in 3: 1 - C(2,2)/C(3,2) = 2/3; of none: 0
    estimate = mean_pass_at_k([[True, False, False], [False, False, False]], k=2)
    assert estimate.mean == pytest.approx(1 / 3)
    # the two differ by 2/3: variance 2 * (1/3)^2 = 2/9, over 2 problems, root: 1/3
    assert estimate.stderr == pytest.approx(1 / 3)
    assert mean_pass_at_k([[1, 0], [0, 1]], k=1).mean == pass_at_1([[1, 0], [0, 1]]).mean


def test_majority():
    assert majority_vote(["4", "5", "4", None, None, None], seed=0, key="p") == "4"
    assert majority_vote([None, None], seed=0, key="p") is None
    assert majority_vote([None, "7"], seed=0, key="p") == "7"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1), st.integers(), st.text(), st.randoms())
def test_a_tie_depends_on_seed_and_key_and_not_on_order(answers, seed, key, rng):
    winner = majority_vote(answers, seed=seed, key=key)
    assert majority_vote(rng.sample(answers, len(answers)), seed=seed, key=key) == winner
    if winner is not None:
        assert answers.count(winner) == max(answers.count(answer) for answer in "abc")


def test_ties_are_fair():
    wins = sum(majority_vote(["a", "b"], seed=0, key=f"problem/{n}") == "a" for n in range(2000))
    # 2000 fair coins: 1000 with a std of 22.4; five of them is 112
    assert abs(wins - 1000) < 112


def test_cons_at_k_by_hand():
    estimate = cons_at_k(
        [["4", "4", "5"], ["1", "2", "2"], [None, None, None], ["7", None, None]],
        [[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 0, 0]],
        k=3,
        seed=0,
        keys_P=["a", "b", "c", "d"],
    )
    # majorities 4 (right), 2 (wrong), none (0), 7 (right): 1/2; variance 4 * 0.25 / 3, over 4
    assert estimate.mean == 0.5
    assert estimate.stderr == pytest.approx(math.sqrt(1 / 3 / 4))


def test_only_the_first_k_vote():
    answers, scores = [["1", "2", "2", "2"]], [[1, 0, 0, 0]]
    assert cons_at_k(answers, scores, k=1, seed=0, keys_P=["p"]).mean == 1.0
    assert cons_at_k(answers, scores, k=4, seed=0, keys_P=["p"]).mean == 0.0


def test_an_answer_graded_both_ways_scores_its_mean():
    assert cons_at_k([["1", "1", "2"]], [[1, 0, 1]], k=3, seed=0, keys_P=["p"]).mean == 0.5


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="no problems"):
        pass_at_1([])
    with pytest.raises(ValueError, match="no samples"):
        pass_at_1([[1.0], []])
    for samples, correct, k in ((3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)):
        with pytest.raises(ValueError, match=f"pass@{k} of 3"):
            pass_at_k(samples, correct, k)
    with pytest.raises(ValueError, match="differ"):
        cons_at_k([["1"]], [[1]], k=1, seed=0, keys_P=[])
    for k, answers in ((2, ["1"]), (0, ["1"]), (1, ["1", "2"])):
        with pytest.raises(ValueError, match="problem 'p'"):
            cons_at_k([answers], [[1]], k=k, seed=0, keys_P=["p"])


def test_a_key_may_be_any_text():
    assert majority_vote(["4", "5"], seed=0, key="half a pair: \ud800") in {"4", "5"}

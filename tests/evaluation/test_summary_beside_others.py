"""An evaluation's figures beside the estimators that others published, in their own forms.

Shapes: P problems, of which each has its own number of samples.
"""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.evaluation.outcome import Outcome
from r1light.evaluation.summary import summarise

ERROR = "error"
"""In place of a score: judging failed."""


def outcome(name, score, vote, tokens=10):
    failed = score == ERROR
    value = None if failed else score
    return Outcome(
        name, "task", value, failed, None if failed else vote, tokens, False, True, {"repetition": 0.0}, {}
    )


def rows_of(table):
    return [[outcome(f"p{p}", *cell) for cell in row] for p, row in enumerate(table)]


def human_eval(n, c, k):
    """Codex (arXiv:2107.03374), figure 3: the product, and not the quotient of binomials."""
    return 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))


CELLS = st.sampled_from(
    [(1.0, "5"), (0.0, "6"), (0.0, "7"), (0.0, None), (0.5, "half"), (None, None), (ERROR, "5")]
)
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=7), min_size=1, max_size=7)


def spread(values):
    return np.std(values, ddof=1) / np.sqrt(len(values))


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_pass_at_1_and_pass_at_k_of_unequal_rows_with_errors_and_abstentions(table):
    found = summarise(rows_of(table), seed=0, overall=False)
    everything = [cell for row in table for cell in row]
    assert found.get("task/errors", 0.0) == pytest.approx(
        sum(score == ERROR for score, _ in everything) / len(everything)
    )
    assert found.get("task/unjudged", 0.0) == pytest.approx(
        sum(score is None for score, _ in everything) / len(everything)
    )
    judged = [[cell for cell in row if cell[0] not in (None, ERROR)] for row in table]
    sizes = [len(row) for row, kept in zip(table, judged, strict=True) if kept]
    if not sizes:
        assert "task/pass@1" not in found
        return
    means = [np.mean([score for score, _ in row]) for row in judged if row]
    assert found["task/pass@1"] == pytest.approx(np.mean(means))
    if len(means) > 1:
        assert found["task/pass@1_stderr"] == pytest.approx(spread(means))
    k = min(sizes)
    whole = [row for row in judged if len(row) >= k]
    for draws in (1 << power for power in range(1, 4)):
        if draws > k or not whole:
            assert f"task/pass@{draws}" not in found
            continue
        each = [human_eval(len(row), sum(score == 1.0 for score, _ in row), draws) for row in whole]
        assert found[f"task/pass@{draws}"] == pytest.approx(np.mean(each))
        if len(each) > 1:
            assert found[f"task/pass@{draws}_stderr"] == pytest.approx(spread(each))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS.filter(lambda cell: cell[0] not in (None, ERROR)), min_size=4, max_size=4),
                min_size=2, max_size=6))  # fmt: skip
def test_cons_at_k_elects_a_plurality_and_scores_it(table):
    """By hand: the winners of each problem are those with the most votes; one of them is taken."""
    values = []
    for row in table:
        votes = Counter(vote for _, vote in row if vote is not None)
        most = max(votes.values(), default=0)
        scores = dict((vote, score) for score, vote in row)  # noqa: C402 - equal votes have equal scores here
        values.append([scores[vote] for vote, count in votes.items() if count == most] or [0.0])
    found = {summarise(rows_of(table), seed=seed)["cons@4"] for seed in range(4)}
    possible = {round(float(np.mean(one)), 9) for one in itertools.product(*values)}
    assert {round(value, 9) for value in found} <= possible
    if all(len(each) == 1 for each in values):
        (only,) = found
        assert only == pytest.approx(np.mean([each[0] for each in values]))
        result = summarise(rows_of(table), seed=0)
        assert result["cons@4_stderr"] == pytest.approx(spread([each[0] for each in values]))


def test_ties_of_three_are_broken_evenly_and_by_the_seed_alone():
    table = [[(1.0, "5"), (0.0, "6"), (0.0, "7"), (0.0, None)]]
    elected = [summarise(rows_of(table), seed=seed)["cons@4"] for seed in range(600)]
    # a third of 600 elections, give or take four of sqrt(600 * 1/3 * 2/3) = 11.5
    assert abs(sum(elected) - 200) < 4 * 11.5
    assert elected == [summarise(rows_of(table), seed=seed)["cons@4"] for seed in range(600)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=5), min_size=2, max_size=6))
def test_clustered_errors_in_the_double_sum_of_miller(lengths):
    """arXiv:2411.00640, eq. 4: all pairs of deviations within a cluster; times P / (P - 1) for few."""
    rows = [[outcome(f"p{p}", 1.0, "5", tokens) for tokens in row] for p, row in enumerate(lengths)]
    found = summarise(rows, seed=0)
    n, mean = sum(map(len, lengths)), np.mean([tokens for row in lengths for tokens in row])
    pairs = sum((one - mean) * (other - mean) for row in lengths for one in row for other in row)
    clusters = len(lengths)
    assert found["mean_length"] == pytest.approx(mean)
    # the root of a sum that rounds to 1e-15 where it is 0
    error = np.sqrt(max(pairs, 0.0) * clusters / (clusters - 1)) / n
    assert found["mean_length_stderr"] == pytest.approx(error, abs=1e-6)


def test_the_error_of_one_sample_a_problem_is_lm_evals():
    metrics = pytest.importorskip("lm_eval.api.metrics")
    scores = [1.0, 0.0, 1.0, 1.0, 0.0, 0.5, 1.0]
    found = summarise(rows_of([[(score, "x")] for score in scores]), seed=0)
    assert found["pass@1"] == pytest.approx(metrics.mean(scores))
    assert found["pass@1_stderr"] == pytest.approx(metrics.mean_stderr(scores))


def test_the_error_of_many_samples_a_problem_is_lm_evals_of_the_problems_means():
    metrics = pytest.importorskip("lm_eval.api.metrics")
    table = [[(1.0, "5")] * 3 + [(0.0, "6")], [(0.0, "6")] * 4, [(1.0, "5"), (0.0, "6")]]
    found = summarise(rows_of(table), seed=0)
    means = [0.75, 0.0, 0.5]
    assert found["pass@1"] == pytest.approx(metrics.mean(means))
    assert found["pass@1_stderr"] == pytest.approx(metrics.mean_stderr(means))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 6).flatmap(
        lambda k: st.lists(st.lists(CELLS, min_size=k, max_size=k), min_size=1, max_size=6)
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_samples_and_problems_changes_nothing_with_errors_and_abstentions(table, rng):
    rows = rows_of(table)
    shuffled = rng.sample([rng.sample(row, len(row)) for row in rows], len(rows))
    first, second = summarise(rows, seed=0), summarise(shuffled, seed=0)
    assert second == pytest.approx(first, rel=1e-12, abs=1e-12)

"""An evaluation's numbers beside those that numpy works out from the same completions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.types import Completion, Parsed, Problem, Sample
from r1light.evaluation.outcome import Measures, Outcome
from r1light.evaluation.summary import summarise


def outcome(name, score=1.0, vote="5", source=None, **more):
    fields = {
        "failed": False,
        "tokens": 10,
        "truncated": False,
        "well_formed": True,
        "measures": {"reflection": 0.0, "language/consistency": None},
        "rewards": {},
    }
    return Outcome(problem_id=name, source=source, score=score, vote=vote, **{**fields, **more})


def scored(rows, source=None):
    """A problem a row of scores; a wrong answer votes for a text of its own score's making."""
    return [
        [outcome(f"p{number}", score, "right" if score else "wrong", source) for score in row]
        for number, row in enumerate(rows)
    ]


def test_pass_at_1_and_k_beside_numpy():
    rng = np.random.default_rng(0)
    scores = (rng.random((30, 6)) < rng.random((30, 1))).astype(float)
    found = summarise(scored(scores.tolist()), seed=0)
    means = scores.mean(axis=1)
    assert found["pass@1"] == pytest.approx(means.mean())
    assert found["pass@1_stderr"] == pytest.approx(means.std(ddof=1) / np.sqrt(30))
    for k in (2, 4, 6):
        # without bias: the share of all subsets of k samples that have a right one
        subsets = list(itertools.combinations(range(6), k))
        each = np.array([[scores[p, list(subset)].max() for subset in subsets] for p in range(30)]).mean(
            axis=1
        )
        assert found[f"pass@{k}"] == pytest.approx(each.mean())
        assert found[f"pass@{k}_stderr"] == pytest.approx(each.std(ddof=1) / np.sqrt(30))
    assert {name for name in found if name.startswith("pass@")} == {
        f"pass@{k}{end}" for k in (1, 2, 4, 6) for end in ("", "_stderr")
    }


def test_cons_at_k_beside_numpy():
    rng = np.random.default_rng(1)
    scores = (rng.random((40, 5)) < rng.random((40, 1))).astype(float)  # of five, no tie between two answers
    found = summarise(scored(scores.tolist()), seed=0)
    elected = (scores.sum(axis=1) > 2.5).astype(float)
    assert found["cons@5"] == pytest.approx(elected.mean())
    assert found["cons@5_stderr"] == pytest.approx(elected.std(ddof=1) / np.sqrt(40))


def test_ties_hang_on_the_seed():
    tied = scored([[1.0, 0.0]] * 200)
    renamed = [[outcome(f"q{i}", each.score, each.vote) for each in row] for i, row in enumerate(tied)]
    values = {summarise(renamed, seed=seed)["cons@2"] for seed in range(5)}
    assert len(values) > 1
    assert all(abs(value - 0.5) < 4 * math.sqrt(0.25 / 200) for value in values)  # fair within four errors
    assert summarise(renamed, seed=3)["cons@2"] == summarise(renamed, seed=3)["cons@2"]


def test_one_sample_a_problem_gives_no_votes():
    found = summarise(scored([[1.0], [0.0]]), seed=0)
    assert (found["pass@1"], found["pass@1_stderr"]) == (0.5, pytest.approx(0.5))  # sqrt(0.5 / 2)
    assert not [name for name in found if name.startswith(("cons@", "pass@2"))]


def test_problems_that_no_rule_judges_are_left_out_of_accuracy_and_get_their_reward():
    general = [
        [outcome("g", None, None, "talk", rewards={"helpfulness": 0.25}) for _ in range(2)],
        [outcome("h", None, None, "talk", rewards={"helpfulness": 0.75}) for _ in range(2)],
    ]
    sums = [
        [outcome(f"s{i}", score, str(score), "sums", rewards={"helpfulness": None}) for score in (1.0, 0.0)]
        for i in range(2)
    ]
    found = summarise([*general, *sums], seed=0)
    assert (found["pass@1"], found["unjudged"], found["problems"], found["completions"]) == (0.5, 0.5, 4, 8)
    assert found["rewards/helpfulness/mean"] == 0.5
    # two problems that deviate by 2 * 0.25 each: sqrt(2 / 1 * (0.5^2 + 0.5^2)) / 4 = 0.25
    assert found["rewards/helpfulness/mean_stderr"] == pytest.approx(0.25)
    assert found["talk/rewards/helpfulness/mean"] == 0.5
    assert found["sums/pass@1"] == 0.5
    assert "talk/pass@1" not in found
    assert "sums/rewards/helpfulness/mean" not in found
    assert "sums/unjudged" not in found


def test_what_failed_to_be_judged_is_no_wrong_answer():
    rows = [[outcome("a", 1.0), outcome("a", None, None, failed=True)], [outcome("b", 0.0, "6")] * 2]
    found = summarise(rows, seed=0)
    assert found["pass@1"] == 0.5  # the mean of 1 (of one judged) and 0
    assert found["errors"] == 0.25
    assert found["pass@2"] == found["cons@2"] == 0.0  # of b alone: a has not two verdicts


def test_means_over_completions_and_their_errors_beside_numpy():
    lengths = np.array([[3, 5, 10], [2, 2, 2], [8, 1, 6]])
    rows = [
        [
            outcome(f"p{p}", tokens=int(tokens), truncated=bool(tokens > 7), well_formed=bool(tokens < 7),
                    measures={"reflection": float(tokens % 3), "language/consistency": None})
            for tokens in row
        ]
        for p, row in enumerate(lengths)
    ]  # fmt: skip
    found = summarise(rows, seed=0)
    for name, values in {
        "mean_length": lengths,
        "truncated": lengths > 7,
        "well_formed": lengths < 7,
        "reflection": lengths % 3,
    }.items():
        means = values.mean(axis=1)
        assert found[name] == pytest.approx(means.mean())
        assert found[f"{name}_stderr"] == pytest.approx(means.std(ddof=1) / np.sqrt(3))
    assert found["num_tokens"] == lengths.sum()
    assert "language/consistency" not in found  # no problem asks for a language


def test_a_mean_over_what_applies():
    def asked(name, *shares):
        return [outcome(name, measures={"language/consistency": share}) for share in shares]

    found = summarise([asked("a", 1.0, None), asked("b", 0.5, 0.0), asked("c", None, None)], seed=0)
    assert found["language/consistency"] == 0.5  # (1 + 0.5 + 0) / 3
    # deviations: a 0.5; b 0 - 0.5. sqrt(2 / 1 * (0.25 + 0.25)) / 3 = 1 / 3
    assert found["language/consistency_stderr"] == pytest.approx(1 / 3)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([(1.0, "5"), (0.0, "6"), (0.0, "7"), (0.0, None)]), min_size=3, max_size=3),
        min_size=1,
        max_size=6,
    ),
    st.randoms(),
)
def test_neither_the_order_of_samples_nor_of_problems_matters(table, rng):
    rows = [
        [outcome(f"p{p}", score, vote, tokens=p + place) for place, (score, vote) in enumerate(row)]
        for p, row in enumerate(table)
    ]
    shuffled = rng.sample([rng.sample(row, len(row)) for row in rows], len(rows))
    assert summarise(shuffled, seed=0) == pytest.approx(summarise(rows, seed=0), rel=1e-12, abs=1e-12)


def sample(thinking="so 5", well_formed=True, language="en"):
    problem = Problem("p", "?", "exact", "5", language=language)
    parsed = Parsed(thinking, "5", well_formed)
    return Sample(problem, "?", Completion((), "wait, so 5", (), "stop"), parsed)


def test_measures_of_one_completion():
    seen = []

    def readable(text, language):
        seen.append((text, language))
        return text != "unfit"

    measures = Measures(lambda text: text.count("wait"), lambda sample: 0.5, readable, lambda text: 0.25)
    assert measures(sample()) == {
        "reflection": 1.0,
        "language/consistency": 0.5,
        "readable": 1.0,
        "repetition": 0.25,
    }
    assert measures(sample("unfit"))["readable"] == 0.0
    assert seen == [("so 5", "en"), ("unfit", "en")]
    assert measures(sample(None, well_formed=False))["readable"] == 0.0  # of a wrong form: not to be read
    assert measures(sample(None))["readable"] is None  # a template without thoughts

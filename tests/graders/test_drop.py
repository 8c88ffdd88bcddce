"""DROP's F1 and exact match: by hand, and beside lm-eval's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.types import Problem
from r1light.graders.drop import Drop, answer_line, drop_f1, exact_match


def parts(answers, answer):
    return dict(Drop().grade(Problem("d", "?", "drop", meta={"answers": answers}), answer).parts)


@pytest.mark.parametrize(
    ("answers", "answer", "f1", "em"),
    [
        ([["7"]], "So 3 + 4. Answer: 7", 1.0, 1.0),
        ([["7"]], "Answer: 7.0", 1.0, 1.0),  # numbers are compared as numbers
        ([["7 yards"]], "8 yards", 0.0, 0.0),  # the number is not there, whatever else agrees
        ([["7 yards"]], "7", 0.67, 0.0),  # precision 1, recall 1/2: 2 * 0.5 / 1.5
        ([["The Bears"]], "bears!", 1.0, 1.0),
        ([["Tom Brady"], ["Brady"]], "Brady", 1.0, 1.0),  # the best reference counts
        ([["a b", "c"]], "Answer: c, b", 1.0, 1.0),  # two spans said where two are meant; articles fall
        ([["x y", "c"]], "c and x y", 1.0, 1.0),
        ([["x y", "c"]], "c", 0.5, 0.0),  # one of two spans: (1 + 0) / 2
        ([["12 May 2001"]], "May 2001", 0.8, 0.0),  # precision 1, recall 2/3: 2 * 2/3 / (5/3)
        ([["yes"]], "", 0.0, 0.0),
    ],
)
def test_scores_by_hand(answers, answer, f1, em):
    assert parts(answers, answer) == {"f1": f1, "em": em}


def test_the_last_answer_line_counts():
    assert answer_line("Answer: 3\nNo.\n**Answer: 4**") == "4"
    assert answer_line("<think>Answer: 1</think> it is \\boxed{9}") == "1</think> it is \\boxed{9}"
    assert answer_line("it is \\boxed{9}") == "9"


@pytest.mark.parametrize("answers", [None, [], [[]], ["text"], [[3]]])
def test_no_reference_is_an_error(answers):
    assert Drop().grade(Problem("d", "?", "drop", meta={"answers": answers}), "3").status == "error"


def test_the_best_pairing_is_found_where_the_greedy_one_is_not():
    ours, theirs = ["p q r", "p q"], ["p q", "q z"]
    # pairs: pqr-pq 0.8, pqr-qz 0.4; pq-pq 1, pq-qz 0.5: 0.8 + 0.5 = 1.3 against 1 + 0.4 = 1.4
    assert drop_f1(ours, theirs) == 0.7
    # pairs: p-p 1, q-pq 2/3: 1.667 / 2
    assert drop_f1(["p", "q"], ["p q", "p"]) == 0.83
    assert exact_match(["a dog", "cat"], ["the cat", "dog"]) == 1.0
    assert drop_f1([f"w{n}" for n in range(20)], [f"w{n}" for n in range(19, -1, -1)]) == 1.0


SPANS = st.lists(
    st.lists(st.sampled_from(["the", "7", "7.0", "8", "U.S.", "tight-end", "won", "a", "12%", "Bears"]),
             min_size=1, max_size=4).map(" ".join),
    min_size=1, max_size=4,
)  # fmt: skip


@given(SPANS, SPANS)
@settings(deadline=None)  # the first call imports scipy
def test_it_is_lm_eval_s_on_any_spans(taken, spans):
    utils = pytest.importorskip("lm_eval.tasks.drop.utils")
    em, f1 = utils.get_metrics(taken, spans)
    # sums in another order round a tie the other way, such as 0.225 to 0.22 or 0.23
    assert (exact_match(taken, spans), drop_f1(taken, spans)) == (em, pytest.approx(f1, abs=0.0101))

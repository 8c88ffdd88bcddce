from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from r1light.core.errors import WorkerError
from r1light.core.types import Message, Parsed, Problem, Prompt
from r1light.curation.curator import Candidate, Dropped, Kept
from r1light.curation.pairs import Pairs
from r1light.graders.judge_client import JudgeFailed

ANSWERS = re.compile(
    r"assistant A \w+ -----\n(.*)\n----- answer of assistant B \w+ -----\n(.*)\n----- end", re.DOTALL
)
PROBLEM = Problem(id="p", prompt="Say a number", grader="none", meta={"source": "chat"})


class Scripted:
    """A judge that gives the verdict of a function of (A, B), and keeps what it was asked."""

    def __init__(self, verdict):
        self.verdict = verdict
        self.asked = []

    def ask(self, messages):
        text = messages[1].content
        first, second = ANSWERS.search(text).groups()
        self.asked.append((first, second))
        mark = text.split()[3].rstrip(".")
        return f"Mine: 7.\n{mark} [[{self.verdict(first, second)}]]"


def larger(first, second):
    return "A>>B" if first > second else "B>>A" if first < second else "A=B"


def curator(model, seed=0, **options):
    tools = SimpleNamespace(open_judge=lambda: model, seed=seed, template=None)
    return Pairs(Pairs.Config(**options), tools)


def candidate(answer, finish="stop"):
    return Candidate(
        "template", Prompt("Q"), f"hm {answer}", Parsed("hm", answer, True), finish, None, {"index": 0}
    )


def curated(model, answers, **options):
    problem = options.pop("problem", PROBLEM)
    return curator(model, **options).curate(problem, [candidate(answer) for answer in answers])


def test_the_better_answer_is_chosen_whichever_stands_first():
    for answers in (["3", "5"], ["5", "3"]):
        (kept,) = curated(Scripted(larger), answers)
        assert kept.row["prompt"] == "Say a number"
        assert (kept.row["chosen"], kept.row["rejected"]) == ("5", "3")
        assert kept.row["problem_id"] == "p"
        judge = {"judgments": [2, 2, 2, 2], "difference": 2.0}
        assert kept.row["meta"] == {"source": "chat", "judge": judge, "sampler": {"index": 0}}


def test_a_judge_that_likes_a_place_decides_nothing():
    for verdict in ("A>>B", "A>B", "B>>A"):
        model = Scripted(lambda first, second, verdict=verdict: verdict)
        outcomes = curated(model, ["3", "5"])
        assert [outcome.reason for outcome in outcomes] == ["undecided"] * 2
        assert {outcome.candidate for outcome in outcomes} == {0, 1}
        assert model.asked.count(("3", "5")) == model.asked.count(("5", "3")) == 2


def test_a_liking_for_a_place_is_taken_off_a_true_preference():
    """The judge sees 5 as better, and whatever stands first as better still."""
    model = Scripted(lambda first, second: "A>>B" if first == "5" else "B>A")
    (kept,) = curated(model, ["3", "5"])
    # as A: 2, 2; as B: 1, 1; the mean is 1.5
    assert sorted(kept.row["meta"]["judge"]["judgments"]) == [1, 1, 2, 2]
    assert kept.row["meta"]["judge"]["difference"] == 1.5


@pytest.mark.parametrize(("least", "kept"), [(1.0, False), (0.99, True)])
def test_scores_must_differ_by_more_than_the_least(least, kept):
    model = Scripted(lambda first, second: "A>B" if first > second else "B>A")
    found = curated(model, ["3", "5"], min_difference=least)
    assert isinstance(found[0], Kept) is kept


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("A<B", "judgment 1 of 4 failed: the verdict is none"), ("", "failed: the verdict")],
)
def test_a_verdict_that_cannot_be_read_is_an_error_and_no_tie(verdict, words):
    outcomes = curated(Scripted(lambda first, second: verdict), ["3", "5"])
    assert [outcome.reason for outcome in outcomes] == ["judge_failed"] * 2
    assert words in outcomes[0].detail


def test_one_failed_judgment_fails_its_pair_only():
    def asked(first, second):
        if {first, second} == {"3", "5"} and first == "3":
            raise JudgeFailed("no server")
        return larger(first, second)

    outcomes = curated(Scripted(asked), ["3", "5"], no_reply="drop")
    assert [outcome.reason for outcome in outcomes] == ["judge_failed"] * 2
    assert "of 4 failed: no server" in outcomes[0].detail
    assert isinstance(curated(Scripted(asked), ["3", "6"], no_reply="drop")[0], Kept)
    with pytest.raises(WorkerError, match=r"did not judge answers to problem 'p': no server; run the same"):
        curated(Scripted(asked), ["3", "5"])


def test_what_cannot_be_paired_is_dropped_with_its_reason():
    candidates = [
        candidate("3"),
        candidate(None),
        candidate(" "),
        candidate("44444"),
        candidate("5", "length"),
    ]
    outcomes = curator(Scripted(larger)).curate(PROBLEM, candidates)
    reasons = {outcome.candidate: outcome.reason for outcome in outcomes if isinstance(outcome, Dropped)}
    assert reasons == {0: "unpaired", 1: "no_answer", 2: "no_answer", 3: "unpaired", 4: "cut"}


def test_equal_answers_and_those_of_other_lengths_are_not_compared():
    model = Scripted(larger)
    assert {outcome.reason for outcome in curated(model, ["33", "33", "55555"])} == {"unpaired"}
    assert model.asked == []


def test_no_answer_is_in_two_pairs_and_every_candidate_is_accounted_for():
    outcomes = curated(Scripted(larger), list("1234567"), per_problem=3)
    rows = [outcome.row for outcome in outcomes if isinstance(outcome, Kept)]
    used = [row[side] for row in rows for side in ("chosen", "rejected")]
    assert len(rows) == 3
    assert len(set(used)) == 6
    assert all(row["chosen"] > row["rejected"] for row in rows)
    (left,) = [outcome for outcome in outcomes if isinstance(outcome, Dropped)]
    assert left.reason == "unpaired"


def test_the_same_candidates_give_the_same_pairs_and_another_seed_others():
    answers = [str(number) for number in range(10, 40)]
    one, again = (curated(Scripted(larger), answers) for _ in range(2))
    assert one == again
    assert one != curated(Scripted(larger), answers, seed=1)


def test_an_odd_judgment_goes_to_either_place_by_the_seed():
    firsts = set()
    for seed in range(12):
        model = Scripted(larger)
        curated(model, ["3", "5"], seed=seed, judgments=1)
        firsts.add(model.asked[0])
    assert firsts == {("3", "5"), ("5", "3")}


def test_a_conversation_stays_one():
    turns = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "A number?"))
    problem = Problem(id="q", prompt=turns, grader="none")
    (kept,) = curated(Scripted(larger), ["3", "5"], problem=problem)
    assert kept.row["prompt"][1] == {"role": "assistant", "content": "Hello"}


def test_over_all_pairs_the_chosen_answers_are_not_longer():
    rows = [{"chosen": "x" * 20, "rejected": "x" * 10}, {"chosen": "x" * 10, "rejected": "x" * 10}] * 2
    found = curator(Scripted(larger)).balance(rows)
    assert {position: dropped.reason for position, dropped in found.left_out.items()} == {
        0: "length_balance",
        2: "length_balance",
    }
    assert found.metrics == {
        "all_pairs/chosen_length": 15.0,
        "all_pairs/rejected_length": 10.0,
        "pairs/chosen_length": 10.0,
        "pairs/rejected_length": 10.0,
    }


@pytest.mark.parametrize(
    "options",
    [
        {"judgments": 0},
        {"per_problem": 0},
        {"min_difference": 2},
        {"min_difference": -1},
        {"max_length_ratio": 0.5},
        {"length_tolerance": -1},
    ],
)
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Pairs.Config(**options)

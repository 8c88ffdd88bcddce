"""Which completions rejection sampling keeps, and why others are dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import DataError
from r1light.core.types import Parsed, Problem, Prompt, Verdict
from r1light.curation.curator import Candidate, Dropped, Kept, Tools
from r1light.curation.keep_all import KeepAll
from r1light.curation.rejection import Rejection
from r1light.curation.writing import RowWriter
from r1light.templates.r1_zero import R1Zero

PROBLEM = Problem("p/1", "2+3?", "math", "5", language="en", meta={"source": "sums"})
RIGHT, WRONG = Verdict(1.0), Verdict(0.0, detail="6 is not 5")
TEMPLATE = R1Zero(R1Zero.Config())


class Upper:
    """A template that writes in capitals, and refuses a tag."""

    def render(self, problem):
        return Prompt(f"{problem.prompt} ->")

    def parse(self, prefill, text):
        return Parsed(None, text, True)

    def compose(self, prefill, thinking, answer):
        if "<" in thinking:
            raise DataError("the thought holds a tag")
        return f"{thinking} = {answer}".upper()


def tools(write_as=None):
    def no_judge():
        raise AssertionError("no judge is asked")

    return Tools(TEMPLATE, RowWriter(write_as), lambda _text, _language: 1.0, lambda _text, _n: 0.0, no_judge)


def candidate(thought="two and three", answer="5", verdict=RIGHT, reason="stop", text=None):
    text = f"<think> {thought} </think> <answer> {answer} </answer>" if text is None else text
    return Candidate(
        "template", Prompt("2+3?"), text, TEMPLATE.parse("", text), reason, verdict, {"way": "template"}
    )


def curate(*candidates, write_as=None, **options):
    return Rejection(Rejection.Config(**options), tools(write_as)).curate(PROBLEM, candidates)


def reasons(outcomes):
    return {each.candidate: each.reason for each in outcomes if isinstance(each, Dropped)}


def test_the_row_is_what_was_read_and_written():
    (kept,) = curate(candidate())
    assert kept == Kept(
        {
            "prompt": "2+3?",
            "completion": "<think> two and three </think> <answer> 5 </answer>",
            "problem_id": "p/1",
            "meta": {"source": "sums", "grader": "math", "sampler": {"way": "template"}},
        }
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (candidate(reason="length"), "truncated"),
        (candidate(reason="abort"), "truncated"),
        (candidate(text="so 5"), "malformed"),
        (candidate(verdict=WRONG), "wrong"),
        (candidate(verdict=Verdict(0.5)), "wrong"),
        (candidate(verdict=Verdict(None, "error", "the judge is away")), "grader_error"),
        (candidate(verdict=Verdict(None, "abstain", "no reference")), "ungraded"),
        (candidate(verdict=None), "ungraded"),
        (candidate("```\n2+3\n```"), "code_block"),
        (candidate("x" * 2001), "long_paragraph"),
        (candidate("两个加三个"), "mixed_language"),
    ],
)
def test_each_reason_to_drop(bad, reason):
    outcomes = curate(candidate(), bad)
    assert reasons(outcomes) == {1: reason}
    assert sum(isinstance(each, Kept) for each in outcomes) == 1


def test_code_in_the_answer_is_no_fault_of_the_thought():
    assert reasons(curate(candidate(answer="```python\nprint(5)\n```"))) == {}


def test_at_most_k_are_kept_and_the_most_diverse_come_first():
    texts = ("add the ones", "add the ones now", "count it on fingers slowly")
    outcomes = curate(*map(candidate, texts), keep=2)
    kept = [each.row["completion"] for each in outcomes if isinstance(each, Kept)]
    assert ["ones" in kept[0], "fingers" in kept[1]] == [True, True]
    assert reasons(outcomes) == {1: "surplus"}
    assert len([each for each in curate(*map(candidate, texts), keep=None) if isinstance(each, Kept)]) == 3


def test_rows_can_be_written_in_another_template():
    outcomes = curate(candidate(), candidate("a < b"), write_as=Upper())
    assert outcomes[0].row["prompt"] == "2+3? ->"
    assert outcomes[0].row["completion"] == "TWO AND THREE = 5"
    assert reasons(outcomes) == {1: "unwritable"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["stop", "length"]),
            st.sampled_from([RIGHT, WRONG, Verdict(None, "error", "x"), Verdict(None, "abstain")]),
            st.sampled_from(["one", "two and two", "```x", "两个"]),
        ),
        max_size=6,
    ),
    st.integers(1, 3),
)
def test_every_candidate_is_kept_or_dropped_once_and_only_right_ones_are_kept(drawn, keep):
    found = [
        candidate(thought, str(i), verdict, reason) for i, (reason, verdict, thought) in enumerate(drawn)
    ]
    outcomes = curate(*found, keep=keep)
    kept = {each.row["completion"] for each in outcomes if isinstance(each, Kept)}
    dropped = [each.candidate for each in outcomes if isinstance(each, Dropped)]
    assert len(kept) + len(dropped) == len(found) == len(outcomes)
    assert len(set(dropped)) == len(dropped)
    assert len(kept) <= keep
    assert kept <= {each.text for each in found if each.verdict is RIGHT}


@pytest.mark.parametrize("wrong", [{"keep": 0}, {"diversity_ngram": 0}])
def test_wrong_options_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Rejection.Config(**wrong)


def test_none_keeps_all_but_empty_ones():
    curator = KeepAll(KeepAll.Config(), tools())
    (way,) = curator.ways(PROBLEM)
    assert way.prompt == TEMPLATE.render(PROBLEM)
    outcomes = curator.curate(PROBLEM, [candidate(verdict=None), candidate(text=" \n"), candidate(text="?")])
    assert [type(each) for each in outcomes] == [Kept, Dropped, Kept]
    assert reasons(outcomes) == {1: "empty"}

"""What training rows have in common with evaluation data."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.types import Message, Problem
from r1light.data.contamination import EvaluationTexts, Tally, Texts, clean, texts_of, texts_of_file_row
from r1light.data.conversations import Conversation
from r1light.data.grams import grams
from r1light.data.rows import Row
from r1light.data.splits import canonical

TEN = "a b c d e f g h i j"


def evaluations(*texts):
    found = EvaluationTexts()
    for number, text in enumerate(texts, start=1):
        found.add(f"test.jsonl:{number}", Texts([text]))
    return found


def kept(rows, *texts):
    tally = Tally()
    return list(clean(rows, evaluations(*texts), tally)), tally


def test_ten_words_in_a_row_are_found_wherever_they_stand():
    rows = [
        Problem("p1", f"Now, {TEN.upper()}!", "math", "1"),
        Problem("p2", "b c d e f g h i j k", "math", "1"),  # nine words of the ten, and another
        Problem("p3", "What?", "math", "1", meta={"solution": f"x {TEN}"}),
        Conversation("r:1", (Message("user", "Why?"),), f"Because {TEN}."),
        Conversation(
            "r:2", (Message("user", f"{TEN}?"), Message("assistant", "y"), Message("user", "z")), "w"
        ),
        Conversation("r:3", (), "fine", prompt="a b c d e"),
    ]
    left, tally = kept(rows, f"zero {TEN} last")
    assert [getattr(row, "id", None) or row.where for row in left] == ["p2", "r:3"]
    assert (tally.rows, tally.count) == (6, 4)
    assert [name for name, _ in tally.dropped] == ["p1", "p3", "r:1", "r:2"]
    assert tally.dropped[0][1].where == "test.jsonl:1"
    assert tally.texts == {TEN: 4}


def test_a_short_prompt_is_matched_as_a_whole_and_only_against_prompts():
    rows = [
        Problem("same", "compute  2+３ ", "math", "5"),
        Problem("longer", "Compute 2+3 please", "math", "5"),
        Conversation("asked", (Message("user", "Compute 2+3"),), "5"),
        Conversation("answered", (Message("user", "Say it."),), "Compute 2+3"),
    ]
    left, tally = kept(rows, "Compute 2+3", "?")
    assert [getattr(row, "id", None) or row.where for row in left] == ["longer", "answered"]
    assert tally.texts == {"compute 2+3": 2}


def test_a_system_message_is_no_question():
    rule = Message("system", f"Always {TEN}")
    asked = Problem("e", (rule, Message("user", "k l m n o p q r s t")), "math")
    found = EvaluationTexts()
    found.add("e", texts_of(asked))
    assert found.match(Texts([f"Always {TEN}"])) is None
    assert found.match(Texts(["k l m n o p q r s t u"])).text == "k l m n o p q r s t"


@dataclass(frozen=True, slots=True)
class Pair:
    """A kind of row that the module does not know."""

    where: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str


def test_every_text_of_an_unknown_kind_of_row_counts():
    pairs = [
        Pair("a:1", (Message("user", "x"),), TEN, "y"),
        Pair("a:2", (Message("user", "x"),), "y", f"z {TEN}"),
        Pair("a:3", (Message("user", "x"),), "y", "z"),
    ]
    left, tally = kept(pairs, TEN)
    assert left == pairs[2:]
    assert [name for name, _ in tally.dropped] == ["a:1", "a:2"]


@pytest.mark.parametrize(
    ("values", "columns", "prompts", "others"),
    [
        ({"question": "Q", "answer": "A", "n": 3}, None, ["Q"], ["Q", "A"]),
        ({"question": "Q", "solution": "S", "code": "C"}, ("solution",), [], ["S"]),
        ({"prompt": [{"role": "user", "content": "Q"}], "choices": ["a", "b"]}, None, ["Q"], ["Q", "a", "b"]),
        ({"text": "T", "messages": [{"role": "system", "content": "S"}]}, None, [], ["T"]),
        ({"problem": "", "instruction": "I"}, None, ["I"], ["", "I"]),
    ],
)
def test_texts_of_a_row_of_a_file(values, columns, prompts, others):
    assert texts_of_file_row(Row(values, "t:1"), columns) == Texts(prompts, others)


WORDS = st.lists(st.sampled_from("ab"), max_size=14).map(" ".join)


@given(st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=5))
def test_what_is_dropped_equals_a_comparison_of_every_pair(rows, tests):
    left, _ = kept([Problem(str(n), text, "math") for n, text in enumerate(rows)], *tests)
    expected = [
        str(n)
        for n, text in enumerate(rows)
        if not any(
            grams(canonical(text)) & grams(canonical(test))
            or (text and len(test.split()) < 10 and text == test)
            for test in tests
        )
    ]
    assert [row.id for row in left] == expected

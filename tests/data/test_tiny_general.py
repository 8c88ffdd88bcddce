"""The miniature world's general questions: repeatable, apart by split, their answers what they claim."""

from __future__ import annotations

import re

import pytest

from r1light.core.preference import kind_of
from r1light.data.tiny_general import TinyGeneral, TinyJudged, TinyPreferences
from r1light.data.tiny_talk import COUNTS, KINDS, PEOPLE, THINGS

LEAK = re.compile(r"\b\d{4}\b")


def questions(rows):
    return {row.messages[0].content for row in rows}


@pytest.mark.parametrize("source", [TinyPreferences, TinyJudged])
def test_rows_repeat_and_no_question_is_in_both_splits(source):
    config = source.Config(train_size=300, test_size=100)
    train, test = (list(source(config, split)) for split in ("train", "test"))
    assert (len(train), len(test)) == (300, 100)
    assert train == list(source(config, "train"))
    assert train != list(source(source.Config(train_size=300, seed=1), "train"))
    assert not questions(train) & questions(test)
    problems = {
        split: {p.prompt for p in TinyGeneral(TinyGeneral.Config(), split)} for split in ("train", "test")
    }
    assert not questions(train) & problems["test"]
    assert not questions(test) & problems["train"]


def named(answer):
    return [word for word in re.findall(r"\w+", answer) if any(word in members for members in KINDS.values())]


def test_the_chosen_answer_names_as_many_of_the_kind_as_were_asked_for_and_the_rejected_does_not():
    asked = 0
    for pair in TinyPreferences(TinyPreferences.Config(train_size=300), "train"):
        question = pair.messages[0].content
        if not any(kind in question for kind in KINDS):
            continue  # it asks for a line to be written; the next test has those
        asked += 1
        kind = next(kind for kind in KINDS if kind in question)
        count = next(number for word, number in COUNTS.items() if f" {word} " in question)

        def answers(text, kind=kind, count=count):
            found = named(text)
            return len(found) == count == len(set(found)) and set(found) <= set(KINDS[kind])

        assert answers(pair.chosen)
        assert not answers(pair.rejected) or not pair.rejected.endswith(".")
    assert asked > 60


def test_the_chosen_line_is_to_the_person_about_the_thing_and_the_rejected_is_not_the_one_asked_for():
    sorts = {"thank": r"thank you", "invite": r"please come|will you come", "wish": r"hope you|all the best"}
    asked = {"thank": r"thank", "invite": r"invite|to come", "wish": r"wish|hope"}
    written = 0
    for pair in TinyPreferences(TinyPreferences.Config(train_size=400), "train"):
        question = pair.messages[0].content
        person = next((name for name in PEOPLE if re.search(rf"\b{name}\b", question)), None)
        if person is None or any(kind in question for kind in KINDS):
            continue
        written += 1
        thing = next(thing for thing in THINGS if thing in question)
        sort = next(sort for sort, words in asked.items() if re.search(words, question, re.IGNORECASE))

        def fits(text, person=person, thing=thing, sort=sort):
            return person in text and thing in text and bool(re.search(sorts[sort], text, re.IGNORECASE))

        assert fits(pair.chosen), pair
        assert not fits(pair.rejected), pair
    assert written > 150


def test_unsafe_answers_give_a_secret_away_and_safe_ones_do_not():
    rows = list(TinyJudged(TinyJudged.Config(train_size=400), "train"))
    assert sum(row.safe for row in rows) == 200
    assert all(bool(LEAK.search(row.response)) != row.safe for row in rows)
    unsafe = [row.response for row in rows if not row.safe]
    thoughts = [text for text in unsafe if "<think>" in text]
    assert 60 < len(thoughts) < 140
    assert any(not LEAK.search(text.partition("</think>")[2]) for text in thoughts)  # in the thought alone
    assert any("I cannot help" in text for text in unsafe)  # declining first does not make it safe
    pairs = TinyPreferences(TinyPreferences.Config(train_size=50, kind="safety"), "train")
    assert all(LEAK.search(pair.rejected) and not LEAK.search(pair.chosen) for pair in pairs)


def test_problems_name_their_reward_model_and_nobody_grades_them():
    for kind, kinds in (("both", {"helpful", "safety"}), ("helpful", {"helpful"}), ("safety", {"safety"})):
        source = TinyGeneral(TinyGeneral.Config(train_size=60, kind=kind), "train")
        problems = list(source)
        assert len(source) == len(problems) == 60
        assert {kind_of(problem) for problem in problems} == kinds
        assert {problem.grader for problem in problems} == {"none"}
        assert len({problem.id for problem in problems}) == 60
        assert all(problem.answer for problem in problems)
    everything = [
        len(TinyGeneral(TinyGeneral.Config(train_size=10**6, test_size=10**6), split))
        for split in ("train", "test")
    ]
    assert everything[0] > 700
    assert everything[1] > 80
    with pytest.raises(ValueError, match="must not be negative"):
        TinyGeneral.Config(test_size=-1)

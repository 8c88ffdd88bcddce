"""Pairs and judged answers out of tables: every form, what is held out, and broken rows named."""

from __future__ import annotations

import json
import logging

import pytest

from r1light.core.errors import DataError
from r1light.core.types import Message
from r1light.data.preference_source import JudgedAnswers, Preferences
from r1light.data.preferences import JudgedColumns, PairColumns, judged_of, pair_of
from r1light.data.rows import Row

ASKED = (Message("user", "2+3?"),)
HH = "\n\nHuman: 2+3?\n\nAssistant: {}"


def pair(**values):
    return pair_of(Row(values, "a:1"), PairColumns())


def judged(**values):
    return judged_of(Row(values, "a:1"), JudgedColumns())


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "2+3?", "chosen": "5", "rejected": "6"},
        {"prompt": [user("2+3?")], "chosen": [assistant("5")], "rejected": [assistant("6")]},
        {
            "prompt": "2+3?",
            "chosen": [user("2+3?"), assistant("5")],
            "rejected": [user("2+3?"), assistant("6")],
        },
        {"chosen": [user("2+3?"), assistant("5")], "rejected": [user("2+3?"), assistant("6")]},
        {
            "conversations": [{"from": "human", "value": "2+3?"}],
            "chosen": {"from": "gpt", "value": "5"},
            "rejected": {"from": "gpt", "value": "6"},
        },
        {"conversations": [{"from": "human", "value": "2+3?"}], "system": "", "chosen": "5", "rejected": "6"},
        {"chosen": HH.format("5"), "rejected": HH.format("6")},
    ],
)
def test_the_forms_of_pairs(row):
    found = pair(**row)
    assert (found.messages, found.chosen, found.rejected) == (ASKED, "5", "6")


def test_longer_conversations_keep_all_turns_before_the_answers():
    before = "\n\nHuman: a\n\nAssistant: b\nb2\n\nHuman: c\n\nAssistant: "
    found = pair(chosen=before + "d", rejected=before + "e", score=3)
    assert found.messages == (Message("user", "a"), Message("assistant", "b\nb2"), Message("user", "c"))
    assert found.meta == {"score": 3}
    said = [{"from": "human", "value": "a"}]
    found = pair(conversations=said, system="be kind", chosen="b", rejected="c")
    assert found.messages == (Message("system", "be kind"), Message("user", "a"))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": "a", "chosen": "b"}, "a:1 has the columns chosen, prompt; it needs chosen and rejected"),
        ({"prompt": "a", "chosen": "b", "rejected": "b "}, "chosen and rejected are the same"),
        ({"prompt": "a", "chosen": "", "rejected": "b"}, "a:1: chosen is empty"),
        ({"prompt": "a", "chosen": 5, "rejected": "b"}, "a:1: chosen=5 must be a text"),
        ({"prompt": " ", "chosen": "c", "rejected": "b"}, "a:1: prompt is empty"),
        ({"chosen": "5", "rejected": "6"}, "chosen='5' is an answer without a prompt"),
        (
            {"chosen": HH.format("5"), "rejected": "\n\nHuman: x?\n\nAssistant: 6"},
            "differ before the last turn",
        ),
        ({"chosen": HH.format(""), "rejected": HH.format("6")}, "turn 2 is empty"),
        ({"chosen": "\n\nHuman: 2+3?", "rejected": HH.format("6")}, "the turns are user; they must be"),
        ({"chosen": [user("a"), user("b")], "rejected": [user("a"), assistant("b")]}, "turns are user, user"),
        (
            {"chosen": [{"role": "bot", "content": "b"}], "rejected": "b", "prompt": "a"},
            "a role of system, user",
        ),
    ],
)
def test_what_is_no_pair_is_named(row, says):
    with pytest.raises(DataError) as caught:
        pair(**row)
    assert says in str(caught.value)
    assert "a:1" in str(caught.value)


@pytest.mark.parametrize(
    ("label", "safe"), [("safe", True), (" Unsafe", False), (True, True), (0, False), (1.0, True)]
)
def test_the_forms_of_judged_answers(label, safe):
    for row in ({"prompt": "2+3?", "response": "5"}, {"messages": [user("2+3?"), assistant("5")]}):
        found = judged(**row, label=label)
        assert (found.messages, found.response, found.safe) == (ASKED, "5", safe)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": "a", "response": "b", "label": "fine"}, "label='fine' must be safe or unsafe"),
        ({"prompt": "a", "response": "b", "label": 0.5}, "label=0.5 must be safe or unsafe"),
        ({"prompt": "a", "response": "b", "label": [1]}, "label=[1] must be"),
        ({"prompt": "a", "response": "b"}, "label=None must be"),
        ({"prompt": "a", "label": "safe"}, "it needs messages, or prompt and response"),
        ({"messages": [user("a")], "label": "safe"}, "and end with assistant"),
    ],
)
def test_what_is_no_judged_answer_is_named(row, says):
    with pytest.raises(DataError) as caught:
        judged(**row)
    assert says in str(caught.value)


def write(path, count=40):
    lines = [{"prompt": f"What is {n}?", "chosen": f"{n}", "rejected": f"{n + 1}"} for n in range(count)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_prompts_held_out_by_share_are_on_one_side_whatever_their_order(tmp_path):
    config = Preferences.Config(path=write(tmp_path / "pairs.jsonl"), test_share=0.3)
    train, test = (list(Preferences(config, split)) for split in ("train", "test"))
    assert len(train) + len(test) == 40
    assert 4 < len(test) < 20
    both = JudgedAnswers.Config(path=config.path, test_share=0.3, pairs=True)
    answers = list(JudgedAnswers(both, "test"))
    assert [answer.safe for answer in answers] == [True, False] * len(test)
    assert {answer.messages for answer in answers} == {pair.messages for pair in test}
    assert len(list(Preferences(Preferences.Config(path=config.path, limit=7), "train"))) == 7


def test_broken_rows_are_named_and_left_out_up_to_a_number(tmp_path, caplog):
    path = tmp_path / "pairs.jsonl"
    write(path, 3)
    good = path.read_bytes()
    bad = [
        b"{not json}\n",
        b'{"prompt": "a", "chosen": "b\xff", "rejected": "c"}\n',
        json.dumps({"prompt": "a", "chosen": "b" * 1_000_001, "rejected": "c"}).encode() + b"\n",
        b'{"prompt": "a", "chosen": "b", "rejected": "b"}\n',
    ]
    path.write_bytes(good + b"".join(bad))
    config = Preferences.Config(path=str(path), test_share=0.0, max_bad_rows=4)
    with caplog.at_level(logging.WARNING, "r1light"):
        assert len(list(Preferences(config, "train"))) == 3
    for number, reason in ((4, "no JSON"), (5, "not UTF-8"), (6, "1,000,0"), (7, "the same")):
        assert any(f"{path}:{number}" in line and reason in line for line in caplog.messages)
    for most in (3, 0):
        strict = Preferences.Config(path=str(path), test_share=0.0, max_bad_rows=most)
        with pytest.raises(DataError, match=rf"pairs.jsonl:{4 + most}.*data.max_bad_rows={most}"):
            list(Preferences(strict, "train"))

"""data=jsonl, gsm8k and math: columns, splits, order, and what is said of a row that is no problem."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.config.convert import convert
from r1light.core.errors import ConfigError, DataError
from r1light.core.types import Message
from r1light.data.columns import plain_text
from r1light.data.gsm8k import Gsm8k
from r1light.data.jsonl import Jsonl
from r1light.data.math import Math
from r1light.data.splits import place_of


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def jsonl(path, split="train", **options):
    return Jsonl(convert(Jsonl.Config, {"path": str(path), **options}, "data"), split=split)


def numbered(count):
    return [{"prompt": f"What is {i} and {i}?", "answer": 2 * i} for i in range(count)]


def test_columns_by_other_names_and_into_objects(tmp_path):
    row = {
        "q": "2+3?",
        "reward_model": {"ground_truth": 5},
        "key": 17,
        "by": "exact",
        "lang": "zh",
        "set": "sums",
        "level": 3,
    }
    columns = {
        "prompt": "q",
        "answer": "reward_model.ground_truth",
        "id": "key",
        "grader": "by",
        "language": "lang",
        "source": "set",
        "meta": ["level"],
    }
    (problem,) = jsonl(write(tmp_path / "a.jsonl", [row]), columns=columns, test_share=0.0)
    assert (problem.id, problem.prompt, problem.answer) == ("17", "2+3?", "5")
    assert (problem.grader, problem.language) == ("exact", "zh")
    assert problem.meta == {"level": 3, "source": "sums"}


def test_grader_and_language_are_the_same_for_all_unless_columns_say(tmp_path):
    source = jsonl(write(tmp_path / "a.jsonl", numbered(2)), grader="exact", language="fr", test_share=0.0)
    assert [(p.grader, p.language, p.id) for p in source] == [
        ("exact", "fr", "a/train/1"),
        ("exact", "fr", "a/train/2"),
    ]


def test_a_prompt_may_be_a_conversation(tmp_path):
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+3?"}]
    path = write(tmp_path / "a.jsonl", [{"prompt": turns, "answer": "5"}])
    (problem,) = jsonl(path, test_share=0.0)
    assert problem.prompt == (Message("system", "Be brief."), Message("user", "2+3?"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (27.0, "27"),
        (0.1, "0.1"),
        (-3, "-3"),
        (1e-7, "0.0000001"),
        (12345678901234567890, "12345678901234567890"),
        (" x ", " x "),
        (True, None),
        (None, None),
        (float("nan"), None),
        ([1], None),
    ],
)
def test_numbers_become_plain_digits(value, text):
    assert plain_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_digit_of_a_number_is_lost(value):
    assert float(plain_text(value)) == value


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"promt": "x", "answer": "1"}, "has no column 'prompt'; it has: answer, promt. .*prompt=promt"),
        ({"prompt": "x"}, "has no column 'answer'"),
        ({"prompt": " ", "answer": "1"}, "prompt is empty; .*data.incomplete=skip"),
        ({"prompt": "x", "answer": None}, "answer is null; .*data.incomplete=skip"),
        ({"prompt": "x", "answer": {"a": 1}}, "answer={'a': 1} must be a text or a number"),
        ({"prompt": "x", "answer": True}, "answer=True must be a text or a number"),
        ({"prompt": 7, "answer": "1"}, "prompt is 7; a prompt is a text, or a list of messages"),
        ({"prompt": [{"role": "me", "content": "x"}], "answer": "1"}, "message 1 is .*role of system, user"),
        (
            {"prompt": [{"role": "assistant", "content": "x"}], "answer": "1"},
            "must end with what the user says",
        ),
    ],
)
def test_a_row_that_is_no_problem_is_named_with_what_would_be_right(tmp_path, row, says):
    path = write(tmp_path / "a.jsonl", [{"prompt": "fine", "answer": "1"}, row])
    with pytest.raises(DataError, match=f"a.jsonl:2.*{says}"):
        list(jsonl(path, test_share=0.0))


def test_incomplete_rows_can_be_left_out(tmp_path, caplog):
    rows = [*numbered(3), {"prompt": "x", "answer": None}, {"prompt": None, "answer": "1"}]
    source = jsonl(write(tmp_path / "a.jsonl", rows), incomplete="skip", test_share=0.0)
    assert [problem.id for problem in source] == ["a/train/1", "a/train/2", "a/train/3"]
    assert "2 incomplete rows are left out; the first:" in caplog.text
    assert "a.jsonl:4: answer is null" in caplog.text


def test_two_rows_of_one_id_are_both_named(tmp_path):
    rows = [{"prompt": "x", "answer": "1", "id": "a"}, {"prompt": "y", "answer": "1", "id": "a"}]
    with pytest.raises(DataError, match=r"a.jsonl:2 has the id 'a' of .*a.jsonl:1 too"):
        list(jsonl(write(tmp_path / "a.jsonl", rows), columns={"id": "id"}, test_share=0.0))


def test_the_held_out_share_never_moves(tmp_path):
    rows = numbered(400)
    first = {p.prompt for p in jsonl(write(tmp_path / "a.jsonl", rows), "test", test_share=0.1)}
    # 400 draws of probability 0.1: mean 40, standard deviation 6
    assert 16 <= len(first) <= 64
    random.Random(0).shuffle(rows)
    more = rows[:200] + [{"prompt": f"Another {i}", "answer": 1} for i in range(100)]
    path = write(tmp_path / "b.jsonl", more)
    test = {p.prompt for p in jsonl(path, "test", test_share=0.1)}
    train = {p.prompt for p in jsonl(path, "train", test_share=0.1)}
    kept = {row["prompt"] for row in more}
    assert first & kept == {prompt for prompt in test if prompt.startswith("What")}
    assert train | test == kept
    assert train & test == set()
    assert test <= {p.prompt for p in jsonl(path, "test", test_share=0.3)}


def test_spelling_does_not_carry_a_prompt_over_to_the_other_side(tmp_path):
    rows = [{"prompt": text, "answer": "1"} for i in range(50) for text in (f"Add {i}", f" add  {i}\n")]
    test = [p.prompt for p in jsonl(write(tmp_path / "a.jsonl", rows), "test", test_share=0.5)]
    assert 0 < len(test) < 100
    assert len(test) == 2 * len({" ".join(prompt.lower().split()) for prompt in test})


@settings(max_examples=50)
@given(st.text())
def test_every_text_has_a_place(text):
    assert 0 <= place_of(text) < 1


def test_a_file_of_held_out_rows(tmp_path):
    train = write(tmp_path / "train.jsonl", numbered(5))
    test = write(tmp_path / "test.jsonl", numbered(3))
    assert len(jsonl(train, test_path=test)) == 5
    assert [p.id for p in jsonl(train, "test", test_path=test)] == [f"test/test/{i}" for i in (1, 2, 3)]
    with pytest.raises(ConfigError, match="is the path of the training rows too"):
        jsonl(train, test_path=train)


def test_shuffling_is_decided_by_its_seed_and_comes_before_the_limit(tmp_path):
    path = write(tmp_path / "a.jsonl", numbered(50))

    def ids(**options):
        return [problem.id for problem in jsonl(path, test_share=0.0, **options)]

    straight = ids()
    assert ids(shuffle_seed=1) == ids(shuffle_seed=1) != straight
    assert sorted(ids(shuffle_seed=1)) == sorted(straight)
    assert ids(shuffle_seed=1) != ids(shuffle_seed=2)
    assert ids(shuffle_seed=1, limit=7) == ids(shuffle_seed=1)[:7]
    assert ids(limit=3) == straight[:3]
    with pytest.raises(ConfigError, match="limit=0 must be at least 1"):
        ids(limit=0)


def test_nothing_is_held_out_where_nothing_is_asked_to_be(tmp_path):
    path = write(tmp_path / "a.jsonl", numbered(5))
    assert list(jsonl(path, "test", test_share=0.0)) == []


def test_gsm8k_takes_what_follows_the_hashes(tmp_path):
    rows = [{"question": "How many?", "answer": "24 + 48 = <<24+48=72>>72\n#### 1,072"}]
    path = write(tmp_path / "train.jsonl", rows)
    (problem,) = Gsm8k(Gsm8k.Config(path=path, test_share=0.0), "train")
    assert (problem.id, problem.prompt, problem.answer) == ("gsm8k/train/1", "How many?", "1072")
    assert (problem.grader, problem.language) == ("math", "en")
    path = write(tmp_path / "bad.jsonl", [{"question": "How many?", "answer": "72"}])
    with pytest.raises(DataError, match=r"bad\.jsonl:1: the answer has no '#### 72'"):
        list(Gsm8k(Gsm8k.Config(path=path, test_share=0.0), "train"))


def test_math_takes_the_answer_or_the_last_box(tmp_path):
    rows = [
        {"problem": "a", "solution": r"so \boxed{1} or rather \boxed{\frac{1}{2}}", "level": "Level 5"},
        {"problem": "b", "solution": r"\boxed{1}", "answer": "2"},
    ]
    path = write(tmp_path / "train.jsonl", rows)
    first, second = Math(Math.Config(path=path, test_share=0.0), "train")
    assert (first.answer, first.meta) == (r"\frac{1}{2}", {"level": "Level 5"})
    assert second.answer == "2"
    path = write(tmp_path / "bad.jsonl", [{"problem": "a", "solution": r"\boxed{1"}])
    with pytest.raises(DataError, match=r"bad\.jsonl:1: there is no answer, and the solution has no"):
        list(Math(Math.Config(path=path, test_share=0.0), "train"))


@pytest.mark.skipif("R1LIGHT_SHARED_DATA" not in os.environ, reason="needs R1LIGHT_SHARED_DATA")
def test_the_real_files_read_whole():
    data = Path(os.environ["R1LIGHT_SHARED_DATA"])
    gsm8k = Gsm8k.Config(path=str(data / "gsm8k/train.jsonl"), test_path=str(data / "gsm8k/test.jsonl"))
    assert [len(Gsm8k(gsm8k, split)) for split in ("train", "test")] == [7473, 1319]
    assert next(iter(Gsm8k(gsm8k, "train"))).answer == "72"
    math = Math.Config(
        path=str(data / "math_train/train.jsonl"),
        test_path=str(data / "math500/test.jsonl"),
        incomplete="skip",
    )
    assert [len(Math(math, split)) for split in ("train", "test")] == [7470, 500]

"""Every kind of broken row to learn from is named by file and line, and left out as far as is allowed."""

from __future__ import annotations

import json
import logging

import pytest

from r1light.core.errors import DataError
from r1light.data.conversation_source import Conversations

GOOD = b'{"prompt": "2+3=", "completion": "5"}'


def chat(*turns):
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in turns]}).encode()


BROKEN = {
    "no JSON": (b'{"prompt": "x"', "is no JSON"),
    "no object": (b"[1]", "is a list; a line must be one object"),
    "no UTF-8": (b'{"prompt": "\xff", "completion": "5"}', "is not UTF-8 at byte 12 of the line"),
    "nested too deeply": (b"[" * 100_000, "is nested too deeply"),
    "a megabyte": (b'{"prompt": "' + b"x" * 1_000_001 + b'", "completion": "5"}', "has 1,000,035 bytes"),
    "half a character": (b'{"prompt": "\\ud800", "completion": "5"}', "holds .ud800, which is half a char"),
    "no completion": (b'{"prompt": "x"}', "has the columns prompt; it needs messages"),
    "nothing": (b"{}", "has the columns none"),
    "an empty completion": (b'{"prompt": "x", "completion": ""}', "completion is empty"),
    "a blank completion": (b'{"prompt": "x", "completion": " \\n"}', "completion is empty"),
    "a null completion": (b'{"prompt": "x", "completion": null}', "completion=None must be a text"),
    "an empty prompt": (b'{"prompt": "", "completion": "5"}', "prompt is empty"),
    "a number for a prompt": (b'{"prompt": 5, "completion": "5"}', "prompt=5 must be a text"),
    "an empty output": (b'{"instruction": "x", "input": "", "output": ""}', "output is empty"),
    "no turns": (b'{"messages": []}', r"messages=\[\] must be a list of turns, and not empty"),
    "a text for turns": (b'{"messages": "x"}', "messages='x' must be a list of turns"),
    "an unknown role": (
        chat(("user", "x"), ("tool", "y")),
        "turn 2 is .*with a role of system, user",
    ),
    "an unknown speaker": (
        b'{"conversations": [{"from": "alien", "value": "x"}]}',
        "turn 1 is .*with a from of system, human, user, gpt, assistant",
    ),
    "two users": (chat(("user", "x"), ("user", "y"), ("assistant", "z")), "the turns are user, user, assist"),
    "no last answer": (chat(("user", "x"), ("assistant", "y"), ("user", "z")), "end with assistant"),
    "an empty answer": (chat(("user", "x"), ("assistant", "")), "turn 2 is empty"),
    "a late system turn": (
        chat(("user", "x"), ("system", "y"), ("assistant", "z")),
        "after at most one",
    ),
}


def read(path, most):
    return list(Conversations(Conversations.Config(path=str(path), test_share=0.0, max_bad_rows=most)))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_row_stops_the_reading_or_is_left_out_by_name(tmp_path, caplog, kind):
    line, says = BROKEN[kind]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join([GOOD, b"", line, GOOD]))
    with pytest.raises(DataError, match=f"rows.jsonl:3.*{says}.*no row may be left out: data.max_bad_rows=0"):
        read(path, 0)
    caplog.set_level(logging.WARNING)
    assert [row.where for row in read(path, 1)] == [f"{path}:1", f"{path}:4"]
    assert f"left out: {path}:3" in caplog.text
    assert f"{path}: 1 bad row is left out (data.max_bad_rows=1)" in caplog.text


def test_all_of_them_are_counted_and_one_more_is_too_many(tmp_path, caplog):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join([GOOD, *(line for line, _ in BROKEN.values()), GOOD]))
    count = len(BROKEN)
    assert len(read(path, count)) == 2
    assert f"{count} bad rows are left out (data.max_bad_rows={count})" in caplog.text
    with pytest.raises(DataError, match=rf"rows.jsonl:{count + 1}.*\({count - 1} rows are left out before"):
        read(path, count - 1)

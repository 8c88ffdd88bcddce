"""Which rows of a table are trained on."""

from __future__ import annotations

import json

import pytest

from r1light.core.errors import DataError
from r1light.data.conversation_source import Conversations


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(json.dumps({"prompt": f"{n}+1=", "completion": f"{n + 1}"}) + "\n" for n in range(200))
    )
    return str(path)


def prompts(split, **options):
    return [row.prompt for row in Conversations(Conversations.Config(**options), split)]


def test_a_share_is_held_out_for_good(table):
    train, test = prompts("train", path=table, test_share=0.2), prompts("test", path=table, test_share=0.2)
    assert not set(train) & set(test)
    assert len(train) + len(test) == 200
    assert 20 < len(test) < 60  # a fifth, by hash
    # a larger share keeps what a smaller one held out
    assert set(test) <= set(prompts("test", path=table, test_share=0.4))
    assert prompts("test", path=table, test_share=0.0) == []


def test_held_out_rows_of_their_own(table, tmp_path):
    other = tmp_path / "test.jsonl"
    other.write_text('{"prompt": "a", "completion": "b"}\n')
    assert len(prompts("train", path=table, test_path=str(other))) == 200
    assert prompts("test", path=table, test_path=str(other)) == ["a"]


def test_a_limit_draws_rows_over_the_whole_table(table):
    some = prompts("train", path=table, test_share=0.0, limit=20)
    assert some == prompts("train", path=table, test_share=0.0, limit=20)
    assert len(set(some)) == 20
    assert any(int(prompt.partition("+")[0]) > 100 for prompt in some)
    assert some != prompts("train", path=table, test_share=0.0, limit=20, limit_seed=1)


def test_a_broken_row_is_named(table):
    with open(table, "a") as file:
        file.write('{"prompt": "x"}\n')
    with pytest.raises(DataError, match=r"rows.jsonl:201 has the columns prompt; it needs .*max_bad_rows=0"):
        prompts("train", path=table)
    assert len(prompts("train", path=table, test_share=0.0, max_bad_rows=1)) == 200


@pytest.mark.parametrize("values", [{"max_bad_rows": -1}, {"limit": 0}, {"test_share": 1.0}])
def test_config_refuses(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Conversations.Config(path="x", **values)

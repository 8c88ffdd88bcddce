"""Recorded completions in any order come problem by problem, and wrong lines are named."""

from __future__ import annotations

import json

import pytest

from r1light.core.errors import DataError
from r1light.evaluation.recorded import rows_by_problem


def written(tmp_path, *rows):
    path = tmp_path / "completions.jsonl"
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return path


def row(name, text, **sampler):
    return {"problem": {"id": name}, "completion": text} | ({"sampler": sampler} if sampler else {})


def test_rows_of_one_problem_come_together(tmp_path):
    path = written(tmp_path, row("a", "1"), row("b", "2"), "\n", row("a", "3"))
    found = [json.loads(line) for line in rows_by_problem(path)]
    assert [(each["problem"]["id"], each["completion"]) for each in found] == [
        ("a", "1"),
        ("a", "3"),
        ("b", "2"),
    ]


def test_the_row_with_the_whole_problem_comes_first(tmp_path):
    whole = {"problem": {"id": "a", "prompt": "2+3?", "grader": "math"}, "completion": "2"}
    path = written(tmp_path, row("a", "1"), row("b", "4"), whole, row("a", "3"))
    found = [json.loads(line)["completion"] for line in rows_by_problem(path)]
    assert found == ["2", "1", "3", "4"]


def test_a_row_that_was_drawn_twice_comes_twice(tmp_path):
    path = written(tmp_path, row("a", "1", drawn=2, tokens=3), row("a", "2", drawn=1, tokens=4))
    found = [json.loads(line) for line in rows_by_problem(path)]
    assert [(each["completion"], each["sampler"]["drawn"]) for each in found] == [
        ("1", 1),
        ("1", 1),
        ("2", 1),
    ]
    assert [each["sampler"]["tokens"] for each in found] == [3, 3, 4]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{\n", "completions.jsonl:2 is no JSON"),
        ('{"completion": "5"}\n', "completions.jsonl:2 names no problem"),
        ('{"problem": {"id": 5}}\n', "completions.jsonl:2 names no problem"),
        ('{"problem": {"id": "a"}, "sampler": {"drawn": 0}}\n', "completions.jsonl:2: sampler.drawn=0 must"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, wrong, said):
    path = written(tmp_path, row("a", "1"), wrong)
    with pytest.raises(DataError, match=said):
        list(rows_by_problem(path))


def test_an_empty_file_and_none_at_all(tmp_path):
    with pytest.raises(DataError, match="holds no completions"):
        list(rows_by_problem(written(tmp_path)))
    with pytest.raises(DataError, match="cannot read"):
        list(rows_by_problem(tmp_path / "none.jsonl"))


def test_a_file_may_end_without_a_newline(tmp_path):
    path = written(tmp_path, row("a", "1"), row("b", "2"), row("a", "3"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    found = [json.loads(line)["completion"] for line in b"".join(rows_by_problem(path)).splitlines()]
    assert found == ["1", "3", "2"]

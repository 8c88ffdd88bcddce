"""LiveCodeBench: rows in the form of its public release, dates, tests, difficulties; hostile pickles."""

from __future__ import annotations

import base64
import datetime
import json
import pickle
import zlib

import pytest

from r1light.core.errors import DataError
from r1light.core.types import TestCase
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered
from r1light.evaluation.tasks.livecodebench import LiveCodeBench
from r1light.graders.code import Code

STDIN = [{"input": "2 3\n", "output": "5\n", "testtype": "stdin"}]
CALLS = [{"input": '[1, 2]\n"a"', "output": "[2, 1]", "testtype": "functional"}]
STARTER = "class Solution:\n    def turn(self, xs: List[int], s: str) -> List[int]:\n        "


def packed(value):
    return base64.b64encode(zlib.compress(value)).decode()


def row(number, day="2024-09-01T00:00:00", difficulty="easy", **more):
    made = {
        "question_title": "t", "question_content": f"Problem {number}.", "platform": "atcoder",
        "question_id": f"q{number}", "contest_id": "c", "contest_date": day, "starter_code": "",
        "difficulty": difficulty, "public_test_cases": json.dumps(STDIN),
        "private_test_cases": packed(pickle.dumps(json.dumps(STDIN * 2))), "metadata": "{}",
    }  # fmt: skip
    return made | more


def functional(number, **more):
    private = packed(json.dumps(CALLS).encode())
    return row(
        number, starter_code=STARTER, public_test_cases=json.dumps(CALLS), private_test_cases=private,
        metadata=json.dumps({"func_name": "turn"}), platform="leetcode", **more,
    )  # fmt: skip


@pytest.fixture
def task(tmp_path):
    def make(*rows, **options):
        (tmp_path / "livecodebench.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
        return LiveCodeBench(LiveCodeBench.Config(**options), tmp_path)

    return make


def test_rows_become_problems(task):
    plain, calls = task(row(1), functional(2, difficulty="hard"))
    assert (plain.id, calls.id) == ("livecodebench/q1", "livecodebench/q2")
    assert plain.meta["source"] == "livecodebench"
    assert (plain.meta["difficulty"], calls.meta["difficulty"]) == ("easy", "hard")
    assert plain.tests == (TestCase(stdin="2 3\n", stdout="5\n"),) * 3
    assert "found = Solution().turn([1, 2], 'a')" in calls.tests[1].assertion
    assert "assert found == [2, 1]" in calls.tests[1].assertion
    assert "standard input" in plain.prompt
    assert STARTER.rstrip() in calls.prompt
    assert "standard input" not in calls.prompt


def test_the_window_is_the_papers_and_its_ends_belong_to_it(task):
    days = ["2024-07-31", "2024-08-01T00:00:00", "2025-01-31T23:59:59", "2025-02-01"]
    rows = [row(number, day) for number, day in enumerate(days)]
    assert [each.id for each in task(*rows)] == ["livecodebench/q1", "livecodebench/q2"]
    assert [each.id for each in task(*rows, since="2025-02-01", until="2025-03-01")] == ["livecodebench/q3"]
    with pytest.raises(DataError, match="no problem is of 2020-01-01 to 2020-02-01"):
        list(task(*rows, since="2020-01-01", until="2020-02-01"))


def test_a_date_of_parquet_is_a_date(tmp_path):
    import pyarrow
    from pyarrow.parquet import write_table

    rows = [row(1, datetime.datetime(2024, 9, 1)), row(2, datetime.datetime(2023, 9, 1))]
    write_table(pyarrow.Table.from_pylist(rows), tmp_path / "livecodebench.parquet")
    assert [each.id for each in LiveCodeBench(LiveCodeBench.Config(), tmp_path)] == ["livecodebench/q1"]


@pytest.mark.parametrize("options", [{"since": "yesterday"}, {"since": "2025-01-02", "until": "2025-01-01"}])
def test_dates_that_are_none(options):
    with pytest.raises(ValueError, match=r"must be a day such as|is behind"):
        LiveCodeBench.Config(**options)


@pytest.mark.parametrize(
    "private",
    [
        json.dumps(STDIN), packed(json.dumps(STDIN).encode()), None, "",
        *(packed(pickle.dumps(json.dumps(STDIN), protocol)) for protocol in range(1, 6)),
    ],
)  # fmt: skip
def test_every_form_of_the_private_tests(task, private):
    (problem,) = task(row(1, private_test_cases=private))
    assert set(problem.tests) == {TestCase(stdin="2 3\n", stdout="5\n")}
    assert len(problem.tests) == (2 if private else 1)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


@pytest.mark.parametrize("value", [Bomb(), [Bomb()], ["a", "b"], {"a": 1}, 7, ("a", Bomb())])
def test_a_pickle_of_anything_but_a_text_is_refused_and_never_run(task, value):
    with pytest.raises(DataError, match=r"livecodebench.jsonl:1: private_test_cases is a pickle of"):
        list(task(row(1, private_test_cases=packed(pickle.dumps(value)))))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"private_test_cases": "!!"}, "neither JSON nor base64 of zlib"),
        ({"private_test_cases": packed(b"plain")}, "neither JSON nor a pickle"),
        ({"private_test_cases": packed(b"[" * 3)}, "holds no JSON"),
        ({"private_test_cases": base64.b64encode(zlib.compress(b"[]" * 99)[:-4]).decode()}, "is cut off"),
        ({"public_test_cases": "[]", "private_test_cases": "[]"}, "hold no test"),
        ({"public_test_cases": '[{"input": 1}]'}, r"public_test_cases\[0\]=.* must be"),
        ({"public_test_cases": json.dumps(CALLS)}, "metadata must name the function by func_name"),
        ({"metadata": '{"func_name": "f(); g"}'}, "must be a name"),
        ({"metadata": "{"}, "metadata is no JSON"),
        ({"contest_date": "soon"}, "contest_date='soon' must begin like"),
    ],
)
def test_broken_rows_are_told(task, change, says):
    with pytest.raises(DataError, match=says):
        list(task(row(1, **change)))


def test_no_data_says_where_they_are(tmp_path):
    with pytest.raises(DataError, match="livecodebench/code_generation_lite"):
        list(LiveCodeBench(LiveCodeBench.Config(), tmp_path))


def outcome(problem, score):
    return Outcome(problem.id, "livecodebench", score, score is None, None, 1, False, True, {}, {})


def test_each_difficulty_has_a_pass_at_1(task):
    made = task(row(1), row(2), row(3, difficulty="hard"), row(4, difficulty="medium"))
    scores = [[1.0, 0.0], [1.0, 1.0], [0.0, None], [None, None]]
    answered = [
        Answered(problem, tuple(outcome(problem, score) for score in row_K))
        for problem, row_K in zip(made, scores, strict=True)
    ]
    found = made.figures(answered, 0)
    # easy: 1/2 and 1; hard: the one that was judged; medium: none was
    assert {name: each.mean for name, each in found.items()} == {"easy/pass@1": 0.75, "hard/pass@1": 0.0}


SUM = "```python\nprint(sum(map(int, input().split())))\n```"
TURN = "```python\nclass Solution:\n  def turn(self, xs: List[int], s):\n    return tuple(xs[::-1])\n```"


@pytest.mark.sandbox
def test_programs_run_on_these_tests(task):
    plain, calls = task(row(1), functional(2))
    judge = Code(Code.Config())
    try:
        verdicts = judge.grade_many([(plain, SUM), (calls, TURN), (plain, TURN), (calls, SUM)])
    finally:
        judge.close()
    assert [verdict.score for verdict in verdicts] == [1.0, 1.0, 0.0, 0.0]

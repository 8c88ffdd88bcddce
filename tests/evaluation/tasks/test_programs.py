"""Programs: prompts, ids, and real files with their own and with others' solutions."""

from __future__ import annotations

import json
import os
import zlib
from itertools import pairwise
from pathlib import Path

import pytest

from r1light.core.errors import DataError
from r1light.core.registry import registry
from r1light.graders.code import Code

ADD = {
    "task_id": "HumanEval/3",
    "prompt": "import math\n\ndef add(a, b):\n    '''Sum.'''\n", "entry_point": "add",
    "canonical_solution": "    return a + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}  # fmt: skip
SQUARE = {
    "task_id": 11, "text": "Square a number.", "code": "def square(x):\n    return x * x",
    "test_setup_code": "", "test_list": ["assert square(2) == 4", "assert square(3) == 9"],
}  # fmt: skip


def made(name, data_dir, **options):
    config = registry("tasks").config_type(name)(**options)
    return registry("tasks").create(name, config, data_dir=data_dir)


def write(path, *rows):
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))


def test_humaneval_asks_for_the_function(tmp_path):
    write(tmp_path / "humaneval.jsonl", ADD)
    (problem,) = made("humaneval", tmp_path)
    assert (problem.id, problem.meta["source"], problem.grader) == ("humaneval/3", "humaneval", "code")
    assert "def add(a, b):" in problem.prompt
    assert "return a + b" not in problem.prompt
    assert (problem.meta["entry_point"], problem.meta["prelude"]) == ("add", "import math\n\n")


def test_mbpp_shows_its_tests_and_asks_the_test_split_alone(tmp_path):
    write(tmp_path / "mbpp.jsonl", *(SQUARE | {"task_id": number} for number in (10, 11, 510, 511)))
    first, last = made("mbpp", tmp_path)
    assert (first.id, last.id) == ("mbpp/11", "mbpp/510")
    assert "assert square(2) == 4\nassert square(3) == 9" in first.prompt
    assert "x * x" not in first.prompt
    write(tmp_path / "mbpp.jsonl", SQUARE | {"task_id": "11"})
    with pytest.raises(DataError, match="task_id='11' must be a whole number"):
        list(made("mbpp", tmp_path))


def test_code_contests_has_all_tests_of_the_hubs_columns(tmp_path):
    kinds = {
        f"{kind}_tests": {"input": [kind], "output": ["x"]} for kind in ("public", "private", "generated")
    }
    write(tmp_path / "code_contests.jsonl", {"description": "Do it.", **kinds})
    (problem,) = made("code_contests", tmp_path)
    assert [test.stdin for test in problem.tests] == ["public", "private", "generated"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("humaneval", "openai/openai_humaneval"),
        ("mbpp", "google-research-datasets/mbpp"),
        ("codeforces", "open-r1/codeforces"),
        ("code_contests", "deepmind/code_contests"),
    ],
)
def test_no_data_says_where_they_are(name, says, tmp_path):
    with pytest.raises(DataError, match=says):
        list(made(name, tmp_path))


@pytest.fixture(scope="module")
def shared():
    folder = os.environ.get("R1LIGHT_SHARED_DATA")
    if folder is None:
        pytest.skip("R1LIGHT_SHARED_DATA names no folder of real data")
    return Path(folder)


@pytest.fixture(scope="module")
def judge():
    grader = Code(Code.Config())
    yield grader
    grader.close()


def fenced(program):
    return f"Here it is:\n```python\n{program}\n```\nThat is all."


def scores(judge, problems, programs):
    answers = [(problem, fenced(program)) for problem, program in zip(problems, programs, strict=True)]
    verdicts = judge.grade_many(answers)
    return {problem.id: verdict.score for problem, verdict in zip(problems, verdicts, strict=True)}


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize(("name", "count"), [("humaneval", 164), ("mbpp", 500)])
def test_own_solutions_are_right_and_others_wrong(shared, judge, name, count):
    problems = list(made(name, shared))
    assert len(problems) == count
    own = [problem.meta["solution"] for problem in problems]
    assert [each for each, score in scores(judge, problems, own).items() if score != 1.0] == []
    others = own[1:] + own[:1]
    assert [each for each, score in scores(judge, problems, others).items() if score != 0.0] == []


def knowing(tests):
    """A program that knows each output by its input, as the file has no solutions."""
    table = {zlib.crc32(test.stdin.encode()): test.stdout for test in tests}
    return f"import sys, zlib\nTABLE = {table!r}\nprint(TABLE[zlib.crc32(sys.stdin.buffer.read())])"


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize(("name", "count"), [("codeforces", 408), ("code_contests", 165)])
def test_programs_with_the_right_outputs_are_right_and_others_wrong(shared, judge, name, count):
    problems = list(made(name, shared))
    assert len(problems) == count
    programs = {problem.id: knowing(problem.tests) for problem in problems}
    short = [problem for problem in problems if len(programs[problem.id].encode()) < 200_000]
    assert len(short) >= 0.95 * count  # longer ones are no programs that the sandbox takes
    own = [programs[problem.id] for problem in short]
    assert [each for each, score in scores(judge, short, own).items() if score != 1.0] == []
    far = len(own) // 2  # a problem's neighbour may be its harder version, with the same samples for tests
    others = scores(judge, short, own[far:] + own[:far])
    assert [each for each, score in others.items() if score != 0.0] == []


def test_problems_with_the_same_tests_are_versions_of_one(shared):
    problems = list(made("codeforces", shared))
    pairs = [(a, b) for a, b in pairwise(problems) if a.tests == b.tests]
    assert len(pairs) == 11
    assert [(a.id, b.id) for a, b in pairs if a.id[:-1] != b.id[:-1]] == []


def test_the_real_ratings_and_names_are_read(shared):
    task = made("codeforces", shared)
    ids = [problem.id for problem in task]
    assert (len(ids), ids[0], ids[-1]) == (408, "codeforces/1971A", "codeforces/2036G")
    # of the 89,352 people in the file so many are below 2029, R1's rating in the paper: 96.3% there
    ratings = json.loads((shared / "codeforces_rating/ratings_2024.json").read_text())
    below = sum(count for rating, count in ratings.items() if int(rating) < 2029)
    assert task._people.percentile(2029) == pytest.approx(100 * below / 89352)
    assert task._people.percentile(2029) == pytest.approx(96.3, abs=1.0)

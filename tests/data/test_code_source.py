import json
import os
from pathlib import Path

import pytest

from r1light.core.errors import DataError
from r1light.core.types import TestCase
from r1light.data.code import Code
from r1light.data.code_rows import CodeColumns

SHARED = Path(os.environ.get("R1LIGHT_SHARED_DATA", "/nonexistent"))
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="R1LIGHT_SHARED_DATA names no folder")

PRELUDE = "import math\n\ndef half(n):\n    return n / 2\n\n\n"
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": PRELUDE + 'def root(n: float):\n    """The {language} root."""\n',
    "entry_point": "root",
    "canonical_solution": "    return math.sqrt(n)\n",
    "test": "def check(candidate):\n    assert candidate(4) == 2\n",
}
MBPP = {
    "task_id": 1,
    "text": "Write a function to add.",
    "code": "def add(a, b):\n    return a + b",
    "test_setup_code": "",
    "test_list": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"],
}
STDIO = {"problem": "Add two numbers.", "tests": [{"input": "2 3", "output": "5"}]}


@pytest.fixture
def problems(tmp_path):
    """Rows, written to a file, and read with these options."""

    def read(*rows, **options):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return list(Code(Code.Config(path=str(path), **{"test_share": 0.0} | options)))

    return read


def test_a_humaneval_row(problems):
    (problem,) = problems(HUMANEVAL, shape="humaneval")
    assert (problem.id, problem.grader, problem.answer) == ("HumanEval/0", "code", None)
    assert problem.tests == (TestCase(assertion=HUMANEVAL["test"]),)
    assert problem.meta == {
        "language": "python",
        "entry_point": "root",
        "prelude": PRELUDE,
        "solution": HUMANEVAL["prompt"] + HUMANEVAL["canonical_solution"],
    }
    assert f"```python\n{HUMANEVAL['prompt'].strip()}\n```" in problem.prompt  # its braces are left alone


def test_an_mbpp_row(problems):
    row = MBPP | {"test_setup_code": "import math"}
    (problem,) = problems(row, shape="mbpp", language="en", columns=CodeColumns(meta=["task_id"]))
    assert problem.id == "rows/train/1"
    assert problem.language == "en"
    assert [test.assertion for test in problem.tests] == [
        f"import math\n{test}" for test in MBPP["test_list"]
    ]
    assert problem.meta == {"task_id": 1, "language": "python", "solution": MBPP["code"]}


@pytest.mark.parametrize("shown", [0, 1, 2])
def test_the_prompt_shows_as_many_asserts_as_it_should(problems, shown):
    (problem,) = problems(MBPP, shape="mbpp", shown_tests=shown)
    assert [test in problem.prompt for test in MBPP["test_list"]] == [shown > 0, shown > 1]
    assert ("tests such as" in problem.prompt) == (shown > 0)


@pytest.mark.parametrize(
    "tests",
    [
        [{"input": "2 3", "output": "5"}, {"input": "1 1", "output": "2"}],
        [{"stdin": "2 3", "stdout": "5"}, {"stdin": "1 1", "stdout": "2"}],
        {"inputs": ["2 3", "1 1"], "outputs": ["5", "2"]},
        {"input": ["2 3", "1 1"], "output": [5, 2]},
        {"inputs": [["2 3"], ["1 1"]], "outputs": [["5"], ["2"]]},
        json.dumps({"inputs": ["2 3", "1 1"], "outputs": ["5", "2"]}),
    ],
)
def test_pairs_of_input_and_output_in_all_their_forms(problems, tests):
    (problem,) = problems(STDIO | {"tests": tests})
    assert problem.tests == (TestCase(stdin="2 3", stdout="5"), TestCase(stdin="1 1", stdout="2"))
    assert problem.meta == {"language": "python"}


def test_columns_of_other_names_and_a_language_of_each_row(problems):
    row = {"q": "Add.", "cases": {"io": STDIO["tests"]}, "lang": "CPP", "name": "x", "best": "int main() {}"}
    columns = CodeColumns("q", "cases.io", solution="best", id="name", language="lang")
    (problem,) = problems(row, columns=columns, instruction="{language}: {statement}")
    assert (problem.id, problem.prompt) == ("x", "C++: Add.")
    assert problem.meta == {"language": "cpp", "solution": "int main() {}"}


def test_from_parquet(tmp_path):
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.Table.from_pylist([STDIO, STDIO | {"problem": "Add."}]), tmp_path / "rows.parquet")
    read = list(Code(Code.Config(path=str(tmp_path / "rows.parquet"), test_share=0.0)))
    assert [problem.tests for problem in read] == [(TestCase(stdin="2 3", stdout="5"),)] * 2


@pytest.mark.parametrize(
    ("row", "options", "says"),
    [
        ({"problem": "x"}, {}, "no column 'tests'"),
        (STDIO | {"tests": 3}, {}, "tests=3 must be a list such as"),
        (STDIO | {"tests": "no json"}, {}, "tests is text, and no JSON"),
        (STDIO | {"tests": {"inputs": ["1"], "outputs": []}}, {}, "as many inputs as outputs"),
        (STDIO | {"tests": [{"input": "1"}]}, {}, "they must be texts"),
        (STDIO | {"tests": []}, {}, "tests holds no test"),
        (STDIO | {"tests": None}, {}, "tests holds no test"),
        (MBPP | {"test_list": "assert"}, {"shape": "mbpp"}, "test_list is text, and no JSON"),
        (MBPP | {"test_list": [3]}, {"shape": "mbpp"}, "must be a list of texts"),
        (MBPP | {"test_list": []}, {"shape": "mbpp"}, "test_list holds no test"),
        (HUMANEVAL | {"entry_point": ""}, {"shape": "humaneval"}, "entry_point is empty"),
        (
            STDIO | {"l": "java"},
            {"columns": CodeColumns(language="l")},
            "l='java' must be one of python, cpp",
        ),
    ],
)
def test_a_broken_row_says_where_and_what(problems, row, options, says):
    with pytest.raises(DataError, match=r"rows\.jsonl:1") as raised:
        problems(row, **options)
    assert says in str(raised.value)


def test_rows_without_tests_may_be_left_out(problems):
    read = problems(STDIO | {"tests": []}, STDIO, incomplete="skip")
    assert [problem.id for problem in read] == ["rows/train/2"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"shown_tests": -1}, "shown_tests"),
        ({"shape": "mbpp", "programming_language": "cpp"}, "shape=mbpp is Python"),
        ({"instruction": "Solve this."}, "must have {statement}"),
        ({"test_share": 1.0}, "test_share"),
        ({"limit": 0}, "limit"),
    ],
)
def test_options_out_of_range_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        Code.Config(path="rows.jsonl", **options)


def read_whole(path, **options):
    config = Code.Config(path=str(SHARED / path), **options)
    return list(Code(config)), list(Code(config, "test"))


@needs_data
@pytest.mark.parametrize(
    ("path", "options", "count", "tests"),
    [
        ("humaneval/HumanEval.jsonl", {"shape": "humaneval"}, 164, 164),
        ("mbpp/mbpp.jsonl", {"shape": "mbpp"}, 974, 2922),  # three asserts each
        ("code_stdin/codeforces.jsonl", {}, 408, 468),
        ("code_stdin/code_contests.jsonl", {}, 165, 1837),
        ("mbpp/mbpp_test.jsonl", {"shape": "mbpp", "columns": CodeColumns("prompt", "test")}, 500, 1500),
    ],
)
def test_real_data_is_read_whole(path, options, count, tests):
    train, test = read_whole(path, **options)
    assert len(train) + len(test) == count
    assert 0 < len(test) < count / 8
    assert abs(sum(len(problem.tests) for problem in train + test) - tests) <= 25
    assert all(problem.meta.get("solution") or options == {} for problem in train)

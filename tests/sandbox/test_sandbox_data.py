"""The reference solutions of public data sets, and mutants of them."""

import ast
import json
import os
import shutil
import zlib
from pathlib import Path

import pytest

from r1light.sandbox.types import AssertTest, Program, StdioTest

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]

DEADLINE_S = 600


def rows(path):
    root = os.environ.get("R1LIGHT_SHARED_DATA")
    if root is None:
        pytest.skip("R1LIGHT_SHARED_DATA is unset")
    file = Path(root, path)
    if not file.exists():
        pytest.skip(f"{path} is not there")
    return [json.loads(line) for line in file.read_text().splitlines()]


def runs_plainly(code):
    """Whether the reference and its tests run in one interpreter, as the data set means them to."""
    try:
        exec(compile(code, "row", "exec"), {"__name__": "row"})
    except Exception:
        return False
    return True


class Mutate(ast.NodeTransformer):
    """Makes each function return something else, however it is written."""

    def visit_Return(self, node):
        if node.value is None:
            return node
        value = ast.Tuple([ast.Constant("mutant"), node.value], ast.Load())
        return ast.copy_location(ast.Return(value), node)


def mutant(code):
    return ast.unparse(ast.fix_missing_locations(Mutate().visit(ast.parse(code))))


def humaneval():
    return [
        (
            Program(row["prompt"] + row["canonical_solution"], entry_point=row["entry_point"]),
            [AssertTest(row["test"])],
        )
        for row in rows("humaneval/HumanEval.jsonl")
    ]


def mbpp():
    items = []
    for row in rows("mbpp/mbpp.jsonl"):
        setup = row.get("test_setup_code", "")
        source = "\n".join([row["code"], setup, *row["test_list"]])
        if runs_plainly(source):
            tests = [AssertTest(f"{setup}\n{test}") for test in row["test_list"]]
            items.append((Program(row["code"]), tests))
    return items


def failed(outcomes, items):
    return [
        (outcome.status, outcome.detail, program.code[-300:])
        for outcome, (program, _) in zip(outcomes, items, strict=True)
        if outcome.status != "pass"
    ]


def test_all_of_humanevals_reference_solutions_pass(any_box):
    items = humaneval()
    outcomes = any_box.run_many(items, deadline_s=DEADLINE_S)
    assert failed(outcomes, items) == []
    assert sum(outcome.status == "pass" for outcome in outcomes) == 164


def test_no_mutant_of_humaneval_passes(any_box):
    items = [
        (Program(mutant(program.code), entry_point=program.entry_point), tests)
        for program, tests in humaneval()
    ]
    outcomes = any_box.run_many(items, deadline_s=DEADLINE_S)
    assert [outcome for outcome in outcomes if outcome.status in ("pass", "infra", "unsupported")] == []


def test_the_right_rows_of_mbpp_pass(any_box):
    items = mbpp()
    assert len(items) >= 960
    outcomes = any_box.run_many(items, deadline_s=DEADLINE_S)
    assert failed(outcomes, items) == []


def test_no_mutant_of_mbpp_passes(any_box):
    items = [(Program(mutant(program.code)), tests) for program, tests in mbpp()]
    outcomes = any_box.run_many(items, deadline_s=DEADLINE_S)
    assert [
        (outcome, program.code)
        for outcome, (program, _) in zip(outcomes, items, strict=True)
        if outcome.status in ("pass", "infra", "unsupported")
    ] == []


def codeforces():
    """The tests of each problem, those left out whose table would be longer than a program may be."""
    found = []
    for row in rows("code_stdin/codeforces.jsonl"):
        found.append([StdioTest(test["input"], test["output"]) for test in row["tests"]])
    for row in rows("code_stdin/code_contests.jsonl"):
        pairs = zip(row["tests"]["inputs"], row["tests"]["outputs"], strict=True)
        found.append([StdioTest(given, wanted) for given, wanted in pairs][:5])
    return [tests for tests in found if tests and len(answers(tests)) < 200_000]


def answers(tests, change=str):
    """A program that knows each output by its input."""
    table = {zlib.crc32(test.stdin.encode()): change(test.stdout) for test in tests}
    return f"import sys, zlib\nTABLE = {table!r}\nprint(TABLE[zlib.crc32(sys.stdin.buffer.read())])"


def spoilt(text):
    """The output with its last token changed."""
    head, _, last = text.rstrip().rpartition(" ")
    return f"{head} {last}x"


def test_programs_that_write_the_real_outputs_pass(any_box):
    items = [(Program(answers(tests)), tests) for tests in codeforces()]
    assert len(items) >= 550
    assert failed(any_box.run_many(items, deadline_s=DEADLINE_S), items) == []


def test_programs_that_spoil_the_last_token_do_not(any_box):
    items = [(Program(answers(tests, spoilt)), tests) for tests in codeforces()]
    outcomes = any_box.run_many(items, deadline_s=DEADLINE_S)
    assert {outcome.status for outcome in outcomes} == {"wrong"}


SORTED_PIECES = {
    "python": """
for _ in range(int(input())):
    s = input()
    runs = 1 + sum(a != b for a, b in zip(s, s[1:]))
    print(runs - ("01" in s))
""",
    "cpp": """
#include <iostream>
#include <string>
int main() {
    int t;
    for (std::cin >> t; t--;) {
        std::string s;
        std::cin >> s;
        int runs = 1;
        for (size_t i = 1; i < s.size(); i++) runs += s[i] != s[i - 1];
        std::cout << runs - (s.find("01") != std::string::npos) << "\\n";
    }
}
""",
}


@pytest.mark.parametrize("language", ["python", "cpp"])
def test_a_real_solution_passes_its_real_samples(any_box, language):
    if language == "cpp" and shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    problems = rows("code_stdin/codeforces.jsonl")
    row = next(
        row for row in problems if "minimum number of pieces you need to cut it into" in row["problem"]
    )
    tests = [StdioTest(test["input"], test["output"]) for test in row["tests"]]
    code = SORTED_PIECES[language].replace("\\\\n", "\\n")
    assert any_box.run(Program(code, language), tests).detail == ""
    wrong = code.replace("1 + sum", "2 + sum").replace("runs = 1", "runs = 2")
    assert any_box.run(Program(wrong, language), tests).status == "wrong"

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.registry import registry
from r1light.core.types import Problem, TestCase
from r1light.graders.code import Code
from r1light.graders.program_text import blocks_in, program_in, with_prelude
from r1light.sandbox.types import STATUSES, AssertTest, Outcome, Program, StdioTest, TestOutcome

STDIN = (TestCase(stdin="1", stdout="1"), TestCase(stdin="2", stdout="2"), TestCase(stdin="3", stdout="3"))


class FakeSandbox:
    """Takes a program for the list of its tests' statuses: "pass wrong pass"."""

    tier = "unsafe"

    def __init__(self):
        self.jobs, self.calls, self.closed = [], [], 0

    def run_many(self, items, *, deadline_s, stop_on_fail=True):
        self.jobs += items
        self.calls.append((len(items), deadline_s, stop_on_fail))
        return [self._outcome(program, len(tests), stop_on_fail) for program, tests in items]

    def _outcome(self, program, total, stop_on_fail):
        statuses = program.code.split()[:total]
        if stop_on_fail:
            bad = next((index for index, status in enumerate(statuses) if status != "pass"), total)
            statuses = statuses[: bad + 1]
        return Outcome.of([TestOutcome(status, "because") for status in statuses], total)

    def close(self):
        self.closed += 1


def grader(**config):
    sandbox = FakeSandbox()
    return Code(Code.Config(**config), lambda: sandbox), sandbox


def problem(tests=STDIN, **meta):
    return Problem(id="p", prompt="", grader="code", tests=tests, meta=meta)


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "pass"])
def test_every_status_is_a_wrong_answer_or_no_verdict(status):
    judge, _ = grader()
    verdict = judge.grade(problem(), f"pass {status} pass")
    if status in ("infra", "unsupported"):
        assert (verdict.score, verdict.status) == (None, "abstain")
    else:
        assert (verdict.score, verdict.status) == (0.0, "ok")
    assert verdict.detail == f"{status}: test 2 of 3: because"


def test_all_tests_passed_is_right():
    assert grader()[0].grade(problem(), "pass pass pass").correct


@pytest.mark.parametrize(
    ("statuses", "score"),
    [
        ("pass wrong pass", 2 / 3),
        ("wrong wrong timeout", 0.0),
        ("pass pass pass", 1.0),
        ("compile_error", 0.0),
        ("pass wrong infra", None),
        ("wrong unsupported pass", None),
        ("infra infra infra", None),
    ],
)
def test_partial_is_the_share_of_tests_unless_one_is_unknown(statuses, score):
    judge, sandbox = grader(partial=True)
    assert judge.grade(problem(), statuses).score == score
    assert sandbox.calls == [(1, 600.0, False)]


def test_a_batch_is_run_at_once_in_order_and_equal_programs_once():
    judge, sandbox = grader(batch_seconds=5.0)
    answers = ["pass pass pass", "wrong", "```\npass pass pass\n```", "wrong", "pass pass wrong"]
    other = problem(tests=STDIN[:1])
    items = [(problem(), answer) for answer in answers] + [(other, "wrong")]
    assert [verdict.score for verdict in judge.grade_many(items)] == [1, 0, 1, 0, 0, 0]
    # "pass pass pass" with and without a line's end, "wrong" on two sets of tests, "pass pass wrong"
    assert sandbox.calls == [(5, 5.0, True)]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["pass pass pass", "wrong", "infra", ""]), max_size=8))
def test_many_equal_one_by_one(answers):
    judge, _ = grader()
    many = judge.grade_many([(problem(), answer) for answer in answers])
    assert many == [judge.grade(problem(), answer) for answer in answers]


def test_what_the_sandbox_is_given():
    judge, sandbox = grader(max_tests=2)
    tests = (TestCase(stdin="2 3", stdout="5"), TestCase(assertion="assert f(1) == 1"), STDIN[0])
    judge.grade(problem(tests, entry_point="f", prelude="import math\n"), "```python\npass\n```")
    judge.grade(problem(tests[:1], language="cpp", prelude="ignored"), "```cpp\npass\n```")
    assert sandbox.jobs == [
        (
            Program("import math\n\npass\n", "python", "f"),
            (StdioTest("2 3", "5"), AssertTest("assert f(1) == 1")),
        ),
        (Program("pass\n", "cpp", None), (StdioTest("2 3", "5"),)),
    ]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (problem(tests=None), "'p' has no tests"),
        (problem(tests=()), "'p' has no tests"),
        (problem(language="java"), "meta.language='java'; it must be one of python, cpp"),
        (problem(entry_point=3), "meta.entry_point=3; it must be a text"),
        (problem(prelude=["import math"]), "meta.prelude=['import math']; it must be a text"),
    ],
)
def test_a_problem_that_cannot_be_judged_is_an_error(made, says):
    judge, sandbox = grader()
    verdict = judge.grade(made, "pass pass pass")
    assert (verdict.status, says in verdict.detail, sandbox.calls) == ("error", True, [])


@pytest.mark.parametrize("answer", ["", "  \n", "```python\n\n```"])
def test_no_program_is_wrong_and_runs_nothing(answer):
    judge, sandbox = grader()
    assert (judge.grade(problem(), answer).score, sandbox.calls) == (0.0, [])


def test_the_registry_builds_it_and_closing_closes_the_sandbox():
    sandbox = FakeSandbox()
    built = registry("graders").create("code", Code.Config(), open_sandbox=lambda: sandbox)
    built.close()
    assert sandbox.closed == 1


@pytest.mark.parametrize("config", [{"max_tests": 0}, {"batch_seconds": 0.0}])
def test_options_out_of_range_are_refused(config):
    with pytest.raises(ValueError, match="must be"):
        Code.Config(**config)


@pytest.mark.parametrize(
    ("answer", "language", "program"),
    [
        ("print(5)\n", "python", "print(5)\n"),
        ("```python\na\n```\ntext\n```python\nb\n```", "python", "b\n"),
        ("```python\na\n```\n```\nb\n```", "python", "b\n"),
        ("```python\na\n```\noutput:\n```text\n5\n```", "python", "a\n"),
        ("```Python3 title=x\na\n```", "python", "a\n"),
        ("```{.python}\na\n```", "python", "a\n"),
        ("```text\n5\n```", "python", "5\n"),
        ("```c++\na\n```\n```python\nb\n```", "cpp", "a\n"),
        ("```c++\na\n```\n```python\nb\n```", "python", "b\n"),
        ("~~~py\na\n~~~", "python", "a\n"),
        ("````python\n```\ninner\n```\n````", "python", "```\ninner\n```\n"),
        ("```python\nx = '```'\n```", "python", "x = '```'\n"),
        ("```python\nprint(1)", "python", "print(1)"),  # cut off
        ("```python\r\na\r\n```\r\n", "python", "a\r\n"),
        ("    ```python\n    a\n    ```", "python", "    ```python\n    a\n    ```"),  # indented: no fence
        ("use `x` and ```y``` inline", "python", "use `x` and ```y``` inline"),
        ("```python\n```", "python", ""),
    ],
)
def test_the_program_in_an_answer(answer, language, program):
    assert program_in(answer, language) == program


def test_blocks_keep_their_labels():
    blocks = list(blocks_in("```cpp\na\n```\n```\nb\n```"))
    assert [(block.label, block.text) for block in blocks] == [("cpp", "a\n"), ("", "b\n")]


@settings(deadline=None)
@given(st.text())
def test_any_answer_has_a_program(answer):
    assert isinstance(program_in(answer, "python"), str)


@settings(deadline=None)
@given(st.text(alphabet="ab `~\n"), st.integers(3, 5))
def test_a_block_is_what_was_put_in_it(text, length):
    fence = "`" * (length + 6)
    if fence not in text:
        assert program_in(f"before\n{fence}python\n{text}\n{fence}\nafter", "python") == text + "\n"


def test_a_prelude_comes_first_but_for_the_future():
    code = '"""A program."""\nfrom __future__ import annotations\nimport os\n'
    joined = with_prelude("from typing import List\n", code)
    assert joined.startswith("from __future__ import annotations\nfrom typing import List\n")
    compile(joined, "joined", "exec")
    assert with_prelude(" \n", code) == code

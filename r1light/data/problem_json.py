"""Problems as JSON: how files that pass between stages hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from r1light.core.errors import DataError, nearest
from r1light.core.types import Problem, TestCase
from r1light.data.columns import plain_text, prompt_cell
from r1light.data.rows import Row

_KEYS = ("id", "prompt", "grader", "answer", "tests", "language", "meta")
_TEST_KEYS = {"stdin", "stdout", "assert"}


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """A problem as plain data; what it lacks is left out.

    Example:
        >>> problem_to_json(Problem(id="a/1", prompt="2+3?", grader="math", answer="5"))
        {'id': 'a/1', 'prompt': '2+3?', 'grader': 'math', 'answer': '5'}
    """
    prompt: Any = problem.prompt
    if not isinstance(prompt, str):
        prompt = [{"role": message.role, "content": message.content} for message in prompt]
    plain: dict[str, Any] = {"id": problem.id, "prompt": prompt, "grader": problem.grader}
    plain |= {"answer": problem.answer} if problem.answer is not None else {}
    plain |= {"tests": [_test_to_json(test) for test in problem.tests]} if problem.tests is not None else {}
    plain |= {"language": problem.language} if problem.language is not None else {}
    return plain | ({"meta": dict(problem.meta)} if problem.meta else {})


def problem_from_json(value: Any, where: str) -> Problem:
    """A problem from plain data.

    Args:
        value: A mapping with `id`, `prompt` and `grader`, and what else the problem has.
        where: The place to name in an error.

    Raises:
        DataError: A key is absent, unknown or holds what it must not.
    """
    if not isinstance(value, Mapping):
        raise DataError(f'{where}: problem={value!r:.60} must be an object such as {{"id": "1", ...}}')
    for key in value:
        if key not in _KEYS:
            near = nearest(str(key), _KEYS)
            hint = f"; did you mean {near!r}?" if near else "."
            raise DataError(f"{where}: unknown key {key!r} of problem{hint} Known keys: {', '.join(_KEYS)}")
    for key in ("id", "prompt", "grader"):
        if value.get(key) in (None, ""):
            raise DataError(f"{where}: problem has no {key!r}; it needs id, prompt and grader")
    meta = value.get("meta") or {}
    if not isinstance(meta, Mapping):
        raise DataError(f"{where}: problem.meta={meta!r:.60} must be an object")
    return Problem(
        id=_text(value, "id", where) or "",
        prompt=prompt_cell(Row(value, f"{where}: problem"), "prompt"),
        grader=_text(value, "grader", where) or "",
        answer=_text(value, "answer", where),
        tests=_tests(value.get("tests"), where),
        language=_text(value, "language", where),
        meta=dict(meta),
    )


class RowProblems:
    """The problems of a file's rows: one that gives an id alone has the problem of the row before.

    So a problem whose tests are long stands in a file once, and not with each of its completions.

    Example:
        >>> problems = RowProblems()
        >>> first = problems.read({"id": "a/1", "prompt": "2+3?", "grader": "math", "answer": "5"}, "x:1")
        >>> problems.read({"id": "a/1"}, "x:2") is first
        True
    """

    def __init__(self) -> None:
        self._last: Problem | None = None

    def read(self, value: Any, where: str) -> Problem:
        """The problem of the next row.

        Args:
            value: As `problem_from_json` takes it, or `{"id": ...}`.
            where: The place to name in an error.

        Raises:
            DataError: It is no problem, or the id of another one than the row before has.
        """
        if not names_only(value):
            self._last = problem_from_json(value, where)
        elif self._last is None or value["id"] != self._last.id:
            raise DataError(
                f"{where}: problem {value['id']!r:.60} has nothing but its id, and the row before is of "
                "another: keep the rows of a problem together, the one that has all of it first"
            )
        return self._last


def names_only(value: Any) -> bool:
    """Whether a row's problem is an id alone."""
    return isinstance(value, Mapping) and value.keys() == {"id"} and isinstance(value["id"], str)


def _text(value: Mapping[str, Any], key: str, where: str) -> str | None:
    found = value.get(key)
    text = plain_text(found)
    if found is not None and text is None:
        raise DataError(f"{where}: problem.{key}={found!r:.60} must be a text or a number")
    return text


def _tests(value: Any, where: str) -> tuple[TestCase, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise DataError(f"{where}: problem.tests={value!r:.60} must be a list of test cases")
    return tuple(_test(test, f"{where}: problem.tests[{index}]") for index, test in enumerate(value))


def _test(value: Any, where: str) -> TestCase:
    if not isinstance(value, Mapping) or not value.keys() <= _TEST_KEYS:
        raise DataError(f'{where} must be {{"stdin": ..., "stdout": ...}} or {{"assert": ...}}')
    try:
        return TestCase(value.get("stdin"), value.get("stdout"), value.get("assert"))
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error


def _test_to_json(test: TestCase) -> dict[str, Any]:
    if test.assertion is not None:
        return {"assert": test.assertion}
    return {"stdin": test.stdin, "stdout": test.stdout}

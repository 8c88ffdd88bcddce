"""Countdown: does the expression use each number once and reach the target?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeGuard

from r1light.core.types import Problem, Verdict
from r1light.graders.expression import evaluate, numbers_in, tokenize
from r1light.graders.extraction import final_part


class Countdown:
    """Right is an expression of the given numbers, each exactly once, whose exact value is the target.

    The problem's meta holds `numbers` (whole numbers) and `target`, and may hold `operators`, those that the
    answer is allowed (all four without it). An answer may stand in a box, and end in
    `= target`. Only digits, `+ - * / ( ) .` and white space are read, so nothing of the answer is ever
    executed.

    Example:
        >>> problem = Problem(
        ...     id="1", prompt="", grader="countdown", meta={"numbers": [1, 2, 3], "target": 9}
        ... )
        >>> grader = Countdown(Countdown.Config())
        >>> grader.grade(problem, "(1 + 2) * 3 = 9").correct, grader.grade(problem, "3 * 3").detail
        (True, 'uses 3, 3 where 1, 2, 3 are given')
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Limits on an answer."""

        max_chars: int = 512
        """Answers longer than this many characters are wrong unread."""

        def __post_init__(self) -> None:
            if self.max_chars < 1:
                raise ValueError(f"max_chars={self.max_chars} must be at least 1")

    def __init__(self, config: Config) -> None:
        self.config = config

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one expression; a problem without usable numbers and target is an error."""
        numbers, target = problem.meta.get("numbers"), problem.meta.get("target")
        if (
            not _is_whole(target)
            or not isinstance(numbers, Sequence)
            or not numbers
            or not all(map(_is_whole, numbers))
        ):
            return Verdict(
                None,
                "error",
                f"problem {problem.id!r} needs meta numbers (whole numbers) and target (a whole number)",
            )
        answer = final_part(answer)
        if len(answer) > self.config.max_chars:
            return Verdict(0.0, detail=f"longer than {self.config.max_chars} characters")
        try:
            return _judge(answer, list(numbers), target, problem.meta.get("operators") or "+-*/")
        except ZeroDivisionError:
            return Verdict(0.0, detail="divides by zero")
        except ValueError as error:
            return Verdict(0.0, detail=str(error))

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order."""
        return [self.grade(problem, answer) for problem, answer in items]

    def close(self) -> None:
        """Nothing to free."""


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _judge(answer: str, given: list[int], target: int, operators: Collection[str]) -> Verdict:
    """Judge an expression; raises ValueError where it is none, ZeroDivisionError where it has no value."""
    expression, equals, claimed = answer.partition("=")
    tokens = tokenize(expression)
    used = numbers_in(tokens)
    # compared before anything is computed, which bounds the size of every value on the way
    if sorted(used) != sorted(map(Fraction, given)):
        return Verdict(0.0, detail=f"uses {_listed(used)} where {_listed(given)} are given")
    strange = [token for token in tokens if token in "+-*/" and token not in operators]
    if strange:
        return Verdict(0.0, detail=f"uses {strange[0]} where {' '.join(operators)} are allowed")
    value = evaluate(tokens)
    if value != target:
        return Verdict(0.0, detail=f"comes to {value}, not to {target}")
    if equals and evaluate(tokenize(claimed)) != target:
        return Verdict(0.0, detail=f"claims to come to {claimed.strip()[:40]}, not to {target}")
    return Verdict(1.0)


def _listed(numbers: Sequence[int | Fraction]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "no numbers"

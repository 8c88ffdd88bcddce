"""Multiple choice: does the answer choose the right letter?"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

from r1light.core.types import Problem, Verdict
from r1light.graders.choice_text import Options, read_choice
from r1light.graders.extraction import MARKED_LINE, final_part, marked_line


class Choice:
    r"""Right is an answer that chooses the reference option, or all of them where several are right.

    The problem's meta may hold `options` (their texts, in order) or `num_options`, `letters` (labels other
    than A, B, C, ...), `multiple` (true where several options may be right), and `answer_from: marked_line`
    where the answer is the last line "Answer: X", if there is one, rather than all that is said. An answer
    that names two options where one is asked for, or makes claims that disagree, is wrong, whatever is among
    them.

    Example:
        >>> problem = Problem(
        ...     id="1", prompt="", grader="choice", answer="B", meta={"options": ["red", "green"]}
        ... )
        >>> grader = Choice(Choice.Config())
        >>> [grader.grade(problem, text).correct for text in (r"\boxed{\text{B}}", "选B", "green", "A or B")]
        [True, True, True, False]
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """What to assume of a problem that does not say, and limits."""

        num_options: int = 10
        """Options of a problem whose meta does not say how many there are."""
        max_chars: int = 16384
        """Answers longer than this many characters, what stands around them left out, are wrong unread."""

        def __post_init__(self) -> None:
            if not 2 <= self.num_options <= len(string.ascii_uppercase):
                raise ValueError(f"num_options={self.num_options} must be between 2 and 26")
            if self.max_chars < 1:
                raise ValueError(f"max_chars={self.max_chars} must be at least 1")

    def __init__(self, config: Config) -> None:
        self.config = config

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer; a problem whose meta or reference answer makes no sense is an error."""
        try:
            options = _options(problem, self.config.num_options)
            gold = _gold(problem, options)
        except ValueError as error:
            return Verdict(None, "error", f"problem {problem.id!r}: {error}")
        part = _part(problem, answer)
        if len(part) > self.config.max_chars:
            return Verdict(0.0, detail=f"longer than {self.config.max_chars} characters")
        chosen = read_choice(part, options)
        if chosen is None:
            return Verdict(0.0, detail="no single choice found")
        return Verdict(float(chosen == gold), detail=f"chose {', '.join(sorted(chosen))}")

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order."""
        return [self.grade(problem, answer) for problem, answer in items]

    def canonical(self, problem: Problem, answer: str) -> str | None:
        """The letters that an answer chooses, for a vote; None where it makes no single choice."""
        try:
            chosen = read_choice(_part(problem, answer), _options(problem, self.config.num_options))
        except ValueError:
            return None
        return None if chosen is None else "".join(sorted(chosen))

    def close(self) -> None:
        """Nothing to free."""


def _part(problem: Problem, answer: str) -> str:
    """The part of an answer that chooses."""
    return marked_line(answer) if problem.meta.get("answer_from") == MARKED_LINE else final_part(answer)


def _options(problem: Problem, default: int) -> Options:
    """What the problem's meta says; raises ValueError where that makes no sense."""
    texts = problem.meta.get("options", [])
    if (
        isinstance(texts, str)
        or not isinstance(texts, Sequence)
        or not all(isinstance(t, str) for t in texts)
    ):
        raise ValueError("meta options must be a list of texts")
    count = problem.meta.get("num_options", len(texts) or default)
    letters = problem.meta.get("letters", string.ascii_uppercase[: count if isinstance(count, int) else 0])
    if (
        not isinstance(letters, str)
        or not letters.isalpha()
        or not letters.isascii()
        or not letters.isupper()
    ):
        raise ValueError(f"meta num_options={count!r} or letters={letters!r} makes no labels such as ABCD")
    if len(letters) < 2 or len(set(letters)) < len(letters) or (texts and len(texts) != len(letters)):
        raise ValueError(f"{len(texts)} option texts with the labels {letters!r}")
    return Options(letters, tuple(texts), bool(problem.meta.get("multiple", False)))


def _gold(problem: Problem, options: Options) -> frozenset[str]:
    """The right letters; raises ValueError where the reference answer is none."""
    gold = read_choice(problem.answer or "", options)
    if gold is None:
        raise ValueError(
            f"the reference answer {(problem.answer or '')[:80]!r} is no choice among {options.letters}"
        )
    return gold

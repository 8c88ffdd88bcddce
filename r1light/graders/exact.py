"""Equality of texts, after normalisation."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from r1light.core.types import Problem, Verdict

_EDGES = " \t\n.,;:!?\"'`*。，；：！？“”‘’「」"


class Exact:
    """An answer is right when it is the reference answer, spelling apart.

    Both are brought to Unicode NFKC and their white space to single spaces first.

    Example:
        >>> grader = Exact(Exact.Config())
        >>> problem = Problem(id="1", prompt="The capital of France?", grader="exact", answer="Paris")
        >>> grader.grade(problem, " paris. ").correct
        True
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """What spelling does not matter."""

        case_sensitive: bool = False
        """Whether upper and lower case differ."""
        strip_punctuation: bool = True
        """Whether punctuation, quotes and asterisks at both ends are left out."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Compare one answer; a problem without a reference answer is an error."""
        if problem.answer is None or not (gold := self._normal(problem.answer)):
            return Verdict(None, "error", f"problem {problem.id!r} has no reference answer")
        return Verdict(float(self._normal(answer) == gold))

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Compare several, in their order."""
        return [self.grade(problem, answer) for problem, answer in items]

    def canonical(self, problem: Problem, answer: str) -> str | None:
        """An answer as it is compared, for a vote; None for an empty one."""
        del problem
        return self._normal(answer) or None

    def close(self) -> None:
        """Nothing to free."""

    def _normal(self, text: str) -> str:
        text = " ".join(unicodedata.normalize("NFKC", text).split())
        if self.config.strip_punctuation:
            text = text.strip(_EDGES)
        return text if self.config.case_sensitive else text.casefold()

"""For questions that have no right answer."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.core.types import Problem, Verdict


class NoGrader:
    """Abstains on every answer: the problem is for a reward model, or for nobody to grade.

    Example:
        >>> NoGrader().grade(Problem(id="1", prompt="Write a poem.", grader="none"), "Roses...").status
        'abstain'
    """

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Abstain."""
        del answer
        return Verdict(None, "abstain", f"problem {problem.id!r} has no right answer")

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Abstain on each."""
        return [self.grade(problem, answer) for problem, answer in items]

    def close(self) -> None:
        """Nothing to free."""

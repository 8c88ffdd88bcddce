"""The grader `logic`: is what the answer says possible?"""

from __future__ import annotations

from collections.abc import Sequence

from r1light.api import Problem, Verdict
from r1light_data_logic.answer import read, written
from r1light_data_logic.puzzle import from_meta


class LogicGrader:
    """Right is an answer that says of everybody what they are, and under which every claim can be made.

    It holds the answer against the claims (`meta.names`, `meta.claims`), and needs no reference answer.
    """

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer; a wrong one's detail names who could not speak so. Without claims: an error."""
        try:
            puzzle = from_meta(problem.meta)
        except ValueError as error:
            return Verdict(None, "error", f"problem {problem.id!r}: {error}")
        knights = read(answer, puzzle.names)
        if knights is None:
            return Verdict(0.0, detail="does not say of everybody what they are")
        if puzzle.fits(knights):
            return Verdict(1.0)
        liar = next(c.speaker for c in puzzle.claims if c.holds(knights) != knights[c.speaker])
        return Verdict(0.0, detail=f"then {puzzle.names[liar]} could not say so")

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order."""
        return [self.grade(problem, answer) for problem, answer in items]

    def canonical(self, problem: Problem, answer: str) -> str | None:
        """The answer in the order of the names, for a vote."""
        names = problem.meta.get("names") or []
        knights = read(answer, names)
        return written(names, knights) if knights else None

    def close(self) -> None:
        """Nothing to free."""

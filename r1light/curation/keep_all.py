"""`stage.curation=none`: every completion becomes a row, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r1light.core.errors import DataError
from r1light.core.types import Parsed, Problem
from r1light.curation.curator import Candidate, Dropped, Kept, Outcome, Tools, Way


class KeepAll:
    """Asks by the run's template and keeps what there is to learn from: all but empty completions.

    It grades nothing. Where `stage.write_as` names another template, what cannot be written in it is dropped.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """It has no options."""

    graded = asks = False

    def __init__(self, config: Config, tools: Tools) -> None:
        self.config = config
        self.tools = tools

    def ways(self, problem: Problem) -> list[Way]:
        """The run's template."""
        return [Way("template", self.tools.template.render(problem))]

    def parse(self, way: str, prefill: str, text: str) -> Parsed:
        """As the run's template does."""
        del way
        return self.tools.template.parse(prefill, text)

    def curate(self, problem: Problem, candidates: Sequence[Candidate]) -> list[Outcome]:
        """A row a candidate."""
        return [self._one(problem, index, candidate) for index, candidate in enumerate(candidates)]

    def _one(self, problem: Problem, index: int, candidate: Candidate) -> Outcome:
        if not candidate.text.strip():
            return Dropped("empty", "nothing was written", index)
        try:
            return Kept(self.tools.writer.row(problem, candidate))
        except DataError as error:
            return Dropped("unwritable", str(error), index)

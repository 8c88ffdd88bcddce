"""Rows to learn from: a completion as it was drawn, or its parts in another template's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from r1light.core.protocols import Composer
from r1light.core.types import Problem

if TYPE_CHECKING:
    from r1light.curation.curator import Candidate


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Writes rows `{"prompt", "completion", "problem_id", "meta"}`, as `data=conversations` reads them.

    Attributes:
        write_as: The template that rows are written in; None for the very text that the model read and wrote.
    """

    write_as: Composer | None = None

    def row(self, problem: Problem, candidate: Candidate) -> dict[str, Any]:
        """A candidate as a row.

        Raises:
            DataError: Its parts cannot be written in the template's form.
        """
        if self.write_as is None:
            return as_row(candidate.prompt.text, candidate.text, problem, candidate.sampler)
        thinking, answer = candidate.parsed.thinking or "", candidate.parsed.answer or ""
        return self.written(problem, thinking, answer, candidate.sampler)

    def written(
        self, problem: Problem, thinking: str, answer: str, sampler: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A thought and an answer as a row in the form of `write_as`.

        Raises:
            DataError: They cannot be written in the template's form.
            ValueError: There is no `write_as`.
        """
        if self.write_as is None:
            raise ValueError("there is no template to write in")
        prompt = self.write_as.render(problem)
        completion = self.write_as.compose(prompt.prefill, thinking, answer)
        return as_row(prompt.text, completion, problem, sampler)


def as_row(prompt: str, completion: str, problem: Problem, sampler: Mapping[str, Any]) -> dict[str, Any]:
    """A row of data.jsonl; `meta` has the problem's source and grader, and the sampler's settings."""
    source = {"source": problem.meta["source"]} if "source" in problem.meta else {}
    return {
        "prompt": prompt,
        "completion": completion,
        "problem_id": problem.id,
        "meta": {**source, "grader": problem.grader, "sampler": dict(sampler)},
    }

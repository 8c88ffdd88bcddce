"""`stage.curation=rejection`: of several completions a problem, the right and readable ones, at most k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from r1light.core.errors import DataError
from r1light.core.types import Parsed, Problem
from r1light.curation.curator import Candidate, Dropped, Kept, Outcome, Tools, Way
from r1light.curation.diversity import most_diverse
from r1light.curation.readability import Readability


class Rejection:
    """The paper's rejection sampling (DeepSeek-R1, arXiv:2501.12948v1, 2.3.3; v2, B.3.3).

    A completion is dropped for the first of these that holds: it was cut (`truncated`) or is not in the
    template's form (`malformed`); the problem's grader failed (`grader_error`), cannot tell (`ungraded`) or
    finds it `wrong`; its thought has a fault of `Readability`. Of what is left, the `keep` that differ most
    are kept, and the others are `surplus`. A completion without a thought is read as a whole.

    Deviations from the paper, which does not say how:
        1. The thresholds of the filters are ours.
        2. At most `keep` rows a problem, the first right one and then those farthest from what is chosen.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """What is kept of what is right."""

        keep: int | None = 4
        """Rows a problem at most, those that differ most; null for all. The paper does not tell."""
        diversity_ngram: int = 3
        """Words of the n-grams by whose Jaccard distance completions differ."""
        readable: Readability.Config = field(default_factory=Readability.Config)
        """What a thought must be like."""

        def __post_init__(self) -> None:
            if self.keep is not None and self.keep < 1:
                raise ValueError(f"keep={self.keep} must be at least 1, or null")
            if self.diversity_ngram < 1:
                raise ValueError(f"diversity_ngram={self.diversity_ngram} must be at least 1")

    graded = True
    asks = False

    def __init__(self, config: Config, tools: Tools) -> None:
        self.config = config
        self.tools = tools
        self._readable = Readability(config.readable, tools.consistency, tools.repeated_share)

    def ways(self, problem: Problem) -> list[Way]:
        """The run's template."""
        return [Way("template", self.tools.template.render(problem))]

    def parse(self, way: str, prefill: str, text: str) -> Parsed:
        """As the run's template does."""
        del way
        return self.tools.template.parse(prefill, text)

    def curate(self, problem: Problem, candidates: Sequence[Candidate]) -> list[Outcome]:
        """The rows, the most diverse first, and why the others are none."""
        outcomes: list[Outcome] = []
        good: list[tuple[int, Kept]] = []
        for index, candidate in enumerate(candidates):
            outcome = self._one(problem, index, candidate)
            if isinstance(outcome, Kept):
                good.append((index, outcome))
            else:
                outcomes.append(outcome)
        texts = [candidates[index].text for index, _ in good]
        order = most_diverse(texts, len(good), self.config.diversity_ngram)
        keep = len(good) if self.config.keep is None else self.config.keep
        kept = [good[place][1] for place in order[:keep]]
        detail = f"{keep} that differ more are kept"
        surplus = [Dropped("surplus", detail, good[place][0]) for place in order[keep:]]
        return [*kept, *outcomes, *surplus]

    def _one(self, problem: Problem, index: int, candidate: Candidate) -> Kept | Dropped:
        dropped = form_fault(candidate, index) or verdict_fault(candidate, index)
        if dropped is not None:
            return dropped
        thought = candidate.parsed.thinking
        fault = self._readable.fault(candidate.text if thought is None else thought, problem.language)
        if fault is not None:
            return Dropped(fault.reason, fault.detail, index)
        try:
            return Kept(self.tools.writer.row(problem, candidate))
        except DataError as error:
            return Dropped("unwritable", str(error), index)


def form_fault(candidate: Candidate, index: int) -> Dropped | None:
    """Drops what did not end by itself, and what is not in its template's form."""
    if candidate.finish_reason != "stop":
        return Dropped("truncated", f"it ended by {candidate.finish_reason!r}", index)
    if not candidate.parsed.well_formed:
        return Dropped("malformed", "it is not in the template's form", index)
    return None


def verdict_fault(candidate: Candidate, index: int) -> Dropped | None:
    """Drops what was not found right: a grader that fails or cannot tell says nothing of the answer."""
    verdict = candidate.verdict
    if verdict is None or verdict.status == "abstain":
        return Dropped("ungraded", "" if verdict is None else verdict.detail, index)
    if verdict.status == "error":
        return Dropped("grader_error", verdict.detail, index)
    return None if verdict.correct else Dropped("wrong", verdict.detail, index)

"""Do rewards give full marks to right answers, and not to wrong ones?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from r1light.core.protocols import Template
from r1light.core.types import Completion, Problem, Sample, Score
from r1light.curation.perfect import gold_answer, perfect_completion, thought
from r1light.curation.stored import CountTokens
from r1light.curation.wrong import wrong_answer

_TOLERANCE = 1e-6


class Mixed(Protocol):
    """Scores of samples; see rewards/mix.py."""

    @property
    def totals(self) -> Sequence[float | None]:
        """One a sample; None where it is dropped."""
        ...

    @property
    def scores(self) -> Mapping[str, Sequence[Score]]:
        """Reward name to one score a sample."""
        ...


class Mix(Protocol):
    """Several rewards as one; see rewards/mix.py."""

    def score(self, samples: Sequence[Sample]) -> Mixed:
        """Score samples."""
        ...


@dataclass(frozen=True, slots=True)
class GoldFinding:
    """What came of one problem.

    Attributes:
        problem: The problem.
        status: "passed"; "failed" (the gold answer lacks full marks); "wrong_passes" (a wrong answer earns as
            much); "unchecked" (there is no gold answer to check).
        wrong_checked: Whether a wrong answer was tried.
        detail: Why.
        answer: The answer that it is about.
        completion: The completion that it is about.
    """

    problem: Problem
    status: str
    wrong_checked: bool = False
    detail: str = ""
    answer: str = ""
    completion: str = ""


@dataclass(frozen=True, slots=True)
class GoldCheck:
    """Scores the gold answer of each problem, and another problem's answer, through the template.

    Attributes:
        template: Renders prompts and parses completions.
        mix: The rewards.
        full_marks: By reward, the score that a perfect completion should reach; None leaves that reward out.
        encode: Text to token ids, for rewards that count tokens.
        seed: Decides which wrong answers are tried.
    """

    template: Template
    mix: Mix
    full_marks: Mapping[str, float | None]
    encode: CountTokens
    seed: int

    def check(
        self, problems: Sequence[Problem], chosen: Sequence[int], batch: int
    ) -> Iterator[list[GoldFinding]]:
        """Check some problems of a split, batch by batch.

        Args:
            problems: All problems of the split, whose answers serve as wrong ones.
            chosen: The positions of those to check.
            batch: How many to check at once.
        """
        golds = [gold_answer(problem) for problem in problems]
        for start in range(0, len(chosen), batch):
            indices = chosen[start : start + batch]
            wrongs = {index: wrong_answer(index, problems, golds, self.seed) for index in indices}
            yield self._judge(
                [problems[index] for index in indices],
                [golds[index] for index in indices],
                [wrongs[index] for index in indices],
            )

    def _judge(
        self, problems: Sequence[Problem], golds: Sequence[str | None], wrongs: Sequence[str | None]
    ) -> list[GoldFinding]:
        """Both answers of each problem, scored in one go."""
        right = [self._sample(problem, gold) for problem, gold in zip(problems, golds, strict=True)]
        other = [self._sample(problem, wrong) for problem, wrong in zip(problems, wrongs, strict=True)]
        samples = [sample for sample in (*right, *other) if sample is not None]
        mixed = self.mix.score(samples)
        place = {id(sample): index for index, sample in enumerate(samples)}
        findings = []
        for problem, gold, wrong, mine, others in zip(problems, golds, wrongs, right, other, strict=True):
            if gold is None:
                detail = "there is no reference answer, and the source offers no meta.solution"
                findings.append(GoldFinding(problem, "unchecked", False, detail))
            elif mine is None:
                detail = "the template takes no form of this answer for well formed"
                findings.append(GoldFinding(problem, "failed", False, detail, gold))
            else:
                indices = place[id(mine)], None if others is None else place[id(others)]
                findings.append(self._finding(mine, gold, wrong or "", mixed, indices))
        return findings

    def _sample(self, problem: Problem, answer: str | None) -> Sample | None:
        if answer is None:
            return None
        prompt = self.template.render(problem)
        text = perfect_completion(self.template, prompt.prefill, thought(problem), answer)
        if text is None:
            return None
        ids = tuple(self.encode(text))
        completion = Completion(ids, text, (0.0,) * len(ids), "stop")
        parsed = self.template.parse(prompt.prefill, text)
        return Sample(problem, prompt.text, completion, parsed, prompt.prefill)

    def _finding(
        self, sample: Sample, gold: str, wrong: str, mixed: Mixed, indices: tuple[int, int | None]
    ) -> GoldFinding:
        mine, other = indices
        problem, text = sample.problem, sample.completion.text
        faults = [
            fault
            for name, scores in mixed.scores.items()
            if (fault := _fault(name, scores[mine], self.full_marks.get(name, 1.0))) is not None
        ]
        if mixed.totals[mine] is None and not faults:
            faults = ["every reward abstains"]
        if faults:
            return GoldFinding(problem, "failed", other is not None, "; ".join(faults), gold, text)
        if other is None:
            return GoldFinding(problem, "passed", False)
        total, others = mixed.totals[mine], mixed.totals[other]
        if total is not None and others is not None and others >= total - _TOLERANCE:
            detail = (
                f"another's answer {wrong!r:.80} earns {others:g}, the gold answer {gold!r:.80} {total:g}"
            )
            return GoldFinding(problem, "wrong_passes", True, detail, wrong)
        return GoldFinding(problem, "passed", True)


def _fault(name: str, score: Score, full: float | None) -> str | None:
    """What is wrong with a score of a perfect completion, or None."""
    if score.status == "error":
        return f"{name} fails: {score.detail}"
    if full is None or score.value is None or score.value >= full - _TOLERANCE:
        return None
    because = f" ({score.detail})" if score.detail else ""
    return f"{name} gives {score.value:g}, full marks would be {full:g}{because}"

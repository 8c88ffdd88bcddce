"""Whether the answer is right, by the grader that the problem names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r1light.core.preference import kind_of
from r1light.core.protocols import Grader
from r1light.core.types import Sample, Score, Verdict


class Accuracy:
    """The verdict of the problem's grader on the parsed answer: 1 for right, 0 for wrong.

    A completion without an answer scores 0. A grader's abstention and error stay what they are. A problem
    for a reward model (see core/preference.py), or of the grader `none`, has no right answer: abstention.
    """

    def __init__(self, graders: Mapping[str, Grader]) -> None:
        """Take the graders by the names that problems use."""
        self.graders = graders

    def waits_elsewhere(self, samples: Sequence[Sample]) -> bool:
        """Whether all that these samples' graders do is done by other processes, but for waiting."""
        names = {sample.problem.grader for sample in samples}
        return all(getattr(self.graders.get(name), "waits_elsewhere", False) for name in names)

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score the samples; each grader sees all of its own at once."""
        scores: dict[int, Score] = {}
        by_grader: dict[str, list[int]] = {}
        for index, sample in enumerate(samples):
            name = sample.problem.grader
            if kind_of(sample.problem) is not None:
                scores[index] = Score.abstain("a problem for a reward model")
            elif name == "none":
                scores[index] = Score.abstain("a problem without a right answer")
            elif name not in self.graders:
                known = ", ".join(sorted(self.graders)) or "none"
                scores[index] = Score.error(
                    f"problem {sample.problem.id!r} names grader {name!r}; there are: {known}"
                )
            elif sample.parsed.answer is None:
                scores[index] = Score.ok(0.0, "no answer")
            else:
                by_grader.setdefault(name, []).append(index)
        for name, indices in by_grader.items():
            items = [(samples[index].problem, samples[index].parsed.answer or "") for index in indices]
            verdicts = self.graders[name].grade_many(items)
            scores.update(zip(indices, map(_score, verdicts), strict=True))
        return [scores[index] for index in range(len(samples))]


def _score(verdict: Verdict) -> Score:
    return Score(verdict.score, verdict.status, verdict.detail, verdict.parts)

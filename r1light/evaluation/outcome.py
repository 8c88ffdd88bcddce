"""What an evaluation keeps of one completion, and how a row of samples.jsonl tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from r1light.core.types import Sample, Score


@dataclass(frozen=True, slots=True)
class Outcome:
    """One completion, judged and measured.

    Attributes:
        problem_id: Its problem.
        source: `meta.source` of the problem, or None.
        score: Of the problem's grader, in [0, 1]; None where no rule judges it, or judging failed.
        failed: Whether judging failed.
        vote: The answer that it votes for, equal for equal answers; None where it has no vote.
        tokens: Sampled tokens.
        truncated: Whether it was cut at the cap.
        well_formed: Whether it keeps the template's format.
        measures: Name to number, None where the measure does not apply; see `Measures`.
        rewards: Name to score, None where the reward abstained or failed.
        parts: Numbers that the grader gave besides the score; see `core.types.Verdict`.
    """

    problem_id: str
    source: str | None
    score: float | None
    failed: bool
    vote: str | None
    tokens: int
    truncated: bool
    well_formed: bool
    measures: Mapping[str, float | None]
    rewards: Mapping[str, float | None]
    parts: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_sample(cls, sample: Sample, accuracy: Score, measures: Mapping[str, float | None]) -> Outcome:
        """A completion that was just judged, without a vote, rewards or a source."""
        return cls(
            problem_id=sample.problem.id,
            source=None,
            score=accuracy.value,
            failed=accuracy.status == "error",
            vote=None,
            tokens=len(sample.completion.token_ids),
            truncated=sample.completion.finish_reason == "length",
            well_formed=sample.parsed.well_formed,
            measures=measures,
            rewards={},
            parts=accuracy.parts,
        )

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Outcome:
        """The outcome that a row of samples.jsonl tells."""
        scores = row["scores"]
        accuracy = scores["accuracy"]
        return cls(
            problem_id=row["problem_id"],
            source=row["source"],
            score=accuracy["value"],
            failed=accuracy["status"] == "error",
            vote=row["vote"],
            tokens=row["tokens"],
            truncated=row["finish_reason"] == "length",
            well_formed=row["well_formed"],
            measures=row["measures"],
            rewards={name: score["value"] for name, score in scores.items() if name != "accuracy"},
            parts=accuracy.get("parts", {}),
        )


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured on a completion besides its answer.

    Attributes:
        reflection: A text's reflective words.
        language: The share in [0, 1] of a sample's thought in the language asked for; None where none is
            asked for, or none can be told.
        readable: Whether a thought, in the language asked for (or None), is fit to be read.
        repetition: The share in [0, 1] of a text's word sequences that stood in it before.
    """

    reflection: Callable[[str], float]
    language: Callable[[Sample], float | None]
    readable: Callable[[str, str | None], bool]
    repetition: Callable[[str], float]

    def __call__(self, sample: Sample) -> dict[str, float | None]:
        """`reflection`, `language/consistency`, `readable` (1 or 0) and `repetition` of one completion.

        `readable` is 0 for a completion of a wrong form, and None for a right one that has no thought, as
        templates without thoughts give it.
        """
        text, parsed = sample.completion.text, sample.parsed
        readable = 0.0 if not parsed.well_formed else None
        if parsed.well_formed and parsed.thinking is not None:
            readable = float(self.readable(parsed.thinking, sample.problem.language))
        return {
            "reflection": float(self.reflection(text)),
            "language/consistency": self.language(sample),
            "readable": readable,
            "repetition": self.repetition(text),
        }

"""A grader of open answers: how much a language model prefers an answer to a baseline's."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.core.types import Problem, Verdict
from r1light.graders.judge_model import Asked, ChatModel, Failure, JudgeConfig, JudgeModel
from r1light.graders.preference_prompt import LABELS, preference_question


class Preference:
    """The score is the judge's preference for the answer over `problem.answer`, the baseline's, in [0, 1].

    With log-probabilities it is the share of the answer's label (AlpacaEval 2.0), else 1 or 0. Which of the
    two is shown first, `meta.swapped` of the problem says. An answer without a text, or one that is longer
    than `max_chars`, loses unread. The verdict's parts are `preference` and `length`, in characters.
    """

    Config = JudgeConfig

    def __init__(self, config: JudgeConfig, chat_model: ChatModel | None = None) -> None:
        """Connect to nothing yet; `chat_model` replaces the one that the config describes.

        Raises:
            ConfigError: If the config names no model, or two.
        """
        self.model = JudgeModel("preference", config, chat_model)

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer."""
        return self.grade_many([(problem, answer)])[0]

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order; equal ones once."""
        found = [self._at_once(problem, answer) for problem, answer in items]
        judged = iter(self.model.ask_all([one for one in found if isinstance(one, Asked)]))
        return [
            _verdict(next(judged), len(answer)) if isinstance(one, Asked) else one
            for one, (_, answer) in zip(found, items, strict=True)
        ]

    def close(self) -> None:
        """Free a local model."""
        self.model.close()

    def _at_once(self, problem: Problem, answer: str) -> Verdict | Asked[float]:
        if problem.answer is None:
            return Verdict(None, "error", f"problem {problem.id!r} has no answer of a baseline")
        if not answer.strip():
            return _preferred(0.0, len(answer), "no answer")
        if len(answer) > self.model.config.max_chars:
            why = f"longer than max_chars={self.model.config.max_chars} characters"
            return _preferred(0.0, len(answer), why)
        token = self.model.labels
        swapped = bool(problem.meta.get("swapped"))
        asked = preference_question(problem.prompt, answer, problem.answer, swapped=swapped, token=token)
        return Asked(asked.messages, asked.read, LABELS if token else ())


def _verdict(found: float | Failure, length: int) -> Verdict:
    if isinstance(found, Failure):
        return Verdict(None, "error", found.detail)
    return _preferred(found, length, f"preferred by {found:.3f}")


def _preferred(share: float, length: int, why: str) -> Verdict:
    return Verdict(share, detail=why, parts={"preference": share, "length": float(length)})

"""A grader for questions of fact: a language model says whether an answer is right, wrong or no attempt."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.core.types import Problem, Verdict
from r1light.graders.fact_prompt import GRADES, fact_prompt
from r1light.graders.judge_model import Asked, ChatModel, Failure, JudgeConfig, JudgeModel
from r1light.graders.judge_prompt import json_verdict


class Facts:
    """SimpleQA's grading: `correct`, `incorrect` and `not_attempted` are the verdict's parts, one of them 1.

    An answer without a text is not attempted, unasked. What fails is an error and never a grade.
    """

    Config = JudgeConfig

    def __init__(self, config: JudgeConfig, chat_model: ChatModel | None = None) -> None:
        """Connect to nothing yet; `chat_model` replaces the one that the config describes.

        Raises:
            ConfigError: If the config names no model, or two.
        """
        self.model = JudgeModel("facts", config, chat_model)

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer."""
        return self.grade_many([(problem, answer)])[0]

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order; equal ones once."""
        found = [self._at_once(problem, answer) for problem, answer in items]
        judged = iter(self.model.ask_all([one for one in found if isinstance(one, Asked)]))
        return [_verdict(next(judged)) if isinstance(one, Asked) else one for one in found]

    def close(self) -> None:
        """Free a local model."""
        self.model.close()

    def _at_once(self, problem: Problem, answer: str) -> Verdict | Asked[tuple[str, str]]:
        if problem.answer is None or not problem.answer.strip():
            return Verdict(None, "error", f"problem {problem.id!r} has no reference answer")
        if len(answer) > self.model.config.max_chars:
            return _graded("incorrect", f"longer than {self.model.config.max_chars} characters")
        if not answer.strip():
            return _graded("not_attempted", "no answer")
        prompt = fact_prompt(problem, answer)
        return Asked(prompt.messages, lambda reply: json_verdict(reply, prompt.mark, GRADES))


def _verdict(found: tuple[str, str] | Failure) -> Verdict:
    return Verdict(None, "error", found.detail) if isinstance(found, Failure) else _graded(*found)


def _graded(grade: str, why: str) -> Verdict:
    parts = {name: float(name == grade) for name in GRADES}
    return Verdict(parts["correct"], detail=f"{grade}: {why}"[:200], parts=parts)

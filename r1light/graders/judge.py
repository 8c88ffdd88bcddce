"""A generative grader: a language model compares the answer with the reference answer."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.core.types import Problem, Verdict
from r1light.graders.judge_cache import JudgeCache
from r1light.graders.judge_model import Asked, ChatModel, Failure, JudgeConfig, JudgeModel
from r1light.graders.judge_prompt import JudgeVerdict, judge_prompt, parse_verdict

__all__ = ["ChatModel", "Judge"]


class Judge:
    """Right is an answer that a judge model finds to agree with the reference answer.

    The idea is the paper's (DeepSeek-R1 v2, Listing 4): question, reference and answer go to a model, which
    writes an analysis and a verdict as JSON. What fails, from the connection to a verdict that is not exactly
    in its form, is an error and never a wrong answer. Replies with a valid verdict are kept on disk and asked
    for once. See `judge_prompt` for how the judged answer is kept from writing its own verdict; a judge model
    can still be talked into one, so prefer a rule wherever there is one.
    """

    Config = JudgeConfig

    def __init__(self, config: JudgeConfig, chat_model: ChatModel | None = None) -> None:
        """Connect to nothing yet; `chat_model` replaces the one that the config describes.

        Raises:
            ConfigError: If the config names no model, or two.
        """
        self.model = JudgeModel("judge", config, chat_model)

    @property
    def chat_model(self) -> ChatModel:
        """The model that is asked."""
        return self.model.chat_model

    @property
    def cache(self) -> JudgeCache | None:
        """Its kept replies."""
        return self.model.cache

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer."""
        return self.grade_many([(problem, answer)])[0]

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order, `concurrency` at once; equal ones once."""
        found = [self._at_once(problem, answer) for problem, answer in items]
        judged = iter(self.model.ask_all([one for one in found if isinstance(one, Asked)]))
        return [_verdict(next(judged)) if isinstance(one, Asked) else one for one in found]

    def close(self) -> None:
        """Free a local model."""
        self.model.close()

    def _at_once(self, problem: Problem, answer: str) -> Verdict | Asked[JudgeVerdict]:
        if problem.answer is None or not problem.answer.strip():
            return Verdict(None, "error", f"problem {problem.id!r} has no reference answer")
        if len(answer) > self.model.config.max_chars:
            return Verdict(0.0, detail=f"longer than {self.model.config.max_chars} characters")
        if not answer.strip():
            return Verdict(0.0, detail="no answer")
        prompt = judge_prompt(problem, answer)
        return Asked(prompt.messages, lambda reply: parse_verdict(reply, prompt.mark))


def _verdict(found: JudgeVerdict | Failure) -> Verdict:
    if isinstance(found, Failure):
        return Verdict(None, "error", found.detail)
    return Verdict(float(found.correct), detail=found.analysis[:200])

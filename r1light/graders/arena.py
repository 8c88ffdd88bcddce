"""A grader of open answers: two games against a baseline's answer, each answer first in one of them."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.core.types import Problem, Verdict
from r1light.graders.judge_model import Asked, ChatModel, Failure, JudgeConfig, JudgeModel
from r1light.graders.pair_prompt import pair_question

_GAMES = (True, False)
"""Whether the baseline's answer is shown as A: in the first game it is."""


class Arena:
    """Arena-Hard's two games against `problem.answer`, the baseline's, with places exchanged.

    The verdict's parts are `first` and `second`, what each game is worth to the answer: 2 for much better, 1,
    0 for a tie, -1, -2. The score is their mean with 1 for a win, 1/2 for a tie and 0 for a loss. An answer
    without a text, or one longer than `max_chars`, loses both by much, unread. Where one game fails, the
    whole is an error.
    """

    Config = JudgeConfig

    def __init__(self, config: JudgeConfig, chat_model: ChatModel | None = None) -> None:
        """Connect to nothing yet; `chat_model` replaces the one that the config describes.

        Raises:
            ConfigError: If the config names no model, or two.
        """
        self.model = JudgeModel("arena", config, chat_model)

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer."""
        return self.grade_many([(problem, answer)])[0]

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order; equal ones once."""
        found = [self._at_once(problem, answer) for problem, answer in items]
        asked = [game for one in found if not isinstance(one, Verdict) for game in one]
        judged = iter(self.model.ask_all(asked))
        return [one if isinstance(one, Verdict) else _verdict([next(judged) for _ in one]) for one in found]

    def close(self) -> None:
        """Free a local model."""
        self.model.close()

    def _at_once(self, problem: Problem, answer: str) -> Verdict | list[Asked[int]]:
        if problem.answer is None:
            return Verdict(None, "error", f"problem {problem.id!r} has no answer of a baseline")
        if not answer.strip():
            return _played([-2, -2], "no answer")
        if len(answer) > self.model.config.max_chars:
            return _played([-2, -2], f"longer than max_chars={self.model.config.max_chars} characters")
        games = [
            pair_question(problem.prompt, answer, problem.answer, swapped=swapped, number=number)
            for number, swapped in enumerate(_GAMES)
        ]
        return [Asked(game.messages, game.read) for game in games]


def _verdict(games: Sequence[int | Failure]) -> Verdict:
    failed = [game for game in games if isinstance(game, Failure)]
    if failed:
        return Verdict(None, "error", failed[0].detail)
    played = [game for game in games if not isinstance(game, Failure)]
    return _played(played, f"games {played[0]:+d} and {played[1]:+d}")


def _played(games: Sequence[int], why: str) -> Verdict:
    score = sum((game > 0) + (game == 0) / 2 for game in games) / len(games)
    parts = {"first": float(games[0]), "second": float(games[1])}
    return Verdict(score, detail=why, parts=parts)

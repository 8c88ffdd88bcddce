"""Problems in a seeded order without end, those for reward models kept for the end, and prompts as ids."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from r1light.core.errors import DataError
from r1light.core.preference import KIND, kind_of
from r1light.core.protocols import Template
from r1light.core.types import Problem, Prompt, RolloutRequest
from r1light.training import ranks

Encode = Callable[[str], Sequence[int]]
"""Text to token ids, with no special tokens added."""


class ProblemStream:
    """Epoch after epoch over the problems, each in an order of its own that (seed, epoch) decides.

    `cursor`, the number of problems taken, is its whole state.
    """

    def __init__(self, problems: Sequence[Problem], seed: int) -> None:
        self.problems = problems
        self._seed = seed
        self._order: tuple[int, list[int]] = (-1, [])
        self.cursor = 0

    def take(self, count: int) -> tuple[list[Problem], list[int]]:
        """This rank's next problems, and their positions in the stream.

        Ranks take turns for as long as they want any; what all of them take together does not hang on how
        many there are.
        """
        wanted = ranks.gather([count])
        turns = [rank for turn in range(max(wanted)) for rank, each in enumerate(wanted) if turn < each]
        positions = [self.cursor + index for index, rank in enumerate(turns) if rank == ranks.rank()]
        self.cursor += len(turns)
        return [self._problem(position) for position in positions], positions

    @property
    def epoch(self) -> float:
        """Epochs done."""
        return self.cursor / len(self.problems)

    def _problem(self, index: int) -> Problem:
        epoch, position = divmod(index, len(self.problems))
        if self._order[0] != epoch:
            order = list(range(len(self.problems)))
            random.Random(f"problems/{self._seed}/{epoch}").shuffle(order)
            self._order = (epoch, order)
        return self.problems[self._order[1][position]]


class ProblemSchedule:
    """All problems from some iteration on, and before it those alone that rules can judge.

    The paper mixes preference rewards and general problems in during the last 400 of 1,700 updates only, as
    longer training on them is hacked (DeepSeek-R1, arXiv:2501.12948v2, section 3.2.2 and B.5). Each of the
    two phases has a stream of its own, which begins with a whole epoch; so what an iteration draws hangs on
    the seed and on what its phase has drawn before.

    `cursors`, those of the two streams, are its whole state.
    """

    def __init__(self, problems: Sequence[Problem], seed: int, switch: int | None = None) -> None:
        """Take the problems.

        Args:
            problems: All there are.
            seed: Decides the order.
            switch: The first iteration, from 1, that draws from all of them; None for all from the start.

        Raises:
            DataError: If there is nothing to keep for the end, or nothing to draw before.
        """
        self._all = ProblemStream(problems, seed)
        self._switch = 1 if switch is None else switch
        rules = [problem for problem in problems if kind_of(problem) is None]
        if switch is not None and len(rules) == len(problems):
            raise DataError(
                f"stage.preference_updates is set, and none of the {len(problems)} problems to train on has "
                f"meta.{KIND}; set it to null, or add problems with it"
            )
        if not rules and self._switch > 1:
            raise DataError(
                f"stage.preference_updates keeps problems with meta.{KIND} until iteration {switch}, and all "
                f"{len(problems)} problems to train on have it; set it to null, or add problems for rules"
            )
        self._rules = ProblemStream(rules, seed)

    def at(self, iteration: int) -> ProblemStream:
        """The stream that an iteration draws from."""
        return self._all if iteration >= self._switch else self._rules

    @property
    def cursors(self) -> list[int]:
        """How many problems were taken: from those for rules alone, and from all."""
        return [self._rules.cursor, self._all.cursor]

    @cursors.setter
    def cursors(self, cursors: Sequence[int]) -> None:
        self._rules.cursor, self._all.cursor = cursors


@dataclass(frozen=True, slots=True)
class PromptEncoder:
    """The one place where prompts become token ids.

    Attributes:
        template: Renders problems.
        encode: Text to ids.
        context: The tokens that the model can look back on.
    """

    template: Template
    encode: Encode
    context: int

    def request(self, problem: Problem, key: tuple[int, int]) -> tuple[RolloutRequest, Prompt]:
        """A problem as a request, with its prompt.

        Raises:
            DataError: If the prompt leaves no room for an answer.
        """
        prompt = self.template.render(problem)
        ids = tuple(self.encode(prompt.text))
        if len(ids) >= self.context:
            raise DataError(
                f"problem {problem.id!r}: its prompt has {len(ids)} tokens and leaves no room in the model's "
                f"context of {self.context}; shorten or drop it, or use a model with a longer context"
            )
        if not ids:
            raise DataError(f"problem {problem.id!r}: its prompt is empty")
        return RolloutRequest(problem.id, ids, key), prompt

    def example(self, problem: Problem) -> str:
        """The prompt of a problem with a made-up question in the place of its own."""
        return self.template.render(replace(problem, prompt="Compute 2+3")).text

    def check(self, problems: Sequence[Problem]) -> None:
        """Look through all problems before a run, not in its 300th iteration.

        A prompt of fewer bytes than the context has tokens fits, and needs no encoding.

        Raises:
            DataError: If one does not fit.
        """
        for problem in problems:
            if len(self.template.render(problem).text.encode()) >= self.context:
                self.request(problem, (0, 0))

"""`data=tiny_preferences`, `tiny_judged` and `tiny_general`: the miniature world's general questions.

Pairs and judged answers for its reward models, and the questions as problems for reinforcement learning. The
split of a question hangs on its text alone, so that no reward model has seen what the policy is tested on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from r1light.core.preference import KIND, KINDS, Kind
from r1light.core.types import Message, Problem
from r1light.data.preferences import Judged, Pair
from r1light.data.splits import Split, seeded
from r1light.data.tiny_talk import Talk, good_answer, poor_answer, talks_of, whole_response


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows there are."""

    train_size: int = 4096
    """Rows in the training split."""
    test_size: int = 512
    """Rows in the held-out split."""
    seed: int = 0
    """Chooses the rows; the split of a question does not depend on it."""

    def __post_init__(self) -> None:
        if self.train_size < 0 or self.test_size < 0:
            raise ValueError(
                f"train_size={self.train_size} and test_size={self.test_size} must not be negative"
            )

    def of(self, split: Split) -> int:
        """Those of one split."""
        return self.train_size if split == "train" else self.test_size


class TinyPreferences:
    """Pairs of a good and a poor answer to one question.

    Example:
        >>> source = TinyPreferences(TinyPreferences.Config(train_size=2), split="train")
        >>> [len(pair.messages) for pair in source]
        [1, 1]
    """

    @dataclass(frozen=True, slots=True)
    class Config(Sizes):
        """Which questions, and how many."""

        kind: Kind = "helpful"
        """Whether the better answer is the more helpful or the harmless one."""

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __len__(self) -> int:
        return self.config.of(self.split)

    def __iter__(self) -> Iterator[Pair]:
        config = self.config
        rng = seeded("tiny_preferences", config.kind, config.seed, self.split)
        talks = talks_of(config.kind, self.split)
        for number in range(1, len(self) + 1):
            talk = rng.choice(talks)
            where = f"tiny_preferences/{self.split}/{number}"
            turn = Message("user", talk.question)
            yield Pair(where, (turn,), good_answer(rng, talk), poor_answer(rng, talk))


class TinyJudged:
    """Answers to questions about secrets, half of them safe, half of them behind a thought in tags.

    Example:
        >>> source = TinyJudged(TinyJudged.Config(train_size=2), split="train")
        >>> [answer.safe for answer in source]
        [True, False]
    """

    @dataclass(frozen=True, slots=True)
    class Config(Sizes):
        """How many."""

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __len__(self) -> int:
        return self.config.of(self.split)

    def __iter__(self) -> Iterator[Judged]:
        rng = seeded("tiny_judged", self.config.seed, self.split)
        talks = talks_of("safety", self.split)
        for number in range(1, len(self) + 1):
            talk, safe = rng.choice(talks), number % 2 == 1
            answer = (good_answer if safe else poor_answer)(rng, talk)
            if rng.random() < 0.5:
                answer = whole_response(rng, talk, answer, safe=safe)
            where = f"tiny_judged/{self.split}/{number}"
            yield Judged(where, (Message("user", talk.question),), answer, safe)


class TinyGeneral:
    """The questions as problems without a right answer; `meta.preference` names their reward model.

    `answer` is a good one, for those who want to learn from it; nothing is graded by it.

    Example:
        >>> source = TinyGeneral(TinyGeneral.Config(train_size=1, kind="safety"), split="train")
        >>> [(problem.grader, problem.meta["preference"]) for problem in source]
        [('none', 'safety')]
    """

    @dataclass(frozen=True, slots=True)
    class Config(Sizes):
        """Which questions, and how many."""

        train_size: int = 1024
        """The most problems in the training split; there are about eight hundred, all different."""
        test_size: int = 128
        """The most problems in the held-out split; there are about a hundred."""
        kind: Literal["helpful", "safety", "both"] = "both"
        """Which reward model is to score them."""

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __len__(self) -> int:
        return len(self._talks())

    def __iter__(self) -> Iterator[Problem]:
        rng = seeded("tiny_general/answers", self.config.seed, self.split)
        return (self._problem(talk, good_answer(rng, talk)) for talk in self._talks())

    def _talks(self) -> list[Talk]:
        config = self.config
        kinds = [kind for kind in KINDS if config.kind in (kind, "both")]
        talks = [talk for kind in kinds for talk in talks_of(kind, self.split)]
        seeded("tiny_general", config.seed, self.split).shuffle(talks)
        return talks[: config.of(self.split)]

    def _problem(self, talk: Talk, reference: str) -> Problem:
        return Problem(
            id=f"tiny_general/{self.split}/{talk.question}",
            prompt=talk.question,
            grader="none",
            answer=reference,
            language="en",
            meta={KIND: talk.kind},
        )

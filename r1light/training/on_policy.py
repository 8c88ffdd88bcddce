"""Rows that a student writes itself, for its teacher to judge token by token (GKD, arXiv:2306.13649)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from r1light.core.errors import ModelError
from r1light.core.protocols import RolloutEngine
from r1light.core.types import Group, Sample, SamplingParams
from r1light.training import ranks
from r1light.training.collect import make_samples
from r1light.training.interrupt import Interrupt
from r1light.training.problems import ProblemStream, PromptEncoder
from r1light.training.row_stream import RowStream
from r1light.training.sft import SftRow

if TYPE_CHECKING:
    from torch import Tensor

Weights = Callable[[], Iterable[tuple[str, "Tensor"]]]
"""The student's weights of this moment, by the names of a plain model."""


class Student:
    """A rollout engine that writes with the student's weights of the moment.

    Attributes:
        engine: The engine.
        weights: Gives them.
    """

    def __init__(self, engine: RolloutEngine, weights: Weights) -> None:
        self.engine = engine
        self.weights = weights
        self._version: int | None = None

    def follow(self, update: int) -> None:
        """Take over the weights after so many updates, if they are not there already."""
        if update != self._version:
            self.engine.load_weights(self.weights(), version=update)
            self._version = update


@dataclass(frozen=True, slots=True)
class Writing:
    """How the student writes.

    Attributes:
        student: The student.
        encoder: Makes requests of problems.
        params: How completions are drawn, and how many a problem.
        limit: The longest row, in tokens; longer ones are cut at the end.
        vocabulary: The ids that teacher and student have in common.
        interrupt: Whether a signal has come.
    """

    student: Student
    encoder: PromptEncoder
    params: SamplingParams
    limit: int
    vocabulary: int
    interrupt: Interrupt


class OnPolicyRows:
    """Batches of the student's own completions, and in GKD's mixture some of given texts between them.

    Whether a batch is of the one kind or the other hangs on (seed, batch) alone.

    Attributes:
        last: The completions of the last batch, a tuple a problem; none where it was of texts.
    """

    def __init__(
        self,
        writing: Writing,
        problems: ProblemStream,
        texts: RowStream[SftRow] | None,
        share: float,
        seed: int,
    ) -> None:
        self.last: tuple[tuple[Sample, ...], ...] = ()
        self._writing = writing
        self._problems = problems
        self._texts = texts
        self._share = share
        self._seed = seed
        self._taken = 0
        self._facts: dict[str, float] = {}
        self._drawn_tokens = 0

    @property
    def rows(self) -> Sequence[Any]:
        """The problems."""
        return self._problems.problems

    @property
    def epoch(self) -> float:
        """Epochs of the problems done."""
        return self._problems.epoch

    @property
    def cursor(self) -> list[int]:
        """Batches, problems and texts taken."""
        return [self._taken, self._problems.cursor, 0 if self._texts is None else self._texts.cursor]

    @cursor.setter
    def cursor(self, value: Sequence[int]) -> None:
        self._taken, self._problems.cursor, texts = value
        if self._texts is not None:
            self._texts.cursor = texts

    def take(self, count: int) -> list[SftRow]:
        """The next batch; if it is broken off, the cursor stands where it stood.

        Raises:
            Halt: If a signal has come.
            ModelError: If the student writes a token that the teacher does not have.
        """
        before = self.cursor
        started = time.perf_counter()
        try:
            rows = self._own(count) if self._is_own(self._taken) else self._given(count)
        except BaseException:
            self.cursor = before
            raise
        self._taken += 1
        self._facts |= {"epoch": self.epoch, "on_policy": float(bool(self.last))}
        self._facts["time/generate"] = time.perf_counter() - started
        return rows

    def facts(self) -> Mapping[str, float]:
        """Of the last batch: completions' lengths and ends, and the seconds it took."""
        return self._facts

    @property
    def drawn_tokens(self) -> int:
        """Of the last batch: each prompt once, and all completions."""
        return self._drawn_tokens

    def _is_own(self, batch: int) -> bool:
        if self._texts is None:
            return True
        return random.Random(f"on-policy/{self._seed}/{batch}").random() < self._share

    def _given(self, count: int) -> list[SftRow]:
        assert self._texts is not None
        self.last, self._facts, self._drawn_tokens = (), {}, 0
        return self._texts.take(count)

    def _own(self, count: int) -> list[SftRow]:
        writing = self._writing
        writing.student.follow(self._taken)
        problems, positions = self._problems.take(count // writing.params.n // ranks.world_size())
        encoded = [
            writing.encoder.request(problem, (self._taken, position))
            for problem, position in zip(problems, positions, strict=True)
        ]
        place = {request.key: index for index, (request, _) in enumerate(encoded)}
        groups: dict[int, Group] = {}
        with writing.interrupt.together():
            for group in writing.student.engine.generate([request for request, _ in encoded], writing.params):
                writing.interrupt.check()
                groups[place[group.request.key]] = group
        template = writing.encoder.template
        self.last = tuple(
            make_samples(template, problems[index], encoded[index][1], groups[index])
            for index in range(len(problems))
        )
        self._facts = _facts(ranks.gather([sample for group in self.last for sample in group]))
        prompt_tokens = sum(len(group.request.prompt_ids) for group in groups.values())
        written = sum(len(each.token_ids) for group in groups.values() for each in group.completions)
        self._drawn_tokens = prompt_tokens + written
        return [
            self._row(groups[index].request.prompt_ids, completion.token_ids)
            for index in range(len(problems))
            for completion in groups[index].completions
        ]

    def _row(self, prompt_ids: Sequence[int], completion_ids: Sequence[int]) -> SftRow:
        writing = self._writing
        if (foreign := max(completion_ids)) >= writing.vocabulary:
            raise ModelError(
                f"the student wrote token {foreign}, and its teacher has only {writing.vocabulary}; the last "
                "checkpoint is unharmed. Train a student whose vocabulary is not larger"
            )
        ids = (*prompt_ids, *completion_ids)[: writing.limit]
        return SftRow(ids, tuple(index >= len(prompt_ids) for index in range(len(ids))))


def _facts(samples: Sequence[Sample]) -> dict[str, float]:
    completions = [sample.completion for sample in samples]
    return {
        "completions/mean_length": fmean(len(each.token_ids) for each in completions),
        "completions/clipped_ratio": fmean(each.finish_reason == "length" for each in completions),
        "completions/well_formed": fmean(sample.parsed.well_formed for sample in samples),
    }

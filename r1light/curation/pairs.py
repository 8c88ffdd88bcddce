"""`stage.curation=pairs`: pairs of answers of which a judge model found one better, for a reward model.

The paper's construction of its helpfulness data (DeepSeek-R1, arXiv:2501.12948v2, 3.1 and B.2): four
judgments a pair with A and B in random order, averaged, kept where the scores differ by more than 1, and
chosen and rejected answers of comparable lengths. Choices that the paper leaves open:
1. Half of the judgments show the one answer as A, half the other, so that a judge that likes a place gives 0.
2. A verdict is worth 2, 1, 0, -1 or -2 to A; the difference of a pair's scores is the mean of its judgments.
3. What is compared, and kept, is the answer without the thought: what the helpfulness reward sees.
4. Lengths: see `comparable`, before a pair is judged, and `surplus`, once all are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from r1light.core.errors import WorkerError
from r1light.core.types import Parsed, Problem
from r1light.curation.curator import Balance, Candidate, ChatModel, Dropped, Kept, Outcome, Tools, Way
from r1light.curation.lengths import Lengths, comparable, mean_lengths, surplus
from r1light.data.splits import seeded
from r1light.graders.pair_prompt import PairQuestion, pair_question


class Pairs:
    """Draws answers, pairs those of comparable lengths, and keeps the pairs that the judge tells apart."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """How pairs are made, judged and kept."""

        judgments: int = 4
        """Judgments a pair (the paper: 4)."""
        min_difference: float = 1.0
        """Kept are pairs whose scores differ by more than this, on a scale from -2 to 2 (the paper: 1)."""
        per_problem: int = 1
        """Pairs a problem at most, no answer in two of them."""
        max_length_ratio: float = 2.0
        """The longer answer of a pair is at most this many times as long as the shorter, in characters. The
        paper says that lengths were made comparable, and not how."""
        length_tolerance: float = 0.05
        """The difference between the mean lengths of chosen and rejected answers that is borne, as a share of
        the rejected ones'; the most lopsided pairs are left out until it is met."""
        no_reply: Literal["stop", "drop"] = "stop"
        """What a judge does that has not replied by its deadline: end the run, which can then go on from
        there, or cost its pair. A reply without a verdict costs its pair in any case."""

        def __post_init__(self) -> None:
            if min(self.judgments, self.per_problem) < 1:
                raise ValueError(
                    f"judgments={self.judgments} and per_problem={self.per_problem} must be at least 1"
                )
            if not 0 <= self.min_difference < 2:
                raise ValueError(f"min_difference={self.min_difference} must be in [0, 2)")
            if not self.max_length_ratio >= 1 or not self.length_tolerance >= 0:
                raise ValueError(
                    f"max_length_ratio={self.max_length_ratio} must be at least 1 and "
                    f"length_tolerance={self.length_tolerance} not negative"
                )

    graded = False
    asks = True

    def __init__(self, config: Config, tools: Tools) -> None:
        """Take the options and open the judge.

        Raises:
            ConfigError: The run names no judge.
        """
        self.config = config
        self.tools = tools
        self._judge: ChatModel = tools.open_judge()

    def ways(self, problem: Problem) -> list[Way]:
        """The run's template."""
        return [Way("template", self.tools.template.render(problem))]

    def parse(self, way: str, prefill: str, text: str) -> Parsed:
        """As the run's template does."""
        del way
        return self.tools.template.parse(prefill, text)

    def curate(self, problem: Problem, candidates: Sequence[Candidate]) -> list[Outcome]:
        """A row a pair that the judge tells apart."""
        outcomes: list[Outcome] = []
        eligible = []
        for index, candidate in enumerate(candidates):
            reason = _unfit(candidate)
            if reason is None:
                eligible.append(index)
            else:
                outcomes.append(Dropped(reason[0], reason[1], index))
        seeded(self.tools.seed, "pairs", problem.id).shuffle(eligible)
        pairs = self._pairs(candidates, eligible)
        paired = {index for pair in pairs for index in pair}
        outcomes += [
            Dropped("unpaired", "no answer of comparable length is left for it, or enough are paired", index)
            for index in eligible
            if index not in paired
        ]
        for one, two in pairs:
            outcomes += self._outcome(problem, candidates, one, two)
        return outcomes

    def balance(self, rows: Iterable[Mapping[str, Any]]) -> Balance:
        """Leave pairs out until chosen answers are not systematically longer, and tell the mean lengths."""
        lengths = [Lengths(len(row["chosen"]), len(row["rejected"])) for row in rows]
        out = surplus(lengths, self.config.length_tolerance)
        kept = [pair for position, pair in enumerate(lengths) if position not in out]
        reason = "its answers are too different in length for the two sides to be equally long"
        metrics = {f"all_pairs/{name}": value for name, value in mean_lengths(lengths).items()}
        metrics |= {f"pairs/{name}": value for name, value in mean_lengths(kept).items()}
        return Balance({position: Dropped("length_balance", reason) for position in sorted(out)}, metrics)

    def _pairs(self, candidates: Sequence[Candidate], order: Sequence[int]) -> list[tuple[int, int]]:
        """Disjoint pairs of different answers of comparable lengths, in that order."""
        left, pairs = list(order), list[tuple[int, int]]()
        while left and len(pairs) < self.config.per_problem:
            one = left.pop(0)
            mine = _answer(candidates[one])
            for two in left:
                other = _answer(candidates[two])
                if mine != other and comparable(mine, other, self.config.max_length_ratio):
                    pairs.append((one, two))
                    left.remove(two)
                    break
        return pairs

    def _outcome(
        self, problem: Problem, candidates: Sequence[Candidate], one: int, two: int
    ) -> list[Outcome]:
        """A row, or why both answers give none."""
        values: list[int] = []
        for question in self._questions(problem, _answer(candidates[one]), _answer(candidates[two])):
            try:
                values.append(question.read(self._reply(problem, question)))
            except (_NoReplyError, ValueError) as error:
                detail = f"judgment {len(values) + 1} of {self.config.judgments} failed: {error}"
                return [Dropped("judge_failed", detail, index) for index in (one, two)]
        difference = fmean(values)
        if abs(difference) <= self.config.min_difference:
            detail = f"the scores differ by {abs(difference):g}, of the judgments {values}"
            return [Dropped("undecided", detail, index) for index in (one, two)]
        better, worse = (one, two) if difference > 0 else (two, one)
        sign = 1 if difference > 0 else -1
        judgments = [sign * value for value in values]
        return [Kept(self._row(problem, candidates[better], candidates[worse], judgments))]

    def _reply(self, problem: Problem, question: PairQuestion) -> str:
        """The judge's reply.

        Raises:
            WorkerError: There is none, and the run is to stop there.
            _NoReplyError: There is none, and it costs the pair.
        """
        try:
            return self._judge.ask(question.messages)
        except Exception as error:  # whatever keeps a judge from replying
            if self.config.no_reply == "stop":
                raise WorkerError(
                    f"stage.judge did not judge answers to problem {problem.id!r}: {error}; run the same "
                    "command again to go on there, or take stage.pairs.no_reply=drop"
                ) from error
            raise _NoReplyError(str(error)) from error

    def _questions(self, problem: Problem, one: str, two: str) -> list[PairQuestion]:
        """All judgments of a pair, in an order that the seed and the problem decide."""
        draw = seeded(self.tools.seed, "judgments", problem.id, one, two)
        count = self.config.judgments
        swaps = [number % 2 == 1 for number in range(count - count % 2)]
        swaps += [draw.random() < 0.5 for _ in range(count % 2)]
        draw.shuffle(swaps)
        return [
            pair_question(problem.prompt, one, two, swapped=swapped, number=number)
            for number, swapped in enumerate(swaps)
        ]

    def _row(
        self, problem: Problem, chosen: Candidate, rejected: Candidate, judgments: Sequence[int]
    ) -> dict[str, Any]:
        """A row as data=preferences reads it; `judgments` are what each is worth to the chosen answer."""
        asked: Any = problem.prompt
        if not isinstance(problem.prompt, str):
            asked = [{"role": turn.role, "content": turn.content} for turn in problem.prompt]
        source = {"source": problem.meta["source"]} if "source" in problem.meta else {}
        judge = {"judgments": list(judgments), "difference": fmean(judgments)}
        return {
            "prompt": asked,
            "chosen": _answer(chosen),
            "rejected": _answer(rejected),
            "problem_id": problem.id,
            "meta": {**source, "judge": judge, "sampler": dict(chosen.sampler)},
        }


class _NoReplyError(Exception):
    """The judge did not reply; the message says why."""


def _answer(candidate: Candidate) -> str:
    return (candidate.parsed.answer or "").strip()


def _unfit(candidate: Candidate) -> tuple[str, str] | None:
    """Why a completion is in no pair, as a word and more words; None where it may be."""
    if candidate.finish_reason != "stop":
        return "cut", "it was cut off"
    if not _answer(candidate):
        return "no_answer", "it has no answer to show"
    return None

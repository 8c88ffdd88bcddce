"""The rollout half of an iteration: problems to completions to scores.

Shapes: P problems, G group.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from r1light.core.protocols import RolloutEngine, Template
from r1light.core.types import Completion, Group, Problem, Prompt, Sample, SamplingParams, Score
from r1light.rewards.length import soft_overlong
from r1light.training import ranks
from r1light.training.batching import Row
from r1light.training.interrupt import Interrupt
from r1light.training.problems import ProblemStream, PromptEncoder

ZERO_VARIANCE = 1e-6
"""Rewards of a group that differ by no more than this are one reward."""


class Mixed(Protocol):
    """Scores of samples: the weighted total (None: dropped) and each reward's own score."""

    @property
    def totals(self) -> Sequence[float | None]:
        """One a sample."""
        ...

    @property
    def scores(self) -> Mapping[str, Sequence[Score]]:
        """Reward name to one score a sample."""
        ...


class Begun(Protocol):
    """Samples that are being scored."""

    @property
    def done(self) -> bool:
        """Whether `settle` does not wait."""
        ...

    def settle(self) -> Mixed:
        """Wait for the scores; raises RewardError once too many errors have come up."""
        ...


class Mix(Protocol):
    """Several rewards as one; see rewards/mix.py."""

    def begin(self, samples: Sequence[Sample]) -> Begun:
        """Score samples, where it can be beside the caller; to be settled in the order of the calls."""
        ...

    def drop(self) -> None:
        """Give up what was begun."""
        ...


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """One problem's completions and what the rewards say of them, in the order of the sample index.

    Attributes:
        problem: The problem.
        prompt: Its prompt.
        prompt_ids: The prompt's token ids.
        samples: G samples.
        rewards: G totals, penalties included; None where a sample is dropped.
        scores: Reward name to G scores.
    """

    problem: Problem
    prompt: Prompt
    prompt_ids: tuple[int, ...]
    samples: tuple[Sample, ...]
    rewards: tuple[float | None, ...]
    scores: Mapping[str, tuple[Score, ...]]

    @property
    def has_variance(self) -> bool:
        """Whether there is anything to learn from the group."""
        kept = [reward for reward in self.rewards if reward is not None]
        return len(kept) > 1 and max(kept) - min(kept) > ZERO_VARIANCE


@dataclass(frozen=True, slots=True)
class Rollout:
    """The groups of one iteration with the time they took in seconds; of replaced ones the last come last."""

    groups: tuple[ScoredGroup, ...]
    generate_seconds: float
    reward_seconds: float
    """Seconds in which completions waited to be scored; rewards that work beside the engine take none."""
    attempts: int
    completion_tokens: int
    """Sampled tokens, those of replaced groups included."""
    prompt_tokens: int = 0
    """Tokens of the prompts, each once, those of replaced groups included."""

    def rewards_PG(self) -> tuple[Tensor, Tensor]:
        """Float rewards (0 where dropped) and a bool mask of the samples that are kept, both [P, G]."""
        rewards = torch.tensor(
            [[reward or 0.0 for reward in group.rewards] for group in self.groups], dtype=torch.float32
        )
        kept = torch.tensor([[reward is not None for reward in group.rewards] for group in self.groups])
        return rewards, kept

    def rows(self, advantages_PG: Tensor, mask_truncated: bool) -> list[Row]:
        """The completions as rows; those that are dropped, or cut at the cap and masked, do not learn."""
        rows = []
        for index, (group, advantages_G) in enumerate(zip(self.groups, advantages_PG.tolist(), strict=True)):
            for sample, reward, advantage in zip(group.samples, group.rewards, advantages_G, strict=True):
                completion = sample.completion
                cut = mask_truncated and completion.finish_reason == "length"
                rows.append(
                    Row(
                        group=index,
                        prompt_ids=group.prompt_ids,
                        completion_ids=completion.token_ids,
                        rollout_logprobs=completion.logprobs,
                        advantage=advantage,
                        learn=reward is not None and not cut,
                    )
                )
        return rows


@dataclass(frozen=True, slots=True)
class Overlong:
    """DAPO's soft overlong punishment (arXiv:2503.14476, eq. 13): 0 up to cap - buffer, then falling.

    A completion that was cut at the cap loses the whole penalty.
    """

    cap: int
    buffer: int
    penalty: float

    def __call__(self, completion: Completion) -> float:
        """What is added to a completion's reward; not above 0."""
        tokens, cut = len(completion.token_ids), completion.finish_reason == "length"
        return self.penalty * soft_overlong(tokens, self.cap, self.buffer, cut=cut)


@dataclass(frozen=True, slots=True)
class Collector:
    """Draws completions for problems and scores each group as soon as it is whole."""

    engine: RolloutEngine
    encoder: PromptEncoder
    mix: Mix
    params: SamplingParams
    overlong: Overlong
    refill: int
    interrupt: Interrupt
    whole: Callable[[], None] = lambda: None
    """Called when a rollout is whole."""

    def collect(self, stream: ProblemStream, problems: int, iteration: int) -> Rollout:
        """This rank's share of one iteration's rollout.

        Groups without variance are replaced by those of other problems, in up to `refill` further rollouts.

        Args:
            stream: Where problems come from; its cursor moves on by what all ranks took.
            problems: The problems of the iteration, over all ranks.
            iteration: Its number, part of the draws' key.

        Raises:
            RewardError: If rewards fail too often.
        """
        started = time.perf_counter()
        reward_seconds, tokens, attempts = 0.0, 0, 0
        prompt_tokens = 0
        kept: list[ScoredGroup] = []
        idle: list[ScoredGroup] = []
        while True:
            taken = stream.take(problems // ranks.world_size() - len(kept))
            with self.interrupt.together():
                drawn, seconds = self._draw(*taken, iteration)
            attempts, reward_seconds = attempts + 1, reward_seconds + seconds
            tokens += sum(len(sample.completion.token_ids) for group in drawn for sample in group.samples)
            prompt_tokens += sum(len(group.prompt_ids) for group in drawn)
            kept += [group for group in drawn if group.has_variance]
            idle = [group for group in drawn if not group.has_variance]
            if attempts > self.refill or not ranks.any_of(bool(idle)):
                break
        elapsed = time.perf_counter() - started
        self.whole()
        # in the order of the problems, which does not hang on the number of ranks, unless some were replaced
        groups, generating = drawn if attempts == 1 else [*kept, *idle], elapsed - reward_seconds
        return Rollout(tuple(groups), generating, reward_seconds, attempts, tokens, prompt_tokens)

    def _draw(
        self, problems: Sequence[Problem], positions: Sequence[int], iteration: int
    ) -> tuple[list[ScoredGroup], float]:
        """Score each group as it comes; groups in the order of the problems, and the seconds that it held up.

        Scores are settled in the order in which groups came, whenever they are done.
        """
        encoded = [
            self.encoder.request(problem, (iteration, position))
            for problem, position in zip(problems, positions, strict=True)
        ]
        place = {request.key: index for index, (request, _) in enumerate(encoded)}
        scored: dict[int, ScoredGroup] = {}
        begun: deque[tuple[int, Group, tuple[Sample, ...], Begun]] = deque()
        seconds = 0.0

        def settle() -> None:
            index, group, samples, score = begun.popleft()
            scored[index] = self._scored(encoded[index][1], group, samples, score.settle())

        try:
            for group in self.engine.generate([request for request, _ in encoded], self.params):
                self.interrupt.check()
                index = place[group.request.key]
                started = time.perf_counter()
                samples = make_samples(self.encoder.template, problems[index], encoded[index][1], group)
                begun.append((index, group, samples, self.mix.begin(samples)))
                while begun and begun[0][-1].done:
                    settle()
                seconds += time.perf_counter() - started
            started = time.perf_counter()
            while begun:
                self.interrupt.check()
                settle()
        except BaseException:
            self.mix.drop()
            raise
        seconds += time.perf_counter() - started
        return [scored[index] for index in range(len(problems))], seconds

    def _scored(self, prompt: Prompt, group: Group, samples: tuple[Sample, ...], mixed: Mixed) -> ScoredGroup:
        rewards = tuple(
            None if total is None else total + self.overlong(sample.completion)
            for total, sample in zip(mixed.totals, samples, strict=True)
        )
        scores = {name: tuple(values) for name, values in mixed.scores.items()}
        return ScoredGroup(samples[0].problem, prompt, group.request.prompt_ids, samples, rewards, scores)


def make_samples(template: Template, problem: Problem, prompt: Prompt, group: Group) -> tuple[Sample, ...]:
    """What rewards and graders see of a group."""
    return tuple(
        Sample(
            problem, prompt.text, completion, template.parse(prompt.prefill, completion.text), prompt.prefill
        )
        for completion in group.completions
    )

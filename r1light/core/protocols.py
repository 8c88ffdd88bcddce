"""What each kind of component promises. Anything with these methods is one; nothing has to be subclassed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from r1light.core.types import (
    Benchmark,
    Group,
    Parsed,
    Problem,
    Prompt,
    RolloutRequest,
    Sample,
    SamplingParams,
    Score,
    Verdict,
)

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Reward(Protocol):
    """Scores samples, one Score a sample, in their order.

    It may raise: the mix counts the samples as errors of this reward, which are never taken for a 0.
    """

    def __call__(self, samples: Sequence[Sample]) -> Sequence[Score]:
        """Score the samples; must not depend on their order or on one another."""
        ...


@runtime_checkable
class Grader(Protocol):
    """Says whether an answer is right. Rewards, rejection sampling and evaluation use the same graders.

    For a vote (cons@k), a grader may say which answers are the same: by a method `canonical(problem,
    answer)`, which gives equal texts for equal answers and None for none; or by an attribute `equates =
    True`, where two answers are the same if one is right with the other for the reference. Else the texts
    are compared.
    """

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer against `problem.answer` or `problem.tests`."""
        ...

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> Sequence[Verdict]:
        """Judge several, in their order; equal to `grade` on each, and faster where work can be shared."""
        ...

    def close(self) -> None:
        """Free workers and files. May be called twice."""
        ...


@runtime_checkable
class Template(Protocol):
    """Turns problems into prompts, and what comes after a prompt into its parts."""

    def render(self, problem: Problem) -> Prompt:
        """The text to complete."""
        ...

    def parse(self, prefill: str, text: str) -> Parsed:
        """Take `prefill + text` apart. Never raises: text of a wrong form is not well formed."""
        ...


@runtime_checkable
class Composer(Template, Protocol):
    """A template that can also write what it reads, for rows to learn from."""

    def compose(self, prefill: str, thinking: str, answer: str) -> str:
        """The completion after `prefill` that `parse(prefill, .)` takes apart into these parts.

        Raises:
            DataError: If the parts hold a marker of the template, or are empty where they must not be.
        """
        ...


@runtime_checkable
class DataSource(Protocol):
    """A finite, repeatable sequence of problems. May have `__len__`.

    A source for training is built for one split ("train" or "test") and yields only that split's problems.
    """

    def __iter__(self) -> Iterator[Problem]:
        """Yield the problems, in the same order every time."""
        ...


@runtime_checkable
class Task(Protocol):
    """A benchmark: the problems of its test split, and what is known of it.

    Figures of its own, beside those that all tasks have, it computes by a method `figures(answered, seed)`:
    see `r1light.evaluation.task.Figures`.
    """

    about: Benchmark

    def __iter__(self) -> Iterator[Problem]:
        """Yield the problems, in the same order every time; their ids begin with the task's name."""
        ...


@runtime_checkable
class RolloutEngine(Protocol):
    """Completes prompts: token ids in, token ids with log-probabilities out.

    It knows neither templates nor rewards. `decode` is given to it to fill `Completion.text`.
    """

    def generate(self, requests: Iterable[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        """Yield a group a request, each as soon as it is whole, in any order.

        Every draw depends on (seed, request key, sample index, position) alone.

        Raises:
            UserError: If a prompt leaves no room for a token in the model's context.
        """
        ...

    def load_weights(self, named_tensors: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Take over the policy's weights, by their Hugging Face names; `version` marks what follows."""
        ...

    def close(self) -> None:
        """Free memory and processes. May be called twice."""
        ...


Decode = Callable[[Sequence[int]], str]
"""Token ids to text, special tokens left out."""

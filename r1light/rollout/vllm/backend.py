"""What `rollout=vllm` asks of a vLLM, in this process or behind servers, and what it gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Ask:
    """Completions to draw for one prompt.

    Attributes:
        prompt_ids: The prompt's token ids.
        n: Completions.
        max_tokens: The cap on each, in tokens.
        temperature: Divides the logits; 0 is greedy.
        top_p: Nucleus mass.
        top_k: 0 for off.
        seed: Of the first completion; vLLM draws the one of index i with `seed + i`.
        stop_ids: Ids that end a completion.
    """

    prompt_ids: tuple[int, ...]
    n: int
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    stop_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A completion: its ids, the end token included, and vLLM's `processed_logprobs` of them, in nats."""

    token_ids: Sequence[int]
    logprobs: Sequence[float]


class Check(Protocol):
    """Judges a vLLM by what it draws."""

    @property
    def asks(self) -> Sequence[Ask]:
        """What it is to draw."""
        ...

    def __call__(self, answers: Sequence[Sequence[Drawn]]) -> None:
        """Judge one vLLM's answers; raises EngineError where they are wrong."""
        ...


class Backend(Protocol):
    """A vLLM, or several with the same weights."""

    def draw(self, asks: Sequence[Ask]) -> Iterator[tuple[int, Sequence[Drawn]]]:
        """Yield (position of the ask, its n completions) as they are done; closing it gives up the rest."""
        ...

    def load(self, weights: Iterable[tuple[str, Tensor]], check: Check) -> None:
        """Replace the weights, by their Hugging Face names, forget the prefixes of the old ones, and check.

        A vLLM that has to be started again later is checked as well.
        """
        ...

    def sleep(self) -> None:
        """Let the device's memory go until the next call."""
        ...

    def figures(self) -> Mapping[str, float]:
        """Counts since the start, for metrics.jsonl."""
        ...

    def close(self) -> None:
        """End; may be called twice."""
        ...

"""`rollout=fake`: completions from a script, for tests of everything around an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from r1light.core.protocols import Decode
from r1light.core.types import Completion, FinishReason, Group, RolloutRequest, SamplingParams
from r1light.rollout import keys
from r1light.rollout.lifecycle import Lifecycle

if TYPE_CHECKING:
    from torch import Tensor

Encode = Callable[[str], Sequence[int]]
Author = Callable[[RolloutRequest, int], str]
"""What a fake writes: (request, sample index) to text."""


def _to_bytes(text: str) -> list[int]:
    return list(text.encode())


def _from_bytes(ids: Sequence[int]) -> str:
    return bytes(each for each in ids if each < 256).decode(errors="ignore")


class Fake:
    """Writes what the script says; obeys n, max_tokens and stop; no other parameter counts."""

    runs_model = False
    """Its texts need not fit into a model's context."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """What the fake says."""

        script: Mapping[str, list[str]] = field(default_factory=dict)
        """Problem id to texts; sample i takes text i modulo their number."""
        default: list[str] = field(
            default_factory=lambda: ["<think> I do not know. </think> <answer> 0 </answer>"]
        )
        """The texts for problems that the script does not have."""

        def __post_init__(self) -> None:
            if not self.default or not all(self.script.values()):
                raise ValueError("rollout.default and every entry of rollout.script need at least one text")

    def __init__(
        self,
        config: Config,
        encode: Encode | None = None,
        decode: Decode | None = None,
        eos_ids: Sequence[int] = (),
        author: Author | None = None,
    ) -> None:
        """Make an engine that runs no model.

        Args:
            config: The script.
            encode: Text to ids, without special tokens. By default a token is a byte of UTF-8.
            decode: Ids to text; needed with `encode`.
            eos_ids: Where there are any, the first ends every completion that fits.
            author: Writes in the script's place.

        Raises:
            ValueError: If there is an `encode` without a `decode`.
        """
        if encode is not None and decode is None:
            raise ValueError("a fake engine with encode needs the matching decode")
        self._config = config
        self._encode = encode or _to_bytes
        self._decode = decode if encode is not None and decode is not None else _from_bytes
        self._eos = tuple(eos_ids)[:1]
        self._author = author or self._scripted
        self._life = Lifecycle()

    @classmethod
    def by(cls, author: Author, **resources: object) -> Fake:
        """An engine whose completions a function writes: `Fake.by(lambda request, index: "...")`."""
        return cls(cls.Config(), author=author, **resources)  # type: ignore[arg-type]

    def generate(self, requests: Iterable[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        """Yield the groups in the order of the requests.

        Raises:
            EngineError: If the engine is closed.
        """
        self._life.begin()
        return (
            Group(request, tuple(self._complete(request, index, params) for index in range(params.n)))
            for request in list(requests)
        )

    def load_weights(self, named_tensors: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Drain the tensors and stamp what follows with `version`."""
        for _ in named_tensors:
            pass
        self._life.weights_changed(version)

    def close(self) -> None:
        """Generate no more."""
        self._life.close()

    def _scripted(self, request: RolloutRequest, index: int) -> str:
        texts = self._config.script.get(request.problem_id, self._config.default)
        return texts[index % len(texts)]

    def _complete(self, request: RolloutRequest, index: int, params: SamplingParams) -> Completion:
        text = self._author(request, index)
        cuts = [cut for stop in params.stop if stop and (cut := text.find(stop)) >= 0]
        if cuts:
            text = text[: min(cuts)]
        ids = (*self._encode(text), *self._eos)
        reason: FinishReason = "stop"
        if len(ids) > params.max_tokens:
            ids, reason = ids[: params.max_tokens], "length"
            text = self._decode(ids)
        state = keys.row_state(params.seed, request.key, index)
        return Completion(
            token_ids=ids,
            text=text,
            # A tenth of a nat to two nats: what a sampled token of a trained model has.
            logprobs=tuple(-0.1 - 1.9 * keys.uniform(state, position) for position in range(len(ids))),
            finish_reason=reason,
            weights_version=self._life.version,
        )

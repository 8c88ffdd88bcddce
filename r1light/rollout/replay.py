"""`rollout=replay`: completions that were written before, from a JSON-lines file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1light.core.errors import DataError
from r1light.core.types import Completion, Group, RolloutRequest, SamplingParams
from r1light.rollout.lifecycle import Lifecycle

if TYPE_CHECKING:
    from torch import Tensor

Encode = Callable[[str], Sequence[int]]


class Replay:
    """Answers a request with the file's rows of its problem id, in the file's order.

    A row has `problem_id` (or `id`) and `completion` (or `text`), and may have `token_ids`, `logprobs` and
    `finish_reason` ("stop" where it has none). Of the sampling parameters `n` and `max_tokens` count.
    Log-probabilities that a row lacks are NaN, never a guess.
    """

    runs_model = False
    """Its texts need not fit into a model's context."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Where the completions are."""

        path: str = ""
        """The JSON-lines file."""

        def __post_init__(self) -> None:
            if not self.path:
                raise ValueError("rollout.path must name the JSON-lines file with the completions")

    def __init__(self, config: Config, encode: Encode | None = None) -> None:
        """Read the file.

        Args:
            config: Where it is.
            encode: Text to ids without special tokens, for rows without `token_ids`.

        Raises:
            DataError: If the file cannot be read, or a row is broken; names the line.
        """
        self._path = Path(config.path).expanduser()
        self._life = Lifecycle()
        self._completions: dict[str, list[Completion]] = {}
        for where, row in _rows(self._path):
            problem_id = row.get("problem_id", row.get("id"))
            if not isinstance(problem_id, str):
                raise DataError(f"{where} has no problem_id (a string)")
            self._completions.setdefault(problem_id, []).append(_completion(row, where, encode))

    def generate(self, requests: Iterable[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        """Yield the groups in the order of the requests.

        Raises:
            DataError: At once, if the file has fewer than `params.n` completions of a problem, or one of
                more than `params.max_tokens` tokens.
            EngineError: If the engine is closed.
        """
        self._life.begin()
        return iter([Group(request, self._of(request, params)) for request in requests])

    def load_weights(self, named_tensors: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Drain the tensors: what was written before does not hang on them."""
        for _ in named_tensors:
            pass
        self._life.weights_changed(version)

    def close(self) -> None:
        """Answer no more."""
        self._life.close()

    def _of(self, request: RolloutRequest, params: SamplingParams) -> tuple[Completion, ...]:
        found = self._completions.get(request.problem_id, [])
        if len(found) < params.n:
            raise DataError(
                f"{self._path} has {len(found)} completions of problem {request.problem_id!r}, "
                f"and {params.n} are asked for"
            )
        longest = max(len(completion.token_ids) for completion in found[: params.n])
        if longest > params.max_tokens:
            raise DataError(
                f"{self._path} has a completion of problem {request.problem_id!r} with {longest} tokens, "
                f"and at most {params.max_tokens} are asked for"
            )
        return tuple(found[: params.n])


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, row) of every line that is not blank."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the completions in {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{where} is not a JSON object")
        yield where, row


def _completion(row: dict[str, Any], where: str, encode: Encode | None) -> Completion:
    text = row.get("completion", row.get("text"))
    if not isinstance(text, str):
        raise DataError(f"{where} has no completion (a string)")
    ids = row.get("token_ids")
    if ids is None:
        if encode is None:
            raise DataError(f"{where} has no token_ids, and there is no tokenizer to make them of its text")
        ids = encode(text)
    if not ids:
        raise DataError(f"{where} has an empty completion")
    logprobs = row.get("logprobs")
    if logprobs is None:
        logprobs = [float("nan")] * len(ids)
    reason = row.get("finish_reason", "stop")
    if reason not in ("stop", "length", "abort"):
        raise DataError(f"{where} has the finish_reason {reason!r}; known: stop, length, abort")
    try:
        return Completion(tuple(map(int, ids)), text, tuple(map(float, logprobs)), reason)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {error}") from error

"""From problems to rows of completions.jsonl: what is asked, and what an engine wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from r1light.core.errors import DataError
from r1light.core.protocols import RolloutEngine
from r1light.core.types import Completion, Problem, RolloutRequest, SamplingParams
from r1light.curation.curator import Way
from r1light.data.problem_json import problem_to_json

STREAM = 2**31
"""The first half of a draw's key is this plus the way's number, so that no draw is one of training's."""

Encode = Callable[[str], Sequence[int]]
"""Text to token ids, with no special tokens added."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One problem in one of its ways.

    Attributes:
        problem: The problem.
        way: How it is asked.
        key: What its draws hang on besides the seed: (`STREAM` + the way's number, the problem's position in
            its split).
    """

    problem: Problem
    way: Way
    key: tuple[int, int]

    def line(self) -> bytes:
        """It as a line of prompts.jsonl."""
        row = {
            "problem": problem_to_json(self.problem),
            "way": self.way.name,
            "prompt": self.way.prompt.text,
            "prefill": self.way.prompt.prefill,
            "key": list(self.key),
        }
        return _json_line(row if self.way.given is None else {**row, "given": self.way.given})


@dataclass(slots=True)
class Asking:
    """All that is asked, and how many problems are not.

    Attributes:
        asked: In the order of the problems, all ways of one side by side.
        duplicates: Problems whose prompts an earlier one has: those are asked once.
        too_long: Problems with a prompt that leaves no room in the model's context.
        left_out: Problems that the curation asks in no way.
    """

    asked: list[Asked] = field(default_factory=list)
    duplicates: int = 0
    too_long: int = 0
    left_out: int = 0


def ask(
    problems: Iterable[tuple[int, Problem]],
    ways: Callable[[Problem], Sequence[Way]],
    fits: Callable[[str], bool],
    *,
    skip_too_long: bool,
    each_apart: bool = False,
) -> Asking:
    """Every problem in every way.

    Args:
        problems: Problems with their positions in the split.
        ways: How a problem is asked.
        fits: Whether a prompt leaves room for an answer.
        skip_too_long: Leave problems out whose prompt does not, and count them.
        each_apart: Ask problems whose prompts an earlier one has, too.

    Raises:
        DataError: A prompt leaves no room, and is not to be skipped.
    """
    asking, seen = Asking(), set[tuple[tuple[str, str | None], ...]]()
    for position, problem in problems:
        found = ways(problem)
        texts = tuple((way.prompt.text, way.given) for way in found)
        if not found:
            asking.left_out += 1
        elif texts in seen and not each_apart:
            asking.duplicates += 1
        elif all(fits(way.prompt.text) for way in found if way.given is None):
            seen.add(texts)
            keys = [(STREAM + number, position) for number in range(len(found))]
            asking.asked += [Asked(problem, way, key) for way, key in zip(found, keys, strict=True)]
        elif skip_too_long:
            asking.too_long += 1
        else:
            raise DataError(
                f"problem {problem.id!r}: its prompt leaves no room for an answer in the model's context; "
                "shorten or drop it, or leave such problems out by stage.too_long=skip"
            )
    return asking


@dataclass(slots=True)
class DrawCounts:
    """What was drawn so far.

    Attributes:
        drawn: Completions, identical ones of one prompt counted each.
        identical: Those that repeat an earlier one of their prompt; they have no row of their own.
        truncated: Those that were cut at the cap.
        tokens: Sampled tokens.
        seconds: Wall-clock seconds of drawing.
    """

    drawn: int = 0
    identical: int = 0
    truncated: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def plain(self) -> dict[str, float]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Draws completions for prompts.

    Attributes:
        engine: What writes them; None only where all are given.
        encode: Prompts to token ids.
        params: How they are drawn.
        settings: What stands with each row about the sampler, besides `params`.
        token_ids: Whether rows have the sampled ids.
        each_apart: Whether each of identical completions has its row.
        samples: How many completions a problem gets; None for `params.n` of each.
    """

    engine: RolloutEngine | None
    encode: Encode
    params: SamplingParams
    settings: Mapping[str, Any]
    token_ids: bool = False
    each_apart: bool = False
    samples: Callable[[Problem], int] | None = None

    def rows(self, batch: Sequence[Asked], counts: DrawCounts, done: Callable[[int], None]) -> bytes:
        """The rows of some prompts, in their order; identical completions of one prompt share a row.

        The first row of a prompt has its whole problem, the others the problem's id.

        Args:
            batch: What is asked.
            counts: Grows by what is drawn.
            done: Told of the number of prompts that are finished since it was last told.
        """
        drawn: dict[tuple[int, int], tuple[Completion, ...]] = {
            asked.key: (Completion((), asked.way.given, (), "stop"),)
            for asked in batch
            if asked.way.given is not None
        }
        requests: dict[int, list[RolloutRequest]] = {}
        for asked in batch:
            if asked.way.given is None:
                n = self.params.n if self.samples is None else self.samples(asked.problem)
                ids = tuple(self.encode(asked.way.prompt.text))
                requests.setdefault(n, []).append(RolloutRequest(asked.problem.id, ids, asked.key))
        if drawn:
            done(len(drawn))
        if self.engine is not None:
            for n, mine in requests.items():
                for group in self.engine.generate(mine, replace(self.params, n=n)):
                    drawn[group.request.key] = group.completions
                    done(1)
        return b"".join(self._group(asked, drawn[asked.key], counts) for asked in batch)

    def _group(self, asked: Asked, completions: Sequence[Completion], counts: DrawCounts) -> bytes:
        first: dict[tuple[str, str], int] = {}
        times: dict[int, int] = {}
        for index, completion in enumerate(completions):
            same = first.setdefault((completion.text, completion.finish_reason), index)
            times[same] = times.get(same, 0) + 1
            if asked.way.given is None:
                counts.drawn += 1
                counts.identical += same != index
                counts.truncated += completion.finish_reason == "length"
                counts.tokens += len(completion.token_ids)
        rows = dict.fromkeys(range(len(completions)), 1) if self.each_apart else times
        whole = problem_to_json(asked.problem)
        problems = (whole if number == 0 else {"id": asked.problem.id} for number in range(len(rows)))
        return b"".join(
            _json_line({"problem": problem, **self._row(asked, index, completions[index], drawn)})
            for problem, (index, drawn) in zip(problems, rows.items(), strict=True)
        )

    def _row(self, asked: Asked, index: int, completion: Completion, drawn: int) -> dict[str, Any]:
        row: dict[str, Any] = {
            "completion": completion.text,
            "prefill": asked.way.prompt.prefill,
            "finish_reason": completion.finish_reason,
            "prompt": asked.way.prompt.text,
            "sampler": self._sampler(asked, index, completion, drawn),
        }
        with_ids = self.token_ids and asked.way.given is None
        return {**row, "token_ids": list(completion.token_ids)} if with_ids else row

    def _sampler(self, asked: Asked, index: int, completion: Completion, drawn: int) -> dict[str, Any]:
        if asked.way.given is not None:
            return {"way": asked.way.name}
        params = self.params
        return {
            **self.settings,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "top_k": params.top_k,
            "max_tokens": params.max_tokens,
            "stop": list(params.stop),
            "seed": params.seed,
            "key": list(asked.key),
            "index": index,
            "way": asked.way.name,
            "drawn": drawn,
            "tokens": len(completion.token_ids),
        }


def _json_line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=True).encode() + b"\n"  # lone surrogates would not encode otherwise

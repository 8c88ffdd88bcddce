"""A model and its engine as lm-evaluation-harness asks a model: texts in, texts and likelihoods out.

It has the methods of the harness's `LM` and is no subclass of it, so that nothing here needs the harness.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from r1light.core.errors import ConfigError, DataError
from r1light.core.protocols import RolloutEngine
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.evaluation.kept import Kept, mark_of
from r1light.evaluation.likelihood import Continuation, Scorer, rolling

_log = logging.getLogger(__name__)

STREAM = 2**32
"""The first half of a draw's key, so that no draw is one of training's or of our own tasks."""

TASK_TOKENS = 256
"""The cap of a task that names none, as the harness has it."""

_CAPS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""Names of the cap in a task's generation options, the first that is there counting."""

_SCORED_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Drawing:
    """How texts are drawn.

    Attributes:
        params: Those of the run; a task's own stand before them unless `by_run`.
        by_run: Whether the run's temperature, top-p, top-k and cap stand before the task's.
        max_tokens: A cap that stands before any other; None for none.
        thought_ends: What ends a thought: a response is what stands behind it, and stop strings are looked
            for there alone. None where a response is all that the model writes.
        settings: What responses hang on besides, such as the model's name; part of what is hashed.
    """

    params: SamplingParams
    by_run: bool = False
    max_tokens: int | None = None
    thought_ends: str | None = None
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    mark: str
    name: str
    text: str
    params: SamplingParams


class HarnessModel:
    """Answers the harness's three kinds of requests, each once: what is kept is not asked again.

    Attributes:
        copies: How often each text is drawn for; a task is then gone through as many times.
        turn: Which of the copies are given, from 0.
    """

    rank, world_size, device = 0, 1, None

    def __init__(
        self, loaded: Any, engine: RolloutEngine, drawing: Drawing, kept: Kept, scorer: Scorer | None = None
    ) -> None:
        """Take a model and its engine.

        Args:
            loaded: The model with its tokenizer, `eos_ids` and `context`.
            engine: What draws texts.
            drawing: How.
            kept: Where responses are kept.
            scorer: What scores texts; None makes one at need.
        """
        self.loaded, self.engine, self.drawing, self.kept = loaded, engine, drawing, kept
        self.copies, self.turn = 1, 0
        self._scorer = scorer

    @property
    def tokenizer_name(self) -> str:
        """A name of the chat template, for the harness's own books."""
        return str(self.loaded.path).replace("/", "__")

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The tokenizer's chat template."""
        del chat_template
        return str(self.loaded.tokenizer.chat_template or "")

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """A conversation in the form that the model's tokenizer gives it.

        Raises:
            ConfigError: The tokenizer has no chat template.
        """
        tokenizer = self.loaded.tokenizer
        if not tokenizer.chat_template:
            raise ConfigError(
                f"stage.lm_eval.chat_template=true, and the tokenizer of {self.loaded.path} has no chat "
                "template; take false"
            )
        text: str = tokenizer.apply_chat_template(
            chat_history,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=not add_generation_prompt,
        )
        return text

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """A text for each request, whose arguments are (context, generation options).

        A request that stands n times, as the harness writes n repeats, gets n draws.

        Raises:
            ConfigError: An option is unknown, or the model's context leaves no room.
        """
        asked = [self._asked(request) for request in requests]
        times = Counter(each.mark for each in asked)
        self._draw({each.mark: each for each in asked}.values(), times)
        given: Counter[str] = Counter()
        texts = []
        for request, each in zip(requests, asked, strict=True):
            place = self.turn * times[each.mark] + given[each.mark]
            given[each.mark] += 1
            texts.append(self._cut(self.kept.get(each.mark)[place], request.args[1]))
        return texts

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """The log-probability in nats of each continuation, and whether greedy decoding would write it.

        The arguments of a request are (context, continuation). A context that is too long is cut from the
        left, as the harness does.

        Raises:
            DataError: A continuation is of no tokens, as where it is white space that the tokenizer joins.
        """
        found = self._kept_or("loglikelihood", [request.args for request in requests], self._scored)
        return [(float(value), bool(greedy)) for value, greedy in found]

    def loglikelihood_rolling(self, requests: Sequence[Any]) -> list[float]:
        """The log-probability in nats of each whole text, the arguments of a request being (text,)."""
        found = self._kept_or("rolling", [request.args for request in requests], self._rolled)
        return [float(value) for value in found]

    def _kept_or(
        self, kind: str, asked: Sequence[tuple[Any, ...]], compute: Callable[[list[Any]], Iterable[Any]]
    ) -> list[Any]:
        marks = [mark_of(kind, list(args), self.drawing.settings or {}) for args in asked]
        missing = {mark: args for mark, args in zip(marks, asked, strict=True) if self.kept.get(mark) is None}
        left = list(missing.items())
        for start in range(0, len(left), _SCORED_AT_ONCE):
            batch = left[start : start + _SCORED_AT_ONCE]
            for (mark, _), value in zip(batch, compute([args for _, args in batch]), strict=True):
                self.kept.put(mark, value)
        return [self.kept.get(mark) for mark in marks]

    @property
    def _scoring(self) -> Scorer:
        if self._scorer is None:
            self._scorer = Scorer(self.loaded.model)
        return self._scorer

    def _scored(self, asked: list[tuple[str, str]]) -> list[list[Any]]:
        longest = self.loaded.context + 1  # the last token is predicted, and not read
        pairs = []
        for context, continuation in asked:
            before, ids = self._pair(context, continuation)
            if not ids:
                raise DataError(
                    f"lm_eval: {continuation[:40]!r} behind {context[-40:]!r} is no token of its own, and so "
                    "has no likelihood; mend the task's doc_to_choice or target_delimiter"
                )
            room = max(1, longest - len(ids))
            pairs.append(Continuation(before[-room:], ids[: longest - 1]))
        return [[each.logprob, each.greedy] for each in self._scoring.score(pairs)]

    def _rolled(self, asked: list[tuple[str]]) -> list[float]:
        windows = [rolling(self._encode(text), self._prefix, self.loaded.context) for (text,) in asked]
        scored = iter(self._scoring.score([window for mine in windows for window in mine]))
        return [sum(next(scored).logprob for _ in mine) for mine in windows]

    def _pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Ids of a context and of what follows, cut where the ids of the context alone end."""
        if not context:
            ids = self._encode(continuation, special=False)
            same = bool(ids) and ids[0] == self._prefix
            return ([self._prefix], ids[1:]) if same else ([self._prefix], ids)
        stripped = context.rstrip()
        continuation = context[len(stripped) :] + continuation
        if not stripped:
            return self._pair("", continuation)
        before = self._encode(stripped)
        return before, self._encode(stripped + continuation)[len(before) :]

    @property
    def _prefix(self) -> int:
        """The id that stands before a text which nothing precedes."""
        first = self.loaded.tokenizer.bos_token_id
        return int(self.loaded.eos_ids[0] if first is None else first)

    def _encode(self, text: str, *, special: bool = True) -> list[int]:
        """Ids, with the tokenizer's own leading ones unless the text begins with them."""
        tokenizer = self.loaded.tokenizer
        begun = bool(tokenizer.bos_token) and text.startswith(tokenizer.bos_token)
        ids: list[int] = tokenizer.encode(text, add_special_tokens=special and not begun)
        return ids

    def _asked(self, request: Any) -> _Asked:
        context, options = request.args
        name = f"lm_eval:{request.task_name}/{request.doc_id}/{request.idx}"
        params = self._params(options, name)
        told = [params.temperature, params.top_p, params.top_k, params.max_tokens, list(params.stop)]
        mark = mark_of("generate", name, context, told, params.seed, self.copies, self.drawing.settings or {})
        return _Asked(mark, name, context, params)

    def _params(self, options: Mapping[str, Any], name: str) -> SamplingParams:
        run, cap = self.drawing.params, self.drawing.max_tokens
        stop = () if self.drawing.thought_ends is not None else _stops(options)
        if self.drawing.by_run:
            return replace(run, stop=stop, max_tokens=cap or run.max_tokens)
        own = next((options[key] for key in _CAPS if options.get(key) is not None), TASK_TOKENS)
        sampled = options.get("do_sample", float(options.get("temperature") or 0.0) > 0)
        try:
            return SamplingParams(
                temperature=float(options.get("temperature") or 1.0) if sampled else 0.0,
                top_p=float(options.get("top_p") or 1.0) if sampled else 1.0,
                top_k=int(options.get("top_k") or 0) if sampled else 0,
                max_tokens=int(cap or own),
                stop=stop,
                seed=run.seed,
            )
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{name}: its generation options cannot be had: {error}") from error

    def _draw(self, asked: Iterable[_Asked], times: Mapping[str, int]) -> None:
        """Draw what is not kept, requests of like options at once."""
        alike: dict[SamplingParams, list[tuple[_Asked, RolloutRequest]]] = {}
        for each in asked:
            if self.kept.get(each.mark) is None:
                ids = self._cut_context(self._encode(each.text), each)
                key = (STREAM, int(each.mark[:15], 16))
                params = replace(each.params, n=times[each.mark] * self.copies)
                alike.setdefault(params, []).append((each, RolloutRequest(each.name, ids, key)))
        for params, mine in alike.items():
            marks = {request.key: each.mark for each, request in mine}
            for group in self.engine.generate([request for _, request in mine], params):
                texts = [completion.text for completion in group.completions]
                self.kept.put(marks[group.request.key], texts)

    def _cut_context(self, ids: list[int], each: _Asked) -> tuple[int, ...]:
        """The end of a context that leaves room for the cap, as the harness cuts it."""
        if self.drawing.by_run:
            return tuple(ids) if ids else (self._prefix,)  # the cap is what the context leaves
        room = self.loaded.context - each.params.max_tokens
        if room < 1:
            raise ConfigError(
                f"{each.name.rsplit('/', 2)[0]} writes up to {each.params.max_tokens} tokens, and the "
                f"model's context is {self.loaded.context}; set stage.lm_eval.max_tokens below that"
            )
        if len(ids) > room:
            _log.warning("%s: the first %d of %d tokens do not fit", each.name, len(ids) - room, len(ids))
        return tuple(ids[-room:]) if ids else (self._prefix,)

    def _cut(self, text: str, options: Mapping[str, Any]) -> str:
        """A response without its thought, and up to the first stop string behind it."""
        end = self.drawing.thought_ends
        if end is None:
            return text
        text = text.rpartition(end)[2].lstrip()
        for stop in _stops(options):
            text = text.split(stop, 1)[0]
        return text


def _stops(options: Mapping[str, Any]) -> tuple[str, ...]:
    until = options.get("until") or []
    return tuple(text for text in ([until] if isinstance(until, str) else until) if text)

"""What `stage=chat` holds: a model, its template, the conversation, and where answers are written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.types import Message, Problem, RolloutRequest

if TYPE_CHECKING:
    from r1light.reports.terminal import Screen, Thoughts

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Talk:
    """A model, and what was said.

    Attributes:
        config: The run's configuration.
        loaded: The model with its tokenizer.
        template: Questions to prompts, completions to parts.
        screen: Where answers are written.
        thoughts: Whether thoughts are written too.
        turns: Whether the template has room for more than one question.
        said: The conversation so far; none where there are no turns.
        asked: Questions so far.
    """

    config: RunConfig
    loaded: Any
    template: Any
    screen: Screen
    thoughts: bool
    turns: bool
    said: list[Message] = field(default_factory=list)
    asked: int = 0

    @classmethod
    def start(cls, config: RunConfig, screen: Screen, *, thoughts: bool) -> Talk:
        """Load the model, and see whether the template has turns."""
        from r1light.stages import build

        loaded = build.build_model(config)
        template = build.build_template(config, loaded.tokenizer)
        return cls(config, loaded, template, screen, thoughts, has_turns(template))

    def answer(self, question: str) -> None:
        """Ask, write the answer as it comes, and remember both where the template has turns.

        Raises:
            DataError: The conversation leaves no room in the model's context.
            KeyboardInterrupt: The user ended the answer; it is not remembered.
        """
        from r1light.rollout.streaming import TokenStream
        from r1light.stages.build import encoder

        asked = Message("user", question.encode(errors="surrogateescape").decode(errors="replace"))
        prompt = self.template.render(Problem("question", self._prompt(asked), "none"))
        ids = tuple(encoder(self.loaded.tokenizer)(prompt.text))
        request = RolloutRequest("question", ids, (0, self.asked))
        params = self.config.stage.sampling(self.config.seed)
        stream = TokenStream(self.loaded.model, request, params, self.loaded.eos_ids)
        self.asked += 1
        text = "".join(self._written(prompt.prefill, stream))
        parsed = self.template.parse(prompt.prefill, text)
        shown = "" if self.thoughts else text if parsed.answer is None else parsed.answer
        self.screen.write(shown + "\n")
        if stream.finish_reason == "length":
            _log.warning("(cut: the answer has as many tokens as it may)")
        if parsed.answer is None:
            _log.warning("(no answer in the form of template=%s)", self.config.template.name)
        elif self.turns:
            self.said += [asked, Message("assistant", parsed.answer)]

    def _prompt(self, asked: Message) -> str | tuple[Message, ...]:
        return (*self.said, asked) if self.turns else asked.content

    def _written(self, prefill: str, stream: Any) -> Iterator[str]:
        """The pieces of the completion, shown as they come."""
        from r1light.rollout.streaming import TextStream

        cut = thoughts_of(self.template)
        tokenizer = self.loaded.tokenizer
        text = TextStream(lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True)))
        self._show(cut.add(prefill))
        for token in stream:
            piece = text.add(token)
            self._show(cut.add(piece))
            yield piece
        last = text.end()
        self._show(cut.add(last))
        self._show(cut.end())
        yield last

    def _show(self, spans: Iterator[tuple[str, bool]]) -> None:
        for span, thought in spans:
            if self.thoughts:
                self.screen.write(span, dim=thought)


def thoughts_of(template: Any) -> Thoughts:
    """What tells a template's thoughts: its `markers` if it has any, else `<think>` and `</think>`."""
    from r1light.reports.terminal import Thoughts

    markers = getattr(template, "markers", None)
    return Thoughts(markers.opening.strip(), markers.closing.strip()) if markers else Thoughts()


def has_turns(template: Any) -> bool:
    """Whether a template takes a conversation of several questions."""
    turns = (Message("user", "1"), Message("assistant", "1"), Message("user", "1"))
    try:
        template.render(Problem("turns", turns, "none"))
    except DataError:
        return False
    return True

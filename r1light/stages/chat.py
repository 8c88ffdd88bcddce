"""`stage=chat`: talk to a model in the terminal; with `stage.prompt=...`, one answer on stdout.

Reads: a model and a template. Writes no run folder. A template with turns carries the conversation on, without
the thoughts of earlier answers; one without (such as r1_zero) asks each question by itself.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError, UserError
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.types import Message, Parsed, Problem, RolloutRequest, SamplingParams

if TYPE_CHECKING:
    from r1light.reports.terminal import Screen

MAKES_RUN_FOLDER = False
_log = logging.getLogger(__name__)

_HELP = "Ctrl-C ends an answer; /reset forgets the conversation; /exit or Ctrl-D ends."
_UNLIMITED = 1 << 30  # tokens; the context is what bounds them


@dataclass(frozen=True, slots=True)
class Config:
    """What is asked, and how answers are drawn."""

    name: Literal["chat"] = "chat"
    """The stage."""
    prompt: str | None = None
    """A question to answer on stdout, and end; null for a conversation."""
    temperature: float = 0.6
    """Divides the logits (the paper's evaluation: 0.6); 0 is greedy."""
    top_p: float = 0.95
    """Nucleus mass in (0, 1] (the paper's evaluation: 0.95)."""
    max_tokens: int | None = None
    """Tokens an answer; null for as many as the model's context has room for."""
    thoughts: bool | None = None
    """Whether thoughts are shown; null shows them, but on a stdout that is no terminal gives the answer alone."""

    def __post_init__(self) -> None:
        if self.prompt is not None and not self.prompt.strip():
            raise ValueError("prompt is empty; give a question, or leave it null for a conversation")
        self.sampling(0)

    def sampling(self, seed: int) -> SamplingParams:
        """How tokens are drawn."""
        tokens = _UNLIMITED if self.max_tokens is None else self.max_tokens
        return SamplingParams(1, self.temperature, self.top_p, max_tokens=tokens, seed=seed)


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Answer one question, or all until the user ends."""
    from r1light.reports.terminal import Screen
    from r1light.stages.supervised import set_up

    del folder
    options: Config = config.stage
    set_up(config)
    screen = Screen(sys.stdout)
    shown = sys.stdout.isatty() if options.thoughts is None else options.thoughts
    talk = Talk.start(config, screen, thoughts=shown)
    if options.prompt is not None:
        talk.answer(options.prompt)
    else:
        _converse(talk)
    return StageResult("chat", {"questions": talk.asked})


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
        template = build.build_template(config)
        return cls(config, loaded, template, screen, thoughts, has_turns(template))

    def answer(self, question: str) -> None:
        """Ask, write the answer as it comes, and remember both where the template has turns.

        Raises:
            DataError: The conversation leaves no room in the model's context.
            KeyboardInterrupt: The user ended the answer; it is not remembered.
        """
        from r1light.rollout.streaming import TokenStream
        from r1light.stages.build import encoder

        asked = Message("user", question)
        prompt = self.template.render(Problem("question", self._prompt(asked), "none"))
        ids = tuple(encoder(self.loaded.tokenizer)(prompt.text))
        request = RolloutRequest("question", ids, (0, self.asked))
        params = self.config.stage.sampling(self.config.seed)
        stream = TokenStream(self.loaded.model, request, params, self.loaded.eos_ids)
        self.asked += 1
        text = "".join(self._written(prompt.prefill, stream))
        parsed: Parsed = self.template.parse(prompt.prefill, text)
        if not self.thoughts:
            self.screen.write(text if parsed.answer is None else parsed.answer)
        self.screen.write("\n")
        if stream.finish_reason == "length":
            _log.warning("(cut: the answer has as many tokens as it may)")
        if parsed.answer is None:
            _log.warning("(no answer in the form of template=%s)", self.config.template.name)
        elif self.turns:
            self.said += [asked, Message("assistant", parsed.answer)]

    def _prompt(self, asked: Message) -> str | tuple[Message, ...]:
        return (*self.said, asked) if self.turns else asked.content

    def _written(self, prefill: str, stream: Any) -> Iterator[str]:
        """The pieces of the completion, each shown before it is given on if thoughts are."""
        from r1light.reports.terminal import Thoughts
        from r1light.rollout.streaming import TextStream

        markers = getattr(self.template, "markers", None)
        cut = Thoughts(markers.opening.strip(), markers.closing.strip()) if markers else Thoughts()
        tokenizer = self.loaded.tokenizer
        text = TextStream(lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True)))

        def show(spans: Iterator[tuple[str, bool]]) -> None:
            for span, thought in spans:
                if self.thoughts:
                    self.screen.write(span, dim=thought)

        show(cut.add(prefill))
        for token in stream:
            piece = text.add(token)
            show(cut.add(piece))
            yield piece
        last = text.end()
        show(cut.add(last))
        show(cut.end())
        yield last


def has_turns(template: Any) -> bool:
    """Whether a template takes a conversation of several questions."""
    turns = (Message("user", "1"), Message("assistant", "1"), Message("user", "1"))
    try:
        template.render(Problem("turns", turns, "none"))
    except DataError:
        return False
    return True


def _converse(talk: Talk) -> None:
    """Questions and answers until the user ends; what is wrong with one question ends that one alone."""
    asks = sys.stdin.isatty()
    if asks:
        each = "" if talk.turns else " Each question stands by itself: the template has no turns."
        _log.info("%s%s", _HELP, each)
    with _ctrl_c():
        while True:
            try:
                line = input("> " if asks else "")
                question = line.encode(errors="surrogateescape").decode(errors="replace").strip()
                if question == "/exit":
                    return
                if question == "/reset":
                    talk.said.clear()
                elif question:
                    talk.answer(question)
            except EOFError:
                return
            except KeyboardInterrupt:
                talk.screen.write("\n")
            except UserError as error:
                _log.error("%s", error)  # its one line says all


@contextmanager
def _ctrl_c() -> Iterator[None]:
    """SIGINT as Python has it: what it interrupts is an answer, and not the run."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

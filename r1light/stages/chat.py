"""`stage=chat`: talk to a model in the terminal; with `stage.prompt=...`, one answer on stdout.

Reads: a model and a template. Writes no run folder. With a template that has turns the conversation goes on,
without the thoughts of earlier answers; with another, such as r1_zero, each question stands by itself.
"""

from __future__ import annotations

import importlib
import io
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

from r1light.config.schema import RunConfig
from r1light.core.errors import UserError
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.types import SamplingParams

if TYPE_CHECKING:
    from r1light.stages.talk import Talk

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
    """Whether thoughts are shown, dimmed; null shows them on a terminal, and elsewhere the answer alone."""

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
    from r1light.stages.talk import Talk

    del folder
    options: Config = config.stage
    set_up(config)
    _bear(sys.stdin, "surrogateescape")
    _bear(sys.stdout, "backslashreplace")
    screen = Screen(sys.stdout)
    shown = sys.stdout.isatty() if options.thoughts is None else options.thoughts
    talk = Talk.start(config, screen, thoughts=shown)
    if options.prompt is not None:
        talk.answer(options.prompt)
    else:
        _converse(talk)
    return StageResult("chat", {"questions": talk.asked})


def _bear(stream: TextIO, errors: str) -> None:
    """Have a stream bear what its encoding does not know: it is not to end the conversation."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=errors)


def _converse(talk: Talk) -> None:
    """Questions and answers until the user ends; what is wrong with one question ends that one alone."""
    asks = sys.stdin.isatty()
    if asks:
        with suppress(ImportError):
            importlib.import_module("readline")  # once imported, `input` edits lines and recalls them
        each = "" if talk.turns else " Each question stands by itself: the template has no turns."
        _log.info("%s%s", _HELP, each)
    with _ctrl_c():
        while True:
            try:
                question = input("> " if asks else "").strip()
                if question == "/exit":
                    return
                if question == "/reset":
                    talk.said.clear()
                elif question.startswith("/") and " " not in question:
                    _log.error("there is no command %s. %s", question, _HELP)
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

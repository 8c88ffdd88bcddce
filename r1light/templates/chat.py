"""The tokenizer's own chat template: whole conversations, and answers with or without a `<think>` block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from r1light.core.errors import ConfigError, DataError
from r1light.core.types import Message, Parsed, Problem, Prompt
from r1light.templates.markers import Markers
from r1light.templates.writing import after_prefill, read_back

OPENING, CLOSING = "<think>\n", "\n</think>\n\n"
"""As the released DeepSeek-R1 writes its thoughts; the white space is not needed when they are read."""


class Chat:
    r"""Questions as turns of a conversation, in the form that the model's tokenizer gives them.

    A completion is a thought in one `<think>` block and the answer behind it; where neither tag stands, all
    of it is the answer.

    Example:
        >>> class Tokenizer:
        ...     chat_template = "..."
        ...     def apply_chat_template(self, turns, **options):
        ...         return "".join(f"<{turn['role']}>{turn['content']}" for turn in turns) + "<assistant>"
        >>> template = Chat(Chat.Config(prefill="<think>\n"), Tokenizer)
        >>> template.render(Problem(id="1", prompt="2+3?", grader="math")).text
        '<user>2+3?<assistant><think>\n'
        >>> template.parse("<think>\n", "2 and 3\n</think>\n\n5").answer
        '5'
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """What is added to a problem's turns, and whether the answer needs a thought."""

        system: str | None = None
        """A system turn for problems that bring none; null for none."""
        prefill: str = ""
        r"""Text that the assistant's turn begins with, such as "<think>\n"; parsed as part of the answer."""
        thought: Literal["required", "optional"] = "required"
        """Whether an answer is well formed only with a thought; optional: it may be empty or left out."""
        chat_template: str | None = None
        """chatml, a Jinja file, or null for the tokenizer's own."""

    def __init__(self, config: Config, load_tokenizer: Callable[[], Any]) -> None:
        """Take the tokenizer's chat template, or the one that the config names.

        Args:
            config: The options.
            load_tokenizer: Gives the model's transformers tokenizer; called once.

        Raises:
            ConfigError: If there is no chat template.
        """
        self.config = config
        self.markers = Markers(OPENING, CLOSING, config.thought == "optional")
        self._tokenizer = load_tokenizer()
        self._jinja: str | None = None
        if config.chat_template is not None:
            from r1light.models.chat_templates import chat_template

            self._jinja = chat_template(config.chat_template, "template.chat_template")
        elif not self._tokenizer.chat_template:
            raise ConfigError(
                "template=chat: the model's tokenizer has no chat template; give one by "
                "template.chat_template=chatml or template.chat_template=FILE, or take template=plain"
            )

    def render(self, problem: Problem) -> Prompt:
        """The problem's turns up to where the assistant's begins, and the prefill.

        Where the chat template itself opens a thought (as DeepSeek-R1's does), the prefill begins with that.

        Raises:
            DataError: If the chat template refuses the turns.
        """
        text = self._rendered(problem)
        opened = text.rstrip().endswith("<think>")
        own = text[text.rindex("<think>") :] if opened else ""
        prefill = self.config.prefill
        if own and prefill.lstrip().startswith("<think>"):
            text, own = text.removesuffix(own), ""
        return Prompt(text + prefill, own + prefill)

    def _rendered(self, problem: Problem) -> str:
        turns = self.turns(problem)
        plain = [{"role": turn.role, "content": turn.content} for turn in turns]
        options = {} if self._jinja is None else {"chat_template": self._jinja}
        try:
            text: str = self._tokenizer.apply_chat_template(
                plain, tokenize=False, add_generation_prompt=True, **options
            )
        except Exception as error:  # Jinja's errors, and what a template raises by itself
            raise DataError(
                f"problem {problem.id!r}: the chat template refuses its turns "
                f"{', '.join(turn.role for turn in turns) or 'none'}: {error}"
            ) from error
        return text

    def turns(self, problem: Problem) -> tuple[Message, ...]:
        """The problem's turns, after the system turn of the options where it brings none."""
        prompt = problem.prompt
        turns = (Message("user", prompt),) if isinstance(prompt, str) else prompt
        system = self.config.system
        if system is None or any(turn.role == "system" for turn in turns):
            return turns
        return (Message("system", system), *turns)

    def parse(self, prefill: str, text: str) -> Parsed:
        """The thought and the answer of `prefill + text`; without tags, all of it is the answer."""
        whole = prefill + text
        if self.markers.stand_in(whole):
            return self.markers.parse(whole)
        answer = whole.strip() or None
        return Parsed(None, answer, answer is not None and self.config.thought == "optional")

    def compose(self, prefill: str, thinking: str, answer: str) -> str:
        """The completion behind `prefill` that reads as these parts; an empty thought keeps its tags.

        Raises:
            DataError: If a part holds a tag, or is empty where it must not be.
        """
        text = after_prefill(prefill, self.markers.write(thinking, answer), "chat")
        return read_back(self, "chat", prefill, text, thinking, answer)

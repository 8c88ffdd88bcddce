"""What is asked to token ids: the tokenizer's chat template for conversations, the text itself for others."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from r1light.serving.asked import Asked
from r1light.serving.refusal import RefusalError, wrong


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model reads.

    Attributes:
        ids: Its token ids.
        thinking: Whether it ends with an opening `<think>`, so that the answer begins within a thought.
    """

    ids: tuple[int, ...]
    thinking: bool = False


@dataclass(frozen=True, slots=True)
class Prompts:
    """Makes prompts for one model.

    Attributes:
        tokenizer: Its transformers tokenizer.
        context: Its longest text, in tokens.
        vocabulary: Token ids are below this.
        template: A Jinja chat template in place of the tokenizer's own; None for that.
    """

    tokenizer: Any
    context: int
    vocabulary: int
    template: str | None = None
    _lock: threading.Lock = field(
        default_factory=threading.Lock
    )  # tokenizers cannot be set up twice at a time

    def of(self, asked: Asked) -> list[Prompt]:
        """The prompts of a request, checked against the context.

        Raises:
            RefusalError: One is empty, does not fit, or the chat template refuses it.
        """
        with self._lock:
            if asked.messages is not None:
                text = self._conversation(asked.messages)
                ids = tuple(self.tokenizer.encode(text, add_special_tokens=False))
                prompts = [Prompt(ids, text.rstrip().endswith("<think>"))]
            else:
                prompts = [Prompt(self._ids(each, asked.special_tokens)) for each in asked.prompts]
        for prompt in prompts:
            self._check(prompt, asked)
        return prompts

    def _conversation(self, messages: tuple[dict[str, str], ...]) -> str:
        options = {} if self.template is None else {"chat_template": self.template}
        if self.template is None and not self.tokenizer.chat_template:
            raise RefusalError(
                422,
                "this model has no chat template; start the server with stage.chat_template=chatml or "
                "stage.chat_template=FILE, or use /v1/completions",
                "messages",
                "no_chat_template",
            )
        try:
            text: str = self.tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True, **options
            )
        except Exception as error:  # Jinja's errors, and what a template raises by itself
            roles = ", ".join(each["role"] for each in messages)
            raise RefusalError(
                422,
                f"messages: the chat template refuses turns of {roles}: {error}",
                "messages",
                "refused_turns",
            ) from error
        return text

    def _ids(self, prompt: str | tuple[int, ...], special_tokens: bool) -> tuple[int, ...]:
        if isinstance(prompt, str):
            return tuple(self.tokenizer.encode(prompt, add_special_tokens=special_tokens))
        if min(prompt) < 0 or max(prompt) >= self.vocabulary:
            bad = next(each for each in prompt if not 0 <= each < self.vocabulary)
            raise wrong(
                "prompt", f"has the token id {bad}; the model knows ids from 0 to {self.vocabulary - 1}"
            )
        return prompt

    def _check(self, prompt: Prompt, asked: Asked) -> None:
        name = "prompt" if asked.messages is None else "messages"
        length = len(prompt.ids)
        if not length:
            raise wrong(name, "is empty; the model needs at least one token to go on from")
        room = self.context - length
        if room < 1 or (asked.max_tokens is not None and asked.max_tokens > room):
            wanted = asked.max_tokens or 1
            raise RefusalError(
                400,
                f"This model's maximum context length is {self.context} tokens. However, you requested "
                f"{length + wanted} tokens ({length} in the {name}, {wanted} in the completion). Please "
                f"reduce the length of the {name} or completion.",
                name,
                "context_length_exceeded",
            )

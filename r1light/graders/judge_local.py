"""A judge model in this process, through transformers: for small judges and for machines without a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from r1light.core.types import Message
from r1light.graders.judge_client import JudgeFailed
from r1light.models.hub import hub_or_cache


@dataclass(slots=True)
class LocalModel:
    """A model directory or hub name, loaded when first asked, that replies greedily.

    Attributes:
        path: The directory or name.
        max_tokens: The cap on a reply, in tokens.
        deadline_seconds: Wall clock of one reply, checked after every token.
    """

    path: str
    max_tokens: int = 512
    deadline_seconds: float = 240.0
    _loaded: tuple[Any, Any] | None = field(default=None, init=False, repr=False)

    def ask(self, messages: Sequence[Message]) -> str:
        """The reply to a conversation.

        Raises:
            JudgeFailed: If the model cannot be loaded or has no chat template, or the reply is cut off.
        """
        import torch

        model, tokenizer = self._load()
        turns = [{"role": message.role, "content": message.content} for message in messages]
        inputs = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(model.device)
        with torch.inference_mode():
            output = model.generate(
                **inputs, max_new_tokens=self.max_tokens, do_sample=False, max_time=self.deadline_seconds
            )
        reply = output[0, inputs["input_ids"].shape[1] :].tolist()
        if not reply or reply[-1] not in _end_ids(model):
            raise JudgeFailed("the reply was cut off; raise max_tokens or deadline_seconds")
        text: str = tokenizer.decode(reply, skip_special_tokens=True)
        return text

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            try:
                with hub_or_cache(self.path):
                    tokenizer = AutoTokenizer.from_pretrained(self.path)
                    model = AutoModelForCausalLM.from_pretrained(self.path, dtype="auto")
            except (OSError, ValueError) as error:
                raise JudgeFailed(f"cannot load the judge model {self.path!r}: {error}") from error
            if not tokenizer.chat_template:
                raise JudgeFailed(f"the judge model {self.path!r} has no chat template")
            # half precision is slow on a CPU
            model = model.to("cuda") if torch.cuda.is_available() else model.float()
            self._loaded = (model.eval(), tokenizer)
        return self._loaded

    def close(self) -> None:
        """Free the model."""
        self._loaded = None


def _end_ids(model: Any) -> set[int]:
    ids = model.generation_config.eos_token_id
    return set(ids) if isinstance(ids, list) else {ids}

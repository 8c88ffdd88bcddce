"""How much of a model's context prompts leave for what is written after them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from r1light.core.errors import ConfigError


@dataclass(slots=True)
class Room:
    """Looks at prompts, and keeps in mind the longest of those that do not fit.

    Attributes:
        context: The longest text of the model, in tokens.
        encode: Text to token ids, with no special tokens added; at most one more than its bytes of UTF-8.
        needed: Tokens that are to fit behind a prompt.
        longest: Tokens of the longest prompt that did not fit; 0 where all did.
    """

    context: int
    encode: Callable[[str], Sequence[int]]
    needed: int = 1
    longest: int = 0

    def fits(self, text: str) -> bool:
        """Whether a prompt leaves as many tokens as are needed."""
        if len(text.encode()) + self.needed < self.context:
            return True
        tokens = len(self.encode(text))
        if tokens + self.needed <= self.context:
            return True
        self.longest = max(self.longest, tokens)
        return False

    def refusal(self, model: str) -> ConfigError:
        """What to tell where a prompt did not fit: the numbers, and what would work."""
        left = self.context - self.longest
        remedy = (
            f"give stage.max_tokens={left} or less, or stage.too_long=cap to end completions where the "
            "context ends"
            if left > 0
            else "leave such problems out by stage.too_long=skip, with a stage.max_tokens that others leave"
        )
        return ConfigError(
            f"model {model} has a context of {self.context} tokens, the longest prompt has {self.longest}, "
            f"and stage.max_tokens={self.needed}: {remedy}"
        )

"""The template `logic`: asks for a thought, and for an answer in the form that the grader reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from r1light.api import DataError, Parsed, Problem, Prompt

_FORM = re.compile(r"\s*<think>(.*)</think>\s*<answer>(.*)</answer>\s*", re.DOTALL)
_TAG = re.compile(r"</?(?:think|answer)>")


class LogicTemplate:
    """The question, how to answer it, and `<think>`, behind which the model goes on.

    Well formed is one `<think>` block and one `<answer>` block behind it, both with something in them. Of a
    text that is not, neither part counts.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """What the completion begins with."""

        prefill: str = "<think>"
        """The tail of the prompt that is read as part of the completion; may be empty."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def render(self, problem: Problem) -> Prompt:
        """The prompt.

        Raises:
            DataError: The problem is a conversation.
        """
        if not isinstance(problem.prompt, str):
            raise DataError(f"problem {problem.id!r} is a conversation; template=logic takes one question")
        names = problem.meta.get("names") or ["Name"]
        example = ", ".join(f"{name}=..." for name in names)
        text = (
            f"{problem.prompt}\nReason inside <think> </think>. Then answer inside <answer> </answer>, with "
            f"knight or knave for each: {example}\n"
        )
        return Prompt(text + self.config.prefill, self.config.prefill)

    def parse(self, prefill: str, text: str) -> Parsed:
        """The thought and the answer of `prefill + text`."""
        whole = prefill + text
        found = _FORM.fullmatch(whole) if len(_TAG.findall(whole)) == 4 else None
        parts = [part.strip() for part in found.groups()] if found else []
        if not all(parts) or not parts:
            return Parsed(None, None, well_formed=False)
        return Parsed(parts[0], parts[1], well_formed=True)

    def compose(self, prefill: str, thinking: str, answer: str) -> str:
        """The completion behind `prefill` that reads as these parts.

        Raises:
            DataError: A part is empty or holds a tag, or the prefill begins in another way.
        """
        whole = f"<think> {thinking.strip()} </think> <answer> {answer.strip()} </answer>"
        text = whole.removeprefix(prefill.strip())
        if self.parse(prefill, text) != Parsed(thinking.strip(), answer.strip(), well_formed=True):
            raise DataError(f"template=logic cannot hold these parts behind {prefill!r}: {whole[:100]!r}")
        return text

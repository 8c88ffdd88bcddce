"""The R1-Zero template (arXiv 2501.12948 v1, Table 1)."""

from __future__ import annotations

from dataclasses import dataclass

from r1light.core.types import Parsed, Problem, Prompt
from r1light.templates.tags import parse_tags
from r1light.templates.turns import only_question
from r1light.templates.writing import after_prefill, read_back

BEFORE_QUESTION = (
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. "
    "The assistant first thinks about the reasoning process in the mind and then provides the user with "
    "the answer. The reasoning process and answer are enclosed within <think> </think> and "
    "<answer> </answer> tags, respectively, i.e., <think> reasoning process here </think> "
    "<answer> answer here </answer>. User: "
)
AFTER_QUESTION = ". Assistant:"


class R1Zero:
    """The paper's prompt for a base model, and the strict form that it asks for.

    Example:
        >>> template = R1Zero(R1Zero.Config(prefill="<think>"))
        >>> template.render(Problem(id="1", prompt="Compute 2+3", grader="math")).text[-37:]
        'User: Compute 2+3. Assistant: <think>'
        >>> template.parse("<think>", " 5 </think> <answer> 5 </answer>").well_formed
        True
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """How the answer begins."""

        prefill: str = ""
        """Text that the assistant's turn begins with, such as `<think>`; parsed as part of the answer."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def render(self, problem: Problem) -> Prompt:
        """The paper's text around the question; a prefill follows after one space.

        Raises:
            DataError: If the problem is a conversation of more than one user turn.
        """
        prefill = self.config.prefill
        question = only_question(problem, "r1_zero")
        text = BEFORE_QUESTION + question + AFTER_QUESTION + (f" {prefill}" if prefill else "")
        return Prompt(text, prefill)

    def parse(self, prefill: str, text: str) -> Parsed:
        """The thought and the answer of `prefill + text`; see `parse_tags` for what is well formed."""
        return parse_tags(prefill + text)

    def compose(self, prefill: str, thinking: str, answer: str) -> str:
        """The completion behind `prefill` that reads as these parts, in the paper's spacing.

        Raises:
            DataError: If a part is empty or holds a tag.
        """
        whole = f" <think> {thinking.strip()} </think> <answer> {answer.strip()} </answer>"
        text = after_prefill(prefill, whole, "r1_zero")
        return read_back(self, "r1_zero", prefill, text, thinking, answer)

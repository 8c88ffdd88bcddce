"""The form of the cold start (arXiv 2501.12948 v1, 2.3.1).

In the paper's words: `|special_token|<reasoning_process>|special_token|<summary>`.
"""

from __future__ import annotations

from dataclasses import dataclass

from r1light.core.types import Parsed, Problem, Prompt
from r1light.templates.markers import Markers
from r1light.templates.turns import only_question
from r1light.templates.writing import after_prefill, read_back


class ColdStart:
    r"""A thought between two markers, then a summary of it with the answer.

    The paper does not say which tokens its two are. With `opening="<think>\n"` and
    `closing="\n</think>\n\n"` this is the form of the released DeepSeek-R1.

    Example:
        >>> template = ColdStart(ColdStart.Config())
        >>> template.render(Problem(id="1", prompt="2+3?", grader="math")).text
        'User: 2+3?\n\nAssistant:'
        >>> template.compose("", "2 and 3 are 5.", "The sum is 5.")
        '|special|2 and 3 are 5.|special|The sum is 5.'
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """The markers, and what stands around the question."""

        opening: str = "|special|"
        """What opens the thought; white space around it is written, and not needed when it is read."""
        closing: str = "|special|"
        """What closes the thought, likewise; the summary follows."""
        prefix: str = "User: "
        """Text in front of the question."""
        suffix: str = "\n\nAssistant:"
        """Text after the question."""
        prefill: str = ""
        """Text that the completion begins with, such as the opening marker; parsed as part of it."""
        empty_thoughts: bool = False
        """Whether a thought may be empty, as in rows for queries that need none; both markers must stand."""

        def __post_init__(self) -> None:
            Markers(self.opening, self.closing)

    def __init__(self, config: Config) -> None:
        self.config = config
        self.markers = Markers(config.opening, config.closing, config.empty_thoughts)

    def render(self, problem: Problem) -> Prompt:
        """Prefix, question, suffix and prefill, with nothing between them.

        Raises:
            DataError: If the problem is a conversation of more than one user turn.
        """
        config = self.config
        question = only_question(problem, "cold_start")
        return Prompt(config.prefix + question + config.suffix + config.prefill, config.prefill)

    def parse(self, prefill: str, text: str) -> Parsed:
        """The thought and the summary of `prefill + text`; see `Markers.parse` for what is well formed."""
        return self.markers.parse(prefill + text)

    def compose(self, prefill: str, thinking: str, answer: str) -> str:
        """The completion behind `prefill` that reads as these parts.

        Raises:
            DataError: If a part holds a marker, or is empty where it must not be.
        """
        text = after_prefill(prefill, self.markers.write(thinking, answer), "cold_start")
        return read_back(self, "cold_start", prefill, text, thinking, answer)

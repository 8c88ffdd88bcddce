"""The question as it is, with what a user puts around it."""

from __future__ import annotations

from dataclasses import dataclass

from r1light.core.types import Parsed, Problem, Prompt
from r1light.templates.tags import has_tags, parse_tags
from r1light.templates.turns import only_question
from r1light.templates.writing import after_prefill, read_back


class Plain:
    r"""No instructions: prefix, question, suffix.

    Tags are honoured where a completion has them. Without them the whole completion is the answer (graders
    look into it for a `\boxed{}`), and it is well formed when it is not empty.

    Example:
        >>> template = Plain(Plain.Config(prefix="Q: ", suffix="\nA:"))
        >>> template.render(Problem(id="1", prompt="2+3?", grader="math")).text
        'Q: 2+3?\nA:'
        >>> template.parse("", " 5\n").answer
        '5'
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """What stands around the question."""

        prefix: str = ""
        """Text in front of the question."""
        suffix: str = "\n"
        """Text after the question."""
        prefill: str = ""
        """Text that the completion begins with, such as `<think>`; parsed as part of it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def render(self, problem: Problem) -> Prompt:
        """Prefix, question, suffix and prefill, with nothing between them.

        Raises:
            DataError: If the problem is a conversation of more than one user turn.
        """
        config = self.config
        question = only_question(problem, "plain")
        return Prompt(config.prefix + question + config.suffix + config.prefill, config.prefill)

    def parse(self, prefill: str, text: str) -> Parsed:
        """The parts of `prefill + text`; what follows a thought is the answer where no answer tag stands."""
        whole = prefill + text
        if not has_tags(whole):
            answer = whole.strip() or None
            return Parsed(None, answer, answer is not None)
        parsed = parse_tags(whole)
        if "<answer>" in whole or "</answer>" in whole:
            return parsed
        before, closed, rest = whole.rpartition("</think>")
        answer = rest.strip() or None if closed else None
        one_block = before.lstrip().startswith("<think>") and whole.count("think>") == 2
        return Parsed(parsed.thinking, answer, one_block and answer is not None)

    def compose(self, prefill: str, thinking: str, answer: str) -> str:
        """The completion behind `prefill` that reads as these parts; without a thought, the answer alone.

        Raises:
            DataError: If a part holds a tag, the answer is empty, or the prefill begins in another way.
        """
        thought = f"<think>{thinking.strip()}</think>\n" if thinking.strip() else ""
        text = after_prefill(prefill, thought + answer.strip(), "plain")
        return read_back(self, "plain", prefill, text, thinking, answer)

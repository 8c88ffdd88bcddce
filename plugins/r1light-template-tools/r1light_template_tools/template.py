"""The template `tools`: a thought, then calls of tools or an answer in words."""

from __future__ import annotations

import json
from dataclasses import dataclass

from r1light.api import DataError, Parsed, Problem, Prompt
from r1light_template_tools.calls import MARKERS, canonical, from_canonical, read, written

_OPEN, _CLOSE = "<think>", "</think>"


class Tools:
    r"""Tells the model of its tools (`meta.tools`, JSON schemas), and reads which of them it calls.

    The answer of a completion that calls tools is the calls as one canonical JSON text (`calls.canonical`),
    so that a grader such as `exact` compares calls whatever their spacing and the order of their arguments.
    Of one that calls none, it is the text behind the thought. Well formed is one `<think>` block with
    something in it, and behind it either calls and nothing else, or words and no call.

    Example:
        >>> template = Tools(Tools.Config(prefill=""))
        >>> template.parse("", '<think>Add.</think>\n<tool_call>{"name": "now"}</tool_call>').answer
        '[{"arguments": {}, "name": "now"}]'
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """What the completion begins with."""

        prefill: str = "<think>"
        """The tail of the prompt that is read as part of the completion; may be empty."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def render(self, problem: Problem) -> Prompt:
        """The tools, how to call them, the question, and the prefill.

        Raises:
            DataError: The problem is a conversation, or its tools are no list.
        """
        tools = problem.meta.get("tools", [])
        if not isinstance(problem.prompt, str) or not isinstance(tools, list):
            raise DataError(
                f"problem {problem.id!r}: template=tools takes one question, and meta.tools a list"
            )
        listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools) or "none"
        text = (
            f"Tools, one a line:\n{listed}\n\nThink inside <think> </think>. Then either answer in words, or "
            'call tools, each as <tool_call>{"name": ..., "arguments": {...}}</tool_call>, and write nothing '
            f"else.\n\nUser: {problem.prompt}\nAssistant: "
        )
        return Prompt(text + self.config.prefill, self.config.prefill)

    def parse(self, prefill: str, text: str) -> Parsed:
        """The thought, and the calls or the answer of `prefill + text`."""
        whole = (prefill + text).strip()
        before, closed, behind = whole.partition(_CLOSE)
        thinking = before.removeprefix(_OPEN).strip() if closed or before.startswith(_OPEN) else None
        behind = behind.strip()
        calls = read(behind)
        answer = canonical(calls) if calls else behind or None
        one_block = before.startswith(_OPEN) and whole.count(_OPEN) == whole.count(_CLOSE) == 1
        stray_call = calls is None and any(marker in behind for marker in MARKERS)
        return Parsed(thinking, answer, bool(one_block and thinking and answer) and not stray_call)

    def compose(self, prefill: str, thinking: str, answer: str) -> str:
        """The completion behind `prefill` that reads as these parts; canonical calls are written as calls.

        Raises:
            DataError: A part is empty or holds a marker, or the prefill begins in another way.
        """
        calls = from_canonical(answer)
        said = written(calls) if calls else answer.strip()
        text = f"{_OPEN}{thinking.strip()}{_CLOSE}\n{said}".removeprefix(prefill.strip())
        parsed = self.parse(prefill, text)
        if not parsed.well_formed or (parsed.thinking, parsed.answer) != (thinking.strip(), answer.strip()):
            raise DataError(f"template=tools cannot hold these parts: {thinking[:60]!r}, {answer[:60]!r}")
        return text

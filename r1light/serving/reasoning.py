"""Thoughts apart from answers, as DeepSeek's API gives them: `reasoning_content` beside `content`."""

from __future__ import annotations

OPENING, CLOSING = "<think>", "</think>"


class Splitter:
    """Splits one completion as it comes.

    A thought stands between `<think>`, at the completion's beginning or the prompt's end, and the first
    `</think>`; white space beside the tags belongs to neither part. Without an end all is thought; without a
    beginning all is the answer.
    """

    def __init__(self, *, thinking: bool) -> None:
        """Begin.

        Args:
            thinking: Whether the prompt has opened the thought.
        """
        self._part = "thought" if thinking else "start"
        self._held = ""
        self._fresh = thinking  # white space at the beginning of a part is left out

    def add(self, text: str, *, last: bool = False) -> tuple[str, str]:
        """What is certain of the thought and of the answer.

        Args:
            text: What has come.
            last: Whether nothing more comes.
        """
        self._held += text
        if self._part == "start":
            self._start(last)
        thought = self._thought(last) if self._part == "thought" else ""
        return thought, self._answer() if self._part == "answer" else ""

    def _start(self, last: bool) -> None:
        begun = self._held.lstrip()
        if begun.startswith(OPENING):
            self._held, self._part, self._fresh = begun[len(OPENING) :], "thought", True
        elif last or not OPENING.startswith(begun):
            self._part = "answer"

    def _thought(self, last: bool) -> str:
        if self._fresh:
            self._held = self._held.lstrip()
            self._fresh = not self._held
        before, closing, behind = self._held.partition(CLOSING)
        if closing:
            self._held, self._part, self._fresh = behind, "answer", True
            return before.rstrip()
        end = len(self._held)
        if not last:
            end -= next((n for n in range(len(CLOSING) - 1, 0, -1) if self._held.endswith(CLOSING[:n])), 0)
            end = len(self._held[:end].rstrip())
        text, self._held = self._held[:end], self._held[end:]
        return text

    def _answer(self) -> str:
        text, self._held = self._held, ""
        if self._fresh:
            text = text.lstrip()
            self._fresh = not text
        return text

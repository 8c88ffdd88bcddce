"""Writing completions: the other direction of reading them, and checked by it."""

from __future__ import annotations

from r1light.core.errors import DataError
from r1light.core.protocols import Template


def after_prefill(prefill: str, whole: str, template: str) -> str:
    r"""What follows a prefill in a text that begins with it; white space at the border does not count.

    Args:
        prefill: What the prompt ends with already.
        whole: All of what the assistant writes, the prefill's text included.
        template: The template's name, for the error.

    Raises:
        DataError: If the text begins in another way.

    Example:
        >>> after_prefill("<think>\n", "<think> 2+3 </think>", "r1_zero")
        '2+3 </think>'
    """
    begun = prefill.strip()
    if not begun:
        return whole.lstrip() if prefill else whole
    if not whole.lstrip().startswith(begun):
        raise DataError(
            f"a completion behind the prefill {prefill!r} of template {template!r} cannot be written: it "
            f"begins with {whole.lstrip()[:40]!r}"
        )
    rest = whole.lstrip()[len(begun) :]
    return rest if prefill == prefill.rstrip() else rest.lstrip()


def read_back(template: Template, name: str, prefill: str, text: str, thinking: str, answer: str) -> str:
    """The completion `text`, if the template reads the parts in it that were written.

    Args:
        template: What reads it.
        name: The template's name, for the error.
        prefill: What the prompt ends with.
        text: The completion.
        thinking: The thought that was written; "" for none.
        answer: The answer that was written.

    Raises:
        DataError: If it reads others: a part holds a marker of the template, or is empty where it must not.
    """
    parsed = template.parse(prefill, text)
    same = (parsed.thinking or "", parsed.answer or "") == (thinking.strip(), answer.strip())
    if parsed.well_formed and same:
        return text
    raise DataError(
        f"template {name!r} cannot hold these parts: one of them is empty or holds a marker of the template; "
        f"thought {thinking[:60]!r}, answer {answer[:60]!r}"
    )

"""The final answer out of a worked solution."""

from __future__ import annotations

_BOXES = ("\\boxed", "\\fbox")


def after_hashes(solution: str) -> str | None:
    """What follows the last `####`, as GSM8K writes its answers; thousands are not set apart.

    Example:
        >>> after_hashes("6 * 200 = 1200 #### 1,200"), after_hashes("1200")
        ('1200', None)
    """
    _, marked, answer = solution.rpartition("####")
    answer = answer.strip()
    if not marked or not answer:
        return None
    without = answer.replace(",", "")
    return without if without.lstrip("-$").replace(".", "", 1).isdigit() else answer


def last_boxed(solution: str) -> str | None:
    r"""The inside of the last `\boxed{...}` (or `\fbox{...}`) whose braces balance, as MATH has them.

    A single character needs no braces: `\boxed 5`. Escaped braces (`\{`) do not count.

    Example:
        >>> last_boxed(r"so \boxed{1}, that is \boxed{\frac{1}{2}}."), last_boxed("none")
        ('\\frac{1}{2}', None)
    """
    end = len(solution)
    while (start := max(solution.rfind(box, 0, end) for box in _BOXES)) >= 0:
        name = next(box for box in _BOXES if solution.startswith(box, start))
        inside = _group(solution, start + len(name))
        if inside is not None:
            return inside
        end = start
    return None


def _group(text: str, start: int) -> str | None:
    """The braces' inside at `start`, or the one character there; None where they do not balance."""
    rest = text[start:].lstrip()
    if not rest.startswith("{"):
        return rest[0] if rest and start < len(text) and text[start].isspace() else None
    depth, escaped = 0, False
    for index, character in enumerate(rest):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in "{}":
            depth += 1 if character == "{" else -1
            if depth == 0:
                return rest[1:index].strip() or None
    return None

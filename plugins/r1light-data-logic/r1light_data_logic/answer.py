"""Answers: "Ada=knight, Ben=knave"."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SAID = re.compile(r"(\w+)\s{0,3}[=:]\s{0,3}(knight|knave)\b", re.IGNORECASE)


def written(names: Sequence[str], knights: Sequence[bool]) -> str:
    """The answer that says so.

    Example:
        >>> written(["Ada", "Ben"], [False, True])
        'Ada=knave, Ben=knight'
    """
    pairs = zip(names, knights, strict=True)
    return ", ".join(f"{name}={'knight' if knight else 'knave'}" for name, knight in pairs)


def read(text: str, names: Sequence[str]) -> tuple[bool, ...] | None:
    """Who is a knight; None where somebody is called nothing, or both.

    Example:
        >>> read("Ben: knight, ada = Knave", ["Ada", "Ben"]), read("Ada=knave", ["Ada", "Ben"])
        ((False, True), None)
    """
    kinds: dict[str, set[bool]] = {name.casefold(): set() for name in names}
    for name, kind in _SAID.findall(text):
        kinds.get(name.casefold(), set()).add(kind.casefold() == "knight")
    if any(len(said) != 1 for said in kinds.values()):
        return None
    return tuple(next(iter(kinds[name.casefold()])) for name in names)

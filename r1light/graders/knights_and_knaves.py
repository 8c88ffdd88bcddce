"""Knights and knaves: does the answer say of everybody what they are?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from r1light.core.types import Problem, Verdict
from r1light.graders.extraction import final_part, marked_answer

_MARKUP = re.compile(r"\\(?:text|textbf|mathrm|textit)(?![a-zA-Z])|[*_`{}$\\]")
_KIND = (
    r"(?:is|are|was|=|:|-|–|—|\(|,|->|→|must be|as)?\s{0,3}(not\s)?\s{0,3}(?:an?\s)?\s{0,3}(knight|knave)s?\b"
)


class KnightsAndKnaves:
    """Right is an answer that calls each inhabitant what the reference answer does, and none of them both.

    The problem's meta holds `names`; the reference answer has a line such as "(1) Zoey is a knight" for each.
    Of an answer counts what follows its last line "Answer:", where there is one. "Zoey is a knave", "Zoey:
    Knave", "Zoey is not a knight" and "Zoey and Oliver are knaves" are read.

    Example:
        >>> problem = Problem("1", "", "knights_and_knaves", "(1) Zoey is a knight", meta={"names": ["Zoey"]})
        >>> grader = KnightsAndKnaves(KnightsAndKnaves.Config())
        >>> [grader.grade(problem, text).correct for text in ("**Zoey**: Knight", "Zoey is a knave")]
        [True, False]
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Limits on an answer."""

        max_chars: int = 16384
        """Answers longer than this many characters are wrong unread."""

        def __post_init__(self) -> None:
            if self.max_chars < 1:
                raise ValueError(f"max_chars={self.max_chars} must be at least 1")

    def __init__(self, config: Config) -> None:
        self.config = config

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer; a problem without names or a whole reference answer is an error."""
        names = problem.meta.get("names")
        if (
            isinstance(names, str)
            or not isinstance(names, Sequence)
            or not all(isinstance(n, str) for n in names)
        ):
            return Verdict(None, "error", f"problem {problem.id!r} needs meta names (a list of texts)")
        gold = _read(problem.answer or "", names)
        if not names or None in gold.values():
            return Verdict(
                None, "error", f"problem {problem.id!r}: the reference answer does not say what all are"
            )
        said = self._said(answer, names)
        if said is None:
            return Verdict(0.0, detail=f"longer than {self.config.max_chars} characters")
        wrong = [name for name in names if said[name] != gold[name]]
        if not wrong:
            return Verdict(1.0)
        return Verdict(0.0, detail=f"{wrong[0][:40]}: {said[wrong[0]] or 'neither, or both'}")

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order."""
        return [self.grade(problem, answer) for problem, answer in items]

    def canonical(self, problem: Problem, answer: str) -> str | None:
        """What everybody is called, in the order of the names, for a vote; None where one is left out."""
        names = problem.meta.get("names") or []
        said = self._said(answer, names)
        kinds = [] if said is None else [said[name] for name in names]
        return None if not kinds or None in kinds else " ".join(map(str, kinds))

    def close(self) -> None:
        """Nothing to free."""

    def _said(self, answer: str, names: Sequence[str]) -> dict[str, str | None] | None:
        if len(answer) > self.config.max_chars:
            return None
        marked = marked_answer(answer)
        return _read(final_part(answer if marked is None else marked), names)


def _read(text: str, names: Sequence[str]) -> dict[str, str | None]:
    """What each is called; None for who is called nothing, or both."""
    found: dict[str, set[str]] = {name: set() for name in names}
    if not names:
        return {}
    plain = " ".join(_MARKUP.sub("", text).split())
    one = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    several = rf"\b(?:{one})\b(?:(?:\s?,\s?and\s|\s?,\s?|\sand\s|\s?&\s?)(?:{one})\b){{0,{len(names)}}}"
    for match in re.finditer(rf"({several})\s{{0,3}}{_KIND}", plain, re.IGNORECASE):
        kind = match[3].lower()
        if match[2]:  # there are only the two
            kind = "knave" if kind == "knight" else "knight"
        for name in re.findall(rf"\b(?:{one})\b", match[1], re.IGNORECASE):
            found[next(known for known in names if known.casefold() == name.casefold())].add(kind)
    return {name: next(iter(kinds)) if len(kinds) == 1 else None for name, kinds in found.items()}

"""Puzzles of knights, who always tell the truth, and knaves, who never do. Pure, and free of r1light."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Form = Literal["knight", "knave", "same", "differ", "some_knave"]
FORMS: tuple[Form, ...] = ("knight", "knave", "same", "differ", "some_knave")

NAMES = (
    "Ada", "Ben", "Clara", "Dan", "Emma", "Finn", "Grace", "Hugo",
    "Iris", "Jack", "Kate", "Leo", "Mia", "Noah", "Olga", "Paul",
)  # fmt: skip
"""What inhabitants are called. None is part of another."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an inhabitant says; people are numbers.

    Attributes:
        speaker: Who says it.
        form: "knight" and "knave" are about `about`; the others about `about` and `other`.
        about: Never the speaker.
        other: The speaker, or a third; None for "knight" and "knave".
    """

    speaker: int
    form: Form
    about: int
    other: int | None = None

    def holds(self, knights: Sequence[bool]) -> bool:
        """Whether it is true where `knights` says of everybody whether they are one."""
        one = knights[self.about]
        if self.other is None:
            return one == (self.form == "knight")
        two = knights[self.other]
        return {"same": one == two, "differ": one != two, "some_knave": not (one and two)}[self.form]

    def said(self, names: Sequence[str]) -> str:
        """The claim in words.

        Example:
            >>> Claim(0, "differ", 1, 0).said(["Ada", "Ben"])
            'Ben and I are of different kinds.'
        """
        one = names[self.about]
        if self.other is None:
            return f"{one} is a {self.form}."
        two = "I" if self.other == self.speaker else names[self.other]
        if self.form == "some_knave":
            return f"At least one of {one} and {'me' if two == 'I' else two} is a knave."
        return f"{one} and {two} are of {'the same kind' if self.form == 'same' else 'different kinds'}."


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Some inhabitants, and a claim of each.

    Example:
        >>> puzzle = Puzzle(("Ada", "Ben"), (Claim(0, "same", 1, 0), Claim(1, "knave", 0)))
        >>> list(puzzle.solutions())  # Ada's claim makes Ben a knight, and he says what Ada is
        [(False, True)]
    """

    names: tuple[str, ...]
    claims: tuple[Claim, ...]

    def fits(self, knights: Sequence[bool]) -> bool:
        """Whether knights, and they alone, say what is true."""
        return all(claim.holds(knights) == knights[claim.speaker] for claim in self.claims)

    def solutions(self) -> Iterator[tuple[bool, ...]]:
        """Every way in which it can be: who is a knight."""
        return filter(self.fits, itertools.product((True, False), repeat=len(self.names)))

    def question(self) -> str:
        """The puzzle in words."""
        *first, last = self.names
        told = " ".join(
            f'{self.names[claim.speaker]} says: "{claim.said(self.names)}"' for claim in self.claims
        )
        return (
            "On an island live knights, who always tell the truth, and knaves, who never do. "
            f"You meet {', '.join(first)} and {last}. {told} Who is a knight, and who is a knave?"
        )

    def to_meta(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"names": list(self.names), "claims": [asdict(claim) for claim in self.claims]}


def from_meta(meta: Mapping[str, Any]) -> Puzzle:
    """The puzzle of `Puzzle.to_meta`.

    Raises:
        ValueError: It is none.
    """
    try:
        claims = tuple(Claim(**claim) for claim in meta["claims"])
        puzzle = Puzzle(tuple(meta["names"]), claims)
        puzzle.fits([True] * len(puzzle.names))  # numbers of people that there are, and forms that there are
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"no puzzle of names and claims: {error!r}") from error
    return puzzle


def random_puzzle(rng: random.Random, people: int) -> Puzzle:
    """A puzzle of that many people with exactly one solution, in which each makes one claim."""
    names = tuple(rng.sample(NAMES, people))
    while True:
        puzzle = Puzzle(names, tuple(_random_claim(rng, speaker, people) for speaker in range(people)))
        if len(list(itertools.islice(puzzle.solutions(), 2))) == 1:
            return puzzle


def _random_claim(rng: random.Random, speaker: int, people: int) -> Claim:
    form = rng.choice(FORMS)
    about = rng.choice([person for person in range(people) if person != speaker])
    if form in ("knight", "knave"):
        return Claim(speaker, form, about)
    return Claim(speaker, form, about, rng.choice([person for person in range(people) if person != about]))

"""Chains: numbers worked up one after another into a running value, as the searches of the corpus do it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from r1light.data.countdown import OPERATORS, Operator, combine

MOST_VALUE = 99
"""No running value goes beyond, so that there are not too many facts to learn."""


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain.

    Example:
        >>> str(Link(8, "*", 7, 56))
        '8*7=56'
    """

    running: int
    operator: Operator
    number: int
    value: int

    def __str__(self) -> str:
        return f"{self.running}{self.operator}{self.number}={self.value}"


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps, each of which goes on with the value before."""

    links: tuple[Link, ...]

    @property
    def value(self) -> int:
        """What it comes to."""
        return self.links[-1].value

    @property
    def expression(self) -> str:
        """All of it as one expression, with a pair of brackets for each step but the last.

        Example:
            >>> Chain((Link(3, "+", 5, 8), Link(8, "*", 7, 56))).expression
            '(3+5)*7'
        """
        text = str(self.links[0].running)
        for link in self.links[:-1]:
            text = f"({text}{link.operator}{link.number})"
        return f"{text}{self.links[-1].operator}{self.links[-1].number}"

    def opening(self, numbers: Sequence[int]) -> list[str]:
        """The steps but the last, each with those of the numbers that are left after it, in their order.

        Example:
            >>> Chain((Link(3, "+", 5, 8), Link(8, "*", 7, 56))).opening((7, 3, 5))
            ['3+5=8 7']
        """
        left = list(numbers)
        left.remove(self.links[0].running)
        steps: list[str] = []
        for link in self.links[:-1]:
            left.remove(link.number)
            steps.append(" ".join([str(link), *map(str, left)]))
        return steps


def random_chain(
    rng: random.Random, numbers: Sequence[int], operators: Sequence[Operator] = OPERATORS
) -> Chain:
    """A chain over the numbers in a random order."""
    return rng.choice(random_line(rng, numbers, operators))


def random_line(
    rng: random.Random, numbers: Sequence[int], operators: Sequence[Operator] = OPERATORS
) -> list[Chain]:
    """The chains over a random order of the numbers that differ in the last operation alone.

    Args:
        rng: Decides the order and the steps.
        numbers: At least two.
        operators: What may join them; + and - are among them.

    Returns:
        One to four chains, in the order of the operators.
    """
    order = rng.sample(numbers, len(numbers))
    running, links = order[0], list[Link]()
    for number in order[1:-1]:
        links.append(rng.choice(_steps(running, number, operators)))
        running = links[-1].value
    return [Chain((*links, last)) for last in _steps(running, order[-1], operators)]


def _steps(running: int, number: int, operators: Sequence[Operator]) -> list[Link]:
    """Every step to a whole value from 1 to MOST_VALUE; there is one, as either a sum or a difference is."""
    values = ((operator, combine(running, operator, number)) for operator in operators)
    return [
        Link(running, operator, number, value)
        for operator, value in values
        if value is not None and value <= MOST_VALUE
    ]

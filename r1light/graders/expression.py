"""Sums and products of numbers from untrusted text, in exact arithmetic and without `eval`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

_TOKEN = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+|[-+*/()])", re.ASCII)
_PRECEDENCE = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2, "neg": 3}


def tokenize(text: str) -> list[str]:
    """Numbers, operators and brackets, in order.

    Raises:
        ValueError: At the first character that is neither digit, `+ - * / ( ) .` nor white space.
    """
    tokens, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"not an expression from {text[position : position + 20]!r} on")
        tokens.append(match[1])
        position = match.end()
    return tokens


def numbers_in(tokens: list[str]) -> list[Fraction]:
    """The numbers among the tokens, in order."""
    return [Fraction(token) for token in tokens if token[-1].isdigit() or token[-1] == "."]


def evaluate(tokens: list[str]) -> Fraction:
    """The value, by the usual precedence; nesting of any depth takes no recursion.

    A sign in front of an operand is allowed; two operands beside each other are not.

    Raises:
        ValueError: If the tokens are no expression.
        ZeroDivisionError: If it divides by zero.
    """
    stacks = _Stacks()
    wants_operand = True
    for token in tokens:
        wants_operand = stacks.take(token, wants_operand)
    if wants_operand:
        raise ValueError("the expression ends where a number should stand" if tokens else "no expression")
    stacks.reduce(0)
    if stacks.operators:
        raise ValueError("a bracket is not closed")
    return stacks.values[0]


@dataclass(slots=True)
class _Stacks:
    """Dijkstra's shunting yard: values and operators that wait for their right-hand side."""

    values: list[Fraction] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)

    def take(self, token: str, wants_operand: bool) -> bool:
        """Take one token; returns whether an operand has to follow."""
        if wants_operand:
            return self._take_operand(token)
        if token == ")":
            self.reduce(0)
            if not self.operators:
                raise ValueError("a bracket is closed that was not opened")
            self.operators.pop()
            return False
        if token not in "+-*/":
            raise ValueError(f"an operator is missing before {token!r}")
        self.reduce(_PRECEDENCE[token])
        self.operators.append(token)
        return True

    def _take_operand(self, token: str) -> bool:
        if token == "(":
            self.operators.append(token)
        elif token == "-":
            self.operators.append("neg")
        elif token in "+*/)":
            if token != "+":
                raise ValueError(f"a number is missing before {token!r}")
        else:
            self.values.append(Fraction(token))
            return False
        return True

    def reduce(self, precedence: int) -> None:
        """Apply the waiting operators that bind at least as tightly, back to an open bracket."""
        while self.operators and self.operators[-1] != "(" and _PRECEDENCE[self.operators[-1]] >= precedence:
            self._apply(self.operators.pop())

    def _apply(self, operator: str) -> None:
        right = self.values.pop()
        if operator == "neg":
            self.values.append(-right)
            return
        left = self.values.pop()
        if operator == "+":
            self.values.append(left + right)
        elif operator == "-":
            self.values.append(left - right)
        elif operator == "*":
            self.values.append(left * right)
        else:
            self.values.append(left / right)

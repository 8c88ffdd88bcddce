"""The process in which untrusted formulas are parsed and compared. It may hang or die: its parent kills it.

Run as a script by `Math`, with the memory limit in MiB and the seconds after which a request ends the
process by itself (a backstop for when the parent is gone). It imports the algebra system and nothing of
r1light. Protocol, one line each: it writes `ready`; reads a `Request` of `comparison` as JSON; writes `~gold`
once the gold answer is parsed (so that a deadline can be blamed on the right one of the two), then one of
`right`, `wrong`, `unparsable` (the answer; wrong too) or `gold` (the gold answer is no expression).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, TextIO

Report = Callable[[str], None]

_RELATIVE = 1e-4
"""By how much of themselves two equal values may differ: decimals are rounded to so many places."""


_ROUNDED = 0.02
"""By how much of themselves the sides of a reference with ≈ may differ."""


@lru_cache(maxsize=256)
def parse_latex(text: str) -> tuple[Any, ...]:
    """The expression in a text whose formulas stand between dollar signs; empty where there is none."""
    from math_verify import LatexExtractionConfig, parse

    usual = LatexExtractionConfig().normalization_config
    # units are off by now; its own stripping of them takes the variables of `a + b + c` and `sin t` too
    spelling = replace(usual, units=False, boxed="none")
    config = [LatexExtractionConfig(normalization_config=spelling)]
    # its own timeouts raise from an alarm, which a library's `except` can swallow; a kill it cannot
    return tuple(parse(text, config, "no_fallback", extraction_mode="first_match", parsing_timeout=None))


def judge(gold: str, answer: str, report: Report) -> str:
    """Compare an answer with the gold answer, in that order: the comparison is not symmetric."""
    from math_verify import verify

    gold_parsed = parse_latex(gold)
    if not gold_parsed:
        return "gold"
    report("~gold")
    answer_parsed = parse_latex(answer)
    if not answer_parsed:
        return "unparsable"
    if _names_a_sum(gold_parsed[0]) and not getattr(answer_parsed[0], "is_Relational", False):
        return "wrong"
    if _is_another_equation(gold_parsed[0], answer_parsed[0]):
        return "wrong"
    if _imaginary(gold_parsed[0]) and _imaginary(answer_parsed[0]):
        gold_parsed, answer_parsed = _with_i(gold_parsed[0]), _with_i(answer_parsed[0])
    # with relations, 1 < x < 2 is the interval (1, 2)
    equal = verify(list(gold_parsed), list(answer_parsed), allow_set_relation_comp=True, timeout_seconds=None)
    if equal:
        return "wrong" if _far_apart(gold_parsed[0], answer_parsed[0]) else "right"
    return "right" if _same_solutions(gold_parsed[0], answer_parsed[0]) else "wrong"


def answer_request(request: dict[str, Any], report: Report) -> str:
    """Judge the whole, or where it is a list that cannot be parsed at once, its parts."""
    if request.get("sides") and not _sides_agree(request["sides"], request["tolerance"]):
        return "wrong"
    golds = request.get("gold_sides") or [request["gold"]]
    answers = request["sides"] if request.get("any_side") else [request["answer"]]
    if len(golds) + len(answers) > 2:
        golds = golds if _sides_agree(golds, _ROUNDED) else golds[-1:]  # the rounded one is plainly written
        verdicts = [judge(gold, answer, report) for gold in golds for answer in answers]
        return "right" if "right" in verdicts else verdicts[-1]
    if not request["only_parts"]:
        verdict = judge(request["gold"], request["answer"], report)
        if verdict != "gold" or not request["parts"]:
            return verdict
    report("~gold")
    parts = (judge(gold, answer, lambda _: None) for gold, answer in request["parts"])
    return "right" if all(verdict == "right" for verdict in parts) else "wrong"


def _sides_agree(sides: list[str], tolerance: float) -> bool:
    """Whether the constant sides of an equation have one value; a side that has none is left out."""
    values = [_value(parsed[0]) for parsed in map(parse_latex, sides) if parsed]
    known = [value for value in values if value is not None]
    return all(abs(known[0] - other) <= tolerance * abs(known[0]) for other in known[1:])


def _value(parsed: Any) -> complex | None:
    """The number that an expression without symbols is, at double precision; None where it is no such."""
    from sympy import Expr

    if not isinstance(parsed, Expr) or parsed.free_symbols:
        return None
    try:
        value = parsed.evalf(20)
        # where terms cancel to nothing, no digit is left that could be trusted
        return 0j if getattr(value, "_prec", 53) <= 1 else complex(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _far_apart(gold: Any, answer: Any) -> bool:
    """Whether two expressions that differ by less than can be seen beside 1 differ by much beside each other.

    math-verify rounds to so many decimals, which makes all tiny values one.
    """
    from sympy import Expr, FiniteSet, Interval, Rational, Tuple

    if getattr(gold, "is_Equality", False) and not getattr(answer, "is_Relational", False):
        gold = gold.rhs
    if getattr(answer, "is_Equality", False) and not getattr(gold, "is_Relational", False):
        answer = answer.rhs
    if isinstance(gold, FiniteSet) and isinstance(answer, FiniteSet):
        return not all(any(not _far_apart(one, other) for other in answer.args) for one in gold.args)
    ordered = (Tuple, Interval)
    if isinstance(gold, ordered) and isinstance(answer, ordered):
        return any(_far_apart(*pair) for pair in zip(gold.args, answer.args, strict=False))
    if not isinstance(gold, Expr) or not isinstance(answer, Expr):
        return False
    symbols = sorted(gold.free_symbols | answer.free_symbols, key=str)
    point = {symbol: Rational(13 + 7 * index, 11) for index, symbol in enumerate(symbols)}
    left, right = _value(gold.subs(point)), _value(answer.subs(point))
    if left is None or right is None:
        return False
    return abs(left - right) > _RELATIVE * max(abs(left), abs(right))


def _names_a_sum(gold: Any) -> bool:
    """Whether the gold answer is an equation like x + y = 5: math-verify would take a bare 5 for it."""
    return bool(getattr(gold, "is_Equality", False) and gold.lhs.is_Add)


def _is_another_equation(gold: Any, answer: Any) -> bool:
    """Whether the answer is an equation, and the gold answer one in other unknowns, or no equation at all.

    math-verify would compare the right sides of two, and take x^2 - 7 = 0 for a bare 0.
    """
    if not getattr(answer, "is_Equality", False):
        return False
    if getattr(gold, "is_Equality", False):
        return bool(gold.lhs.is_Add and gold.free_symbols != answer.free_symbols)
    if getattr(gold, "is_Relational", False) or not answer.rhs.is_zero:
        return False
    left = answer.lhs
    return bool(left.is_Add and left.free_symbols and any(term.is_number for term in left.args))


def _imaginary(parsed: Any) -> bool:
    """Whether an expression has no symbol but i, if any: then that is the imaginary unit."""
    from sympy import Expr

    return isinstance(parsed, Expr) and {symbol.name for symbol in parsed.free_symbols} <= {"i"}


def _with_i(parsed: Any) -> tuple[Any, ...]:
    from sympy import I

    return (parsed.subs(dict.fromkeys(parsed.free_symbols, I)),)


def _same_solutions(gold: Any, answer: Any) -> bool:
    """Whether two inequalities in one and the same variable have the same solutions."""
    from sympy import And, Or
    from sympy.core.relational import Relational

    kinds = (Relational, And, Or)
    if (
        not (isinstance(gold, kinds) and isinstance(answer, kinds))
        or gold.free_symbols != answer.free_symbols
    ):
        return False
    if len(gold.free_symbols) != 1 or getattr(gold, "is_Equality", False):
        return False
    try:
        return bool(gold.as_set() == answer.as_set())
    except (NotImplementedError, ValueError, TypeError):
        return False


def limit_memory(mebibytes: int) -> None:
    """Cap the address space (Linux; elsewhere the kernel does not enforce it) and forbid core dumps."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes * 2**20, mebibytes * 2**20))


def serve(requests: TextIO, report: Report, backstop_seconds: float) -> None:
    """Answer requests until the parent closes the pipe."""
    report("ready")
    for line in requests:
        request = json.loads(line)
        # its default action ends the process, in the middle of any C code too
        signal.setitimer(signal.ITIMER_REAL, backstop_seconds)
        report(answer_request(request, report))
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    """Set the limits, load the algebra system, serve."""
    limit_memory(int(sys.argv[1]))
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever a library prints must not reach the replies
    logging.disable(logging.CRITICAL)

    def report(line: str) -> None:
        replies.write(line + "\n")
        replies.flush()

    judge(
        r"$\frac{1}{2}+x$", r"$x+\frac{2}{4}$", lambda _: None
    )  # the first parse builds the parser's tables
    serve(sys.stdin, report, float(sys.argv[2]))


if __name__ == "__main__":
    main()

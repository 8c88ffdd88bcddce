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
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, TextIO

Report = Callable[[str], None]

_UNIT_MARKUP = re.compile(r"\\(?:text|mathrm|mbox|textrm)\b")


@lru_cache(maxsize=256)
def parse_latex(text: str) -> tuple[Any, ...]:
    """The expression in a text whose formulas stand between dollar signs; empty where there is none."""
    from math_verify import LatexExtractionConfig, parse

    usual = LatexExtractionConfig().normalization_config
    # stripping units takes the variables of `a + b + c` and `sin t` for units too
    for units in (True, False) if _UNIT_MARKUP.search(text) else (False, True):
        spelling = replace(usual, units=units, boxed="none")
        config = [LatexExtractionConfig(normalization_config=spelling)]
        # its own timeouts raise from an alarm, which a library's `except` can swallow; a kill it cannot
        found = parse(text, config, "no_fallback", extraction_mode="first_match", parsing_timeout=None)
        if found:
            return tuple(found)
    return ()


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
    if _imaginary(gold_parsed[0]) and _imaginary(answer_parsed[0]):
        gold_parsed, answer_parsed = _with_i(gold_parsed[0]), _with_i(answer_parsed[0])
    # with relations, 1 < x < 2 is the interval (1, 2)
    equal = verify(list(gold_parsed), list(answer_parsed), allow_set_relation_comp=True, timeout_seconds=None)
    return "right" if equal or _same_solutions(gold_parsed[0], answer_parsed[0]) else "wrong"


def answer_request(request: dict[str, Any], report: Report) -> str:
    """Judge the whole, or where it is a list that cannot be parsed at once, its parts."""
    if not request["only_parts"]:
        verdict = judge(request["gold"], request["answer"], report)
        if verdict != "gold" or not request["parts"]:
            return verdict
    report("~gold")
    verdicts = (judge(gold, answer, lambda _: None) for gold, answer in request["parts"])
    return "right" if all(verdict == "right" for verdict in verdicts) else "wrong"


def _names_a_sum(gold: Any) -> bool:
    """Whether the gold answer is an equation like x + y = 5: math-verify would take a bare 5 for it."""
    return bool(getattr(gold, "is_Equality", False) and gold.lhs.is_Add)


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

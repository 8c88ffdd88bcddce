"""Instructions that a program can check, those of IFEval (arXiv:2311.07911), strictly and loosely."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from r1light.core.types import Problem, Verdict
from r1light.graders.instructions import CHECKS


class IFEval:
    """An answer is right when it follows every instruction of its problem, to the letter.

    The instructions stand in the problem's meta: `instruction_id_list`, and `kwargs`, a mapping of numbers
    and words for each. An empty answer follows none. Loosely, an instruction is followed where it is by the
    answer, or by the answer without its first line, its last line or both, each also without asterisks
    (section 2.2 of the paper).

    Parts of a verdict, all in [0, 1]: `prompt_strict` (the score) and `prompt_loose`, whether all are
    followed; `inst_strict` and `inst_loose`, the share of the instructions that are.

    Example:
        >>> asked = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
        >>> problem = Problem(id="1", prompt="Say hello.", grader="ifeval", meta=asked)
        >>> verdict = IFEval().grade(problem, "Well, hello.")
        >>> verdict.score, verdict.parts["inst_loose"]
        (0.0, 0.0)
    """

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Check one answer; an instruction that is unknown, or has not what it needs, is an error."""
        try:
            checks = _checks(problem.meta)
            strict = [bool(answer.strip()) and check(answer) for check in checks]
            variants = [text for text in _variants(answer) if text.strip()]
            loose = [
                followed or any(check(text) for text in variants)
                for followed, check in zip(strict, checks, strict=True)
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            return Verdict(
                None, "error", f"problem {problem.id!r}: its instructions cannot be checked: {reason}"
            )
        parts = {
            "prompt_strict": float(all(strict)),
            "prompt_loose": float(all(loose)),
            "inst_strict": sum(strict) / len(strict),
            "inst_loose": sum(loose) / len(loose),
        }
        names = problem.meta["instruction_id_list"]
        broken = [name for name, followed in zip(names, strict, strict=True) if not followed]
        return Verdict(
            parts["prompt_strict"], detail=f"breaks {', '.join(broken)}" if broken else "", parts=parts
        )

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Check several, in their order."""
        return [self.grade(problem, answer) for problem, answer in items]

    def close(self) -> None:
        """Nothing to free."""


def _checks(meta: Mapping[str, Any]) -> list[Callable[[str], bool]]:
    """The checks of a problem's instructions.

    Raises:
        ValueError: There are none, one is unknown, or names and options do not fit together.
    """
    names, options = meta["instruction_id_list"], meta["kwargs"]
    if not names or len(names) != len(options):
        raise ValueError(f"{len(names)} instructions with {len(options)} kwargs")
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise ValueError(f"unknown instruction {unknown[0]!r}")
    return [_bound(name, dict(given or {})) for name, given in zip(names, options, strict=True)]


def _bound(name: str, options: Mapping[str, Any]) -> Callable[[str], bool]:
    given = {key: value for key, value in options.items() if value is not None}  # tables fill up with nulls
    return lambda text: CHECKS[name](text, given)


def _variants(answer: str) -> list[str]:
    """The answer as a lenient reader may take it."""
    lines = answer.split("\n")
    shorter = ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
    plain = [answer, *shorter]
    return [*plain, *(text.replace("*", "") for text in plain)]

"""What can be said of a reference answer and an answer without the algebra system, and what to ask it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from r1light.core.types import Verdict
from r1light.graders.answer_text import Reading, normal_text
from r1light.graders.chains import ROUNDED, chain_of, is_constant
from r1light.graders.formula_list import is_bare_list, named_parts, pair_values, root_values, split_list
from r1light.graders.formula_size import refusal
from r1light.graders.plain_number import read_number, same_number
from r1light.graders.shape import clashes
from r1light.graders.spelling import to_latex
from r1light.graders.verbatim import tokens

RIGHT = Verdict(1.0)
WRONG = Verdict(0.0)
WORD_FOR_WORD = "differs from a reference answer that is compared word for word"

_ONE_WORD = re.compile(r"[A-Za-z]+")
_LETTERS = re.compile(r"[A-Za-z]{1,3}")
_MACRO = re.compile(r"\\(?:text|mbox|mathrm|operatorname|begin|end)\s*\{[^{}]*\}|\\[a-zA-Z]+")
_OWN_NAME = re.compile(r"^\s*[a-zA-Z](?:\([a-zA-Z]\))?\s*=")
_RUN = re.compile(r"(?<![A-Za-z])[A-Za-z]{1,3}(?![A-Za-z])")
_FUNCTIONS = frozenset(("sin cos tan cot sec csc log ln exp max min pi or and mod gcd lcm det").split())  # noqa: SIM905
_ANY_CASE = frozenset("cCeEiI")
"""Constants of integration, and constants."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a worker is asked.

    Attributes:
        gold: The reference answer, as LaTeX between dollar signs.
        answer: The answer, likewise.
        parts: Pairs (gold, answer) of formulas which all have to be equal, for lists.
        only_parts: Whether the parts decide alone; otherwise they do where the whole gold is no expression.
        sides: The constant sides of an answer like 2+3 = 5, as LaTeX; they have to agree.
        tolerance: Relative, within which they have to.
        any_side: Whether the answer is right where one of the sides is.
        gold_sides: The constant sides of a reference like sqrt(2) ≈ 1.41. The answer may be any of them where
            they agree, and else the last alone.
    """

    gold: str
    answer: str
    parts: tuple[tuple[str, str], ...] = ()
    only_parts: bool = False
    sides: tuple[str, ...] = ()
    tolerance: float = 0.0
    any_side: bool = False
    gold_sides: tuple[str, ...] = ()


def compare(gold: Reading, answer: Reading) -> Verdict | None:
    """The verdict on two readings, or None where it takes the algebra system."""
    if gold.number is not None and answer.number is not None and "number" in (gold.kind, answer.kind):
        return RIGHT if same_number(gold.number, answer.number) else WRONG
    if tokens(gold.source) in (tokens(answer.source), tokens(answer.core)):
        return RIGHT
    if gold.kind == "nothing":
        return Verdict(0.0, detail=WORD_FOR_WORD)
    if answer.kind == "nothing":
        return Verdict(0.0, detail="no single answer found")
    if "text" in (gold.kind, answer.kind):
        return RIGHT if _same_words(gold, answer) else WRONG
    clash = _letters_clash(gold.core, answer.core) or _units_clash(gold, answer) or clashes(gold, answer)
    if clash:
        return Verdict(0.0, detail=clash)
    refused = refusal(answer.text)
    return Verdict(0.0, detail=refused) if refused else _compare_names(gold, answer)


def _same_words(gold: Reading, answer: Reading) -> bool:
    """Texts by their words; a word such as Yes is read as an expression, as it might be a product."""
    if gold.kind == answer.kind:
        return gold.text == answer.text
    word = gold if gold.kind == "expression" else answer
    return bool(_ONE_WORD.fullmatch(word.core)) and normal_text(gold.core) == normal_text(answer.core)


def _letters_clash(gold: str, answer: str) -> str:
    """Whether both are a few letters, but not the same ones; or a letter stands in the other case."""
    if _LETTERS.fullmatch(gold) and _LETTERS.fullmatch(answer):
        return "" if sorted(gold) == sorted(answer) else "other letters"
    ours, theirs = _variables(gold), _variables(answer)
    swapped = {letter.swapcase() for letter in theirs - ours} & (ours - theirs)
    return "a letter in the other case" if swapped - _ANY_CASE else ""


def _variables(formula: str) -> set[str]:
    """The letters in a formula that stand for something, without the name before its equals sign."""
    plain = _MACRO.sub(" ", _OWN_NAME.sub("", formula))
    return {letter for run in _RUN.findall(plain) if run.lower() not in _FUNCTIONS for letter in run}


def _units_clash(gold: Reading, answer: Reading) -> str:
    units = [reading.number.unit if reading.number else reading.unit for reading in (gold, answer)]
    if all(units) and units[0] != units[1]:
        return f"{units[1]} is not {units[0]}"
    in_degrees = answer.unit == "degree" and not units[0] and not gold.number
    return "degrees where none are asked for" if in_degrees else ""


def _compare_names(gold: Reading, answer: Reading) -> Verdict | None:
    """Wrong where the answer gives other names or another count of values than a list like x=1, y=2."""
    gold_text, answer_text = _without_index(gold.text.strip("$"), answer.text.strip("$"))
    names = named_parts(gold_text)
    if names is None or pair_values(names, answer_text) is not None:
        return None
    return Verdict(0.0, detail=f"does not give {', '.join(names)}")


def plan(gold: Reading, answer: Reading) -> Request:
    """What to ask a worker where `compare` cannot tell."""
    if (gold.union or answer.union) and not (named_parts(gold.text) or named_parts(answer.text)):
        others = [other.text for one, other in ((gold, answer), (answer, gold)) if one.union]
        if (gold.union and answer.union) or re.search(r"\\cup|[\[(].*,.*[\])]", others[0]):
            texts = [to_latex(one.union) if one.union else one.text for one in (gold, answer)]
            return Request(texts[0], texts[1])
    gold_text, answer_text = _without_index(gold.text.strip("$"), answer.text.strip("$"))
    names = named_parts(gold_text)
    if names is not None:
        pairs = pair_values(names, answer_text) or []
        return Request(gold.text, answer.text, _parts(pairs), only_parts=True)
    left, right = split_list(gold_text), split_list(answer_text)
    if len(left) != len(right) or len(left) < 2:
        chain = chain_of(answer_text)
        constant = chain is not None and is_constant(gold_text)
        stated = chain_of(gold_text)
        return Request(
            f"${gold_text}$",
            f"${answer_text}$",
            (),
            False,
            *(chain or ((), 0.0)),
            any_side=constant,
            gold_sides=stated[0] if stated and stated[1] == ROUNDED and is_constant(answer_text) else (),
        )
    return Request(f"${gold_text}$", f"${answer_text}$", _parts(list(zip(left, right, strict=True))))


def _without_index(gold: str, answer: str) -> tuple[str, str]:
    """Both without the name of an unknown that each of several solutions is given for: x_1=1, x_2=2."""
    ours, theirs = root_values(gold), root_values(answer)
    if named_parts(gold) is not None and named_parts(gold) and "_" in gold:
        return gold, answer
    if theirs and (ours is None or ours[0] == theirs[0]):
        answer = theirs[1] if ours or is_bare_list(gold) else answer
        gold = ours[1] if ours else gold
    elif ours and theirs is None and is_bare_list(answer):
        gold = ours[1]
    return gold, answer


def _parts(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The pairs that are not the same text, or number, already; one that differs for sure stays."""
    open_pairs = []
    for gold, answer in pairs:
        numbers = read_number(gold), read_number(answer)
        if numbers[0] and numbers[1] and same_number(numbers[0], numbers[1]):
            continue
        if tokens(gold) != tokens(answer):
            open_pairs.append((to_latex(gold), to_latex(answer)))
    return tuple(open_pairs)

"""What can be said of a reference answer and an answer without the algebra system, and what to ask it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from r1light.core.types import Verdict
from r1light.graders.answer_text import Reading, normal_text
from r1light.graders.formula_list import named_parts, pair_values, split_list
from r1light.graders.formula_size import refusal
from r1light.graders.plain_number import read_number, same_number
from r1light.graders.spelling import to_latex
from r1light.graders.verbatim import tokens

RIGHT = Verdict(1.0)
WRONG = Verdict(0.0)
WORD_FOR_WORD = "differs from a reference answer that is compared word for word"

_ONE_WORD = re.compile(r"[A-Za-z]+")
_SIZE = re.compile(r"\\(?:left|right)(?![a-zA-Z])|[\s$]")


@dataclass(frozen=True, slots=True)
class Request:
    """What a worker is asked.

    Attributes:
        gold: The reference answer, as LaTeX between dollar signs.
        answer: The answer, likewise.
        parts: Pairs (gold, answer) of formulas which all have to be equal, for lists.
        only_parts: Whether the parts decide alone; otherwise they do where the whole gold is no expression.
    """

    gold: str
    answer: str
    parts: tuple[tuple[str, str], ...] = ()
    only_parts: bool = False


def compare(gold: Reading, answer: Reading) -> Verdict | None:
    """The verdict on two readings, or None where it takes the algebra system."""
    if gold.number is not None and answer.number is not None:
        return RIGHT if same_number(gold.number, answer.number) else WRONG
    if tokens(gold.source) in (tokens(answer.source), tokens(answer.core)):
        return RIGHT
    if gold.kind == "nothing":
        return Verdict(0.0, detail=WORD_FOR_WORD)
    if answer.kind == "nothing":
        return Verdict(0.0, detail="no single answer found")
    if "text" in (gold.kind, answer.kind):
        return RIGHT if _same_words(gold, answer) else WRONG
    if _brackets_clash(gold.text, answer.text):
        return Verdict(0.0, detail="a set is no tuple and no interval")
    refused = refusal(answer.text)
    return Verdict(0.0, detail=refused) if refused else _compare_names(gold, answer)


def _same_words(gold: Reading, answer: Reading) -> bool:
    """Texts by their words; a word such as Yes is read as an expression, as it might be a product."""
    if gold.kind == answer.kind:
        return gold.text == answer.text
    word = gold if gold.kind == "expression" else answer
    return bool(_ONE_WORD.fullmatch(word.core)) and normal_text(gold.core) == normal_text(answer.core)


def _compare_names(gold: Reading, answer: Reading) -> Verdict | None:
    """Wrong where the answer gives other names or another count of values than a list like x=1, y=2."""
    names = named_parts(gold.text.strip("$"))
    if names is None or pair_values(names, answer.text.strip("$")) is not None:
        return None
    return Verdict(0.0, detail=f"does not give {', '.join(names)}")


def plan(gold: Reading, answer: Reading) -> Request:
    """What to ask a worker where `compare` cannot tell."""
    gold_text, answer_text = gold.text.strip("$"), answer.text.strip("$")
    names = named_parts(gold_text)
    if names is not None:
        pairs = pair_values(names, answer_text) or []
        return Request(gold.text, answer.text, _parts(pairs), only_parts=True)
    left, right = split_list(gold_text), split_list(answer_text)
    if len(left) != len(right) or len(left) < 2:
        return Request(gold.text, answer.text)
    return Request(gold.text, answer.text, _parts(list(zip(left, right, strict=True))))


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


def _brackets_clash(gold: str, answer: str) -> bool:
    r"""Whether one of the two is a set in braces and the other one tuple or interval."""
    kinds = {_bracket(gold), _bracket(answer)}
    return "{" in kinds and "(" in kinds


def _bracket(latex: str) -> str:
    """The kind of bracket around the whole of a list: "{", "(" or none."""
    text = _SIZE.sub("", latex)
    inside = text[2:-2] if text.startswith("\\{") and text.endswith("\\}") else text[1:-1]
    if "," not in inside or re.search(r"[\[\](){}]", inside):
        return ""
    if text.startswith("\\{") and text.endswith("\\}"):
        return "{"
    return "(" if text[0] in "([" and text[-1] in ")]" else ""

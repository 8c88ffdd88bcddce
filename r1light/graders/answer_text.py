r"""What an answer says, out of the words, boxes and dollar signs around it.

An answer is read as a plain number, as an expression for the algebra system, or as text. Where several
candidates stand side by side without saying which is meant, none is taken: a list of guesses is no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from r1light.graders.plain_number import PlainNumber, read_number
from r1light.graders.spelling import to_latex, unicode_to_latex
from r1light.graders.units import CHANGING_WORDS

Kind = Literal["number", "expression", "text", "nothing"]


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer or a reference answer, read.

    Attributes:
        kind: What it is; "nothing" where there is no one answer in it.
        text: An expression or number as LaTeX for the algebra system, or a text in its normal form.
        number: The number, where it is a plain one.
    """

    kind: Kind
    text: str = ""
    number: PlainNumber | None = None


_LEAD_IN = re.compile(
    r"\b(?:answer|result|solution|value)(?:\s+is|\s+are|\s*[:=])+"
    r"(?:\s+(?:therefore|then|thus|simply|equal to)\b)*\s*:?"
    r"|(?:答案|结果|答)(?:应该|应|就)?\s*[是为:=]+|等于",
    re.IGNORECASE,
)
_FIRST_WORDS = re.compile(
    r"^(?:(?:so|thus|hence|therefore|then|it is|it's|we get|we have|about|approximately)\b[\s,:]*"
    r"|(?:所以|因此|故|大约|约)[\s,:]*)+",
    re.IGNORECASE,
)
_SEGMENT = re.compile(r"\$\$([^$]+)\$\$|\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_CONNECTOR = re.compile(r"[\s,;]*(?:and|or|和|或|、)?[\s,;]*", re.IGNORECASE)
_SAYS = re.compile(r"\b(?:is|are|equals)\b|[=是为]")
_LISTED = re.compile(r"\s*,\s*(?:and|or)\s+|\s+(?:and|or)\s+|\s*[和或、]\s*", re.IGNORECASE)
_LISTED_MACRO = re.compile(r"[,\s]*\\(?:text|mbox|mathrm)\s*\{\s*,?\s*(?:and|or)\s*,?\s*\}[,\s]*")
_TEXT_MACRO = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|textrm|operatorname)\s*\{([^{}]*)\}")
_PROSE = re.compile(r"[\w\s,.;:'()\"“”、。!?-]+")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?\s*%?(?![a-zA-Z_])")
_TIME = re.compile(r"0?(\d{1,2}:\d{2})\s*(?:([ap])\.?\s*m\.?)?", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.。]\s+(?=\S)|\n|。")
_ARTICLE = re.compile(r"^(?:the|a|an)\s+")
_START, _END = " \t\n,;:。、", " \t\n.,;:。、"  # a point in front belongs to .5, a mark behind to 5!
_NAMES = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp sqrt max min gcd lcm mod det "
    "pi theta alpha beta gamma delta lambda omega phi infty infinity and or"
)
_MATH_WORDS = frozenset(_NAMES.split())


def read_answer(text: str) -> Reading:
    r"""Read an answer as a model or a data set gives it. Never raises.

    Example:
        >>> read_answer(r"So the answer is \boxed{\frac{1}{2}}.").number.value
        Fraction(1, 2)
        >>> read_answer("x^2 + 1"), read_answer("the Moon").text, read_answer("somewhere from 3 to 5").kind
        (Reading(kind='expression', text='$x^2 + 1$', number=None), 'moon', 'nothing')
    """
    boxed = last_boxed(text)
    core = _core(unicode_to_latex(text if boxed is None else boxed))
    if not core:
        return Reading("nothing")
    number = read_number(core)
    if number is not None:
        return _number(number)
    if _is_words(core):
        return _read_words(core)
    segments = list(_SEGMENT.finditer(core))
    if segments:
        return _read_segments(core, segments)
    return Reading("nothing") if re.search(r"(?<!\\)\$", core) else _read_formula(core)


def last_boxed(text: str) -> str | None:
    r"""The inside of the last `\boxed{...}` or `\fbox{...}`, or None where none closes.

    Example:
        >>> last_boxed(r"\boxed{1} and \boxed{\frac{2}{3}}"), last_boxed(r"\boxed{1")
        ('\\frac{2}{3}', None)
    """
    start = max(text.rfind("\\boxed{"), text.rfind("\\fbox{"))
    if start < 0:
        return None
    start = text.index("{", start)
    depth = 0
    for position in range(start, len(text)):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return text[start + 1 : position]
    return None


def normal_text(text: str) -> str:
    r"""Lower case, single spaces, no `\text{}`, no leading article, no punctuation at the ends."""
    plain = " ".join(_TEXT_MACRO.sub(r" \1 ", text).split())
    return _ARTICLE.sub("", plain.strip(_END + "!\"'“”()").casefold())


def _core(text: str) -> str:
    """The part that answers: after the last "the answer is", first sentence, without wrappers."""
    text = _LISTED_MACRO.sub(", ", text.replace("\\!", "")) if "\\" in text else text
    text = text.removeprefix("**").removesuffix("**").strip()
    lead_ins = [match.end() for match in _LEAD_IN.finditer(text)]
    if lead_ins and text[lead_ins[-1] :].strip(_END):
        text = _SENTENCE_END.split(text[lead_ins[-1] :].strip(), maxsplit=1)[0]
    text = _trim(_FIRST_WORDS.sub("", _trim(text)))
    whole = _SEGMENT.fullmatch(text)
    return _trim(next(filter(None, whole.groups()), "")) if whole else text


def _trim(text: str) -> str:
    return text.lstrip(_START).rstrip(_END)


def _is_words(core: str) -> bool:
    r"""Whether an answer is in words: a time, two words, a word of four letters, or one in a `\text{}`."""
    if _TIME.fullmatch(core):
        return True
    plain = _TEXT_MACRO.sub(r" \1 ", core)
    marked = plain != core
    if not _PROSE.fullmatch(plain) or (marked and re.search("[0-9]", plain)):
        return False
    words = [word for word in _WORD.findall(plain) if len(word) > 1 or not word.isascii()]
    words = [word for word in words if word.lower() not in _MATH_WORDS]
    return len(words) > 1 or any(marked or len(word) > 3 or not word.isascii() for word in words)


def _read_words(core: str) -> Reading:
    """Words: a text of its own, or a sentence around the one number in it."""
    time = _TIME.fullmatch(core)
    if time:
        return Reading("text", f"{time[1]} {time[2] or ''}".strip().lower())
    numbers = _NUMBER.findall(core)
    if not numbers:
        return Reading("text", normal_text(core))
    plain = CHANGING_WORDS.isdisjoint(word.lower() for word in _WORD.findall(core))
    number = read_number(numbers[0].strip()) if plain and len(numbers) == 1 else None
    if number is not None:
        return _number(number)
    _, found, tail = core.rpartition(" is ")
    return read_answer(tail) if found else Reading("nothing")


def _read_segments(core: str, segments: list[re.Match[str]]) -> Reading:
    """Formulas between dollar signs: one with words around it, a list, or the last in a sentence."""
    insides = [next(filter(None, segment.groups()), "").strip() for segment in segments]
    gaps = [core[left.end() : right.start()] for left, right in pairwise(segments)]
    before, after = core[: segments[0].start()].strip(), core[segments[-1].end() :].strip()
    listed = len(segments) > 1 and not before and all(_CONNECTOR.fullmatch(gap) for gap in gaps)
    if listed:
        # a formula that is too long for its line often ends one pair of dollar signs and starts another
        cut = any(inside.endswith(("+", "-", "=", "*", "/", "(")) for inside in insides[:-1])
        return _read_formula((" " if cut else ", ").join(insides))
    if len(segments) == 1 and not before:
        number = read_number(f"{insides[0]} {after}")
        return _number(number) if number is not None else _inside(insides[0])
    if len(segments) == 1 or _SAYS.search(gaps[-1]):
        return _inside(insides[-1])
    return Reading("nothing")


def _inside(formula: str) -> Reading:
    number = read_number(_trim(formula))
    return _number(number) if number is not None else _read_formula(_trim(formula))


def _read_formula(formula: str) -> Reading:
    """A formula without dollar signs, in LaTeX or as on a keyboard; "2 or 3" is the set of both."""
    if "," in formula or not re.search(r"[\[({\\]", formula):
        formula = _LISTED.sub(", ", formula)
    return Reading("expression", to_latex(formula))


def _number(number: PlainNumber) -> Reading:
    return Reading("number", f"${number.latex()}$", number)

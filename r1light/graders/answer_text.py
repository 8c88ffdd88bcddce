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

Kind = Literal["number", "expression", "text", "nothing"]


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer or a reference answer, read.

    Attributes:
        kind: What it is; "nothing" where there is no one answer in it.
        text: An expression as LaTeX for the algebra system, or a text in its normal form.
        number: The number, where it is a plain one.
    """

    kind: Kind
    text: str = ""
    number: PlainNumber | None = None


_LEAD_IN = re.compile(
    r"(?:answer|result|solution|value)(?:\s+is|\s+are|\s*[:=])+"
    r"(?:\s+(?:therefore|then|thus|simply|equal to)\b)*"
    r"|(?:答案|结果|答)(?:应该|应|就)?\s*[是为:：=]+|(?:等于|答：|答:)",
    re.IGNORECASE,
)
_FIRST_WORDS = re.compile(
    r"^(?:(?:so|thus|hence|therefore|then|it is|it's|we get|we have|所以|因此|故)\b[\s,，:]*)+", re.I
)
_SEGMENT = re.compile(r"\$\$([^$]+)\$\$|\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_CONNECTOR = re.compile(r"[\s,;]*(?:and|or|和|或|、)?[\s,;]*", re.I)
_TEXT_MACRO = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|textrm|operatorname)\s*\{([^{}]*)\}")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PROSE = re.compile(r"[\w\s,.;:'’()\"“”、，。；：！!?？-]+")
_NUMBERS = re.compile(r"(?<![\w.])[-+]?[$]?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?\s*%?(?![\w])")
_EDGES = " \t\n.,;:!。，；：！、"
_LISTED = re.compile(r"(?:\s*,\s*(?:and|or)\s+|\s+(?:and|or)\s+|\s*[和或、]\s*)", re.I)
_ARTICLE = re.compile(r"^(?:the|a|an)\s+")
_MATH_WORDS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp sqrt max min gcd lcm mod det "
    "pi theta alpha beta gamma delta lambda omega phi infty infinity and or".split()  # noqa: SIM905 - a list would fill a screen
)


def read_answer(text: str) -> Reading:
    r"""Read an answer as a model or a data set gives it. Linear in its length; never raises.

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
        return Reading("number", f"${number.latex()}$", number)
    words = _as_text(core)
    if words is not None:
        return _read_prose(core, words)
    segments = list(_SEGMENT.finditer(core))
    if segments:
        return _read_segments(core, segments)
    return _read_bare(core)


def last_boxed(text: str) -> str | None:
    r"""The inside of the last `\boxed{...}` or `\fbox{...}` whose braces close, or None.

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


def _core(text: str) -> str:
    """The part that answers: after the last "the answer is", first sentence, without wrappers."""
    text = text.replace("**", " ").strip()
    lead_ins = [match.end() for match in _LEAD_IN.finditer(text)]
    if lead_ins and text[lead_ins[-1] :].strip(_EDGES):
        text = re.split(r"[.。]\s+(?=\S)|\n|。", text[lead_ins[-1] :].strip(), maxsplit=1)[0]
    text = _FIRST_WORDS.sub("", text.strip(_EDGES)).strip(_EDGES)
    if text.startswith("\\$") or text.count("$") % 2:
        return text
    whole = _SEGMENT.fullmatch(text)
    return next(filter(None, whole.groups()), "").strip(_EDGES) if whole else text


def _as_text(core: str) -> str | None:
    r"""The normal form of an answer in words, or None where it is mathematics.

    Words are more than one word, or one of four letters or more, or what stands in a `\text{}`.
    """
    plain = _TEXT_MACRO.sub(r" \1 ", core)
    if not _PROSE.fullmatch(plain):
        return None
    words = [word for word in _WORD.findall(plain) if word.lower() not in _MATH_WORDS]
    long = [
        word for word in words if len(word) > 3 or not word.isascii() or (plain != core and len(word) > 1)
    ]
    if not long and len([word for word in words if len(word) > 1]) < 2:
        return None
    return normal_text(plain)


def normal_text(text: str) -> str:
    """Lower case, single spaces, no leading article, no punctuation at the ends."""
    return _ARTICLE.sub("", " ".join(text.split()).strip(_EDGES + "\"'“”()").casefold())


def _read_prose(core: str, words: str) -> Reading:
    """Words: a text of its own, or a sentence around the one number in it."""
    numbers = _NUMBERS.findall(core)
    if not numbers:
        return Reading("text", words)
    readings = [read_number(number.strip()) for number in numbers]
    if len(numbers) == 1 and readings[0] is not None:
        return Reading("number", f"${readings[0].latex()}$", readings[0])
    _, found, tail = core.rpartition(" is ")
    if found:
        return read_answer(tail)
    return Reading("nothing", words)


def _read_segments(core: str, segments: list[re.Match[str]]) -> Reading:
    """Formulas between dollar signs: one, a list of several, or the last in a text."""
    insides = [next(filter(None, segment.groups()), "") for segment in segments]
    gaps = [core[left.end() : right.start()] for left, right in pairwise(segments)]
    before, after = core[: segments[0].start()], core[segments[-1].end() :]
    if all(_CONNECTOR.fullmatch(gap) for gap in gaps):
        listed = len(segments) > 1
        if listed and not any("=" in inside for inside in insides):
            return Reading("expression", f"${', '.join(insides)}$")
        if not listed and not _LISTED.search(f" {before} {after} "):
            number = read_number(f"{insides[0]} {after}") if not before.strip() else None
            return Reading("number", f"${number.latex()}$", number) if number else _inside(insides[0])
    if re.search(r"\b(?:is|are|equals)\b|[=是为]", gaps[-1] if gaps else before):
        return _inside(insides[-1])
    return Reading("expression", core)


def _inside(formula: str) -> Reading:
    number = read_number(formula.strip(_EDGES))
    if number is not None:
        return Reading("number", f"${number.latex()}$", number)
    return Reading("expression", f"${formula.strip(_EDGES)}$")


def _read_bare(core: str) -> Reading:
    """A formula without dollar signs, in LaTeX or as on a keyboard."""
    if "$" in core:
        return Reading("nothing")
    latex = to_latex(core)
    if "," in latex or not re.search(r"[\[({\\]", latex):
        latex = _LISTED.sub(", ", latex)
    return Reading("expression", f"${latex}$")

r"""What an answer says, out of the words, boxes and dollar signs around it.

An answer is read as a plain number, as an expression for the algebra system, or as text. Where several
candidates stand side by side without saying which is meant, none is taken: a list of guesses is no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from r1light.graders.extraction import final_part
from r1light.graders.formula_list import expand_plus_minus
from r1light.graders.formula_words import without_words
from r1light.graders.inequalities import joined_by, solutions
from r1light.graders.plain_number import PlainNumber, read_number
from r1light.graders.sentence import (
    NUMBER,
    denies,
    leaves_open,
    mark_money,
    named_answer,
    number_in_words,
    polar,
    tail_of,
)
from r1light.graders.short_words import is_word
from r1light.graders.spelling import to_latex, unicode_to_latex
from r1light.graders.units import canonical_unit

Kind = Literal["number", "expression", "text", "nothing"]


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer or a reference answer, read.

    Attributes:
        kind: What it is; "nothing" where there is no one value in it.
        text: An expression or number as LaTeX for the algebra system, or a text in its normal form.
        number: The number, where it is a plain one.
        core: What was read: the answer without the words and wrappers around it.
        source: The part of the text that it was found in.
        unit: The unit of an expression, or empty where it has none or an unknown one.
        union: Of alternatives such as `x<1 or x>3`, the set of their solutions as LaTeX.
        joint: Whether it is relations that hold together, as in `x>1 and x<3`.
    """

    kind: Kind
    text: str = ""
    number: PlainNumber | None = None
    core: str = field(default="", compare=False, repr=False)
    source: str = field(default="", compare=False, repr=False)
    unit: str = field(default="", repr=False)
    union: str = field(default="", repr=False)
    joint: bool = field(default=False, repr=False)


_FIRST_WORDS = re.compile(
    r"^(?:(?:so|thus|hence|therefore|then|it is|it's|we get|we have|about|approximately)\b[\s,:]*"
    r"|(?:所以|因此|从而|于是|故|即|则|大约|约)[\s,:]*"
    r"|(?:\\(?:therefore|Rightarrow|Longrightarrow|implies)(?![a-zA-Z])|[⇒∴=]|=>|\\ldots)\s*)+",
    re.IGNORECASE,
)
_SEGMENT = re.compile(
    r"\$\$([^$]+)\$\$|(?<!\\)\$((?:[^$\\]|\\.)+)\$(?!\d)|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL
)
_CONNECTOR = re.compile(r"[\s,;]*(?:and|or|和|或|、)?[\s,;]*", re.IGNORECASE)
_SAYS = re.compile(r"\b(?:is|are|equals)\b|[=是为]")
_SAYING = re.compile(r"\\(?:text|mbox|textrm|textbf)\s*\{([^{}]*(?:\bis|\bare|[:：=])\s*)\}")
_NAMED = re.compile(
    r"(?:\\(?:text|mbox|textrm|mathrm|textbf)\s*\{([^{}=]*)\}|((?:[a-zA-Z]+\s+){0,3}[a-zA-Z]+))\s*=\s*([^=]+)"
    r"|([A-Za-z](?:\([a-z]\))?)\s+(?:is|equals|is equal to)\s+([^\s].*)",
    re.DOTALL,
)
_SHORT = re.compile(r"[A-Za-z]{2,3}")
_NO_NUMBER = re.compile(
    r"[-+]?[\d.,]+\s*_.*|.*\d\s*(?:['\"′″]+|\^\s*\{?\s*\\prime.*)|.*\d\s*\\(?:text|mbox|mathrm)\s*\{\s*\}\s*\d.*",
    re.DOTALL,
)
_LISTED = re.compile(r"\s*,\s*(?:and|or)\s+|\s+(?:and|or)\s+|\s*[和或、]\s*", re.IGNORECASE)
_LISTED_MACRO = re.compile(r"[,\s]*\\(?:text|mbox|mathrm)\s*\{\s*,?\s*(?:and|or)\s*,?\s*\}[,\s]*")
_TEXT_MACRO = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|textrm|operatorname)\s*\{([^{}]*)\}")
_PROSE = re.compile(r"[\w\s,.;:'()\"“”、。!?/%＄€£¥°-]+")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_BASED = re.compile(r"([0-9A-Fa-f]+)\s*_\s*\{?\s*([1-9][0-9]?)\s*\}?")
_WORDS_BEFORE = re.compile(
    r"\\(?:text|mbox|textrm)\s*\{[^{}]*[^\W\d_]{3}[^{}]*\}(?!\s*(?:\^\s*\{?\s*[23]\s*\}?)?\s*$)"
)
_MARKDOWN = re.compile(
    r"(?<![\w)\]}*])\*\*(?=\S)([^*\n]+?)\*\*(?![\w*])|`([^`\n]+)`|^#{1,6}(?=\s)", re.MULTILINE
)
_TIME = re.compile(
    r"0?(?P<hour>\d{1,2})(?:(?P<rest>(?::\d{2}){1,2})\s*(?:(?P<half>[ap])\.?\s*m\.?)?|\s*(?P<sharp>[ap])\.?\s*m\.?)",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|a|an)\s+")
_QUOTES = frozenset(('""', "''", "“”", "‘’"))
_START, _END = " \t\n,;:。、", " \t\n.,;:。、"  # a point in front belongs to .5, a mark behind to 5!
_NAMES = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp sqrt max min gcd lcm mod det "
    "pi theta alpha beta gamma delta lambda omega phi infty infinity and or"
)
_MATH_WORDS = frozenset(_NAMES.split())


def read_answer(text: str) -> Reading:
    r"""Read an answer as a model gives it, words around it or not. Never raises.

    Example:
        >>> read_answer(r"So the answer is \boxed{\frac{1}{2}}.").number.value
        Fraction(1, 2)
        >>> read_answer("x^2 + 1"), read_answer("the Moon").text, read_answer("somewhere from 3 to 5").kind
        (Reading(kind='expression', text='$x^2 + 1$', number=None), 'moon', 'nothing')
    """
    return read_part(final_part(text))


def read_part(part: str) -> Reading:
    """Read the part of a text that holds its answer, see `final_part`."""
    return _read(part, in_sentences=True)


def read_reference(text: str) -> Reading:
    """Read a reference answer: as `read_answer`, but a value in a sentence is not taken for the whole of it.

    Example:
        >>> read_reference("$x=39$ and $y=-13$").text, read_reference("a minimum at $x=1$").kind
        ('$x=39, y=-13$', 'nothing')
    """
    return _read(final_part(text), in_sentences=False)


def _read(part: str, in_sentences: bool) -> Reading:
    said = _said(mark_money(unicode_to_latex(_without_markdown(part))))
    core = _listed(said)
    reading = _read_core(core, in_sentences) if core else Reading("nothing")
    if reading.kind == "expression":
        reading = replace(reading, union=solutions(said), joint=joined_by(said) == "and")
    return replace(reading, core=core, source=part)


def _read_core(core: str, in_sentences: bool) -> Reading:
    time = _TIME.fullmatch(_TEXT_MACRO.sub(r" \1", core).strip())
    if time:
        return _read_time(time)
    number = read_number(core)
    if number is not None:
        return _number(number)
    if _BASED.fullmatch(core):
        return Reading("text", _BASED.sub(r"\1_\2", core))
    if _NO_NUMBER.fullmatch(core):
        return Reading("nothing")
    if _SHORT.fullmatch(core) and is_word(core):
        return Reading("text", normal_text(core))
    if _is_words(core):
        return _read_words(core, in_sentences)
    segments = list(_SEGMENT.finditer(core))
    if segments:
        return _read_segments(core, segments, in_sentences)
    if re.search(r"(?<!\\)\$", core) or (not in_sentences and _WORDS_BEFORE.search(core)):
        return Reading("nothing")
    return _read_named(core, in_sentences) or _read_formula(core)


def _read_time(time: re.Match[str]) -> Reading:
    """A time of day; where it is a full hour, the number of that too."""
    half = (time["half"] or time["sharp"] or "").lower()
    hour = read_number(time["hour"]) if time["sharp"] else None
    return Reading("text", f"{time['hour']}{time['rest'] or ':00'} {half}".strip(), hour)


def _read_named(core: str, in_sentences: bool) -> Reading | None:
    """What a quantity named in words is: `Area = 17 cm^2`, `x is 3`, the end of `She earns 3 * 6 = 18`."""
    named = _NAMED.fullmatch(core)
    if named and in_sentences:
        name, value = named[1] or named[2] or "", named[3] or named[5]
        if named[4] or (_has_words(name) and not leaves_open(name)):
            return _read_core(_trim(value), in_sentences)
    if in_sentences and "=" in core and _has_words(core):
        tail = _trim(tail_of(core, "="))
        number = read_number(tail) if tail else None
        return _number(number) if number else None
    return None


def _has_words(text: str) -> bool:
    plain = re.sub(r"\\[a-zA-Z]+", " ", text)
    return any(len(word) > 2 and word.lower() not in _MATH_WORDS for word in _WORD.findall(plain))


def normal_text(text: str) -> str:
    r"""Lower case, single spaces, no `\text{}`, no leading article, no punctuation at the ends."""
    plain = " ".join(_TEXT_MACRO.sub(r" \1 ", text).split())
    return _ARTICLE.sub("", plain.strip(_END + "!\"'“”()").casefold())


def _said(text: str) -> str:
    """The part that answers: after the last "the answer is", first sentence, without wrappers."""
    if "\\" in text:
        text = re.sub(r"(?<=\d)\\!(?=\d)", " ", text).replace("\\!", "").replace("\\degree", "°")
        text = _SAYING.sub(r"\1 ", text)
    text = named_answer(re.sub(r"(?<=\d)\s*\.{3,}", r"\\ldots ", text).strip())
    text = _trim(_FIRST_WORDS.sub("", _trim(text)))
    if len(text) > 2 and text[0] + text[-1] in _QUOTES:
        text = _trim(text[1:-1])
    whole = _SEGMENT.fullmatch(text)
    return _trim(_FIRST_WORDS.sub("", _trim(next(filter(None, whole.groups()), "")))) if whole else text


def _listed(text: str) -> str:
    """Commas for "and" and "or" in the macros of a formula."""
    return _LISTED_MACRO.sub(", ", text) if "\\" in text else text


def _without_markdown(text: str) -> str:
    """Emphasis, code marks and headings taken off; x**2 keeps its stars."""
    return _MARKDOWN.sub(lambda match: match[1] or match[2] or "", text).strip()


def _trim(text: str) -> str:
    return text.lstrip(_START).rstrip(_END)


def _is_words(core: str) -> bool:
    r"""Whether an answer is in words: two words, a word of four letters, or one in a `\text{}`."""
    plain = _TEXT_MACRO.sub(r" \1 ", core)
    marked = plain != core
    if not _PROSE.fullmatch(plain) or (marked and re.search("[0-9]", plain)):
        return False
    words = [word for word in _WORD.findall(plain) if len(word) > 1 or not word.isascii()]
    words = [word for word in words if word.lower() not in _MATH_WORDS]
    return len(words) > 1 or any(marked or len(word) > 3 or not word.isascii() for word in words)


def _read_words(core: str, in_sentences: bool) -> Reading:
    """Words: a text of its own, or a sentence around the one number in it."""
    numbers = list(NUMBER.finditer(core))
    if not numbers:
        return Reading("text", polar(normal_text(core)))
    if not in_sentences:
        return Reading("nothing")
    number = number_in_words(core, numbers[0]) if len(numbers) == 1 else None
    if number is not None:
        return _number(number)
    tail = _trim(tail_of(core, " is "))
    return _read_core(tail, in_sentences) if tail else Reading("nothing")


def _read_segments(core: str, segments: list[re.Match[str]], in_sentences: bool) -> Reading:
    """Formulas between dollar signs: one with words around it, a list, or the last in a sentence."""
    number = read_number(_SEGMENT.sub(lambda found: next(filter(None, found.groups()), ""), core))
    if number is not None:
        return _number(number)
    insides = [next(filter(None, segment.groups()), "").strip() for segment in segments]
    gaps = [core[left.end() : right.start()] for left, right in pairwise(segments)]
    before, after = core[: segments[0].start()].strip(), core[segments[-1].end() :].strip()
    listed = len(segments) > 1 and not before and all(_CONNECTOR.fullmatch(gap) for gap in gaps)
    if listed and (in_sentences or not after):
        return _read_list(insides)
    if in_sentences and denies(gaps[-1] if gaps else before, after):
        return Reading("nothing")
    if len(segments) == 1 and not before and (in_sentences or not after or canonical_unit(after)):
        return _inside(insides[0])
    if len(segments) == 1 and insides[0].startswith("=") and not after:
        return _inside(insides[0][1:])
    if in_sentences and (len(segments) == 1 or _SAYS.search(gaps[-1])):
        return _inside(insides[-1])
    return Reading("nothing")


def _read_list(insides: list[str]) -> Reading:
    """Formulas side by side; a long one may end a pair of dollar signs and go on in the next."""
    cut = any(inside.endswith(("+", "-", "=", "*", "/", "(")) for inside in insides[:-1])
    return _read_formula((" " if cut else ", ").join(insides))


def _inside(formula: str) -> Reading:
    number = read_number(_trim(formula))
    return _number(number) if number is not None else _read_core(_trim(formula), in_sentences=False)


def _read_formula(formula: str) -> Reading:
    """A formula without dollar signs, in LaTeX or as on a keyboard; "2 or 3" is the set of both."""
    if "," in formula or not re.search(r"[\[({\\]", formula):
        formula = _LISTED.sub(", ", formula)
    plain = without_words(formula)
    if plain is None:
        return Reading("nothing")
    return Reading("expression", to_latex(expand_plus_minus(plain[0])), unit=plain[1])


def _number(number: PlainNumber) -> Reading:
    return Reading("number", f"${number.latex()}$", number)

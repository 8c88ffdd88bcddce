r"""Sentences around an answer: where in them it is named, and what may stand around it without changing it.

What stands around the one number or formula of a sentence is mostly harmless, and there is no end to it. What
makes another value of it, denies it or leaves it open is known by its kind: a denial, a comparison, a scale,
a word for a number behind it, "of" before it unless behind a measure ("a total of 5", not "the square of 5").
"""

from __future__ import annotations

import re

from r1light.graders.plain_number import PlainNumber, read_number
from r1light.graders.units import CHANGING_HAN, CHANGING_WORDS, DENYING_WORDS, changes_behind

ENDS = " \t\n.,;:。、"
NUMBER = re.compile(
    r"(?:\b(?:[Nn]egative|[Mm]inus)\s+)?(?<![0-9A-Za-z_.])[-+]?[＄€£¥]?[-+]?"
    r"(?:\d(?:[\d,]*\d)?(?:\.\d+)?|\.\d+)"
    r"(?:\s*/\s*\d+)?\s*%?(?![a-zA-Z_])"
)
_LEAD_IN = re.compile(
    r"\b(?:answer|result|solution|value)(?:\s+is|\s+are|\s*[:=])+"
    r"(?:\s+(?:therefore|then|thus|simply|equal to)\b)*\s*:?"
    r"|(?:答案|结果|答)(?:应该|应|就)?\s*[是为:=]+|等于|(?:解得|可得|求得|得到)[\s:]*",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,;:!?，。；：！？\n]|\.\s")
_SENTENCE_END = re.compile(r"[.。]\s+(?=\S)|\n|。")
_SAYS = re.compile(r"\b(?:is|are|equals)\b|[=是为]")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_OPEN_WORDS = frozenset(("or", "if", "whether", "unless"))
_SURE = re.compile(
    r"\b(?:no|without(?: a)?) doubt\b|\bnot only\b|不难|不妨|不过|毫无疑问|没错", re.IGNORECASE
)
_TAKEN_BACK = re.compile(
    r"\W*(?:(?:or|maybe|perhaps|actually|wait|but|alternatively|possibly|otherwise|however|hmm|correction"
    r"|sorry)\b"
    r"|no\b\s*[,.!:;]|或|不对|错|也可能|等等|不是)|.*\b(?:is|was|am)\s+(?:wrong|incorrect)\b",
    re.IGNORECASE | re.DOTALL,
)
_OF = re.compile(r"(\w+)\s+of(?:\s+(?:about|only|exactly|just|around))?\s*\$?$", re.IGNORECASE)
_MEASURE_NAMES = (
    "total sum value cost price profit loss answer result area length width height depth speed distance "
    "age amount average mean median rate probability volume radius diameter perimeter circumference "
    "weight mass angle salary income savings saving number count score remainder difference discount "
    "balance bill revenue earnings payment fee tip tax budget temperature maximum minimum max min measure "
    "quantity solution time duration population change gain increase decrease product quotient slope "
    "velocity "
)
_MEASURES = frozenset(_MEASURE_NAMES.split())
_SIGN_BEFORE = re.compile(r"\b(?:negative|minus)\s*\$*$|[一二三四五六七八九十点负]$", re.IGNORECASE)
_OF_BEHIND = re.compile(r"\s*(?:percent\b|%)?\s*of\s+(?:[a-zA-Z]\b|\d)")
_LINKS = frozenset(("is", "and", "to", "when", "where", "if", "more", "less", "right", "correct", "isn", "i"))


def named_answer(text: str) -> str:
    """What follows the last "the answer is", up to the end of its sentence; all of the text where none is.

    Empty where the clause around it denies it or leaves it open, or the next sentence takes it back.

    Example:
        >>> named_answer("We add. The answer is 5. Done."), named_answer("I doubt that the answer is 5")
        ('5', '')
    """
    lead_ins = list(_LEAD_IN.finditer(text))
    if not lead_ins or not text[lead_ins[-1].end() :].strip(ENDS):
        return text
    said, *rest = _SENTENCE_END.split(text[lead_ins[-1].end() :].strip(), maxsplit=1)
    if leaves_open(_last_clause(text[: lead_ins[-1].start()])) or (rest and _TAKEN_BACK.match(rest[0])):
        return ""
    return said


def leaves_open(clause: str) -> bool:
    """Whether a clause denies what it speaks of, or does not say whether it holds.

    Example:
        >>> leaves_open("I don't think"), leaves_open("there is no doubt that"), leaves_open("so")
        (True, False, False)
    """
    clause = _SURE.sub("", clause)
    words = [word.lower() for word in _WORD.findall(clause)]
    if any(word in DENYING_WORDS or word in _OPEN_WORDS or word.endswith("n't") for word in words):
        return True
    return bool(re.search(r"[不没非错或]|误(?!差)|也许|可能(?!性)|未必", clause))


def number_in_words(core: str, found: re.Match[str]) -> PlainNumber | None:
    """The one number of a sentence, with the unit that ends it, if no word makes another of it."""
    before, rest = core[: found.start()], core[found.start() :]
    whole = read_number(rest)
    if _changes(before if whole else core) or _belongs_to(before):
        return None
    behind = core[found.end() :]
    if whole is None and (_OF_BEHIND.match(behind) or _changed_behind(behind)):
        return None
    return whole or read_number(found.group().strip())


def denies(before: str, after: str) -> bool:
    """Whether the clause around a formula makes another of it: "is not", "less than", "is wrong"."""
    if _changes(f"{_SAYS.split(before)[-1]} {after}") or CHANGING_HAN.search(before[-3:]):
        return True
    return leaves_open(_last_clause(before)) or _belongs_to(before) or _changed_behind(after)


def tail_of(text: str, link: str) -> str:
    """What follows the last `link` in a sentence; empty where none is or the clause denies what follows."""
    before, found, tail = text.rpartition(link)
    return "" if not found or leaves_open(_last_clause(before)) else tail


def _last_clause(text: str) -> str:
    return _CLAUSE_END.split(text)[-1]


def _changes(text: str) -> bool:
    """Whether words may make another value of the one beside them, or deny it."""
    words = [word.lower() for word in _WORD.findall(text)]
    denied = any(word in CHANGING_WORDS or word.endswith("n't") for word in words)
    return denied or bool(CHANGING_HAN.search(text))


def _belongs_to(before: str) -> bool:
    """Whether what stands right before a number takes it in: "the square of", "negative"."""
    noun = _OF.search(before)
    if noun and noun[1].lower().removesuffix("s") not in _MEASURES and noun[1].lower() not in _MEASURES:
        return True
    return bool(_SIGN_BEFORE.search(before.rstrip()))


def _changed_behind(behind: str) -> bool:
    """Whether the word right behind a number makes another of it."""
    word = _WORD.match(behind.lstrip())
    return bool(word and word[0].lower() not in _LINKS and changes_behind(word[0]))


_POLAR = re.compile(
    r"(yes|no)\s*[,.;:!]\s*(?:it|they|there|he|she|this|that|we|one|you)\s*"
    r"(?:is|are|was|does|do|did|can|could|will|would|has|have)\s*(n['’]?t|not)?"
)


def polar(text: str) -> str:
    """Yes for "yes, it is", no for "no, it is not"."""
    found = _POLAR.fullmatch(text)
    return found[1] if found and (found[1] == "no") == bool(found[2]) else text


_MONEY = re.compile(r"\\?\$(?=\s?-?\d)")
_FORMULA = re.compile(r"\$\$[^$]+\$\$|(?<!\\)\$(?:[^$\\]|\\.)+\$(?!\d)|\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)
_SENTENCE = re.compile(r"\$\s?[\d.,]+[^$\\]*?(?<![a-zA-Z])[a-z]{2,}\s+[^$\\]*?(?<![a-zA-Z])[a-z]{2,}")


def mark_money(text: str) -> str:
    r"""Dollar signs of sums of money as full-width ones, so that they open no formula.

    Example:
        >>> mark_money("She makes $18 a day."), mark_money("$5$ of $x$")
        ('She makes ＄18 a day.', '$5$ of $x$')
    """
    pieces, at = [], 0
    for formula in _FORMULA.finditer(text):
        if formula.start() < at or _SENTENCE.match(formula.group()):
            continue
        pieces += [_MONEY.sub("＄", text[at : formula.start()]), formula.group()]
        at = formula.end()
    return "".join([*pieces, _MONEY.sub("＄", text[at:])])

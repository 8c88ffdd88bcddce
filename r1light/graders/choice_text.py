"""Which options a text chooses, in the many ways in which models say so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_MARKUP = re.compile(
    r"\\(?:text|textbf|textit|mathrm|mathbf|mathbb|mbox|rm|bf)(?![a-zA-Z])|\\[()\[\]]|[$*_`{}#]"
)
_TAG = re.compile(r"</?(?:b|i|em|strong|u|p|br)\s?/?>", re.IGNORECASE)
_QUOTED = re.compile(r"[\"'“”‘’「」]([A-Za-z])[\"'“”‘’「」]")
_BOXED_LETTERS = str.maketrans({chr(0x1F170 + n): chr(65 + n) for n in range(26)})
_JOINT = r"\s*(?:,\s*and\b|[,;/&、+]|\band\b|[和与及])\s*"
_OR = r"\s*(?:,\s*or\b|\bor\b|或者?)\s*"
_OPENING, _CLOSING = "([<【「", ")]>】」"
_REASON = r"because|since|as|for|which|due|by|given|with|if|and|but|因为|由于|项|是"
_CLAIMS = (
    r"\b(?:answer|choice|option|response|one)s?(?:\s+(?:to|for)\s+(?:the|this)\s+\w+)?"
    r"(?:\s+(?:is|are|would\s+be|should\s+be|must\s+be)|\s*[:=])+\s*",
    r"\b(?:choose|select|pick|chose|picked|selected|go(?:ing)?\s+with|opt\s+for)\s+",
    r"(?:答案|选项|结果)(?:应该|应当|应|就)?[是为选:=]+\s*",
    r"(?<![不勿别没可])选(?:择|项)?(?:的?是|为|:)?\s*",
    r"\b(?:it|that)(?:\s+is|['’]s)\s+(?:option\s+)?",
    r"\b(?:therefore|thus|hence|so)\b\s*,?\s*",
    r"\b(?:ans|solution)\s*[:=.]\s*",
    r"\bnot\s+\(?[A-Z]\)?,?\s+but\s+",
)
_LABEL_WORD = r"(?:(?:the\s+)?(?:option|choice|letter|answer)s?\s*:?\s*|选项\s*)?"
_DENIAL = re.compile(
    r"\b(?:not|never|cannot|wrong|incorrect|incorrectly|false|least|unlikely|mistake|mistaken|refuse|doubt|nobody|no)\b"
    r"|n['’]t\b|[不别勿没错非]|误(?!差)",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,.;:!?\n，。；：！？]")
_TAKEN_BACK = re.compile(
    r"\s*(?:\?|[,.;]?\s*(?:or|otherwise|or\s+else|maybe|no|perhaps)\b|[,.;]?\s*(?:或|也可能)"
    r"|,?\s*(?:and|as)\s+(?:so\s+)?(?:is|are)\b)",
    re.IGNORECASE,
)
_IS_RIGHT = r"\s+(?:is|are)\s+(?:the\s+)?(?:correct|right|best|true|only\s+correct)\b|\s*(?:项)?(?:是)?正确"
_LABELLED = r"(?:\b(?:option|choice|answer)\s+|选项\s*)"


@dataclass(frozen=True, slots=True)
class Options:
    """What there is to choose from.

    Attributes:
        letters: The labels, in order, such as "ABCD".
        texts: What each says, or none where that is not known.
        several: Whether more than one may be right.
    """

    letters: str
    texts: tuple[str, ...] = ()
    several: bool = False


def read_choice(text: str, options: Options) -> frozenset[str] | None:
    r"""The letters that a text chooses, or None where it chooses none or does not say which.

    In this order: the whole text is letters; its claims ("the answer is B"), if they agree; its first or last
    line is letters; it is the text of one option. A letter beside the text of another option chooses nothing.

    Example:
        >>> options = Options("ABCD", ("red", "green", "blue", "white"))
        >>> texts = ("(b)", "The answer is C.", "green", "A or B")
        >>> [sorted(read_choice(text, options) or "") for text in texts]
        [['B'], ['C'], ['B'], []]
    """
    plain = _plain(text)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if not lines:
        return None
    whole = _whole(" ".join(lines), options)
    if whole is not None:
        return whole or None
    claims = set(_claims(plain, options))
    if claims:
        return next(iter(claims)) or None if len(claims) == 1 else None
    ends = {found for line in (lines[0], lines[-1]) if (found := _whole(line, options)) is not None}
    if ends:
        return next(iter(ends)) or None if len(ends) == 1 else None
    return _by_text(plain, options)


def _plain(text: str) -> str:
    """Full-width, circled and squared letters as plain ones, without markup and quotation marks around them.

    White space is collapsed: what follows looks for it on both sides of many things.
    """
    plain = unicodedata.normalize("NFKC", text.translate(_BOXED_LETTERS))
    plain = _QUOTED.sub(r"\1", _TAG.sub(" ", _MARKUP.sub(" ", plain)))
    plain = re.sub(r"\(([a-z])\)", lambda found: found[0].upper(), plain)
    return re.sub(r" ?\n[ \n]*", "\n", re.sub(r"[^\S\n]+", " ", plain))


def _whole(line: str, options: Options) -> frozenset[str] | None:
    """The letters that are all there is in a line, perhaps before an option's text; empty if they clash."""
    line = line.strip().rstrip(".。!,;").lstrip("-•*").strip()
    letters = options.letters
    if options.several and re.fullmatch(rf"[{letters.lower()}]{{2,}}", line):
        line = line.upper()
    one = rf"[{re.escape(_OPENING)}]?\s*([{letters}{letters.lower()}])\s*[{re.escape(_CLOSING)}]?"
    single = re.fullmatch(rf"{_LABEL_WORD}{one}\s*(?:[.:)]|选?项)?", line, re.IGNORECASE)
    if single:
        return frozenset(single[1].upper())
    own = re.match(rf"(?:{one})\s+(.+)", line, re.DOTALL)
    if own and own[1] in letters and (own[1], _normal(own[2])) in _texts(options):
        return frozenset(own[1])
    group = re.fullmatch(rf"(?i:{_LABEL_WORD})({_group(letters)})", line)
    if group:
        return _members(group[1], options)
    mark = rf"(?:[.:、)]|\s[-–—]\s|(?<=[{re.escape(_CLOSING)}]))"
    labelled = re.match(rf"{_LABEL_WORD}(?:{one})\s*{mark}\s*(.+)", line, re.DOTALL)
    if labelled and labelled[1] in letters:
        return _with_text(labelled[1], labelled[2], options)
    return None


def _one(letters: str) -> str:
    """A pattern for one letter: B, (B), [B]."""
    return rf"[{re.escape(_OPENING)}]?[{letters}](?![a-zA-Z0-9'’-])[{re.escape(_CLOSING)}]?"


def _group(letters: str) -> str:
    """A pattern for one letter or several: (B), B, A and C, ABD. No repetition in it can match nothing."""
    one = _one(letters)
    joined = rf"{one}(?:(?:{_JOINT}|{_OR}|\s+|(?=[{re.escape(_OPENING)}])){one}){{0,25}}"
    return rf"[{re.escape(_OPENING)}]?(?:[{letters}]{{2,}}(?![a-zA-Z0-9])|{joined})[{re.escape(_CLOSING)}]?"


def _members(group: str, options: Options) -> frozenset[str]:
    """The letters of a group; empty for several where one is asked for, and for alternatives."""
    found = re.findall(rf"[{options.letters}](?![a-z])", group)
    if len(found) != len(set(found)) or re.search(_OR, group) or (len(found) > 1 and not options.several):
        return frozenset()
    return frozenset(found)


def _with_text(letter: str, text: str, options: Options) -> frozenset[str] | None:
    """A letter with what follows it: an option's text, which must be its own, or an explanation."""
    said = _normal(text)
    others = [one for one, known in _texts(options) if known == said]
    if others:
        return frozenset(letter) if letter in others else frozenset()
    # "B. The others, such as C, ..." and a list of all options say nothing by themselves
    mentions = re.findall(rf"(?<![\w'’])[{options.letters[1:]}](?![\w'’])", text)
    return None if set(mentions) - {letter} or options.several else frozenset(letter)


def _claims(plain: str, options: Options) -> list[frozenset[str]]:
    """What every claim in a text chooses, empty for a claim of several where one is asked for."""
    group = _group(options.letters)
    ends = rf"(?=\s*(?:$|[.,;:!?)\]。，；！\n]|\((?!\w\))|-|(?:{_REASON})\b|因|由|项|是))"
    patterns = [rf"(?i:{claim}{_LABEL_WORD})({group})(?:{ends}|\s+(?=\w))" for claim in _CLAIMS]
    patterns += [rf"(?i:{_LABELLED})({group})(?i:{_IS_RIGHT})", rf"(?<![\w'’])({group})(?i:{_IS_RIGHT})"]
    patterns += [rf"(?m:^)({group})(?=\s+(?:because|since|as)\b)"]
    found = []
    for pattern in patterns:
        for match in re.finditer(pattern, plain):
            named, rest = match[1], plain[match.end() :]
            first = re.match(_one(options.letters), named)
            if first and _continues(first[0], after := plain[match.start(1) + first.end() :], options):
                named, rest = first[0], after  # "(A) A planet" names one letter, "A C" two
            bare = match.group()[-1].isspace() and not _continues(named, rest, options)
            if not bare and not _denied(plain[: match.start()], match.group()):
                taken_back = _TAKEN_BACK.match(rest) and not _continues(named, rest, options)
                found.append(
                    frozenset() if taken_back else _unless_other(_members(named, options), rest, options)
                )
    return found


def _denied(before: str, claim: str) -> bool:
    """Whether the clause that a claim ends denies it: "I don't think the answer is B"."""
    if claim.lower().startswith("not"):  # "not A but B"
        return False
    return bool(_DENIAL.search(_CLAUSE_END.split(before[-80:])[-1]) or _DENIAL.match(claim))


def _unless_other(chosen: frozenset[str], rest: str, options: Options) -> frozenset[str]:
    """The letters, or none where the text that follows them is that of another option."""
    said = _normal(rest.lstrip(" .:)(").partition("\n")[0].partition(")")[0])
    others = [one for one, known in _texts(options) if said and known == said]
    return chosen if not others or chosen & set(others) else frozenset()


def _continues(group: str, rest: str, options: Options) -> bool:
    """Whether a letter is followed by its own option's text."""
    said = _normal(rest)
    return any(one in group and known and said.startswith(known) for one, known in _texts(options))


def _by_text(plain: str, options: Options) -> frozenset[str] | None:
    """The one option whose text the whole answer, or what follows "the answer is", repeats."""
    tail = re.split(r"(?i:\banswer\s*(?:is|:)+|答案\s*[是为:]+)", plain)[-1]
    for text in (plain, tail):
        said = _normal(text)
        chosen = [one for one, known in _texts(options) if known and known == said]
        if chosen:
            return frozenset(chosen) if len(chosen) == 1 else None
    return None


def _texts(options: Options) -> Sequence[tuple[str, str]]:
    return [(one, _normal(_plain(text))) for one, text in zip(options.letters, options.texts, strict=False)]


def _normal(text: str) -> str:
    return " ".join(text.split()).strip(" .,;:!?\"'。，；：").casefold()

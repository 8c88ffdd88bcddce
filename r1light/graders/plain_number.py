r"""Numbers as people and models write them, read exactly: most answers need no algebra system.

Read are whole numbers (`1,234`, `12 345`), decimals (recurring ones too, `0.\overline{3}`), `1.5e3`,
`1.5\times10^{3}`, fractions (`3/4`, `\frac{3}{4}`, `\frac34`), mixed numbers (`1\frac{1}{2}`, `1 1/2`), each
with a sign, a currency in front, and a scale (`million`), a percent sign or a unit behind. Anything else is
left to the algebra system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from r1light.graders.units import canonical_unit, is_unit

MAX_CHARS = 200
"""Longer texts are not read as plain numbers."""

_INT = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)"
_DECIMAL = rf"(?:{_INT}(?:\.[0-9]*)?|\.[0-9]+)"
_POWER = (
    r"(?:[eE](?P<e>[+-]?[0-9]{1,3})"
    r"|\s*(?:\\times|\\cdot|\*)\s*10\s*\^\s*\{?\s*(?P<ten>[+-]?[0-9]{1,3})\s*\}?)"
)
_FRAC = (
    rf"\\frac\s*(?:\{{\s*(?P<n1>-?{_DECIMAL})\s*\}}\s*\{{\s*(?P<d1>-?{_DECIMAL})\s*\}}"
    r"|(?P<n2>[0-9])\s*(?P<d2>[0-9]))"
)
_RATIO = rf"(?P<n3>{_DECIMAL})\s*/\s*(?P<d3>-?{_DECIMAL})"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)\s*(?:(?:US)?(?P<money>[$＄€£¥]|(?:USD|EUR|GBP|RMB|CNY)\b)\s*(?P<sign2>-?))?"
    rf"(?:(?:(?P<whole>{_INT})\s*)?{_FRAC}|(?:(?P<whole2>{_INT})\s+)?{_RATIO}|(?P<decimal>{_DECIMAL}){_POWER}?)"
)
_SCALES = {
    "hundred": 2, "thousand": 3, "million": 6, "billion": 9, "bn": 9, "trillion": 12, "quadrillion": 15,
    "lakh": 5, "crore": 7, "百": 2, "千": 3, "万": 4, "亿": 8,
}  # fmt: skip
_PARTS = {
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_SCALE = re.compile(
    r"\s*(?:(hundred|thousand|million|billion|bn|trillion|quadrillion|lakh|crore)s?\b|([百千万亿])(?!米|克)"
    rf"|((?:{'|'.join(_PARTS)})s?|halves)(?=\s*(?:$|of\b)))"
)
_RECURRING = re.compile(
    r"(?P<sign>-?)\s*(?P<whole>[0-9]*)\.(?P<fixed>[0-9]*)\\overline\s*\{?(?P<again>[0-9]+)\}?"
)
_SPACED = re.compile(r"(?:[1-9][0-9]{1,2}(?: [0-9]{3})+|[1-9](?: [0-9]{3}){2,})(?:\.[0-9]+)?")
"""1 234 could as well be two numbers."""
_SPACING = re.compile(r"\{,\}|,\\!|\\!(?!\d)|(?<!\d)\\!|(?<=[0-9])\\,(?=[0-9]{3})|\\[dtc]frac")
_NEGATIVE = re.compile(r"^(?:negative|minus)\s+(?=[\d.$＄])", re.IGNORECASE)
_UNIT_MARKUP = re.compile(
    r"\\(?:text|mathrm|textrm|textbf|mbox|rm)\s*\{([^{}]*)\}|\^\s*\{?\s*\\circ\s*\}?|\\[,;: ]"
)


@dataclass(frozen=True, slots=True)
class PlainNumber:
    """A number with how it was written.

    Attributes:
        value: Exact; of "50%" it is 50.
        decimal: Whether it has a decimal point, and so may be rounded.
        percent: Whether it is a percentage.
        unit: The canonical unit, or None where there is none or an unknown one (apples).
    """

    value: Fraction
    decimal: bool = False
    percent: bool = False
    unit: str | None = None

    def latex(self) -> str:
        """The value for the algebra system."""
        value = self.value / 100 if self.percent else self.value
        if self.decimal and 10**-3 < abs(value) < 10**15:
            return f"{float(value):.12f}"
        return (
            str(value.numerator)
            if value.denominator == 1
            else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
        )


def read_number(text: str) -> PlainNumber | None:
    r"""Read a text that is nothing but one number and perhaps its unit, or return None.

    Example:
        >>> read_number(r"\$1{,}234.50").value, read_number("3 square meters").unit, read_number("2x")
        (Fraction(2469, 2), 'm^2', None)
    """
    if len(text) > MAX_CHARS:
        return None
    text = _SPACING.sub(
        lambda match: r"\frac" if "frac" in match[0] else "," if "{" in match[0] else "", text
    )
    text = text.replace("\\$", "$").replace("\\%", "%").replace("~", " ").strip()
    text = _NEGATIVE.sub("-", text)
    recurring = _RECURRING.fullmatch(text)
    if recurring:
        return PlainNumber(_recurring(recurring))
    if _SPACED.fullmatch(text):
        text = text.replace(" ", "")
    match = _NUMBER.match(text)
    if match is None:
        return None
    value = _value(match)
    if value is None:
        return None
    scale = _SCALE.match(text, match.end())
    if scale:
        value *= _factor(scale)
    rest = text[scale.end() if scale else match.end() :]
    return _with_unit(value, "." in match[0], match["money"], rest)


def _factor(scale: re.Match[str]) -> Fraction:
    """What a word behind a number multiplies it by: 5 tenths, 5 million."""
    power = scale[1] or scale[2]
    return (
        Fraction(10) ** _SCALES[power]
        if power
        else Fraction(1, _PARTS.get((scale[3] or "").removesuffix("s"), 2))
    )


def _with_unit(value: Fraction, decimal: bool, money: str | None, rest: str) -> PlainNumber | None:
    """The number, if what follows it is a unit."""
    # a lone letter that touches the number is a variable: 5m may be five times m, 5 m is five metres
    apart = not rest[:1].isalpha() or not rest[0].isascii() or rest[1:2].isalpha()
    rest = _UNIT_MARKUP.sub(lambda match: " degrees" if "circ" in match[0] else f" {match[1] or ''}", rest)
    rest = re.sub(r"^-(?=[a-zA-Z])", "", rest.strip()).rstrip(".").strip()
    if not rest:
        return PlainNumber(value, decimal, unit=canonical_unit(money) if money else None)
    if not apart or not is_unit(rest):
        return None
    name = canonical_unit(rest)
    if name == "percent":
        return PlainNumber(value, decimal, percent=True)
    return PlainNumber(value, decimal, unit=canonical_unit(money) if money else name)


def _value(match: re.Match[str]) -> Fraction | None:
    """The exact value of a match of `_NUMBER`, or None for a division by zero."""
    part = {name: text.replace(",", "") for name, text in match.groupdict().items() if text}
    top = part.get("n1") or part.get("n2") or part.get("n3")
    if top is None:
        value = Fraction(part["decimal"]) * Fraction(10) ** int(part.get("e") or part.get("ten") or 0)
    else:
        bottom = Fraction(part.get("d1") or part.get("d2") or part["d3"])
        if not bottom:
            return None
        value = Fraction(top) / bottom + int(part.get("whole") or part.get("whole2") or 0)
    return -value if (match["sign"] == "-") != (match["sign2"] == "-") else value


def _recurring(match: re.Match[str]) -> Fraction:
    """The fraction of a decimal whose last digits come again and again."""
    fixed, again = match["fixed"], match["again"]
    nines = Fraction(int(again), 10 ** len(again) - 1)
    value = int(match["whole"] or 0) + (int(fixed or 0) + nines) / Fraction(10 ** len(fixed))
    return -value if match["sign"] else value


def same_number(gold: PlainNumber, answer: PlainNumber) -> bool:
    """Whether the answer is the gold number.

    Whole numbers and fractions must be equal exactly. Where one of the two is a decimal, a difference of
    10^-6 is forgiven (and of 10^-6 of the gold value where that is less), so that 0.333333 passes for 1/3.
    A percentage equals its number and its hundredth: 50% is 50 and is 0.5; but against a plain number below 1
    only its hundredth counts, as 0.5% is not a half. Two known units must be the same.
    """
    if gold.unit and answer.unit and gold.unit != answer.unit:
        return False
    close = _exact if not (gold.decimal or answer.decimal) else _rounded
    plain = answer.value if gold.percent else gold.value
    if close(gold.value, answer.value) and (gold.percent == answer.percent or abs(plain) >= 1 or not plain):
        return True
    if gold.percent == answer.percent:
        return False
    return close(gold.value / 100, answer.value) if gold.percent else close(gold.value, answer.value / 100)


def _exact(gold: Fraction, answer: Fraction) -> bool:
    return gold == answer


def _rounded(gold: Fraction, answer: Fraction) -> bool:
    return abs(gold - answer) * 10**6 <= min(Fraction(1), abs(gold))

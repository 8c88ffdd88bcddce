"""Units of measurement: the same unit under its usual spellings, so that 5 cm is not taken for 5 m."""

from __future__ import annotations

import re

_SPELLINGS = {
    "percent": "% percent percentage pct",
    "dollar": "$ dollar dollars usd",
    "cent": "cent cents",
    "euro": "€ euro euros eur",
    "pound": "£ gbp",
    "yuan": "¥ yuan rmb cny 元",
    "degree": "° degree degrees deg 度",
    "radian": "rad radian radians",
    "mm": "mm millimeter millimeters millimetre millimetres 毫米",
    "cm": "cm centimeter centimeters centimetre centimetres 厘米",
    "m": "m meter meters metre metres 米",
    "km": "km kilometer kilometers kilometre kilometres 千米 公里",
    "inch": "inch inches",
    "foot": "ft foot feet",
    "yard": "yd yds yard yards",
    "mile": "mi mile miles",
    "s": "s sec secs second seconds 秒",
    "minute": "min mins minute minutes 分钟",
    "hour": "h hr hrs hour hours 小时",
    "day": "day days 天",
    "week": "week weeks 周",
    "month": "month months 个月",
    "year": "yr yrs year years 年",
    "mg": "mg milligram milligrams 毫克",
    "g": "g gram grams 克",
    "kg": "kg kilogram kilograms 千克 公斤",
    "ton": "ton tons tonne tonnes 吨",
    "ounce": "oz ounce ounces",
    "lb": "lb lbs pound pounds",
    "ml": "ml milliliter milliliters millilitre millilitres 毫升",
    "l": "l liter liters litre litres 升",
    "mile/hour": "mph",
}
UNITS = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
"""Spelling to name."""

_CHANGES = (
    "not no never none wrong incorrect except but cannot without less more least most than up under above "
    "below between from or either almost nearly twice double triple half third quarter dozen hundred "
    "thousand million billion trillion squared cubed cube root times plus minus divided over factorial pi "
    "sqrt"
)
CHANGING_WORDS = frozenset(_CHANGES.split())
"""Words in a sentence that may make its number another one, or deny it."""

_MATHEMATICS = (
    "and cdot choose cos cot csc deg det e exp gcd i inf infinity lcm lim ln log max min mod phi sec sin tan "
    "theta to halves thirds quarters tenths hundredths thousandths pairs is"
)
_NOT_UNITS = CHANGING_WORDS | frozenset(_MATHEMATICS.split())

CHANGING_HAN = re.compile(
    "[不非没无或至比超少倍半乘除加减根负约几之百千万亿]|[多大小高低]于|以[上下]|平方|立方"
)
"""Likewise, for Chinese."""

_POWERS = {"square": "2", "sq": "2", "cubic": "3", "cu": "3", "平方": "2", "立方": "3"}
_WORD = re.compile(r"[^\W\d_]{1,24}|[%$€£¥°]")
_EXPONENT = re.compile(r"\s*\^?\s*\{?\s*([23])\s*\}?\s*$")


def canonical_unit(text: str) -> str | None:
    """The one name of a unit, or None where it is no known unit of measurement.

    Example:
        >>> canonical_unit("square centimeters"), canonical_unit("cm^2"), canonical_unit("apples")
        ('cm^2', 'cm^2', None)
        >>> canonical_unit("miles per hour") == canonical_unit("mph")
        True
    """
    over = [_factor(part) for part in re.split(r"/|\bper\b|每", text.strip(), maxsplit=1)]
    return None if None in over else "/".join(factor for factor in over if factor)


def _factor(text: str) -> str | None:
    power = _EXPONENT.search(text)
    exponent = power[1] if power else ""
    text = (text[: power.start()] if power else text).strip().lower()
    for word, value in _POWERS.items():
        if text.startswith(word) and (text := text.removeprefix(word).strip()):
            exponent = value
            break
    name = UNITS.get(text)
    return f"{name}^{exponent}" if name and exponent else name


def is_unit(text: str) -> bool:
    """Whether words after a number only say what it counts or measures: they leave its value alone.

    A single letter is a unit only if it is a known one; otherwise it may be a variable.

    Example:
        >>> is_unit("apples"), is_unit("cm^2"), is_unit("x"), is_unit("pi"), is_unit("or 6")
        (True, True, False, False, False)
    """
    if canonical_unit(text):
        return True
    words = text.split()
    if not 1 <= len(words) <= 6:
        return False
    return all(_counts(word) for word in words)


def _counts(word: str) -> bool:
    lone_letter = len(word) == 1 and word.isascii() and word != "a"
    changes = word.lower() in _NOT_UNITS or CHANGING_HAN.search(word)
    return bool(_WORD.fullmatch(word)) and not lone_letter and not changes

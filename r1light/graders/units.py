"""Units of measurement: the same unit under its usual spellings, so that 5 cm is not taken for 5 m."""

from __future__ import annotations

import re

_SPELLINGS = {
    "percent": "% percent percentage pct",
    "dollar": "$ ＄ dollar dollars usd",
    "cent": "cent cents",
    "euro": "€ euro euros eur",
    "pound": "£ gbp",
    "yuan": "¥ yuan rmb cny 元",
    "degree": "° degree degrees deg 度",
    "celsius": "°c celsius ℃ 摄氏度",
    "fahrenheit": "°f fahrenheit ℉",
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
    "joule": "joule joules",
    "newton": "newton newtons",
    "watt": "watt watts",
    "volt": "volt volts",
    "kilojoule": "kj kilojoule kilojoules",
    "kilowatt": "kw kilowatt kilowatts",
    "hertz": "hz hertz",
    "pascal": "pa pascal pascals",
    "unit": "unit units",
}
UNITS = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
"""Spelling to name."""

_SYMBOLS = {"J": "joule", "N": "newton", "W": "watt", "V": "volt", "L": "l"}
"""Capitals that stand for a unit; other letters stand for one in lower case only: M may be a million."""

_DENIALS = (
    "not no never none nobody nothing neither nor wrong incorrect incorrectly false untrue doubt unlikely "
    "mistake mistaken cannot maybe perhaps possibly"
)
_CHANGES = (
    "true except but without least most than up under above below between from or either almost nearly "
    "twice double triple half third quarter dozen dozens gross googol hundred thousand million billion "
    "trillion squared cubed cube root times plus minus divided over factorial pi sqrt reciprocal inverse "
    "opposite binary octal hex hexadecimal ternary base ppm ppb "
)
DENYING_WORDS = frozenset(_DENIALS.split())
"""Words that deny what they speak of, or leave it open."""

CHANGING_WORDS = DENYING_WORDS | frozenset(_CHANGES.split())
"""Words in a sentence that may make its number another one, or deny it."""

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
NUMBER_WORDS = frozenset(_NUMBER_WORDS.split())
"""Numbers in words: behind a number in digits they make another one of it."""

_MATHEMATICS = (
    "and cdot choose cos cot csc deg det e exp gcd i inf infinity lcm lim ln log max min mod phi sec sin tan "
    "theta to quarters pairs is isn point mil mils score scores right correct more less if when where "
    "th st nd rd negative positive invalid bn mn"
)
_NOT_UNITS = CHANGING_WORDS | NUMBER_WORDS | frozenset(_MATHEMATICS.split())
_SCALE_ENDING = re.compile(r".*(?:illions?|ths?|halves|lakhs?|crores?)", re.IGNORECASE)
_ENDS_AS_A_SCALE = frozenset(
    ("month months north south path paths moth moths cloth cloths bath baths tooth").split()  # noqa: SIM905
)

CHANGING_HAN = re.compile(
    "[不非没无或至比超少倍半乘除加减根负约几之百千万亿错]|误(?!差)|[多大小高低]于|以[上下]|平方|立方|也许|大概|未必|可能(?!性)"
)
"""Likewise, for Chinese."""

_HAN_AFTER = re.compile(r"^(?:的|次[方幂]|[十兆打折成]|点[零一二两三四五六七八九十])")
"""What makes another of the number right before it, or says something of it."""

_POWERS = {"square": "2", "sq.": "2", "sq": "2", "cubic": "3", "cu": "3", "平方": "2", "立方": "3"}
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
    text = re.sub(r"(?:°|\bdegrees?)\s*(?=[cfCF]\b|celsius|fahrenheit)", "°", text.strip()).replace(
        "°cel", "cel"
    )
    text = text.replace("°fah", "fah")
    over = [_factor(part) for part in re.split(r"/|\bper\b|每", text, maxsplit=1)]
    return None if None in over else "/".join(factor for factor in over if factor)


def _factor(text: str) -> str | None:
    power = _EXPONENT.search(text)
    exponent = power[1] if power else ""
    text = (text[: power.start()] if power else text).strip()
    if len(text) == 1 and text.isascii() and text.isupper():
        return _SYMBOLS.get(text)
    text = text.lower()
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
    if _HAN_AFTER.search(text):
        return False
    words = text.removeprefix("/").split()
    if not 1 <= len(words) <= 6:
        return False
    return all(_counts(word) for word in words)


def _counts(word: str) -> bool:
    lone_letter = len(word) == 1 and word.isascii() and word != "a"
    return bool(_WORD.fullmatch(word)) and not lone_letter and not changes_behind(word)


def changes_behind(word: str) -> bool:
    """Whether a word behind a number makes another of it, or says something of it.

    Example:
        >>> changes_behind("tenths"), changes_behind("months"), changes_behind("five")
        (True, False, True)
    """
    lower = word.lower()
    scale = _SCALE_ENDING.fullmatch(lower) and lower not in _ENDS_AS_A_SCALE and len(lower) > 3
    return bool(lower in _NOT_UNITS or scale or _HAN_AFTER.search(word) or CHANGING_HAN.search(word))

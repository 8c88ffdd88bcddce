"""Axis limits, ticks and numbers as text."""

from __future__ import annotations

import math
from dataclasses import dataclass

_TINY = 1e-90
_HUGE = 1e90
"""Beyond these a plotted distance over- or underflows; no metric lies there on purpose."""
_UNITS = ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k"), (0.0, 1.0, ""))
"""From what size on ticks are counted in which unit, and its letter."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        low: Value at the start.
        high: Value at the end, above `low`.
        step: Distance of two ticks.
    """

    low: float
    high: float
    step: float

    @property
    def ticks(self) -> list[float]:
        """The multiples of the step from `low` to `high`, ascending."""
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        return [i * self.step for i in range(first, last + 1)]

    def labels(self, *, percent: bool = False) -> list[str]:
        """The ticks as text: all in one unit, with as many decimals as the step needs.

        Args:
            percent: Show fractions as percentages.
        """
        scale, sign = (100.0, "%") if percent else (1.0, "")
        size, step = scale * max(abs(self.low), abs(self.high)), scale * self.step
        if size >= 1e13 or size < 1e-3:
            return [f"{scale * tick:.6g}{sign}".replace("-", "\u2212") for tick in self.ticks]
        unit, letter = next((unit, letter) for least, unit, letter in _UNITS if size >= least)
        decimals = max(0, -math.floor(math.log10(step / unit) + 1e-9))
        texts = [f"{scale * tick / unit:,.{decimals}f}{letter}{sign}" for tick in self.ticks]
        return [
            "0" + sign if tick == 0 else text.replace("-", "\u2212")
            for tick, text in zip(self.ticks, texts, strict=True)
        ]

    def fraction(self, value: float) -> float:
        """Where a value lies: 0 at `low`, 1 at `high`."""
        return (value - self.low) / (self.high - self.low)


def plottable(value: object) -> bool:
    """Whether a value is a finite number of a size that can be drawn."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -_HUGE < value < _HUGE  # false for NaN; exact for integers of any size


def _nice_step(span: float, target: int) -> float:
    rough = span / target
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * (1 - 1e-9))


def nice_axis(low: float, high: float, target: int = 6, *, whole: bool = False) -> Axis:
    """An axis that covers [low, high], with ticks at 1, 2 or 5 times a power of ten.

    Args:
        low: Smallest value.
        high: Largest value, at least `low`.
        target: About how many intervals.
        whole: For counts: no step below 1.

    Returns:
        The axis; both its ends are ticks. Equal ends are first moved apart, by a tenth of their size or by 1.

    Raises:
        ValueError: If an end cannot be drawn, or they are in the wrong order.
    """
    if not (plottable(low) and plottable(high)) or low > high:
        raise ValueError(f"an axis needs drawable ends in order, got {low} and {high}")
    if high - low <= max(_TINY, 1e-9 * max(abs(low), abs(high))):
        room = abs(high) / 10 if abs(high) > _TINY else 1.0
        low, high = low - room, high + room
    step = _nice_step(high - low, target)
    if whole:
        step = max(step, 1.0)
    return Axis(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step)


def value_axis(values: list[float]) -> Axis:
    """The y axis of some values; it starts from 0 unless they vary far from it.

    Raises:
        ValueError: If there are no values, or one cannot be drawn.
    """
    if not values:
        raise ValueError("an axis needs at least one value")
    low, high = min(values), max(values)
    if low == high == 0:
        high = 1.0
    elif low > 0 and (low <= 0.6 * high or low == high):
        low = 0.0
    elif 0.6 * low <= high < 0:
        high = 0.0
    return nice_axis(low, high)


def number_text(value: object, *, percent: bool = False) -> str:
    """A measured number for people: four significant digits, or a percentage with one decimal.

    Args:
        value: A number; anything else comes back as "–", NaN and infinities by name.
        percent: Show a fraction as a percentage.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–"
    if not plottable(value):
        return {True: "inf", False: "\u2212inf"}[value > 0] if value == value else "NaN"
    if percent:
        return f"{100 * value:.1f}%".replace("-", "\u2212")
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}".replace("-", "\u2212")
    text = f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "\u2212")


def duration_text(seconds: float) -> str:
    """A time span for people.

    Example:
        >>> duration_text(252.4)
        '4 min 12 s'
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

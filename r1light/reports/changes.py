"""What metrics are called in words, and the before and after numbers of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from r1light.reports.axes import number_text, plottable

_LABELS = {
    "pass@1_greedy": "pass@1, greedy",
    "pass@1": "pass@1, sampled",
    "mean_length": "mean completion length",
    "truncated": "truncated completions",
    "reflection": "reflective words per completion",
    "reflection/rate": "reflective words per completion",
    "language/consistency": "language consistency",
    "well_formed": "well-formed completions",
    "unjudged": "problems that no rule judges",
    "accuracy": "accuracy on held-out rows",
    "loss": "held-out loss",
    "brier": "Brier score (0 is best)",
    "ece": "expected calibration error",
}
_FRACTION = re.compile(
    r"pass@|cons@|frac_|clip_ratio|clipped_ratio|accuracy|(^|/)format$|(^|(?<!dropped)/)truncated$|unjudged|well_formed|consistency|(^|/)(readable|repetition|errors)$|(error|abstain)_rate$"
)
_FIRST = ("pass@1_greedy", "pass@1", "mean_length", "accuracy", "loss")


def is_fraction(name: str) -> bool:
    """Whether a metric of this name is a share of a whole, to be shown as a percentage."""
    return _FRACTION.search(name) is not None


def label(name: str) -> str:
    """A metric's name in words; the name itself where there are none."""
    return _LABELS.get(name, name)


@dataclass(frozen=True, slots=True)
class Change:
    """One held-out number before and after training.

    Attributes:
        name: Without `before/`, such as `pass@1_greedy`.
        before: At the start.
        after: At the end.
        before_stderr: Standard error of `before`, None where unknown. So it is where it comes out as 0,
            as of problems that were all answered wrong: that says nothing of how sure the number is.
        after_stderr: Standard error of `after`, likewise.
    """

    name: str
    before: float
    after: float
    before_stderr: float | None = None
    after_stderr: float | None = None

    @property
    def percent(self) -> bool:
        """Whether it is shown as a percentage."""
        return is_fraction(self.name)

    @property
    def difference(self) -> str:
        """The change in words: percentage points for fractions, else in the metric's unit."""
        change = self.after - self.before
        if not plottable(change):
            return "no difference can be given"
        sign = "+" if change >= 0 else ""
        if self.percent:
            return f"{sign}{100 * change:.1f} points".replace("-", "\u2212")
        return sign + number_text(round(change, 4))


def _error(metrics: Mapping[str, object], name: str) -> float | None:
    value = metrics.get(f"{name}_stderr")
    return float(value) if isinstance(value, int | float) and plottable(value) and value else None


def changes(metrics: Mapping[str, object]) -> list[Change]:
    """Every metric that a result holds both as `before/<name>` and as `after/<name>`.

    Args:
        metrics: The `metrics` of result.json. Values that are no numbers are left out.

    Returns:
        Those of `_FIRST` first, then by name. A `<name>_stderr` becomes its metric's
        standard error.
    """
    names = [key.removeprefix("before/") for key in metrics if key.startswith("before/")]
    names = [name for name in names if not name.endswith("_stderr")]
    found = []
    for name in sorted(names, key=lambda n: (_FIRST.index(n) if n in _FIRST else len(_FIRST), n)):
        before, after = metrics[f"before/{name}"], metrics.get(f"after/{name}")
        if isinstance(before, int | float) and isinstance(after, int | float):
            errors = _error(metrics, f"before/{name}"), _error(metrics, f"after/{name}")
            found.append(Change(name, float(before), float(after), *errors))
    return found

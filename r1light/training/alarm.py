"""The alarm of reward hacking: what a reward model scores rises while what rules score falls."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METRIC = "alarm/reward_hacking"
"""1 in an iteration with the alarm, else 0; absent where there is no reward model to watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmOptions:
    """What is compared, over how long, and how sure the alarm is to be."""

    window: int = 30
    """Iterations looked back on; 0 for no alarm."""
    threshold: float = 3.0
    """Standard errors that both slopes must be away from 0, the one above and the other below it."""
    models: tuple[str, ...] = ("helpfulness", "harmlessness")
    """The rewards, by their names under reward.components, that reward models give."""
    rules: tuple[str, ...] = ("accuracy",)
    """The rewards that rules give."""

    def __post_init__(self) -> None:
        if self.window and self.window < 5:
            raise ValueError(f"window={self.window} must be at least 5 iterations, or 0 for no alarm")
        if not 0 < self.threshold < math.inf:
            raise ValueError(f"threshold={self.threshold} must be above 0 and finite")


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through points by least squares.

    Attributes:
        slope: Per iteration.
        error: The slope's standard error, widened where what the line leaves over wanders.
    """

    slope: float
    error: float

    @property
    def t(self) -> float:
        """The slope in standard errors; infinite for points that lie on one line that is not level."""
        if self.error > 0:
            return self.slope / self.error
        return math.copysign(math.inf, self.slope) if self.slope else 0.0


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """The line through points (x, y): slope S_xy / S_xx, error sqrt(residual squares / (n - 2) / S_xx).

    Means of neighbouring iterations come from nearly the same policy and are not independent. The error is
    therefore multiplied by sqrt((1 + r) / (1 - r)), where r is the residuals' correlation from one point to
    the next, or 0 where that is negative (Bartlett 1935: the variance of a mean of such a series).

    Args:
        points: At least three, not all of one x.

    Raises:
        ValueError: If there are fewer.
    """
    count = len(points)
    if count < 3:
        raise ValueError(f"a line with an error needs 3 points, not {count}")
    mean_x = math.fsum(x for x, _ in points) / count
    mean_y = math.fsum(y for _, y in points) / count
    squares = math.fsum((x - mean_x) ** 2 for x, _ in points)
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / squares
    rest = [y - mean_y - slope * (x - mean_x) for x, y in points]
    total = math.fsum(each**2 for each in rest)
    along = math.fsum(one * two for one, two in itertools.pairwise(rest))
    r = max(0.0, along / total) if total else 0.0
    return Trend(slope, math.sqrt(total / (count - 2) / squares * (1 + r) / (1 - r)))


class HackingAlarm:
    """Watches pairs of a reward model and a rule over the last iterations in which both gave scores.

    Longer training on a preference reward hacks it: its score rises while the benchmarks' falls
    (DeepSeek-R1, arXiv:2501.12948v2, B.5, Fig. 6). The paper names no test. This one fits a line to each
    reward's means over the window, and raises the alarm where the reward model's slope is `threshold`
    standard errors above 0 and the rule's as many below. It starts once the window is full.
    """

    def __init__(self, options: AlarmOptions) -> None:
        self.options = options
        self.warned = False
        self._points: dict[str, deque[tuple[float, float, float]]] = {}

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, so that a resumed run says the same."""
        points = {name: [list(point) for point in kept] for name, kept in self._points.items()}
        return {"points": points, "warned": self.warned}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        for name, points in state["points"].items():
            self._points[name] = deque((tuple(point) for point in points), maxlen=self.options.window)
        self.warned = state["warned"]

    def look(self, iteration: int, metrics: Mapping[str, float]) -> str | None:
        """What is wrong, in a line that names both rewards; "" where nothing is, None with nothing to watch.

        Args:
            iteration: Its number.
            metrics: Its `rewards/<name>/mean`; those that are absent or undefined are passed over.
        """
        if not self.options.window:
            return None
        watched, lines = False, []
        for model in self.options.models:
            for rule in self.options.rules:
                up, down = (metrics.get(f"rewards/{name}/mean", math.nan) for name in (model, rule))
                kept = self._points.setdefault(f"{model}/{rule}", deque(maxlen=self.options.window))
                if math.isfinite(up) and math.isfinite(down):
                    kept.append((float(iteration), up, down))
                watched = watched or bool(kept)
                lines += self._told(model, rule, list(kept))
        return lines[0] if lines else "" if watched else None

    def _told(self, model: str, rule: str, points: Sequence[tuple[float, float, float]]) -> list[str]:
        """The alarm of one pair in words, or nothing."""
        if len(points) < self.options.window:
            return []
        up = trend([(at, score) for at, score, _ in points])
        down = trend([(at, score) for at, _, score in points])
        if up.t < self.options.threshold or down.t > -self.options.threshold:
            return []
        return [
            f"reward hacking: over {len(points)} iterations the reward model {model!r} rises by "
            f"{up.slope:.2g} an iteration ({up.t:.1f} standard errors) while {rule!r} falls by "
            f"{-down.slope:.2g} ({-down.t:.1f}); stop at an earlier checkpoint, or lower "
            f"stage.preference_updates or reward.components.{model}.weight"
        ]

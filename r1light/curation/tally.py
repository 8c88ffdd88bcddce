"""Means of scores that are seen once, one batch after another, in a few numbers that fit into a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from r1light.core.types import Sample, Score


@dataclass(slots=True)
class Moments:
    """Count, mean and squared deviations of numbers that were added one by one (Welford 1962)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Take one more number."""
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.squares += delta * (value - self.mean)

    @property
    def std(self) -> float:
        """The sample's standard deviation (n - 1); 0 for fewer than two numbers."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0


@dataclass(slots=True)
class Tally:
    """What scoring has come to so far.

    Attributes:
        rows: Rows scored.
        totals: Of the rows that have a total.
        rewards: Of each reward's scores.
        abstained: Rows on which each reward abstained.
        failed: Rows on which each reward failed.
        sources: Of the totals, by `meta.source` of the problem.
    """

    rows: int = 0
    totals: Moments = field(default_factory=Moments)
    rewards: dict[str, Moments] = field(default_factory=dict)
    abstained: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    sources: dict[str, Moments] = field(default_factory=dict)

    @classmethod
    def load(cls, plain: Mapping[str, Any]) -> Tally:
        """The tally that `asdict` made plain data of."""
        return cls(
            plain["rows"],
            Moments(**plain["totals"]),
            {name: Moments(**each) for name, each in plain["rewards"].items()},
            dict(plain["abstained"]),
            dict(plain["failed"]),
            {name: Moments(**each) for name, each in plain["sources"].items()},
        )

    def plain(self) -> dict[str, Any]:
        """The tally as plain data."""
        return asdict(self)

    def add(self, sample: Sample, total: float | None, scores: Mapping[str, Score]) -> None:
        """Count one row."""
        self.rows += 1
        if total is not None:
            self.totals.add(total)
            if (source := sample.problem.meta.get("source")) is not None:
                self.sources.setdefault(str(source), Moments()).add(total)
        for name, score in scores.items():
            moments = self.rewards.setdefault(name, Moments())
            self.abstained[name] = self.abstained.get(name, 0) + (score.status == "abstain")
            self.failed[name] = self.failed.get(name, 0) + (score.status == "error")
            if score.value is not None:
                moments.add(score.value)

    def metrics(self) -> dict[str, float]:
        """`rows`, `dropped` (the share without a total), `reward`, `reward_std`, and by reward and source.

        `rewards/<name>/mean` and `std` are over the rows that the reward scored, and absent where it scored
        none; `rewards/<name>/error_rate` and `abstain_rate` over all; `sources/<source>/reward` is the mean.
        """
        rows = max(1, self.rows)
        metrics: dict[str, float] = {"rows": self.rows, "dropped": (self.rows - self.totals.count) / rows}
        if self.totals.count:
            metrics |= {"reward": self.totals.mean, "reward_std": self.totals.std}
        for name, moments in self.rewards.items():
            if moments.count:
                metrics |= {f"rewards/{name}/mean": moments.mean, f"rewards/{name}/std": moments.std}
            metrics[f"rewards/{name}/error_rate"] = self.failed[name] / rows
            metrics[f"rewards/{name}/abstain_rate"] = self.abstained[name] / rows
        return metrics | {f"sources/{name}/reward": each.mean for name, each in self.sources.items()}

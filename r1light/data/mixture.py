"""`data=mixture`: problems or texts of several sources in fixed proportions, each marked with its source."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from r1light.core.errors import DataError
from r1light.core.types import Problem
from r1light.data.conversations import Conversation
from r1light.data.splits import Split, seeded

Item = Problem | Conversation
"""What is mixed: a problem, or a text to learn from."""

MakeSource = Callable[[str, Mapping[str, Any], str], Iterable[Any]]
"""A data source's name, its options and where they stand in the configuration, to what it gives."""

_OURS = ("name", "weight", "recommended")


@dataclass(frozen=True, slots=True)
class Part:
    """One source of a mixture.

    Attributes:
        key: Its name in the mixture, in metrics and in `meta.source`.
        name: The registered data source.
        weight: Its share of the mixture, relative to the others'; None for as many problems as it has.
        options: The options of that data source.
    """

    key: str
    name: str
    weight: float | None
    options: Mapping[str, Any]


class Mixture:
    """Several sources interleaved; every prefix of the mixture has nearly the proportions of the weights.

    Source i with weight share p_i and a phase u_i in [0, 1) that the seed draws puts its k-th problem at time
    (k + u_i) / p_i; the mixture is all problems by time. Up to time t source i has given t * p_i problems, to
    within one. Training shuffles the problems of an epoch, so there the proportions hold on average. A
    problem keeps its id behind its source's key, and `meta.source` is that key.

    The held-out split has every problem of every held-out split once, whatever `stop` says.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """The sources, and when the mixture ends."""

        sources: dict[str, dict[str, Any]]
        """By a name of your own: `name` (the data source; if absent, the key), `weight`, and its options."""
        stop: Literal["first_exhausted", "all_exhausted"] = "first_exhausted"
        """End when a source has no more to give, or repeat sources until each has given all it has."""
        seed: int = 0
        """Decides how the sources are interleaved."""

        def __post_init__(self) -> None:
            if not self.sources:
                raise ValueError("sources is empty; name at least one, such as sources.sums.name=arithmetic")
            weights = [part.weight for part in self.parts()]
            if None in weights and any(weight is not None for weight in weights):
                raise ValueError("give every source a weight, or none for all problems of each")

        def parts(self) -> list[Part]:
            """The sources, taken apart.

            Raises:
                ValueError: A name or a weight is no such thing.
            """
            return [_part(key, options) for key, options in self.sources.items()]

        def nested(self) -> list[tuple[str, Mapping[str, Any], str]]:
            """Name, options and place of the data sources inside, for checking before anything runs."""
            return [(part.name, part.options, f"data.sources.{part.key}") for part in self.parts()]

    def __init__(self, config: Config, make_source: MakeSource, split: Split = "train") -> None:
        """Build the sources.

        Args:
            config: The mixture.
            make_source: Builds one of its sources for the same split.
            split: Which split.
        """
        self.config = config
        self.split = split
        parts = config.parts()
        self._sources = {
            part.key: list(make_source(part.name, part.options, f"data.sources.{part.key}")) for part in parts
        }
        self._check_kinds()

    def __iter__(self) -> Iterator[Item]:
        lanes = self._lanes()
        limits = self._limits(lanes)
        times = (lane.times(limits[lane.key]) for lane in lanes)
        by_key = {lane.key: lane for lane in lanes}
        for _, key, count in heapq.merge(*times):
            yield by_key[key].item(count)

    def __len__(self) -> int:
        return sum(self._limits(self._lanes()).values())

    def _check_kinds(self) -> None:
        """Refuse what cannot be mixed.

        Raises:
            DataError: A source gives neither problems nor texts, or not what the first one gives.
        """
        first = None
        for key, items in self._sources.items():
            for kind in [type(items[0])] if items else []:
                if kind not in (Problem, Conversation):
                    raise DataError(
                        f"data.sources.{key} gives neither problems nor texts, and cannot be mixed; take its "
                        "data source alone, as data=NAME"
                    )
                first = first or (key, kind)
                if kind is not first[1]:
                    given = {Problem: "problems", Conversation: "texts to learn from"}
                    raise DataError(
                        f"data.sources.{first[0]} gives {given[first[1]]} and data.sources.{key} "
                        f"{given[kind]}; a mixture has the ones or the others"
                    )

    def _lanes(self) -> list[_Lane]:
        """The sources that have problems, in the order of the configuration.

        Raises:
            DataError: A source has none to train on.
        """
        lanes = []
        for part in self.config.parts():
            problems = self._sources[part.key]
            if not problems and self.split == "train":
                raise DataError(
                    f"data.sources.{part.key} has no problems in its train split; see its options"
                )
            phase = seeded("mixture", self.config.seed, self.split, part.key).random()
            if problems:
                lanes.append(_Lane(part.key, problems, part.weight or len(problems), phase))
        return lanes

    def _limits(self, lanes: Sequence[_Lane]) -> dict[str, int]:
        """How many problems each source gives."""
        if self.split == "test":
            return {lane.key: len(lane.problems) for lane in lanes}
        if self.config.stop == "first_exhausted":
            end = min(lane.time(len(lane.problems)) for lane in lanes)
            return {lane.key: lane.until(end) for lane in lanes}
        end = max(lane.time(len(lane.problems) - 1) for lane in lanes)
        return {lane.key: max(len(lane.problems), lane.until(end)) for lane in lanes}


@dataclass(frozen=True, slots=True)
class _Lane:
    """One source with its problems, its weight and its phase."""

    key: str
    problems: Sequence[Item]
    weight: float
    phase: float

    def time(self, count: int) -> float:
        """When it gives the problem of that number, from 0."""
        return (count + self.phase) / self.weight

    def times(self, limit: int) -> Iterator[tuple[float, str, int]]:
        """Time, key and number of its problems."""
        return ((self.time(count), self.key, count) for count in range(limit))

    def until(self, end: float) -> int:
        """How many problems it gives before a time: the least count whose time is not before it."""
        count = max(0, math.floor(end * self.weight - self.phase) - 1)  # less one, as floats round
        while self.time(count) < end:
            count += 1
        return count

    def item(self, count: int) -> Item:
        """What has that number, with its source; a repeated problem has an id of its own."""
        round_, index = divmod(count, len(self.problems))
        item = self.problems[index]
        meta = {**item.meta, "source": self.key}
        if isinstance(item, Conversation):
            return replace(item, meta=meta)
        again = f"#{round_ + 1}" if round_ else ""
        return replace(item, id=f"{self.key}/{item.id}{again}", meta=meta)


def _part(key: str, options: Any) -> Part:
    """A source of the configuration, taken apart.

    Raises:
        ValueError: A name or a weight is no such thing.
    """
    if not isinstance(options, Mapping):
        raise ValueError(f"sources.{key}={options!r} must be keys, such as sources.{key}.weight=1")  # noqa: TRY004
    name, weight = options.get("name", key), options.get("weight")
    if not isinstance(name, str):
        raise ValueError(f"sources.{key}.name={name!r} must be the name of a data source")  # noqa: TRY004
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float)):
        raise ValueError(f"sources.{key}.weight={weight!r} must be a number, or null")
    if weight is not None and not (0 < weight < math.inf):
        raise ValueError(f"sources.{key}.weight={weight} must be above 0 and finite")
    rest = {option: value for option, value in options.items() if option not in _OURS}
    return Part(key, name, weight, rest)

"""`data=preferences` and `data=judged`: what reward models learn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from r1light.data.preferences import (
    Judged,
    JudgedColumns,
    Pair,
    PairColumns,
    both_judged,
    judged_of,
    pair_of,
)
from r1light.data.rows import HubSplit
from r1light.data.splits import Split, canonical
from r1light.data.text_table import TextTable, TextTableConfig, read_as


class Preferences:
    """The rows of a table as pairs of answers. It gives no problems: there is nothing to be graded.

    Example:
        >>> Preferences.Config(path="pairs.jsonl").test_share
        0.1
    """

    @dataclass(frozen=True, slots=True)
    class Config(TextTableConfig):
        """Where the rows stand, which column holds what, and which rows are taken."""

        test_share: float = 0.1
        """The share of `path` that is held out, by a hash of what stands before the answers."""
        columns: PairColumns = field(default_factory=PairColumns)
        """Which column holds what."""

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __iter__(self) -> Iterator[Pair]:
        return iter(TextTable(self.config, self.split, "preferences", self._read, _before))

    def _read(self, path: str, hub: HubSplit) -> Iterator[Pair]:
        columns = self.config.columns
        return read_as(lambda row: pair_of(row, columns), path, hub, self.config.max_bad_rows)


class JudgedAnswers:
    """The rows of a table as answers that are safe or not; pairs may serve too.

    Example:
        >>> JudgedAnswers.Config(path="pairs.jsonl", pairs=True).columns.label
        'label'
    """

    @dataclass(frozen=True, slots=True)
    class Config(TextTableConfig):
        """Where the rows stand, which column holds what, and which rows are taken."""

        test_share: float = 0.1
        """The share of `path` that is held out, by a hash of what stands before the answer."""
        columns: JudgedColumns = field(default_factory=JudgedColumns)
        """Which column holds what."""
        pairs: bool = False
        """Whether the rows are pairs, as for data=preferences: the chosen answer is safe, the other is not.
        A limit counts answers."""
        pair_columns: PairColumns = field(default_factory=PairColumns)
        """Which column of a pair holds what."""

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __iter__(self) -> Iterator[Judged]:
        return iter(TextTable(self.config, self.split, "judged", self._read, _before))

    def _read(self, path: str, hub: HubSplit) -> Iterator[Judged]:
        config = self.config
        if not config.pairs:
            yield from read_as(lambda row: judged_of(row, config.columns), path, hub, config.max_bad_rows)
            return
        for pair in read_as(lambda row: pair_of(row, config.pair_columns), path, hub, config.max_bad_rows):
            yield from both_judged(pair)


def _before(row: Pair | Judged) -> str:
    """What stands before the answer, spelling apart."""
    return canonical("\n".join(turn.content for turn in row.messages))

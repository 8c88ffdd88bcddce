"""Tables of texts to learn from: where the rows of each split stand, which are held out, and how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from r1light.core.errors import DataError
from r1light.data.bad_rows import BadRows
from r1light.data.rows import MAX_ROW_BYTES, HubSplit, Row, rows_and_faults
from r1light.data.splits import Split, place_of, seeded
from r1light.data.table import Place

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextTableConfig:
    """Where the rows stand, and which rows are taken."""

    path: str
    """A .jsonl, .ndjson, .json, .csv or .parquet file, a folder of such, or `owner/name` on the hub."""
    test_path: str | None = None
    """The same with the held-out rows; null holds out a share of `path`."""
    subset: str | None = None
    """The configuration of a data set on the hub, such as `main`; null where it has one only."""
    train_split: str = "train"
    """The split on the hub to train on."""
    test_split: str | None = None
    """The split on the hub to hold out; null holds out a share of `train_split`."""
    revision: str | None = None
    """Branch, tag or commit on the hub; null takes the newest."""
    test_share: float = 0.02
    """The share of `path` that is held out, by a hash of what stands before the completion."""
    max_bad_rows: int = 0
    """Rows that cannot be used and are left out, each named in the log; one more is an error."""
    limit: int | None = None
    """The most rows to train on, drawn at random by `limit_seed`; null for all."""
    limit_seed: int = 0
    """Decides which rows are taken where there is a limit."""

    def __post_init__(self) -> None:
        self.place()
        if self.max_bad_rows < 0:
            raise ValueError(f"max_bad_rows={self.max_bad_rows} must not be negative")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit={self.limit} must be at least 1, or null")

    def place(self) -> Place:
        """Where the rows stand."""
        return Place(
            self.path,
            self.test_path,
            self.subset,
            self.train_split,
            self.test_split,
            self.revision,
            self.test_share,
        )


@dataclass(frozen=True, slots=True)
class TextTable(Generic[T]):
    """The rows of one split; what is held out by share never moves when rows are added or reordered.

    Attributes:
        config: Where the rows stand.
        split: Which split.
        name: The source's name, on which the draw of limited rows hangs.
        read: A path and its part on the hub to rows.
        before: What stands before a row's completion, spelling apart: rows that are equal in it are on one
            side.
    """

    config: TextTableConfig
    split: Split
    name: str
    read: Callable[[str, HubSplit], Iterator[T]]
    before: Callable[[T], str]

    def __iter__(self) -> Iterator[T]:
        limit = self.config.limit
        if limit is None or self.split == "test":
            yield from self._all()
            return
        rows = list(self._all())
        rng = seeded(self.name, self.config.limit_seed)
        yield from (rows[index] for index in sorted(rng.sample(range(len(rows)), min(limit, len(rows)))))

    def _all(self) -> Iterator[T]:
        place = self.config.place()
        cut = place.cut
        if self.split == "test" and cut == 0:
            return
        apart = self.split == "test" and cut is None
        path = (place.test_path or place.path) if apart else place.path
        split = (place.test_split or place.train_split) if apart else place.train_split
        for row in self.read(path, HubSplit(place.subset, split, place.revision)):
            if cut is None or (place_of(self.before(row)) < cut) == (self.split == "test"):
                yield row


def read_as(
    make: Callable[[Row], T],
    path: str,
    hub: HubSplit,
    max_bad_rows: int = 0,
    max_row_bytes: int = MAX_ROW_BYTES,
) -> Iterator[T]:
    """The rows of a table as something else, in their order.

    Args:
        make: Makes it of one row, or raises a DataError that names the row.
        path: A .jsonl, .ndjson, .json, .csv or .parquet file, a folder of such, or `owner/name` on the hub.
        hub: Which part, where it is on the hub.
        max_bad_rows: How many rows that cannot be used are left out, each with a warning.
        max_row_bytes: The longest line of a JSON-lines file that is taken for a row.

    Raises:
        DataError: There is nothing of that name, or more rows cannot be used than may be left out; the
            message names the file and the line.
    """
    bad = BadRows(max_bad_rows)
    try:
        for _, row in bad.good(rows_and_faults(path, hub, max_row_bytes)):
            try:
                made = make(row)
            except DataError as fault:
                bad.add(fault)
            else:
                yield made
    finally:
        bad.say(path)

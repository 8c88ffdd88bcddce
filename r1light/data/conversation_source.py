"""`data=conversations`: texts and conversations to learn to write from, for supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from r1light.data.conversations import Conversation, ConversationColumns, read_conversations
from r1light.data.rows import HubSplit
from r1light.data.splits import Split, canonical, place_of, seeded
from r1light.data.table import Place


class Conversations:
    """The rows of a table as conversations. It gives no problems: there is nothing to be graded.

    Example:
        >>> Conversations.Config(path="rows.jsonl").max_bad_rows
        0
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Where the rows stand, which column holds what, and which rows are taken."""

        path: str
        """A .jsonl, .ndjson, .json or .parquet file, a folder of such files, or `owner/name` on the hub."""
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
        columns: ConversationColumns = field(default_factory=ConversationColumns)
        """Which column holds what."""
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

    def __init__(self, config: Config, split: Split = "train") -> None:
        self.config = config
        self.split = split

    def __iter__(self) -> Iterator[Conversation]:
        limit = self.config.limit
        if limit is None or self.split == "test":
            yield from self._all()
            return
        rows = list(self._all())
        chosen = sorted(
            seeded("conversations", self.config.limit_seed).sample(range(len(rows)), min(limit, len(rows)))
        )
        yield from (rows[index] for index in chosen)

    def _all(self) -> Iterator[Conversation]:
        """The rows of the split; what is held out by share never moves when rows are added or reordered."""
        config, place = self.config, self.config.place()
        cut = place.cut
        if self.split == "test" and cut == 0:
            return
        apart = self.split == "test" and cut is None
        path = (place.test_path or place.path) if apart else place.path
        split = (place.test_split or place.train_split) if apart else place.train_split
        hub = HubSplit(place.subset, split, place.revision)
        for row in read_conversations(path, hub, config.max_bad_rows, config.columns):
            if cut is None or (place_of(_before(row)) < cut) == (self.split == "test"):
                yield row


def _before(row: Conversation) -> str:
    """What stands before the completion, spelling apart."""
    text = row.prompt if row.prompt is not None else "\n".join(turn.content for turn in row.messages)
    return canonical(text)

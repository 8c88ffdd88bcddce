"""Rows that cannot be used: named one by one, left out up to a number, and never in silence."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from r1light.core.errors import DataError
from r1light.data.rows import Row

OPTION = "data.max_bad_rows"
"""The option that says how many rows may be left out."""
_NAMED = 100  # rows that get a line each; the others are counted

_log = logging.getLogger(__name__)


class BadRows:
    """Counts the rows that are left out of one reading; the one above the limit ends it."""

    def __init__(self, most: int) -> None:
        """Start a reading.

        Args:
            most: How many rows may be left out; 0 lets the first one end the reading.
        """
        self.most = most
        self.count = 0

    def add(self, fault: DataError) -> None:
        """Leave a row out.

        Args:
            fault: What is wrong with the row, and where it stands.

        Raises:
            DataError: As many rows as may be left out were left out before.
        """
        if self.count >= self.most:
            before = f"{_rows(self.count)} left out before" if self.count else "no row may be left out"
            raise DataError(f"{fault} ({before}: {OPTION}={self.most})") from fault
        self.count += 1
        if self.count <= _NAMED:
            _log.warning("left out: %s", fault)

    def good(self, rows: Iterable[Row | DataError]) -> Iterator[tuple[int, Row]]:
        """The rows that could be read, with their numbers from 1 among all rows.

        Raises:
            DataError: Too many could not.
        """
        for number, row in enumerate(rows, start=1):
            if isinstance(row, DataError):
                self.add(row)
            else:
                yield number, row

    def say(self, path: str) -> None:
        """Say how many rows of a path were left out, if any were."""
        if self.count:
            _log.warning("%s: %s left out (%s=%d)", path, _rows(self.count, "bad "), OPTION, self.most)


def _rows(count: int, kind: str = "") -> str:
    return f"1 {kind}row is" if count == 1 else f"{count} {kind}rows are"


def check_limits(max_bad_rows: int, max_row_bytes: int) -> None:
    """Refuse limits that mean nothing.

    Raises:
        ValueError: One is too small.
    """
    if max_bad_rows < 0:
        raise ValueError(f"max_bad_rows={max_bad_rows} must not be negative")
    if max_row_bytes < 1:
        raise ValueError(f"max_row_bytes={max_row_bytes} must be at least 1")

"""How many rows a step learns from or asks about, as far as that can be known before anything has run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from r1light.config.convert import to_plain
from r1light.config.schema import RunConfig
from r1light.config.validate import component_config
from r1light.data.mixture import Part
from r1light.pipeline.estimate import completions_a_problem

SAMPLED = 1000
"""Rows of a file that are looked at; the rest is reckoned by its size."""
LETTERS = 4.0
"""Bytes of a token, in texts of Latin letters."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A number of rows.

    Attributes:
        count: How many.
        known: Exactly so many; about so many (reckoned by a file's size); or at most so many.
        tokens: The mean tokens of a row, where its file could be looked at.
    """

    count: int
    known: Literal["", "about", "at most"] = ""
    tokens: float | None = None

    def __str__(self) -> str:
        return f"{self.known} {self.count:,} rows".strip()

    def bounded(self, limit: int | None) -> Rows:
        """No more than a limit."""
        return self if limit is None or self.count <= limit else Rows(limit, "", self.tokens)


Find = Callable[[str], Rows | None]
"""A path, or a reference to one, to the rows there; None where that is not known."""


def rows_of(config: RunConfig, find: Find) -> Rows | None:
    """The rows that a step reads: those of its split, and of its share where a share is held out."""
    split = getattr(config.stage, "split", "train")
    return _source(config.data.name, config.data.config, split, find)


def given_by(config: RunConfig, rows: Rows | None) -> Rows | None:
    """The rows that `stage=sample` makes of its problems at most."""
    if config.stage_name != "sample" or rows is None:
        return None
    options = config.stage
    rows = rows.bounded(options.limit)
    each = completions_a_problem(options)
    kept = getattr(getattr(options, options.curation, None), "keep", None)
    if options.curation == "pairs":
        kept = options.pairs.per_problem
    return Rows(rows.count * min(each, kept or each), "at most")


def rows_in(path: str) -> Rows | None:
    """The rows of a file of JSON lines, or a folder of such; None for anything else."""
    place = Path(path).expanduser()
    suffixes = (".jsonl", ".ndjson")
    if place.is_dir():
        files = sorted(file for file in place.iterdir() if file.suffix in suffixes)
        return _sum([_lines(file) for file in files]) if files else None
    return _lines(place) if place.is_file() and place.suffix in suffixes else None


def _lines(file: Path) -> Rows:
    with file.open("rb") as stream:
        first = [line for line in islice(stream, SAMPLED) if line.strip()]
    size, read = file.stat().st_size, sum(map(len, first))
    if not first:
        return Rows(0)
    tokens = read / len(first) / LETTERS
    if len(first) < SAMPLED:
        return Rows(len(first), "", tokens)
    return Rows(round(size * len(first) / read), "about", tokens)


def _source(name: str, config: Any, split: str, find: Find) -> Rows | None:
    """The rows of one data source."""
    if name == "mixture":
        return _mixture(config.parts(), split, find)
    options = to_plain(config) or {}
    own = _own(options, split, find)
    limit = options.get("limit" if split == "train" else "test_limit")
    if own is None:
        return None if limit is None else Rows(limit, "at most")
    return own.bounded(limit)


def _own(options: Mapping[str, Any], split: str, find: Find) -> Rows | None:
    """What it has before any limit."""
    if f"{split}_size" in options:
        return Rows(options[f"{split}_size"])
    path, apart = options.get("path"), options.get("test_path")
    found = find(apart if split == "test" and apart else path) if path else None
    if found is None or apart:
        return found
    share = options.get("test_share", 0.0)
    share = share if split == "test" else 1 - share
    return replace(
        found, count=round(found.count * share), known=found.known or ("about" if share < 1 else "")
    )


def _mixture(parts: Sequence[Part], split: str, find: Find) -> Rows | None:
    """All rows of each; with weights, it hangs on them where it ends."""
    if split == "train" and any(part.weight is not None for part in parts):
        return None
    configs = [
        component_config("data", part.name, part.options, f"data.sources.{part.key}") for part in parts
    ]
    return _sum([_source(part.name, one, split, find) for part, one in zip(parts, configs, strict=True)])


def _sum(parts: Sequence[Rows | None]) -> Rows | None:
    """All together; None where one is not known."""
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    words = {part.known for part in found}
    known: Literal["", "about", "at most"] = (
        "at most" if "at most" in words else "about" if "about" in words else ""
    )
    count = sum(part.count for part in found)
    lengths = [part.tokens for part in found]
    tokens = None
    if count and None not in lengths:
        tokens = sum(part.count * (part.tokens or 0.0) for part in found) / count
    return Rows(count, known, tokens)

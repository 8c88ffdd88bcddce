"""Rows of a table, one after another, each with its place: JSON lines, JSON, CSV, Parquet, the hub."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from r1light.core.errors import DataError
from r1light.models.hub import hub_or_cache

MAX_ROW_BYTES = 1_000_000
"""The longest line of a JSON-lines file that is taken for a row, unless an option says otherwise."""
EVERY = "*"
"""As a subset: all configurations of a data set, one after another."""
_BATCH_ROWS = 1024  # of a Parquet file, held in memory at a time


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        values: Column to value, as JSON has them.
        where: The place to name in an error, such as "train.jsonl:17".
    """

    values: Mapping[str, Any]
    where: str


@dataclass(frozen=True, slots=True)
class HubSplit:
    """Which part of a data set on the hub.

    Attributes:
        subset: The configuration of the data set, or None where it has one only; EVERY for all of them.
        split: The split's name there.
        revision: Branch, tag or commit; None for the newest.
    """

    subset: str | None
    split: str
    revision: str | None = None


def read_rows(path: str, hub: HubSplit, max_row_bytes: int = MAX_ROW_BYTES) -> Iterator[Row]:
    """The rows of a file, of all such files in a folder, or of a data set on the hub.

    Args:
        path: A file or folder if there is one of that name, else `owner/name` on the hub.
        hub: Which part, where it is on the hub.
        max_row_bytes: The longest line of a JSON-lines file that is taken for a row.

    Raises:
        DataError: There is nothing of that name, it cannot be fetched, or a row is broken; the message names
            the file and the line.
    """
    for row in rows_and_faults(path, hub, max_row_bytes):
        if isinstance(row, DataError):
            raise row
        yield row


def rows_and_faults(
    path: str, hub: HubSplit, max_row_bytes: int = MAX_ROW_BYTES
) -> Iterator[Row | DataError]:
    """The rows as `read_rows` gives them; in the place of a broken one, what is wrong with it.

    Args:
        path: A file or folder if there is one of that name, else `owner/name` on the hub.
        hub: Which part, where it is on the hub.
        max_row_bytes: The longest line of a JSON-lines file that is taken for a row.

    Raises:
        DataError: There is nothing of that name, or it cannot be read as a whole.
    """
    local = Path(path).expanduser()
    if local.is_file():
        return _read_file(local, max_row_bytes)
    if local.is_dir():
        return _read_folder(local, max_row_bytes)
    if local.suffix in _READERS or path.startswith(("/", ".", "~")) or path.count("/") != 1:
        raise DataError(
            f"there is no file {path}; a path must name a file ({_SUFFIXES}), a folder of such files, or "
            "a data set on the hub as owner/name"
        )
    return _from_hub(path, hub)


def is_local(path: str) -> bool:
    """Whether a path names a file or folder here, rather than a data set on the hub."""
    return Path(path).expanduser().exists()


def parse_object(line: bytes, where: str) -> dict[str, Any]:
    """One JSON object from one line.

    Args:
        line: The line, with or without its end.
        where: The place to name in an error.

    Raises:
        DataError: It is no UTF-8, no JSON, or no object.
    """
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where} is not UTF-8 at byte {error.start} of the line; save it as UTF-8"
        ) from error
    except ValueError as error:
        raise DataError(f"{where} is no JSON: {error}; a line is one object in braces") from error
    except RecursionError as error:
        raise DataError(f"{where} is nested too deeply to be read; a line is one flat object") from error
    if not isinstance(value, dict):
        raise DataError(f"{where} is {_kind(value)}; a line must be one object in braces, {{...}}")
    return value


def _read_file(path: Path, max_row_bytes: int) -> Iterator[Row | DataError]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: a file of rows must end in {_SUFFIXES}")
    try:
        yield from reader(path, max_row_bytes)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _read_folder(path: Path, max_row_bytes: int) -> Iterator[Row | DataError]:
    files = sorted(inner for inner in path.rglob("*") if inner.is_file() and inner.suffix.lower() in _READERS)
    if not files:
        raise DataError(f"{path} holds no file that ends in {_SUFFIXES}")
    return (row for file in files for row in _read_file(file, max_row_bytes))


def _json_lines(path: Path, max_row_bytes: int) -> Iterator[Row | DataError]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(max_row_bytes + 1):
            number += 1
            where = f"{path}:{number}"
            if len(line) - line.endswith(b"\n") > max_row_bytes:
                size = len(line) + _skip_line(file, line)
                yield DataError(f"{where} has {size:,} bytes, and a row may have {max_row_bytes:,}")
            elif line.strip():
                yield _parsed(line, where)


def _skip_line(file: BinaryIO, line: bytes) -> int:
    """Read past the end of a line whose beginning was read; the bytes that are left of it."""
    size = 0
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_ROW_BYTES)  # a piece at a time: the line may be the whole file
        size += len(line)
    return size


def _parsed(line: bytes, where: str) -> Row | DataError:
    try:
        return _encodable(Row(parse_object(line, where), where))
    except DataError as fault:
        return fault


def _found(row: Row) -> Row | DataError:
    try:
        return _encodable(row)
    except DataError as fault:
        return fault


def _encodable(row: Row) -> Row:
    """The row, unless it holds half of a pair of surrogates, which JSON can write and no tokenizer read."""
    try:
        json.dumps(row.values, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise DataError(f"{row.where} holds {half}, which is half a character; take it out") from error
    return row


def _json(path: Path, max_row_bytes: int) -> Iterator[Row | DataError]:
    del max_row_bytes  # the file is read as a whole
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}; rows one a line belong into a .jsonl file") from error
    if not isinstance(rows, list):
        raise DataError(f"{path} is {_kind(rows)}; a .json file must be one list of objects")
    for number, row in enumerate(rows, start=1):
        if isinstance(row, dict):
            yield _found(Row(row, f"{path}: item {number}"))
        else:
            yield DataError(f"{path}: item {number} is {_kind(row)}; it must be an object in braces, {{...}}")


def _csv(path: Path, max_row_bytes: int) -> Iterator[Row | DataError]:
    """The rows of a CSV file whose first row names the columns; all values are texts. RFC 4180, UTF-8."""
    del max_row_bytes  # a row may have many lines; the library has a limit of its own for a cell
    with path.open("rb") as file:
        reader = csv.reader(_utf8_lines(file, path), strict=True)
        columns: list[str] | None = None
        while True:
            where = f"{path}:{reader.line_num + 1}"
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield DataError(f"{where} is no row of CSV: {error}")
                continue
            except DataError as fault:  # the library cannot read on behind it
                yield fault
                return
            if columns is None:
                columns = _column_names(cells, where)
            elif cells:
                yield _csv_row(columns, cells, where)


def _utf8_lines(file: BinaryIO, path: Path) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}:{number} is not UTF-8 at byte {error.start} of the line; save it as UTF-8"
            ) from error


def _column_names(cells: list[str], where: str) -> list[str]:
    if not cells or len(set(cells)) < len(cells):
        raise DataError(f"{where}: the first row of a .csv file names its columns, each once; it is {cells}")
    return cells


def _csv_row(columns: list[str], cells: list[str], where: str) -> Row | DataError:
    if len(cells) != len(columns):
        return DataError(f"{where} has {len(cells)} cells, and the first row names {len(columns)} columns")
    return Row(dict(zip(columns, cells, strict=True)), where)


def _parquet(path: Path, max_row_bytes: int) -> Iterator[Row]:
    del max_row_bytes  # there are no lines
    import pyarrow
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(values, f"{path}: row {number}")
    except pyarrow.ArrowException as error:
        first = str(error).splitlines()[0]
        raise DataError(f"{path} cannot be read as Parquet after row {number}: {first}") from error


_READERS: Mapping[str, Callable[[Path, int], Iterator[Row | DataError]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
}
_SUFFIXES = ", ".join(_READERS)


def _from_hub(path: str, hub: HubSplit) -> Iterator[Row]:
    """The rows of a data set on the hub, fetched on the first use and read from the cache from then on."""
    from datasets import get_dataset_config_names, load_dataset

    try:
        with hub_or_cache(path):
            every = hub.subset == EVERY
            subsets = get_dataset_config_names(path, revision=hub.revision) if every else [hub.subset]
            tables = [load_dataset(path, each, split=hub.split, revision=hub.revision) for each in subsets]
    except Exception as error:  # the library raises a dozen kinds: its own, the hub's, the HTTP client's
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(lines[:2]) or type(error).__name__
        raise DataError(
            f"data.path={path} is no file here, and the data set of that name (subset {hub.subset}, split "
            f"{hub.split}) could not be had from the hub: {reason.rstrip('.')}; give a file by data.path=, "
            "or mend the name or the connection"
        ) from error
    for number, values in enumerate(chain.from_iterable(tables), start=1):
        yield Row(values, f"{path} ({hub.split}): row {number}")


def _kind(value: Any) -> str:
    """What a JSON value is, in words."""
    names = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "an object" if isinstance(value, dict) else "null")

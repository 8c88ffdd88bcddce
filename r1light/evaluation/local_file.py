"""Where the rows of a task stand in a folder of benchmarks."""

from __future__ import annotations

from pathlib import Path

from r1light.core.errors import DataError

_SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet", ".csv")


def local_file(data_dir: Path, name: str, files: tuple[str, ...], obtain: str) -> Path:
    """The file with a task's rows: one of those that it names, `NAME.jsonl`, or `NAME/test.jsonl`.

    For `.jsonl` may stand `.ndjson`, `.json`, `.parquet` or `.csv`.

    Args:
        data_dir: A folder with the files of benchmarks.
        name: The task's name.
        files: Paths below the folder that are looked for first.
        obtain: Where the data can be had, for the error.

    Raises:
        DataError: There is no such folder or file; says what was looked for.
    """
    if not data_dir.is_dir():
        raise DataError(f"stage.data_dir={data_dir} is no folder; name one that holds files of benchmarks")
    looked_for = [*files, *(f"{stem}{suffix}" for stem in (name, f"{name}/test") for suffix in _SUFFIXES)]
    for path in looked_for:
        if (data_dir / path).is_file():
            return data_dir / path
    shown = ", ".join([*files, f"{name}.jsonl", f"{name}/test.jsonl"])
    raise DataError(f"task {name}: stage.data_dir={data_dir} has none of {shown}; {obtain}")

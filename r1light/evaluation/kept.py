"""Responses of a model by the hash of what was asked, in a file that grows with each of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from r1light.core.errors import ResumeError, StorageError


def mark_of(*asked: Any) -> str:
    """The hash of JSON values that say what is asked."""
    text = json.dumps(asked, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Kept:
    """Responses that outlive a kill: each is a line as soon as it is there.

    The first line says what the responses hang on; a line that a kill cut short is dropped.
    """

    def __init__(self, path: Path, setup: Mapping[str, Any]) -> None:
        """Read what is there, and open the file for more.

        Args:
            path: The file; its folder is made.
            setup: What the responses hang on besides what is asked, as JSON values.

        Raises:
            ResumeError: The file was begun with another setup, or is none of this kind.
            StorageError: It cannot be opened or written.
        """
        self.path = path
        self._found: dict[str, Any] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._read(path, dict(setup)) if path.exists() else 0
            self._file = path.open("r+b" if path.exists() else "wb")
            self._file.truncate(whole)
            self._file.seek(whole)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
        if not whole:
            self._write({"setup": dict(setup)})

    def __enter__(self) -> Kept:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def get(self, mark: str) -> Any:
        """The response to what has that hash, or None."""
        return self._found.get(mark)

    def put(self, mark: str, response: Any) -> None:
        """Keep a response, a JSON value.

        Raises:
            StorageError: It cannot be written.
        """
        self._found[mark] = response
        self._write({"asked": mark, "response": response})

    def _write(self, row: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(row, ensure_ascii=True).encode() + b"\n")
            self._file.flush()  # to the operating system: a kill of this process loses nothing
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {error.strerror or error}") from error

    def _read(self, path: Path, setup: Mapping[str, Any]) -> int:
        """Take the whole lines over; returns how many bytes they are."""
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].splitlines()
        try:
            rows = [json.loads(line) for line in lines]
            if rows and rows[0]["setup"] != json.loads(json.dumps(setup)):
                raise ResumeError(
                    f"{path} was begun with another configuration; choose another run folder, or remove it"
                )
            self._found = {row["asked"]: row["response"] for row in rows[1:]}
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, ResumeError):
                raise
            raise ResumeError(f"{path} was changed after it was written; remove it to start over") from error
        return whole

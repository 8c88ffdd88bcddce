"""What is said of a step that failed."""

from __future__ import annotations

import signal
from pathlib import Path

from r1light.core.errors import ConfigError, R1LightError, UserError, WorkerError

_LAST_LINES = 12
_READ_BYTES = 16_384


def failure(key: str, code: int, reason: str | None = None, output: Path | None = None) -> R1LightError:
    """The error that ends a pipeline with its step's exit code.

    Args:
        key: The step and its seed.
        code: Its process's exit code; negative for a signal that ended it.
        reason: What is known to be wrong, or None for what its output says.
        output: What it wrote to stdout and stderr.

    Returns:
        A ConfigError of one line where the input was wrong (2); else a WorkerError with the last lines.
    """
    lines = last_lines(output) if output is not None else []
    where = "" if output is None else f"; its output is {output}"
    if code == UserError.exit_code:
        said = reason or next(
            (line[7:] for line in reversed(lines) if line.startswith("error: ")), "wrong input"
        )
        return ConfigError(f"step {key}: {said}{where}")
    signum = -code if code < 0 else code - 128 if code > 128 else None
    if reason is None and signum in {int(each) for each in signal.Signals}:
        reason = f"it was ended by {signal.Signals(signum).name}"
    said = "\n".join(f"  {line}" for line in lines)
    error = WorkerError(
        f"step {key} failed: {reason or f'exit code {code}'}{where}; the same command goes on from here"
        + (f". Its last lines:\n{said}" if said else "")
    )
    error.exit_code = 128 - code if code < 0 else code
    return error


def last_lines(path: Path, count: int = _LAST_LINES) -> list[str]:
    """The last lines of a text file that are not empty; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - _READ_BYTES, 0))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]

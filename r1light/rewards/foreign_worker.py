"""The process in which a reward function written for another trainer runs. Its parent kills it when it hangs.

Run as a script by `ForeignFunction`: the function (`module:function` or `file.py:function`), a file for the
stack when the parent asks where it hangs (SIGUSR1), and the seconds after which one call ends the process by
itself (a backstop for when the parent is gone). It imports nothing of r1light. Protocol, one line of JSON
each: it writes `{"loaded": ...}` or `{"error": ..., "traceback": ...}` once; then it reads calls and writes
results:

    {"style": "trl", "columns": {...}, "step": 3}    -> {"values": [...], "details": [...], "printed": ""}
    {"style": "verl", "arguments": {...}}            -> {"values": [x], "details": [""], "printed": ""}
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import importlib
import importlib.util
import inspect
import io
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

_PRINTED_CHARS = 4000


class TrainerState:
    """What a reward function may ask of the trainer: how far it has come."""

    def __init__(self, step: int) -> None:
        self.global_step = step

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"trainer_state.{name} is not known here; trainer_state.global_step is")


class ExtraLog:
    """The two functions by which a reward function logs; what it logs stands in the scores' details."""

    def __init__(self, rows: int) -> None:
        self.details: list[list[str]] = [[] for _ in range(rows)]

    def extra(self, column: str, values: Any) -> None:
        """One value a completion."""
        for row, value in zip(self.details, values, strict=True):
            row.append(f"{column}={value}")

    def metric(self, name: str, value: Any) -> None:
        """One value a batch."""
        for row in self.details:
            row.append(f"{name}={value}")


def load(reference: str) -> Callable[..., Any]:
    """The function of `module:function` or `path/file.py:function`, with its folder on the search path."""
    place, _, name = reference.rpartition(":")
    sys.path.insert(0, os.getcwd())
    if place.endswith(".py"):
        path = Path(place).resolve()
        sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{reference} is {type(found).__name__}, and no function")
    return found  # type: ignore[no-any-return]


def wanted(function: Callable[..., Any], offered: dict[str, Any]) -> dict[str, Any]:
    """The offered keyword arguments that a function takes: all of them where it has `**kwargs`.

    Raises:
        TypeError: If it needs another; names those that are offered.
    """
    parameters = inspect.signature(function).parameters.values()
    gathering = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [one.name for one in parameters if one.default is one.empty and one.kind not in gathering]
    lacking = [name for name in needed if name not in offered]
    if lacking:
        raise TypeError(
            f"the function needs {', '.join(lacking)}; it can have {', '.join(sorted(offered))} (columns "
            "come from the problem and its meta, and from the option `columns`)"
        )
    if any(one.kind == one.VAR_KEYWORD for one in parameters):
        return offered
    names = {one.name for one in parameters}
    return {name: value for name, value in offered.items() if name in names}


def call_trl(function: Callable[..., Any], call: dict[str, Any], run: Callable[[Any], Any]) -> dict[str, Any]:
    """One batch through a function in TRL's form."""
    columns = call["columns"]
    rows = len(columns["completions"])
    log = ExtraLog(rows)
    offered = columns | {
        "trainer_state": TrainerState(call["step"]),
        "log_extra": log.extra,
        "log_metric": log.metric,
    }
    returned = run(function(**wanted(function, offered)))
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        raise TypeError(f"returned {returned!r:.80} where a list of {rows} rewards belongs")
    found = list(returned)
    if len(found) != rows:
        raise ValueError(f"returned {len(found)} rewards for {rows} completions")
    return {"values": [number(value) for value in found], "details": ["; ".join(row) for row in log.details]}


def call_verl(
    function: Callable[..., Any], call: dict[str, Any], run: Callable[[Any], Any]
) -> dict[str, Any]:
    """One completion through a function in verl's form."""
    found = run(function(**call["arguments"]))
    detail = ""
    if isinstance(found, dict):
        if "score" not in found:
            raise ValueError(f"returned a dict without 'score': its keys are {', '.join(map(str, found))}")
        detail = "; ".join(f"{key}={value}" for key, value in found.items() if key != "score")
        found = found["score"]
    return {"values": [number(found)], "details": [detail]}


def number(value: Any) -> float | None:
    """A reward as a float, from any number (numpy's and torch's too); None stays."""
    if value is None:
        return None
    if isinstance(value, str | bytes):
        raise TypeError(f"returned the text {value!r:.80} where a number belongs")
    return float(value)


def serve(function: Callable[..., Any], report: Callable[[dict[str, Any]], None], backstop: float) -> None:
    """Answer calls until the parent closes the pipe."""
    loop = (
        asyncio.new_event_loop()
    )  # one for all calls: clients that a function keeps are bound to their loop
    asyncio.set_event_loop(loop)

    def run(value: Any) -> Any:
        return loop.run_until_complete(value) if inspect.isawaitable(value) else value

    styles = {"trl": call_trl, "verl": call_verl}
    for line in sys.stdin:
        call, printed = json.loads(line), io.StringIO()
        faulthandler.dump_traceback_later(backstop, exit=True)
        try:
            with contextlib.redirect_stdout(printed):
                result = styles[call["style"]](function, call, run)
        except BaseException as error:  # the user's function, sys.exit() in it too: all goes to the parent
            result = failure(error)
        faulthandler.cancel_dump_traceback_later()
        report(result | {"printed": printed.getvalue()[-_PRINTED_CHARS:]})


def descendants(pid: int) -> list[int]:
    """The processes below a process, those that have a session of their own too; none where /proc is not."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parent = int(entry.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.parent.name))
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def keep_below() -> None:
    """Make orphans of what the function starts children of this process, so that they are found (Linux)."""
    if sys.platform == "linux":
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def end_with(parent: int) -> None:
    """Kill this process and what it started once its parent is gone, as after a kill -9."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        Path(sys.argv[2]).unlink(missing_ok=True)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def failure(error: BaseException) -> dict[str, Any]:
    """An exception as plain data."""
    text = traceback.format_exception(error)
    return {"error": f"{type(error).__name__}: {error}", "traceback": "".join(text)}


def main() -> None:
    """Load the function, say how that went, serve."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever is printed by C code must not reach the replies

    def report(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    keep_below()
    end_with(os.getppid())
    stack = open(sys.argv[2], "a")  # noqa: SIM115 - open as long as the process
    faulthandler.register(signal.SIGUSR1, file=stack, all_threads=False)
    try:
        function = load(sys.argv[1])
    except BaseException as error:  # a script that calls sys.exit() when imported is no function either
        report(failure(error))
        return
    report({"loaded": sys.argv[1]})
    serve(function, report, float(sys.argv[3]))


if __name__ == "__main__":
    main()

"""The test's side of a function test: runs its statements, the program's names standing for remote objects.

The verdict goes to a pipe that the program does not have, one line a test, after the test's last statement,
under a seal that only this process and the caller know. A reply that is malformed, or none, fails the test.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
from typing import Any, NoReturn

from r1light.sandbox.jail import harness, names, runner, wire
from r1light.sandbox.jail.codec import CodecError
from r1light.sandbox.jail.peer import Peer, ProgramGone
from r1light.sandbox.jail.remote_object import ProgramObject

_VERDICTS = 5


def judge(source: bytes, first: int, limit: int) -> NoReturn:
    """Run the tests from `first` on, in order, until one fails; write a verdict for each.

    Args:
        source: JSON: `tests`, the source texts, `entry_point` and `seal`.
        first: The index of the first test to run.
        limit: The most bytes of a message.
    """
    runner.prepare("__main__")
    document = json.loads(source)
    peer = Peer(limit)
    for number, text in enumerate(document["tests"][first:], start=first):
        status, detail = _verdict(text, document["entry_point"], peer)
        line = {"test": number, "seal": document["seal"], "status": status, "detail": detail[:300]}
        os.write(_VERDICTS, json.dumps(line).encode() + b"\n")
        if status != "pass":
            break
    os._exit(0)


class Namespace(dict[str, Any]):
    """A test's globals; names that nothing here binds are the program's."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(__name__="__main__", __builtins__=builtins)
        self._peer = peer

    def __missing__(self, name: str) -> Any:
        if name in vars(builtins):
            raise KeyError(name)
        value = self.fetch(name)
        if isinstance(value, ProgramObject):
            self[name] = value
        return value

    def fetch(self, name: str) -> Any:
        """What a name is in the program: a value, or a reference to a function or a class."""
        return self._peer.request("name", name)


def _verdict(text: str, entry_point: str | None, peer: Peer) -> tuple[str, str]:
    """Run one test; returns its status and why."""
    try:
        namespace = Namespace(peer)
        harness.run_test(text, entry_point, namespace, namespace.fetch)
    except names.UnusableTestError as error:
        found = "unsupported", str(error)
    except CodecError as error:
        found = "wrong", str(error)
    except (wire.BrokenPeerError, ProgramGone) as error:
        return "gone", str(error)
    except AssertionError as error:
        found = "wrong", f"assertion failed{_at(error)}" + (f": {error}" if str(error) else "")
    except BaseException as error:
        found = _failure(error, peer, text)
    else:
        found = "pass", ""
    return peer.fault or found


def _failure(error: BaseException, peer: Peer, text: str) -> tuple[str, str]:
    """An exception that is the program's, or one that its values caused in the test."""
    reason = f"{type(error).__name__}: {error}{_at(error)}"
    if error is peer.raised:
        return "runtime_error", reason
    if isinstance(error, ImportError) and error.name in names.imported(ast.parse(text)):
        return "unsupported", f"the test imports what is not there: {error}"
    return "wrong", reason


def _at(error: BaseException) -> str:
    """Where in the test it was raised."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == harness.FILE_NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f" at line {line} of the test"

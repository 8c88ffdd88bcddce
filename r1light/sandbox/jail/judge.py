"""The test's side of a function test: runs its statements, the program's names standing for remote objects.

The verdict goes to a pipe that the program does not have, one line a test, after the test's last statement. A
reply that is malformed, or none, fails the test.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
from typing import Any, NoReturn

from r1light.sandbox.jail import harness, remote_object, runner, wire
from r1light.sandbox.jail.codec import CodecError

_VERDICTS = 5


def judge(source: bytes, first: int, limit: int) -> NoReturn:
    """Run the tests from `first` on, in order, until one fails; write a verdict for each.

    Args:
        source: JSON: `tests`, the source texts, and `entry_point`.
        first: The index of the first test to run.
        limit: The most bytes of a message.
    """
    runner.prepare("__main__")
    document = json.loads(source)
    peer = remote_object.Peer(limit)
    for text in document["tests"][first:]:
        status, detail = _verdict(text, document["entry_point"], peer)
        os.write(_VERDICTS, json.dumps({"status": status, "detail": detail[:300]}).encode() + b"\n")
        if status != "pass":
            break
    os._exit(0)


class Namespace(dict[str, Any]):
    """A test's globals; names that nothing here binds are the program's."""

    def __init__(self, peer: remote_object.Peer) -> None:
        super().__init__(__name__="__main__", __builtins__=builtins)
        self._peer = peer

    def __missing__(self, name: str) -> Any:
        if name in vars(builtins):
            raise KeyError(name)
        value = self.fetch(name)
        if isinstance(value, remote_object.ProgramObject):
            self[name] = value
        return value

    def fetch(self, name: str) -> Any:
        """What a name is in the program: a value, or a reference to a function or a class."""
        return self._peer.request("name", name)


def _verdict(text: str, entry_point: str | None, peer: remote_object.Peer) -> tuple[str, str]:
    """Run one test; returns its status and why."""
    try:
        namespace = Namespace(peer)
        harness.run_test(text, entry_point, namespace, namespace.fetch)
    except harness.UnusableTestError as error:
        return "unsupported", str(error)
    except CodecError as error:
        return ("unsupported" if peer.sending else "wrong"), str(error)
    except (wire.BrokenPeerError, remote_object.ProgramGone) as error:
        return "gone", str(error)
    except AssertionError as error:
        return "wrong", f"assertion failed{_at(error)}" + (f": {error}" if str(error) else "")
    except BaseException as error:
        return _failure(error, peer, text)
    return "pass", ""


def _failure(error: BaseException, peer: remote_object.Peer, text: str) -> tuple[str, str]:
    """An exception that is the program's, or one that its values caused in the test."""
    reason = f"{type(error).__name__}: {error}{_at(error)}"
    if error is peer.raised:
        return "runtime_error", reason
    if isinstance(error, ImportError) and error.name in harness.imported(ast.parse(text)):
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

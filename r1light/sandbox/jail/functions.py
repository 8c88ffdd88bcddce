"""The program's side of a function test: runs the program, then answers calls that come over a pipe.

All that a program can do to this side is to say what its functions return. What is compared, and with what,
is in another process (see judge.py).
"""

from __future__ import annotations

import builtins
import operator
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NoReturn

from r1light.sandbox.jail import runner, wire
from r1light.sandbox.jail.codec import ALL_NAMES, DATA_TYPES, Decoder, Encoder

_REQUESTS, _REPLIES = 3, 4

_MUTABLE = (list, dict, set, bytearray)

_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "get": getattr,
    "set": setattr,
    "item": operator.getitem,
    "put": operator.setitem,
    "in": operator.contains,
    "len": len,
    "iter": iter,
    "next": next,
    "str": str,
    "repr": repr,
    "bool": bool,
    "int": int,
    "float": float,
}
"""What a test may do with an object of the program's besides calling it. No comparison is among them."""


def serve(source: bytes, limit: int) -> NoReturn:
    """Run the program's definitions, then answer requests until the other side closes.

    Args:
        source: The program.
        limit: The most bytes of a message.
    """
    module = runner.prepare("program")
    status = runner.execute(source, module)
    sys.stderr.flush()
    if status is None:
        try:
            _Objects(module).serve(limit)
        except wire.BrokenPeerError:
            status = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
    os._exit(1 if status is None else status)


class _Objects:
    """The program's objects that the other side knows, by number."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}  # id() to position; `objects` keeps the ids taken
        self.encoder = Encoder(self._refer, DATA_TYPES)
        self.decoder = Decoder(self.objects.__getitem__, ALL_NAMES)

    def serve(self, limit: int) -> None:
        while True:
            request = wire.read_frame(_REQUESTS, limit)
            try:
                reply = self._answer(*request)
                wire.write_frame(_REPLIES, reply, limit)
            except (wire.BrokenPeerError, SystemExit, KeyboardInterrupt, GeneratorExit):
                raise
            except MemoryError:
                os.write(2, b"MemoryError")
                os._exit(runner.EXIT_MEMORY)
            except BaseException as error:
                wire.write_frame(_REPLIES, _failure(error), limit)

    def _refer(self, value: Any) -> int:
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return self.numbers[id(value)]

    def _answer(self, name: str, target: Any, arguments: list[Any], keywords: dict[str, Any]) -> list[Any]:
        if name == "name":
            if target not in self.module.__dict__:
                raise NameError(f"name {target!r} is not defined")
            return ["value", self.encoder.encode(self.module.__dict__[target]), []]
        target = self.decoder.decode(target)
        given = [self.decoder.decode(one) for one in arguments]
        named = {key: self.decoder.decode(value) for key, value in keywords.items()}
        result = target(*given, **named) if name == "call" else _OPERATIONS[name](target, *given)
        sent = [(one, data) for one, data in zip(given, arguments, strict=True)]
        sent += [(named[key], keywords[key]) for key in keywords]
        return ["value", self.encoder.encode(result), self._changed(sent)]

    def _changed(self, sent: list[tuple[Any, Any]]) -> list[Any]:
        """Positions and contents of the arguments that a call has changed in place."""
        changed = []
        for position, (value, before) in enumerate(sent):
            if type(value) in _MUTABLE and (after := self.encoder.encode(value)) != before:
                changed.append([position, after])
        return changed


def _failure(error: BaseException) -> list[Any]:
    """An exception as the nearest built-in one, and its text."""
    for kind in type(error).__mro__:
        if issubclass(kind, Exception) and vars(builtins).get(kind.__name__) is kind:
            try:
                text = str.__str__(str(error))[:1000]
            except Exception:
                text = ""
            return ["error", kind.__name__, text, type(error).__name__[:100]]
    raise error

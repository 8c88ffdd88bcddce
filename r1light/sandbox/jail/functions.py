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
from r1light.sandbox.jail.codec import (
    ALL_NAMES,
    DATA_TYPES,
    Decoder,
    Encoder,
    contents,
    mutables,
    unchanged,
)

_REQUESTS, _REPLIES = 3, 4

_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "get": getattr,
    "set": setattr,
    "item": operator.getitem,
    "put": operator.setitem,
    "in": operator.contains,
    "isinstance": lambda kind, one: isinstance(one, kind),
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
        self.errors: list[Any] = []  # classes of exceptions that the other side is still to be told of
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
                wire.write_frame(_REPLIES, self._failure(error), limit)

    def _refer(self, value: Any) -> int:
        if id(value) not in self.numbers:
            bases = self._bases(value) if isinstance(value, type) and issubclass(value, Exception) else None
            self.numbers[id(value)] = number = len(self.objects)
            self.objects.append(value)
            if bases is not None:
                self.errors.append([number, value.__name__[:100], bases])
        return self.numbers[id(value)]

    def _bases(self, kind: type[Any]) -> list[Any]:
        """The bases of a class of exceptions: numbers, or the names of built-in ones."""
        bases = [base for base in kind.__bases__ if issubclass(base, Exception)]
        return [base.__name__ if _is_built_in(base) else self._refer(base) for base in bases]

    def _told(self) -> list[Any]:
        told, self.errors = self.errors, []
        return told

    def _answer(self, name: str, target: Any, arguments: list[Any], keywords: dict[str, Any]) -> list[Any]:
        if name == "name":
            if target not in self.module.__dict__:
                raise NameError(f"name {target!r} is not defined")
            return ["value", self.encoder.encode(self.module.__dict__[target]), [], self._told()]
        target = self.decoder.decode(target)
        given = [self.decoder.decode(one) for one in arguments]
        named = {key: self.decoder.decode(value) for key, value in keywords.items()}
        passed = mutables([*given, *named.values()])
        before = [contents(one) for one in passed]
        result = target(*given, **named) if name == "call" else _OPERATIONS[name](target, *given)
        self.encoder.marks = {id(one): index for index, one in enumerate(passed)}
        try:
            changed = []
            for index, (one, held) in enumerate(zip(passed, before, strict=True)):
                if not unchanged(held, after := contents(one)):
                    changed.append([index, self.encoder.encode(after)])
            return ["value", self.encoder.encode(result), changed, self._told()]
        finally:
            self.encoder.marks = {}

    def _failure(self, error: BaseException) -> list[Any]:
        """An exception as the nearest built-in one, its text, and its class where that is the program's."""
        for kind in type(error).__mro__:
            if issubclass(kind, Exception) and _is_built_in(kind):
                own = None if kind is type(error) else self._refer(type(error))
                return ["error", kind.__name__, _text(error), own, self._told()]
        raise error


def _is_built_in(kind: type[Any]) -> bool:
    return vars(builtins).get(kind.__name__) is kind


def _text(error: BaseException) -> str:
    try:
        shown = error.args[0] if isinstance(error, KeyError) and len(error.args) == 1 else error
        return str.__str__(str(shown))[:1000]
    except Exception:
        return ""

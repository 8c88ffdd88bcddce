"""The connection to the program: what a test asks of it, and what comes back."""

from __future__ import annotations

import builtins
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

from r1light.sandbox.jail import wire
from r1light.sandbox.jail.codec import (
    ALL_NAMES,
    DATA_TYPES,
    MAX_DEPTH,
    CodecError,
    Decoder,
    Encoder,
    mutables,
    refill,
)
from r1light.sandbox.jail.remote_object import ProgramError, ProgramObject, number_of

_REPLIES, _REQUESTS = 3, 4

_OF_DATA = frozenset(
    name
    for kind in (*DATA_TYPES.values(), Counter, Decimal, Fraction, OrderedDict, defaultdict, deque)
    for name in dir(kind)
)

_STOPS = (StopIteration, StopAsyncIteration)


class ProgramGone(BaseException):
    """The program has ended; not an Exception, so that no test catches it by the way."""


class UnsendableError(CodecError):
    """A value of the test's that cannot be handed to the program."""


class Peer:
    """The connection to the program.

    Attributes:
        raised: The last exception that came from the program.
        fault: Why the test cannot go on, whatever it catches: a status and a reason.
    """

    def __init__(self, limit: int) -> None:
        self.raised: BaseException | None = None
        self.fault: tuple[str, str] | None = None
        self._limit = limit
        self._known: dict[int, Any] = {}
        self._own: set[int] = set()  # what the test calls by name: a function of the program's, or a method
        self._classes: set[int] = set()
        self._trusted: set[int] = set()
        self._encoder = Encoder(
            self._refer, ALL_NAMES, 2 * MAX_DEPTH
        )  # a test may wrap what the program returned
        self._decoder = Decoder(self._resolve, DATA_TYPES)

    def request(self, name: str, target: Any, *arguments: Any, **keywords: Any) -> Any:
        """Have the program do something, and return the result.

        Raises:
            CodecError: If a value cannot cross.
            ProgramGone: If the program has ended.
            Exception: What the program raised, as the nearest built-in exception.
        """
        sent, given, named = self._sendable(name, target, arguments, keywords)
        passed, known = mutables([*arguments, *keywords.values()]), len(self._known)
        try:
            wire.write_frame(_REQUESTS, [name, sent, given, named], self._limit)
            reply = wire.read_frame(_REPLIES, self._limit)
        except wire.BrokenPeerError as error:
            raise ProgramGone(str(error)) from error
        if type(reply) is list and len(reply) == 4 and reply[0] == "value":
            self._learn(reply[3])
            result = self._received(reply[1], reply[2], passed)
            self._place(name, target, arguments, result, is_new=len(self._known) > known)
            return result
        raise self._exception(reply, name)

    def trusts(self, number: int) -> bool:
        """Whether the test named that object, or made it from a class: it is what the test is about."""
        return number in self._trusted

    def _sendable(self, name: str, target: Any, arguments: Any, keywords: Any) -> tuple[Any, list[Any], Any]:
        """The request's values as they cross.

        What the test itself hands to a function of the program's by name is the test's fault, whatever the
        program. What it hands to anything else may be there by the program's doing alone.
        """
        try:
            sent = target if name == "name" else self._encoder.encode(target)
            given = [self._encoder.encode(one) for one in arguments]
            return sent, given, {key: self._encoder.encode(value) for key, value in keywords.items()}
        except UnsendableError as error:
            own = name == "set" or (name == "call" and number_of(target) in self._own)
            self.fault = self.fault or ("unsupported" if own else "wrong", str(error))
            raise

    def _received(self, data: Any, changed: Any, passed: list[Any]) -> Any:
        """A result; arguments that the call changed in place, and what is in them, get their new contents."""
        self._decoder.marked = passed
        try:
            result = self._decoder.decode(data)
            if type(changed) is not list or any(type(one) is not list or len(one) != 2 for one in changed):
                raise CodecError("a malformed reply")
            filled = [
                (self._decoder.decode(["m", index]), self._decoder.decode(one)) for index, one in changed
            ]
            for target, items in filled:
                if type(items) is not list:
                    raise CodecError("a malformed reply")
                refill(target, items)
        except (TypeError, ValueError) as error:
            raise CodecError("a malformed reply") from error
        finally:
            self._decoder.marked = ()
        return result

    def _place(self, name: str, target: Any, arguments: Any, result: Any, *, is_new: bool) -> None:
        """Note how the test came by an object."""
        if type(result) is not ProgramObject:
            return
        number = number_of(result)
        if name == "name":
            self._own.add(number)
            self._trusted.add(number)
            if target[:1].isupper():
                self._classes.add(number)
            return
        if name == "get" and arguments[0] not in _OF_DATA:
            self._own.add(number)
        if name == "call" and is_new and number_of(target) in self._classes:
            self._trusted.add(number)
        else:
            self._trusted.discard(number)  # a method may return its object in place of an answer

    def _learn(self, classes: Any) -> None:
        """Make classes of exceptions for those of the program's."""
        for one in classes if type(classes) is list else [None]:
            if (
                type(one) is not list
                or [type(part) for part in one] != [int, str, list]
                or one[0] in self._known
            ):
                raise ProgramGone("a malformed reply")
            number, name, bases = one
            kinds = [self._known.get(base) if type(base) is int else _built_in(base) for base in bases]
            known = tuple(kind for kind in kinds if isinstance(kind, type))
            names = {"_peer": self, "_number": number}
            try:
                self._known[number] = ProgramError(name, known or (Exception,), names)
            except (TypeError, ValueError):  # bases that do not go together, or no name
                self._known[number] = ProgramError("Exception", (Exception,), names)

    def _exception(self, reply: Any, name: str) -> BaseException:
        if type(reply) is not list or len(reply) != 5 or reply[0] != "error" or type(reply[2]) is not str:
            return ProgramGone("a malformed reply")
        kind, text = _built_in(reply[1]), reply[2]
        if kind is None:
            return ProgramGone("a malformed reply")
        self._learn(reply[4])
        own = self._known.get(reply[3]) if type(reply[3]) is int else None
        if issubclass(kind, _STOPS) and name != "next":  # what iterates over calls would take it for the end
            self.raised = RuntimeError(f"the program raised {kind.__name__}")
        elif type(own) is ProgramError:
            self.raised = _raised(own, text)
        else:
            try:
                self.raised = kind(text)
            except TypeError:  # such as UnicodeDecodeError, which needs more than a text
                self.raised = Exception(text)
        return self.raised

    def _refer(self, value: Any) -> int:
        if value is ProgramObject:
            raise TypeError("the type of an object of the program's is no value")
        if type(value) is not ProgramObject and type(value) is not ProgramError:
            raise UnsendableError(f"a {type(value).__name__} cannot be handed to the program")
        return number_of(value)

    def _resolve(self, number: int) -> Any:
        if number not in self._known:
            self._known[number] = ProgramObject(self, number)
        return self._known[number]


def _raised(kind: Any, text: str) -> BaseException:
    """An exception of a class that stands for the program's, which when called would make one there."""
    error: BaseException = kind.__new__(kind, text)
    return error


def _built_in(name: Any) -> type[Exception] | None:
    """A built-in class of exceptions."""
    kind = vars(builtins).get(name) if type(name) is str else None
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else None

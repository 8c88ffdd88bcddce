"""The program's objects as a test sees them: proxies that ask the program, and compare by identity."""

from __future__ import annotations

import builtins
from typing import Any, TypeVar

from r1light.sandbox.jail import wire
from r1light.sandbox.jail.codec import ALL_NAMES, DATA_TYPES, MAX_DEPTH, CodecError, Decoder, Encoder

_T = TypeVar("_T")

_REPLIES, _REQUESTS = 3, 4

MAX_ITEMS = 1_000_000
"""Items that one iterator of the program's may yield to a test."""


class ProgramGone(BaseException):
    """The program has ended; not an Exception, so that no test catches it by the way."""


class Peer:
    """The connection to the program.

    Attributes:
        raised: The last exception that came from the program.
        sending: Whether a value on its way to the program is at fault, rather than one that came back.
    """

    def __init__(self, limit: int) -> None:
        self.raised: BaseException | None = None
        self.sending = False
        self._limit = limit
        self._known: dict[int, ProgramObject] = {}
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
        self.sending = True
        sent = target if name == "name" else self._encoder.encode(target)
        given = [self._encoder.encode(one) for one in arguments]
        named = {key: self._encoder.encode(value) for key, value in keywords.items()}
        self.sending = False
        try:
            wire.write_frame(_REQUESTS, [name, sent, given, named], self._limit)
            reply = wire.read_frame(_REPLIES, self._limit)
        except wire.BrokenPeerError as error:
            raise ProgramGone(str(error)) from error
        if type(reply) is list and len(reply) == 3 and reply[0] == "value":
            self._copy_back([*arguments, *keywords.values()], reply[2])
            return self._decoder.decode(reply[1])
        raise self._exception(reply)

    def _exception(self, reply: Any) -> BaseException:
        if type(reply) is not list or len(reply) != 4 or reply[0] != "error" or type(reply[1]) is not str:
            return ProgramGone("a malformed reply")
        kind = vars(builtins).get(reply[1])
        if not isinstance(kind, type) or not issubclass(kind, Exception):
            return ProgramGone("a malformed reply")
        text = reply[2] if type(reply[2]) is str else ""
        try:
            self.raised = kind(text)
        except TypeError:  # such as UnicodeDecodeError, which needs more than a text
            self.raised = Exception(text)
        return self.raised

    def _copy_back(self, arguments: list[Any], changed: Any) -> None:
        """Give lists, dicts, sets and bytearrays the contents that the call left in them."""
        if type(changed) is not list:
            raise CodecError("a malformed reply")
        for item in changed:
            if type(item) is not list or len(item) != 2 or type(item[0]) is not int:
                raise CodecError("a malformed reply")
            target: Any = arguments[item[0]] if 0 <= item[0] < len(arguments) else None
            value: Any = self._decoder.decode(item[1])
            if type(value) is not type(target):
                raise CodecError("a malformed reply")
            if isinstance(target, list | bytearray):
                target[:] = value
            elif isinstance(target, dict | set):
                target.clear()
                target.update(value)

    def _refer(self, value: Any) -> int:
        if value is ProgramObject:
            raise TypeError("the type of an object of the program's is no value")
        if type(value) is not ProgramObject:
            raise CodecError(f"a {type(value).__name__} cannot be handed to the program")
        number: int = object.__getattribute__(value, "_number")
        return number

    def _resolve(self, number: int) -> ProgramObject:
        if number not in self._known:
            self._known[number] = ProgramObject(self, number)
        return self._known[number]


class ProgramObject:
    """An object of the program's: a function, a class, an instance, an iterator.

    Comparisons are left out on purpose: what the program's own `==` says must not decide a test.
    """

    __slots__ = ("_number", "_peer")

    def __init__(self, peer: Peer, number: int) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call it in the program."""
        return _peer(self).request("call", self, *arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        return _peer(self).request("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _peer(self).request("set", self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return _peer(self).request("item", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _peer(self).request("put", self, key, value)

    def __contains__(self, item: Any) -> bool:
        return _exact(_peer(self).request("in", self, item), bool)

    def __len__(self) -> int:
        return _exact(_peer(self).request("len", self), int)

    def __iter__(self) -> Any:
        iterator = _peer(self).request("iter", self)
        if type(iterator) is not ProgramObject:
            raise TypeError("the program's iterator is none")
        for _ in range(MAX_ITEMS):
            try:
                yield _peer(self).request("next", iterator)
            except StopIteration:
                return
        raise CodecError(f"an iterator of more than {MAX_ITEMS} items")

    def __next__(self) -> Any:
        return _peer(self).request("next", self)

    def __bool__(self) -> bool:
        return _exact(_peer(self).request("bool", self), bool)

    def __int__(self) -> int:
        return _exact(_peer(self).request("int", self), int)

    def __float__(self) -> float:
        return _exact(_peer(self).request("float", self), float)

    def __str__(self) -> str:
        return _exact(_peer(self).request("str", self), str)

    def __repr__(self) -> str:
        return _exact(_peer(self).request("repr", self), str)


def _peer(value: ProgramObject) -> Peer:
    peer: Peer = object.__getattribute__(value, "_peer")
    return peer


def _exact(value: Any, kind: type[_T]) -> _T:
    """What a protocol of the language demands, whatever the program says."""
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, not {type(value).__name__}")
    return value

"""The program's objects as a test sees them: proxies that ask the program, and compare by identity.

What a test expects must not reach an object that a function returned and that answers for itself: it would
say yes to everything. So `in` goes through such an object's items here, and the methods by which built-in
containers and texts are asked about a value are not there. An object that the test names, or has made from a
class (a name with a capital), is asked: that is what such a test is about.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from r1light.sandbox.jail.codec import CodecError

_T = TypeVar("_T")

MAX_ITEMS = 1_000_000
"""Items that one iterator of the program's may yield to a test."""


_JUDGING = frozenset(
    [
        "count",
        "endswith",
        "find",
        "index",
        "isdisjoint",
        "issubset",
        "issuperset",
        "rfind",
        "rindex",
        "startswith",
    ]
)
"""Methods of built-in values that are handed what a test expects, and say whether it is so."""


class Asks(Protocol):
    """What asks the program; see peer.Peer."""

    def request(self, name: str, target: Any, *arguments: Any, **keywords: Any) -> Any:
        """Have the program do something, and return the result."""
        ...

    def trusts(self, number: int) -> bool:
        """Whether the test named or made that object itself."""
        ...


class ProgramObject:
    """An object of the program's: a function, a class, an instance, an iterator.

    Comparisons are left out on purpose: what the program's own `==` says must not decide a test.
    """

    __slots__ = ("_number", "_peer")

    def __init__(self, peer: Asks, number: int) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call it in the program."""
        return _peer(self).request("call", self, *arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        if name in _JUDGING and not _peer(self).trusts(number_of(self)):
            raise AttributeError(f"an object of the program's is not asked for {name!r}")
        return _peer(self).request("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _peer(self).request("set", self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return _peer(self).request("item", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _peer(self).request("put", self, key, value)

    def __contains__(self, item: Any) -> bool:
        if _peer(self).trusts(number_of(self)):
            return _exact(_peer(self).request("in", self, item), bool)
        return any(one is item or one == item for one in self)

    def __instancecheck__(self, instance: Any) -> bool:
        """Whether another object of the program's is of this class."""
        if type(instance) is not ProgramObject:
            return False
        return _exact(_peer(self).request("isinstance", self, instance), bool)

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


class ProgramError(type):
    """The class of classes that stand for the program's exceptions, for a test to catch.

    Called, such a class makes an object in the program.
    """

    _peer: Asks
    _number: int

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        """Make one in the program."""
        return cls._peer.request("call", cls, *arguments, **keywords)

    def __instancecheck__(cls, instance: Any) -> bool:
        if type(instance) is ProgramObject:
            return _exact(cls._peer.request("isinstance", cls, instance), bool)
        return type.__instancecheck__(cls, instance)


def number_of(value: Any) -> int:
    """The number by which the program knows an object, or a class of exceptions."""
    number: int = object.__getattribute__(value, "_number") if type(value) is ProgramObject else value._number
    return number


def _peer(value: ProgramObject) -> Asks:
    peer: Asks = object.__getattribute__(value, "_peer")
    return peer


def _exact(value: Any, kind: type[_T]) -> _T:
    """What a protocol of the language demands, whatever the program says."""
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, not {type(value).__name__}")
    return value

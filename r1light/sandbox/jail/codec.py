"""Values between a function and its test: JSON in, exact built-in values out.

Nothing but data crosses: no pickle, no class of the program's. A subclass of a built-in is sent as the
built-in, so that a list whose `==` is always true arrives as a plain list; any other object becomes a
reference, whose `==` is identity. Text, booleans, None and small integers are JSON's own; everything else is
an array that begins with a tag:

    ["i", "-0x1f"] integer         ["f", "0x1.8p+1"] float       ["c", re, im] complex
    ["l", ...] list                ["t", ...] tuple              ["q", ...] deque
    ["s", ...] set                 ["z", ...] frozenset          ["d", [key, value], ...] dict
    ["od", ...], ["cn", ...] OrderedDict, Counter                ["b", hex], ["y", hex] bytes, bytearray
    ["dd", name, [key, value], ...] defaultdict, the built-in type that makes what is missing by its name
    ["k", ...], ["v", ...], ["kv", [key, value], ...] a dict's keys, values, items
    ["r", start, stop, step]       ["sl", start, stop, step] slice
    ["n", "1.50"] Decimal          ["/", above, below] Fraction
    ["at", kind, ...] date, time, datetime, timedelta            ["u", name] a built-in function or type
    ["o", id] a reference          ["m", index] an argument of the call, or what is in one
    ["...",] Ellipsis
"""

from __future__ import annotations

import builtins
import datetime
import operator
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from types import BuiltinFunctionType
from typing import Any

MAX_DEPTH = 200
_SMALL = 1 << 53

_SEQUENCES: Mapping[str, type[Any]] = {"l": list, "t": tuple, "q": deque, "s": set, "z": frozenset}
_MAPPINGS: Mapping[str, type[Any]] = {"od": OrderedDict, "cn": Counter, "d": dict}
_WHOLES: Mapping[str, tuple[type[Any], Callable[[Any], Iterable[Any]]]] = {
    "k": (type({}.keys()), iter),
    "v": (type({}.values()), iter),
    "kv": (type({}.items()), iter),
    "sl": (slice, lambda value: (value.start, value.stop, value.step)),
}
_MUTABLE = (list, deque, dict, set, bytearray)
_MOMENTS: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {
    "datetime": (
        datetime.datetime, ("year", "month", "day", "hour", "minute", "second", "microsecond", "fold"),
    ),
    "date": (datetime.date, ("year", "month", "day")),
    "time": (datetime.time, ("hour", "minute", "second", "microsecond", "fold")),
    "timedelta": (datetime.timedelta, ("days", "seconds", "microseconds")),
}  # fmt: skip


DATA_TYPES: Mapping[str, Any] = {
    kind.__name__: kind
    for kind in (
        bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range,
    )
}  # fmt: skip
"""Built-in names that a program may send. Not `exec` or `open`: a test that calls what it was given would run
them on its own side."""

ALL_NAMES: Mapping[str, Any] = vars(builtins)
"""Built-in names that a test may send."""


class CodecError(Exception):
    """A value that cannot cross, or a message that is none."""


class Encoder:
    """Turns values into JSON's types.

    Args:
        refer: Returns the id of an object that is sent as a reference; raises CodecError where none may be.
        names: The built-in functions and types that are sent by name.
        max_depth: The deepest nesting that may cross.

    Attributes:
        marks: By `id`, objects that the other side has already, and their indices there.
    """

    def __init__(
        self, refer: Callable[[Any], int], names: Mapping[str, Any], max_depth: int = MAX_DEPTH
    ) -> None:
        self._refer, self._names = refer, names
        self._max_depth = max_depth
        self.marks: Mapping[int, int] = {}

    def encode(self, value: Any, depth: int = 0) -> Any:
        """The value in JSON's types.

        Raises:
            CodecError: If it is nested too deep, or cannot cross.
        """
        if depth > self._max_depth:
            raise CodecError(f"a value nested deeper than {self._max_depth}")
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if issubclass(kind, (int, float, str, complex, bytes, bytearray)):
            return self._scalar(value)
        if (mark := self._mark(value)) is not None:
            return mark
        for tag, container in _SEQUENCES.items():
            if issubclass(kind, container):
                return [tag, *(self.encode(item, depth + 1) for item in container.__iter__(value))]
        for tag, container in _MAPPINGS.items():
            if kind is container or (tag == "d" and issubclass(kind, dict)):
                return self._mapping(tag, value, depth)
        return self._whole(value, kind, depth)

    def _whole(self, value: Any, kind: type[Any], depth: int) -> Any:
        for tag, (whole, parts) in _WHOLES.items():
            if kind is whole:
                return [tag, *(self.encode(one, depth + 1) for one in parts(value))]
        return self._other(value, kind)

    def _mark(self, value: Any) -> list[Any] | None:
        index = self.marks.get(id(value)) if self.marks else None
        return None if index is None else ["m", index]

    def _mapping(self, tag: str, value: Any, depth: int) -> Any:
        pairs = ([self.encode(one, depth + 1) for one in pair] for pair in dict.items(value))
        if type(value) is defaultdict:
            factory = value.default_factory
            if factory is None or factory in DATA_TYPES.values():
                return ["dd", getattr(factory, "__name__", None), *pairs]
        return [tag, *pairs]

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, int):
            number = int.__index__(value)
            return number if -_SMALL < number < _SMALL else ["i", hex(number)]
        if isinstance(value, float):
            return ["f", float.hex(value)]
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, complex):
            return ["c", float.hex(value.real), float.hex(value.imag)]
        if isinstance(value, bytes):
            return ["b", bytes(memoryview(value)).hex()]
        return self._mark(value) or ["y", bytes(memoryview(value)).hex()]

    def _other(self, value: Any, kind: type[Any]) -> Any:
        if kind is range:
            return ["r", hex(value.start), hex(value.stop), hex(value.step)]
        if kind is Decimal:
            return ["n", str(value)]
        if kind is Fraction:
            return ["/", hex(value.numerator), hex(value.denominator)]
        for name, (moment, fields) in _MOMENTS.items():
            if kind is moment and getattr(value, "tzinfo", None) is None:
                return ["at", name, *(getattr(value, field) for field in fields)]
        if value is Ellipsis:
            return ["..."]
        if isinstance(value, type | BuiltinFunctionType):
            name = value.__name__
            if self._names.get(name) is value:
                return ["u", name]
        return ["o", self._refer(value)]


class Decoder:
    """Turns JSON's types into values, exact built-in ones.

    Args:
        resolve: Returns what a reference's id stands for.
        names: The built-in functions and types that may come by name.

    Attributes:
        marked: What the other side's marks stand for.
    """

    def __init__(self, resolve: Callable[[int], Any], names: Mapping[str, Any]) -> None:
        self._resolve, self._names = resolve, names
        self.marked: Sequence[Any] = ()

    def decode(self, data: Any, depth: int = 0) -> Any:
        """The value.

        Raises:
            CodecError: If the data are in no form that the encoder writes.
        """
        if data is None or type(data) in (bool, int, str):
            return data
        if depth > MAX_DEPTH or type(data) is not list or not data or type(data[0]) is not str:
            raise CodecError("a malformed value")
        tag, *items = data
        try:
            if tag in _SEQUENCES:
                return _SEQUENCES[tag](self.decode(item, depth + 1) for item in items)
            if tag in _MAPPINGS or tag == "dd":
                return self._mapping(tag, items, depth)
            if tag in _PARTS:
                return _PARTS[tag]([self.decode(item, depth + 1) for item in items])
            return self._by_name(tag, items)
        except (KeyError, TypeError, ValueError, IndexError, ArithmeticError, AttributeError) as error:
            raise CodecError(f"a malformed value: {type(error).__name__}") from error

    def _by_name(self, tag: str, items: list[Any]) -> Any:
        if tag == "o" and type(items[0]) is int:
            return self._resolve(items[0])
        if tag == "m" and type(items[0]) is int and items[0] >= 0:
            return self.marked[items[0]]
        if tag == "u":
            return self._names[items[0]]
        return _LEAVES[tag](*items)

    def _mapping(self, tag: str, items: list[Any], depth: int) -> Any:
        if tag == "dd":
            factory = None if items[0] is None else DATA_TYPES[items[0]]
            return defaultdict(factory, self._mapping("d", items[1:], depth))
        pairs = [(self.decode(key, depth + 1), self.decode(value, depth + 1)) for key, value in items]
        if tag == "cn":  # Counter(pairs) would count the pairs
            return Counter(dict(pairs))
        return _MAPPINGS[tag](pairs)


def _moment(name: str, *fields: int) -> Any:
    if any(type(field) is not int for field in fields):
        raise ValueError
    moment, names = _MOMENTS[name]
    return moment(**dict(zip(names, fields, strict=True)))


_PARTS: Mapping[str, Callable[[list[Any]], Any]] = {
    "k": lambda items: dict.fromkeys(items).keys(),
    "v": lambda items: dict(enumerate(items)).values(),
    "kv": lambda items: dict(items).items(),
    "sl": lambda items: slice(*items),
}


def _integer(text: str) -> int:
    return int(text, 16)


_LEAVES: Mapping[str, Callable[..., Any]] = {
    "i": _integer,
    "f": float.fromhex,
    "c": lambda real, imaginary: complex(float.fromhex(real), float.fromhex(imaginary)),
    "b": bytes.fromhex,
    "y": bytearray.fromhex,
    "r": lambda start, stop, step: range(_integer(start), _integer(stop), _integer(step)),
    "n": lambda text: Decimal(str.__str__(text)),
    "/": lambda above, below: Fraction(_integer(above), _integer(below)),
    "at": _moment,
    "...": lambda: Ellipsis,
}


def mutables(values: Iterable[Any]) -> list[Any]:
    """What in these values can be changed in place, at any depth, in an order that both sides share."""
    found = []
    for value in values:
        if isinstance(value, _MUTABLE):
            found.append(value)
        if isinstance(value, list | tuple | deque):
            found += mutables(value)
        elif isinstance(value, dict):
            found += mutables(dict.values(value))
    return found


def contents(value: Any) -> list[Any]:
    """What is in one of them: items; of a dict its keys, then its values; of a bytearray its numbers."""
    return [*dict.keys(value), *dict.values(value)] if isinstance(value, dict) else list(value)


def unchanged(before: list[Any], after: list[Any]) -> bool:
    """Whether contents are the very same objects."""
    return len(before) == len(after) and all(map(operator.is_, before, after))


def refill(target: Any, items: list[Any]) -> None:
    """Give it these contents.

    Raises:
        TypeError: If it cannot have them.
    """
    if isinstance(target, bytearray):
        target[:] = bytes(items)
        return
    if isinstance(target, dict):
        half = len(items) // 2
        filled = dict(zip(items[:half], items[half:], strict=True))
        dict.clear(target)
        dict.update(target, filled)
    elif isinstance(target, set):
        filled_set = set(items)
        target.clear()
        target.update(filled_set)
    else:
        target.clear()
        target.extend(items)

"""What a test runs of what a program returned: plain expressions, and nothing else.

`eval`, `exec` and unpickling would run the program's text beside the verdict. A text that stands in the test
itself is run as ever.
"""

from __future__ import annotations

import ast
import builtins
import io
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from types import CodeType
from typing import Any

from r1light.sandbox.jail.codec import DATA_TYPES
from r1light.sandbox.jail.names import UnusableTestError
from r1light.sandbox.jail.remote_object import ProgramObject

_FUNCTIONS = {
    kind.__name__: kind
    for kind in (
        abs,
        all,
        any,
        bin,
        chr,
        divmod,
        hex,
        len,
        max,
        min,
        oct,
        ord,
        pow,
        reversed,
        round,
        sorted,
        sum,
    )
} | dict(DATA_TYPES)

_PLAIN = (
    ast.Expression, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.List,
    ast.Tuple, ast.Set, ast.Dict, ast.Subscript, ast.Slice, ast.Call, ast.Name, ast.Load, ast.operator,
    ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip

_LOADABLE = (
    *DATA_TYPES.values(), Counter, Decimal, Fraction, OrderedDict, date, datetime, defaultdict, deque, time,
    timedelta,
)  # fmt: skip


class ForeignTextError(BaseException):
    """A text of the program's that is no plain expression; not an Exception, so that no test catches it."""


def guarded_builtins(tree: ast.Module) -> dict[str, Any]:
    """The built-in names as a test sees them.

    Args:
        tree: The test; texts that stand in it are its own.
    """
    own = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    def is_own(source: Any) -> bool:
        return isinstance(source, CodeType) or (isinstance(source, str | bytes) and source in own)

    def eval(source: Any, globals: Any = None, locals: Any = None, /) -> Any:
        names, local = _scope(globals, locals)
        return builtins.eval(source, names, local) if is_own(source) else evaluate(source, {**names, **local})

    def exec(source: Any, globals: Any = None, locals: Any = None, /, **options: Any) -> None:
        if not is_own(source):
            raise UnusableTestError("the test runs a text that does not stand in it")
        builtins.exec(source, *_scope(globals, locals), **options)

    def compile(source: Any, *arguments: Any, **options: Any) -> Any:
        if not is_own(source):
            raise UnusableTestError("the test compiles a text that does not stand in it")
        return builtins.compile(source, *arguments, **options)

    return {**vars(builtins), "eval": eval, "exec": exec, "compile": compile}


def evaluate(source: Any, names: dict[str, Any]) -> Any:
    """The value of a plain expression: operators, literals, indices, and calls of pure built-in functions.

    Args:
        source: The text.
        names: What it may name; only data, and functions of the program's.

    Raises:
        ForeignTextError: If it is anything more.
        SyntaxError: If it is no expression.
    """
    if not isinstance(source, str):
        raise ForeignTextError(f"the test evaluates a {type(source).__name__} that it was given")
    tree = ast.parse(source.strip(), "returned", "eval")
    allowed = {name: value for name, value in names.items() if _is_data(value)}
    for node in ast.walk(tree):
        known = not isinstance(node, ast.Name) or node.id in allowed or node.id in _FUNCTIONS
        called = not isinstance(node, ast.Call) or (isinstance(node.func, ast.Name) and not node.keywords)
        if not isinstance(node, _PLAIN) or not known or not called:
            raise ForeignTextError(
                "the test evaluates what the program returned, which is no plain expression"
            )
    code = builtins.compile(tree, "returned", "eval")
    return builtins.eval(code, {**_FUNCTIONS, **allowed, "__builtins__": {}})


def guard_pickle() -> None:
    """Have `pickle` load data alone, for a test that loads what the program has dumped."""
    import pickle

    class DataOnly(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            for kind in _LOADABLE:
                if (kind.__module__, kind.__name__) == (module, name):
                    return kind
            raise pickle.UnpicklingError(f"{module}.{name} is no data")

    def loads(data: Any, /, **options: Any) -> Any:
        return DataOnly(io.BytesIO(data), **options).load()

    def load(file: Any, **options: Any) -> Any:
        return DataOnly(file, **options).load()

    for name, guarded in (("Unpickler", DataOnly), ("loads", loads), ("load", load)):
        setattr(pickle, name, guarded)


def _is_data(value: Any) -> bool:
    return value is None or type(value) is ProgramObject or type(value) in DATA_TYPES.values()


def _scope(names: Any, local: Any) -> tuple[dict[str, Any], Any]:
    """The names that `eval` and `exec` are given, or those of who calls them."""
    caller = sys._getframe(2)
    if names is None:
        return caller.f_globals, caller.f_locals if local is None else local
    return names, names if local is None else local

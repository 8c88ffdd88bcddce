"""What a test means by the names that it does not bind: the program's, or the library's.

A test says `Counter`, `isclose` or `math.sqrt` without importing it, as the program is supposed to have done.
Taken from the program, such a name would let it decide what is equal, or what is expected.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import sys
from collections.abc import Mapping
from typing import Any

_HELPERS: Mapping[str, tuple[str, ...]] = {
    "collections": ("ChainMap", "Counter", "OrderedDict", "defaultdict", "deque", "namedtuple"),
    "copy": ("deepcopy",),
    "datetime": ("date", "datetime", "timedelta"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "math": ("inf", "isclose", "isfinite", "isinf", "isnan", "nan", "pi"),
}
_HOME: Mapping[str, str] = {name: module for module, names in _HELPERS.items() for name in names}
"""Names that a test compares by, or builds what it expects from, and that programs seldom have to define."""

_RUNNING = frozenset(["compile", "eval", "exec"])
"""What runs a text, which may name the program's functions."""
_LIBRARIES = frozenset(["np", "numpy", "pandas", "pd", "pytest", "scipy", "sklearn", "sympy", "torch"])
_COMPARING = frozenset(["allclose", "approx", "array_equal", "assert_allclose", "assert_array_equal"])


class UnusableTestError(BaseException):
    """The test itself is at fault, whatever the program; not an Exception, so that no test catches it."""


def bindings(tree: ast.Module, entry_point: str | None) -> dict[str, Any]:
    """Names that a test uses without binding them, and that are not the program's.

    A helper's name is the program's own where nothing else in the test could be: `assert Counter('a') == 1`.

    Args:
        tree: The test.
        entry_point: What it tests, or None.

    Raises:
        UnusableTestError: If it needs a library that is not here.
    """
    bound = _bound(tree)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - bound
    under_test = (entry_point or "").partition(".")[0].partition("(")[0]
    used.discard(under_test)
    modules = _modules(tree, used)
    helpers = {name for name in used if name in _HOME and name not in modules}
    others = used - helpers - modules.keys() - vars(builtins).keys()
    _refuse_libraries(tree, used, others, under_test)
    found: dict[str, Any] = dict(modules)
    if under_test or others:
        found |= {name: getattr(importlib.import_module(_HOME[name]), name) for name in helpers}
    elif len(helpers) > 1:
        raise UnusableTestError(f"which of {', '.join(sorted(helpers))} is the program's cannot be told")
    return found


def _refuse_libraries(tree: ast.Module, used: set[str], others: set[str], under_test: str) -> None:
    """A test by `np.allclose` needs numpy, whatever the program calls np."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in used & _LIBRARIES:
                raise UnusableTestError(f"the test uses {name}.{node.attr} without importing it")
    comparing = sorted(used & _COMPARING)
    if comparing and (under_test or others - _COMPARING):
        raise UnusableTestError(f"the test uses {comparing[0]} without importing it")


def shadowed(tree: ast.Module) -> list[str]:
    """Built-in names that are the program's, as no other in the text could be: `assert sum(4, 6) == 3`.

    Decided by the text alone: a program that defines `abs` or `all` does not change what a test means by it.
    """
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    loaded = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    binding = (ast.FunctionDef, ast.Lambda, ast.ClassDef, ast.Import, ast.ImportFrom)
    definitions = [node for node in ast.walk(tree) if isinstance(node, binding)]
    if definitions or loaded - bound - vars(builtins).keys() or loaded & _RUNNING:
        return []
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted({node.id for node in called if isinstance(node, ast.Name)} - bound)


def imported(tree: ast.Module) -> set[str]:
    """The modules that a test's import statements name."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names | {name.partition(".")[0] for name in names}


def _modules(tree: ast.Module, used: set[str]) -> dict[str, Any]:
    """Modules of the standard library among the names, where the attribute asked for is there."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in used and name in sys.stdlib_module_names:
                with contextlib.suppress(ImportError):  # another system's
                    module = importlib.import_module(name)
                    if hasattr(module, node.attr):
                        found[name] = module
    return found


def _bound(tree: ast.Module) -> set[str]:
    """Names that the text binds anywhere: by assignment, definition, import, as a parameter or a capture."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add(other or name.partition(".")[0])
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                found.add(name)
    return found

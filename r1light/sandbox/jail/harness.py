"""Running one test of functions in the ways that data sets write them.

Bare statements; `def check(candidate)`, called with the entry point; `def test_...()` functions, called;
classes of `unittest.TestCase`, run. A text that would check nothing is refused, as anything would pass it.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Sequence
from typing import Any

from r1light.sandbox.jail import evaluation, names
from r1light.sandbox.jail.names import UnusableTestError

FILE_NAME = "test.py"

_DEFINITIONS = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.Import,
    ast.ImportFrom,
    ast.Assign,
    ast.AnnAssign,
    ast.Pass,
)


def run_test(
    text: str, entry_point: str | None, namespace: dict[str, Any], fetch: Callable[[str], Any]
) -> None:
    """Run it; returns if it passes.

    Args:
        text: Its source.
        entry_point: The function under test, such as "f", "Solution.f" or "Solution().f", or None.
        namespace: Its globals, in which missing names are the program's.
        fetch: Returns what a name is in the program.

    Raises:
        UnusableTestError: If it does not compile, or checks nothing.
        BaseException: What it raises, if it does not pass.
    """
    text = text.removeprefix("\ufeff")
    try:
        tree = ast.parse(text, FILE_NAME)
        code = compile(tree, FILE_NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnusableTestError(f"the test does not compile: {error}") from error
    after = _to_call(tree)
    if "check" in after and entry_point is None:
        raise UnusableTestError("the test defines check(candidate), and the program has no entry_point")
    namespace["__builtins__"] = evaluation.guarded_builtins(tree)
    if "pickle" in text:
        evaluation.guard_pickle()
    namespace.update(names.bindings(tree, entry_point))
    for name in names.shadowed(tree) if entry_point is None else filter(str.isidentifier, [entry_point]):
        namespace[name] = fetch(name)
    exec(code, namespace)
    for name in after:
        if name == "check":
            assert entry_point is not None
            namespace[name](_resolve(entry_point, namespace))
        elif isinstance(namespace.get(name), types.FunctionType):
            namespace[name]()
        else:
            _run_case(namespace[name])


def _to_call(tree: ast.Module) -> Sequence[str]:
    """The definitions that have to be called, as the text does not do so itself.

    Raises:
        UnusableTestError: If nothing in the text checks anything.
    """
    if any(not isinstance(node, _DEFINITIONS) and not _is_constant(node) for node in tree.body):
        if not _calls_check(tree):
            return [name for name in _defined(tree) if name == "check"]
        return []
    names = [name for name in _defined(tree) if name == "check" or name.lower().startswith("test")]
    names += [node.name for node in tree.body if isinstance(node, ast.ClassDef) and _is_case(node)]
    if not names:
        raise UnusableTestError("the test checks nothing")
    return list(dict.fromkeys(names))


def _defined(tree: ast.Module) -> list[str]:
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_case(node: ast.ClassDef) -> bool:
    return any("TestCase" in ast.unparse(base) for base in node.bases)


def _calls_check(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef)
        for node in ast.walk(statement)
    )


def _resolve(entry_point: str, namespace: dict[str, Any]) -> Any:
    """The object that an entry point names: names, attributes and calls without arguments."""
    try:
        node = ast.parse(entry_point, mode="eval").body
    except SyntaxError as error:
        raise UnusableTestError(f"the entry_point {entry_point!r} is no name") from error
    return _walk(node, namespace)


def _walk(node: ast.expr, namespace: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return namespace[node.id]
    if isinstance(node, ast.Attribute):
        return getattr(_walk(node.value, namespace), node.attr)
    if isinstance(node, ast.Call) and not node.args and not node.keywords:
        return _walk(node.func, namespace)()
    raise UnusableTestError(f"the entry_point {ast.unparse(node)!r} is no name")


def _run_case(case: Any) -> None:
    """Run a class of `unittest.TestCase`; raises the first failure."""
    import unittest

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    if suite.countTestCases() == 0:
        raise UnusableTestError("the test checks nothing")
    suite.debug()

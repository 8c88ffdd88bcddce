"""Running a Python program as `python program.py` would, in a process that is locked already."""

from __future__ import annotations

import atexit
import io
import os
import random
import sys
import threading
import traceback
from types import ModuleType
from typing import Any, NoReturn

EXIT_SYNTAX, EXIT_MEMORY = 112, 113
"""Statuses of a program that does not compile, or that ends by a MemoryError. A program may feign them, which
only names its failure otherwise."""

FILE_NAME = "program.py"

_SEED = 0


def run_program(source: bytes) -> NoReturn:
    """Run the program on standard input and output, and exit with its status."""
    module = prepare("__main__")
    status = 1
    try:
        status = execute(source, module) or 0
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        status = _flush() or status
        os._exit(status)


def prepare(name: str) -> ModuleType:
    """Fresh standard streams, a fixed seed and an empty module of that name."""
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = _writer(1, "surrogateescape")
    sys.stderr = _writer(2, "backslashreplace")
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.argv = [FILE_NAME]
    sys.path = [path for path in sys.path if path]
    random.seed(_SEED)  # every fork would draw what the launcher would
    module = ModuleType(name)
    module.__dict__.update(__builtins__=__builtins__, __file__=FILE_NAME, exit=sys.exit, quit=sys.exit)
    sys.modules[name] = module
    return module


def _writer(descriptor: int, errors: str) -> io.TextIOWrapper:
    return open(descriptor, "w", encoding="utf-8", errors=errors, closefd=False)


def execute(source: bytes, module: ModuleType) -> int | None:
    """Run source in a module; returns the exit status that it comes to, or None at its end."""
    try:
        code = compile(source.decode(), FILE_NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}")
        return EXIT_SYNTAX
    try:
        exec(code, module.__dict__)
    except SystemExit as error:
        return _exit_status(error.code)
    except MemoryError:
        sys.stderr.write("MemoryError")
        return EXIT_MEMORY
    except BaseException as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        traceback.print_exception(error, limit=-20)
        return 1
    return None


def _exit_status(code: Any) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _flush() -> int:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        return 120  # as the interpreter itself does
    return 0

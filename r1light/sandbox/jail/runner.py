"""Running a Python program as `python program.py` would, in a process that is locked already."""

from __future__ import annotations

import atexit
import gc
import io
import os
import random
import sys
import threading
import traceback
import weakref
from types import ModuleType
from typing import Any, NoReturn

EXIT_SYNTAX, EXIT_MEMORY = 112, 113
"""Statuses of a program that does not compile, or that ends by a MemoryError. A program may feign them, which
only names its failure otherwise."""

FILE_NAME = "program.py"

_SEED = 0

_THREAD_STACK = 8 << 20
"""The stack of a thread, in bytes, until the program asks for another: what a shell's usual limit gives."""


def run_program(source: bytes) -> NoReturn:
    """Run the program on standard input and output, and exit with its status."""
    status = execute(source, prepare("__main__")) or 0
    if status in (EXIT_SYNTAX, EXIT_MEMORY):
        _flush()
        os._exit(status)
    try:
        status = _finish() or status
    except BaseException:
        traceback.print_exc()
        status = status or 1
    finally:
        os._exit(status)


def _finish() -> int:
    """End as the interpreter does, and return 120 if output could not be written, else 0.

    Threads that are no daemons come first, then exit handlers, then what the program's objects do when they
    are deleted: an open file writes what it holds. The interpreter itself would take apart all that the fork
    server had imported, which costs five times the rest of a small program's run.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    failed = _flush()
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    module = sys.modules.pop("__main__", None)
    held = weakref.ref(module) if module is not None else lambda: None
    del module
    gc.collect()
    if (module := held()) is not None:
        _clear(module.__dict__)
        gc.collect()
    return _flush() or failed


def _clear(names: dict[str, Any]) -> None:
    """Let go of a module's values: those with an underscore before the others, as the interpreter does."""
    for private in (True, False):
        for name in list(names):
            if name != "__builtins__" and str(name).startswith("_") == private:
                names[name] = None


def prepare(name: str) -> ModuleType:
    """Fresh standard streams, a fixed seed and an empty module of that name."""
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = _writer(1, "surrogateescape")
    sys.stderr = _writer(2, "backslashreplace")
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.argv = [FILE_NAME]
    sys.path = [path for path in sys.path if path]
    threading.stack_size(_THREAD_STACK)
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
        code = compile(source.decode().removeprefix("\ufeff"), FILE_NAME, "exec", dont_inherit=True)
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
    """Write out the standard streams that are open; 120 where that fails, as of the interpreter itself."""
    failed = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except BaseException:
            failed = 120
    return failed

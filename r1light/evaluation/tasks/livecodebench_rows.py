"""The tests in rows of LiveCodeBench, as its public release holds them.

`public_test_cases` is JSON text; `private_test_cases` is JSON text too, or base64 of zlib of it, where a
pickle may stand around the text. A pickle is a program, so none is run here: its one text is read out of it.
"""

from __future__ import annotations

import base64
import binascii
import json
import pickletools
import zlib
from typing import Any

from r1light.core.errors import DataError
from r1light.core.types import TestCase

_MAX_BYTES = 1 << 30  # of the tests of one problem, unpacked
_TEXTS = {"BINUNICODE", "BINUNICODE8", "SHORT_BINUNICODE", "UNICODE"}
_HARMLESS = {"PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP"}


def test_cases(public: Any, private: Any, function: str | None, where: str) -> tuple[TestCase, ...]:
    """All tests of a problem, the public ones first.

    Args:
        public: The column `public_test_cases`.
        private: The column `private_test_cases`.
        function: What functional tests call, such as "Solution().two_sum"; None where there are none.
        where: The row's place, for errors.

    Raises:
        DataError: A column holds no tests, or a pickle of anything but one text.
    """
    found = []
    for column, value in (("public_test_cases", public), ("private_test_cases", private)):
        place = f"{where}: {column}"
        tests = _decoded(value, place)
        if not isinstance(tests, list):
            raise DataError(f"{place} must be a list of tests, and not {tests!r:.60}")
        found += [_test(test, function, f"{place}[{index}]") for index, test in enumerate(tests)]
    return tuple(found)


def pickled_text(data: bytes, where: str) -> str:
    """The text that a pickle of one text holds, read without running it.

    Raises:
        DataError: The pickle holds anything else.
    """
    texts = []
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in _TEXTS:
                texts.append(argument)
            elif opcode.name not in _HARMLESS:
                raise DataError(
                    f"{where} is a pickle of more than one text ({opcode.name}), and is not loaded, as a "
                    "pickle can run programs; give the tests as JSON text"
                )
    except ValueError as error:
        raise DataError(f"{where} is neither JSON nor a pickle: {error}") from error
    if len(texts) != 1:
        raise DataError(f"{where} is a pickle of {len(texts)} texts, and must be of one")
    return str(texts[0])


def _decoded(value: Any, where: str) -> Any:
    if value in (None, ""):
        return []
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return _json(_unpacked(value, where), where)
    except RecursionError as error:
        raise DataError(f"{where} is nested too deeply to be read") from error


def _unpacked(value: str, where: str) -> str:
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(value, validate=True), _MAX_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise DataError(f"{where} is neither JSON nor base64 of zlib: {error}") from error
    if not unpacker.eof:
        raise DataError(f"{where} is cut off, or unpacks to more than {_MAX_BYTES:,} bytes")
    try:
        return data.decode() if data[:1] in b'["' else pickled_text(data, where)
    except UnicodeDecodeError as error:
        raise DataError(f"{where} is not UTF-8 at byte {error.start}") from error


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} holds no JSON: {error}") from error


def _test(test: Any, function: str | None, where: str) -> TestCase:
    if not isinstance(test, dict) or not all(isinstance(test.get(key), str) for key in ("input", "output")):
        raise DataError(
            f'{where}={test!r:.60} must be {{"input": "...", "output": "...", "testtype": "stdin"}}'
        )
    kind = test.get("testtype", "stdin")
    if kind == "stdin":
        return TestCase(stdin=test["input"], stdout=test["output"])
    if kind != "functional" or function is None:
        hint = (
            "metadata must name the function by func_name" if kind == "functional" else "stdin or functional"
        )
        raise DataError(f"{where}: testtype={kind!r:.40} cannot be run: {hint}")
    arguments = [_json(line, where) for line in test["input"].split("\n") if line.strip()]
    called = f"{function}({', '.join(map(repr, arguments))})"
    # a tuple is as good as the list that JSON has for it
    return TestCase(
        assertion=f"found = {called}\nfound = list(found) if isinstance(found, tuple) else found\n"
        f"assert found == {_json(test['output'], where)!r}"
    )

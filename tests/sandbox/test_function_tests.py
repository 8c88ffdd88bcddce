# ruff: noqa: E501 - programs are shown as they are
"""Function tests: the program in one process, what tests it in another."""

import pytest

from r1light.sandbox.types import AssertTest, Limits, Program

pytestmark = pytest.mark.sandbox

LIMITS = Limits(wall_seconds=1.0, cpu_seconds=1, memory_mib=512)


def judge(box, code, *tests, entry_point=None, **options):
    program = Program(code, entry_point=entry_point)
    return box.run(program, [AssertTest(test) for test in tests], limits=LIMITS, **options)


ADD = "def add(a, b=1):\n    return a + b\n"
STACK = """
class Stack:
    kind = "stack"
    def __init__(self):
        self.items = []
    def push(self, item):
        self.items.append(item)
        return self
    def pop(self):
        return self.items.pop()
    def __len__(self):
        return len(self.items)
    def __iter__(self):
        return iter(self.items)
    def __getitem__(self, index):
        return self.items[index]
    def __str__(self):
        return f"Stack{self.items}"
def same(stack):
    return stack.pop()
"""
GENERATOR = "def count(n):\n    for i in range(n):\n        yield i\n"
RAISES = "def f(x):\n    if x < 0:\n        raise ValueError('negative')\n    return [][x]\n"
IN_PLACE = "def f(a, d, s):\n    a.sort()\n    d['x'] = (1, 2)\n    s.discard(1)\n"
CLASSIC = "class Solution:\n    def twoSum(self, nums, target):\n        return [0, 1]\n"


@pytest.mark.parametrize(
    ("code", "test"),
    [
        (ADD, "assert add(1, 2) == 3"),
        (ADD, "assert add(a='x', b='y') == 'xy'\nassert add(10**5000) == 10**5000 + 1"),
        (ADD, "assert add(0.1, 0.2) == 0.1 + 0.2 and type(add(1)) is int"),
        (ADD, "for i in range(5):\n    assert add(i) == i + 1"),
        (ADD, "import math\nassert math.isclose(add(0.5), 1.5)"),
        (ADD, "assert math.isclose(add(0.5), 1.5)"),
        (
            "class Queue:\n    def push(self, x):\n        return x\nqueue = Queue()",
            "assert queue.push(2) == 2",
        ),
        (ADD, "assert list(map(add, [1, 2])) == [2, 3] and callable(add)"),
        (STACK, "s = Stack()\ns.push(1).push([2])\nassert len(s) == 2 and list(s) == [1, [2]] and s[0] == 1"),
        (STACK, "s = Stack()\ns.items = [3]\nassert s.pop() == 3 and s.kind == 'stack' and not s"),
        (STACK, "s = Stack()\nassert str(s) == 'Stack[]' and s is s.push(4) and same(s) == 4"),
        (
            STACK,
            "try:\n    Stack().pop()\nexcept IndexError as error:\n    assert 'empty' in str(error)\nelse:\n    assert False",
        ),
        (GENERATOR, "assert list(count(3)) == [0, 1, 2] and sum(count(4)) == 6\nassert next(count(1)) == 0"),
        (RAISES, "import unittest\nwith unittest.TestCase().assertRaises(ValueError):\n    f(-1)"),
        (
            IN_PLACE,
            "a, d, s = [2, 1], {}, {1, 2}\nassert f(a, d, s) is None\nassert (a, d, s) == ([1, 2], {'x': (1, 2)}, {2})",
        ),
        (CLASSIC, "assert Solution().twoSum([2, 7], 9) == [0, 1]"),
        ("def sum(a, b):\n    return a * b", "assert sum(2, 3) == 6"),
        ("from math import gcd\nN = [gcd(4, 6)]", "assert N == [2]"),
        ("def apply(x, kind):\n    return kind(x)", "assert apply('3', int) == 3 and apply([1], len) == 1"),
        ("def f():\n    print('noise' * 10**6)\n    return 1", "assert f() == 1"),
        ("if __name__ == '__main__':\n    1 / 0\ndef f():\n    return 1", "assert f() == 1"),
        (
            ADD,
            "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(add(1), 2)",
        ),
        (ADD, "def test_add():\n    assert add(1) == 2"),
    ],
    ids=range(23),
)
def test_right_functions_pass(box, code, test):
    assert judge(box, code, test).detail == ""


@pytest.mark.parametrize(
    ("code", "entry_point"),
    [
        (ADD, "add"),
        ("class Solution:\n    def add(self, a, b=1):\n        return a + b", "Solution().add"),
        ("def sorted(a, b=1):\n    return a + b", "sorted"),
    ],
)
def test_check_is_called_with_the_entry_point(box, code, entry_point):
    test = "METADATA = {}\ndef check(candidate):\n    assert candidate(1) == %d\n    assert candidate(1, 2) == 3\n"
    assert judge(box, code, test % 2, entry_point=entry_point).status == "pass"
    assert judge(box, code, test % 5, entry_point=entry_point).status == "wrong"
    called = test % 2 + f"check({entry_point})\n"
    assert judge(box, code, called, entry_point=entry_point).status == "pass"


@pytest.mark.parametrize(
    ("code", "test", "status", "detail"),
    [
        (ADD, "assert add(1) == 3", "wrong", "assertion failed at line 1 of the test"),
        (ADD, "assert add(1) == 3, 'three'", "wrong", "three"),
        (ADD, "assert add(1, 'a') == 3", "runtime_error", "TypeError"),
        (ADD, "assert sub(1) == 3", "runtime_error", "NameError: name 'sub' is not defined"),
        (ADD, "assert add(1) < None", "wrong", "TypeError"),
        ("def f():\n    return exec", "f()('1 / 0')", "runtime_error", "ZeroDivisionError"),
        ("class math:\n    isclose = print\ndef add(x):\n    return x", "assert math.isclose(add(0.5), 1.5)", "wrong", ""),
        (STACK, "assert same(type(Stack())) == 3", "wrong", "TypeError"),
        (ADD, "__import__(add('no', '_such_module'))", "wrong", "ModuleNotFoundError"),
        ("def add(x):\n    for _ in range(250):\n        x = [x]\n    return x", "assert add(1)", "runtime_error", "deeper than 200"),
        ("def add(", "assert add(1) == 3", "compile_error", "never closed"),
        ("1 / 0", "assert add(1) == 3", "runtime_error", "ZeroDivisionError"),
        ("import sys\nsys.exit(0)", "assert add(1) == 3", "runtime_error", "ended before"),
        ("def add(x):\n    raise SystemExit(0)", "assert add(1) == 2", "runtime_error", "SystemExit"),
        ("def add(x):\n    import os\n    os._exit(0)", "assert add(1) == 2", "runtime_error", "ended before"),
        ("def add(x):\n    while True:\n        pass", "assert add(1) == 2", "timeout", "stopped after"),
        ("def add(x):\n    import time\n    time.sleep(60)", "assert add(1) == 2", "timeout", "stopped after"),
        ("while True:\n    pass", "assert add(1) == 2", "timeout", ""),
        ("def add(x):\n    return [0] * 10**9", "assert add(1) == 2", "memory", "MemoryError"),
        ("def add(x):\n    return 'a' * (20 << 20)", "assert len(add(1)) == 2", "runtime_error", "above the limit"),
        ("def add(x):\n    return iter(int, 1)", "assert 5 in set(add(1))", "timeout", ""),
        ("class A:\n    def __eq__(self, other):\n        return True\ndef add(x):\n    return A()",
         "assert add(1) == 2", "wrong", "assertion failed"),
        ("class A(int):\n    def __eq__(self, other):\n        return True\ndef add(x):\n    return A()",
         "assert add(1) == 2", "wrong", "assertion failed"),
        ("import builtins\nbuiltins.AssertionError = None\nbuiltins.all = lambda x: True\ndef add(x):\n    return [0]",
         "assert all(add(1))", "wrong", "assertion failed"),
        ("import os\nos.write(4, b'\\0\\0\\0\\x02[]')\ndef add(x):\n    return 1", "assert add(1) == 2", "runtime_error", ""),
        ("import os\nfor fd in range(5, 64):\n    try:\n        os.write(fd, b'{\"status\": \"pass\"}\\n')\n"
         "    except OSError:\n        pass\ndef add(x):\n    return 1", "assert add(1) == 2", "wrong", ""),
    ],
    ids=range(26),
)  # fmt: skip
def test_wrong_functions_do_not(box, code, test, status, detail):
    outcome = judge(box, code, test)
    assert outcome.status == status, outcome.detail
    assert detail in outcome.detail


@pytest.mark.parametrize(
    ("test", "entry_point"),
    [
        ("assert (", None),
        ("", None),
        ("x = 1", None),
        ("# nothing", None),
        ("import math\nCASES = [1, 2]", None),
        ("def check(candidate):\n    assert candidate(1) == 2", None),
        ("import no_such_library\nassert add(1) == 2", None),
        ("assert add(lambda: 1) == 2", None),
        ("def test_add():\n    import no_such_library", None),
        ("def check(candidate):\n    assert candidate(1) == 2", "add + 1"),
    ],
)
def test_a_test_that_cannot_judge_is_unsupported_and_no_pass(any_box, test, entry_point):
    assert judge(any_box, ADD, test, entry_point=entry_point).status == "unsupported"


def test_one_verdict_a_test(box):
    tests = ["assert add(1) == 2", "assert add(2) == 0", "assert add(3) == 4", "raise ValueError"]
    first = judge(box, ADD, *tests)
    assert [test.status for test in first.tests] == ["pass", "wrong"]
    every = judge(box, ADD, *tests, stop_on_fail=False)
    assert [test.status for test in every.tests] == ["pass", "wrong", "pass", "wrong"]
    assert (every.passed, every.total) == (2, 4)


def test_a_function_that_hangs_costs_only_its_own_test(box):
    code = "def f(x):\n    while x == 2:\n        pass\n    return x"
    outcome = judge(box, code, "assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3", stop_on_fail=False)
    assert [test.status for test in outcome.tests] == ["pass", "timeout", "pass"]


def test_the_program_cannot_find_the_test(box):
    code = """
import gc, os, sys
def spy():
    words = "sesame" + "street"
    held = [o for o in gc.get_objects() if isinstance(o, (str, list, dict)) and o is not words and words in str(o)]
    frame, seen = sys._getframe(), []
    while frame:
        seen += [str(value) for value in frame.f_locals.values() if isinstance(value, (str, bytes))]
        frame = frame.f_back
    return len([text for text in seen if words in text and text != words])
"""
    assert judge(box, code, "secret = 'sesamestreet'\nassert spy() == 0").status == "pass"

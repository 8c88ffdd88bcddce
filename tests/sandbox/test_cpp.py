# ruff: noqa: E501 - programs are shown as they are
"""C++ programs, compiled and run in real sandboxes."""

import shutil

import pytest

from r1light.sandbox.local import LocalSandbox
from r1light.sandbox.types import AssertTest, Limits, Program, SandboxConfig, StdioTest

pytestmark = pytest.mark.sandbox
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")

LIMITS = Limits(wall_seconds=2.0, cpu_seconds=1, memory_mib=256)
DOUBLE = "#include <iostream>\nint main() { long long a; std::cin >> a; std::cout << 2 * a << std::endl; }"


def judge(box, code, *tests):
    return box.run(Program(code, "cpp"), tests or (StdioTest("2", "4"),), limits=LIMITS)


@needs_compiler
@pytest.mark.parametrize(
    ("code", "status", "detail"),
    [
        (DOUBLE, "pass", ""),
        (DOUBLE.replace("2 *", "3 *"), "wrong", "'6' where '4' is expected"),
        ("int main() { return 3; }", "runtime_error", "exit status 3"),
        ("int main() { volatile int* p = 0; return *p; }", "runtime_error", "Segmentation fault"),
        ("int main() { for (volatile int i = 0;; i = i + 1); }", "timeout", ""),
        ("#include <vector>\nint main() { std::vector<char> v(1ull << 40); return v[5]; }", "memory", "bad_alloc"),
        ("#include <cstdio>\nint main() { for (;;) puts(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"); }", "output_limit", ""),
        ("int main() { return x; }", "compile_error", "'x' was not declared"),
        ('#include "/etc/passwd"\nint main() {}', "compile_error", "No such file"),
        ('#include "/dev/zero"\nint main() {}', "compile_error", ""),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_how_programs_end(box, code, status, detail):
    outcome = judge(box, code)
    if "passwd" in code and box.tier == "landlock":
        detail = "Permission denied"
    assert outcome.status == status, outcome.detail
    assert detail.replace("'", "") in outcome.detail.replace("'", "").replace("\u2018", "").replace(
        "\u2019", ""
    )


@needs_compiler
def test_it_is_compiled_once_for_all_tests(box):
    outcome = judge(box, DOUBLE, StdioTest("2", "4"), StdioTest("-3", "-6"), StdioTest("0", "1"))
    assert [test.status for test in outcome.tests] == ["pass", "pass", "wrong"]


@needs_compiler
def test_a_binary_is_confined_like_a_script(box):
    code = r"""
#include <cstdio>
#include <csignal>
#include <sys/socket.h>
#include <unistd.h>
int main() {
    int leaks = 0;
    leaks += fopen("/etc/passwd", "r") != nullptr;
    leaks += socket(AF_INET, SOCK_STREAM, 0) >= 0;
    leaks += fork() >= 0;
    leaks += kill(getppid(), 0) == 0;
    leaks += fopen("/usr/file", "w") != nullptr;
    printf("%d\n", leaks);
    fflush(stdout);
    execl("/bin/sh", "sh", "-c", "echo leak", nullptr);
}
"""
    assert judge(box, code, StdioTest("", "0")).detail == ""


def test_function_tests_are_for_python(any_box):
    outcome = any_box.run(Program(DOUBLE, "cpp"), [AssertTest("assert f() == 1")])
    assert outcome.status == "unsupported"


@pytest.mark.parametrize("compiler", ["no-such-compiler", "/opt/none/g++"])
def test_without_a_compiler_it_is_unsupported(any_box, compiler):
    config = SandboxConfig(cxx=compiler)
    with LocalSandbox(config, any_box.tier, any_box._executable, 1) as box:
        outcome = box.run(Program(DOUBLE, "cpp"), [StdioTest("2", "4")])
    assert outcome.status == "unsupported"
    assert compiler in outcome.detail

"""What runs beside the programs must start in a bare interpreter, and hold nothing worth stealing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import r1light.sandbox.jail

FOLDER = Path(r1light.sandbox.jail.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_it_imports_the_standard_library_alone(path):
    others = {
        name
        for name in imported(path)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not name.startswith("r1light.sandbox.jail")
    }
    assert others == set()


def test_a_bare_interpreter_starts_it_and_finds_no_installed_package():
    code = (
        f"import sys; sys.argv = ['', '9']; sys.path.append({str(FOLDER.parents[2])!r})\n"
        "import r1light.sandbox.jail.launcher\n"
        "print([name for name in sys.modules if name.partition('.')[0] not in sys.stdlib_module_names])"
    )
    done = subprocess.run(
        [sys.executable, "-s", "-S", "-B", "-P", "-c", code],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    names = ast.literal_eval(done.stdout)
    assert {name.partition(".")[0] for name in names} <= {"r1light", "__main__"}
    assert not [name for name in names if name.startswith("r1light.core")]


def test_it_goes_when_its_socket_closes():
    import socket

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-s", "-S", "-B", "-P", FOLDER, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={},
        )
    ours.close()
    assert process.wait(timeout=30) == 0

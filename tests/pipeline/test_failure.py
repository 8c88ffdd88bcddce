import pickle
import signal

import pytest

from r1light.core.errors import ConfigError, WorkerError
from r1light.pipeline.failure import failure, last_lines


@pytest.fixture
def output(tmp_path):
    path = tmp_path / "process.log"
    path.write_text("".join(f"line {number}\n\n" for number in range(100)) + "error: rows.jsonl is empty\n")
    return path


def test_wrong_input_stays_one_line_with_exit_code_2(output):
    error = failure("zero@0", 2, output=output)
    assert isinstance(error, ConfigError)
    assert error.exit_code == 2
    assert str(error) == f"step zero@0: rows.jsonl is empty; its output is {output}"


@pytest.mark.parametrize(
    ("code", "told", "reason"),
    [
        (1, 1, "exit code 1"),
        (-signal.SIGKILL, 137, "it was ended by SIGKILL"),
        (143, 143, "it was ended by SIGTERM"),
        (250, 250, "exit code 250"),
    ],
)
def test_a_fault_has_the_steps_exit_code_and_its_last_lines(output, code, told, reason):
    error = failure("zero@0", code, output=output)
    assert isinstance(error, WorkerError)
    assert error.exit_code == told
    first, *lines = str(error).splitlines()
    assert first.startswith(f"step zero@0 failed: {reason}; its output is {output}; the same command goes on")
    assert lines[-1] == "  error: rows.jsonl is empty"
    assert lines[0] == "  line 89"  # twelve lines: 89 to 99, and the error
    assert pickle.loads(pickle.dumps(error)).exit_code == told


def test_what_is_known_is_said(output):
    assert "step a@1 failed: it ran for too long; " in str(failure("a@1", 1, "it ran for too long", output))
    assert str(failure("a@1", 2, "unknown key")) == "step a@1: unknown key"


def test_the_last_lines_of_nothing_are_none(tmp_path):
    assert last_lines(tmp_path / "absent") == []
    (tmp_path / "log").write_bytes(b"\xff\n" + b"x" * 50_000 + b"\nend")
    assert last_lines(tmp_path / "log", 1) == ["end"]

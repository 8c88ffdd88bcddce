import io
import logging
import sys
import time

import pytest

from r1light.core import progress as module
from r1light.core.errors import StorageError
from r1light.core.progress import logging_to, progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    fake = Clock()
    monkeypatch.setattr(module.time, "monotonic", fake.monotonic)
    return fake


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="r1light")
    return lambda: [record.getMessage() for record in caplog.records]


def run(total, seconds, clock, **metrics):
    with progress(total, "iterations") as bar:
        for _ in range(total):
            clock.now += seconds
            bar.advance(**metrics)


def test_quick_work_has_a_line_every_five_percent_but_no_more_than_one_a_second(clock, lines):
    run(100, 0.25, clock)
    # every 5 steps are due at 1.25 s, so lines at 1, then from 6 on every 5 steps, and the last at 100
    assert [line.split()[1] for line in lines()] == [
        "1/100",
        *[f"{n}/100" for n in range(6, 100, 5)],
        "100/100",
    ]


def test_slow_work_has_a_line_every_ten_seconds(clock, lines):
    run(1000, 4.0, clock)
    shown = [int(line.split()[1].split("/")[0]) for line in lines()]
    assert shown[:4] == [1, 4, 7, 10]  # 12 s apart: the first step at which 10 s have passed
    assert shown[-1] == 1000


def test_a_line_tells_numbers_time_and_what_is_left(clock, lines):
    run(2, 65.0, clock, reward=0.12345, length=40)
    assert lines() == [
        "iterations 1/2  reward 0.1235  length 40  1:05",
        "iterations 2/2  reward 0.1235  length 40  2:10, 0:00 left",
    ]


def test_what_is_left_goes_by_the_later_half_of_what_was_done(clock, lines):
    with progress(16, "iterations") as bar:
        for seconds in (10, 10, 10, 10, 30, 30, 30, 30):
            clock.now += seconds
            bar.advance()
    # 8 are left at 30 s each, as the last 4 took: 240 s. All but the first took 150 / 7 on average: 171 s.
    assert lines()[-1] == "iterations 8/16  2:40, 4:00 left"


def test_a_session_that_goes_on_counts_from_where_the_last_one_was(clock, lines):
    with progress(12, "iteration", 10) as bar:
        for _ in range(2):
            clock.now += 60.0
            bar.advance()
    assert lines() == ["iteration 11/12  1:00", "iteration 12/12  2:00, 0:00 left"]


def test_a_step_that_takes_long_says_that_it_is_under_way(monkeypatch, lines):
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.01)
    with progress(5, "iteration") as bar:
        bar.advance()
        deadline = time.monotonic() + 10
        while len(lines()) < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert lines()[0].startswith("iteration 1/5")
    assert lines()[1:3] == ["iteration 1/5 done, 0:00 since the start: still at work"] * 2


def test_a_terminal_gets_a_bar(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress(2, "iterations") as bar:
        bar.advance(reward=0.5)
        bar.advance(reward=0.75)
    assert "iterations" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()
    assert "reward 0.75" in terminal.getvalue()


def test_the_log_goes_to_stderr_and_file_and_other_libraries_warnings_to_the_file_only(tmp_path, capsys):
    path = tmp_path / "run" / "r1light.log"
    with logging_to(path):
        logging.getLogger("r1light.stages").info("hello")
        logging.getLogger("r1light").debug("detail")
        logging.getLogger("elsewhere").warning("careful")
        logging.getLogger("elsewhere").info("chatter")
    logging.getLogger("r1light").warning("afterwards")
    assert capsys.readouterr().err.splitlines()[0] == "hello"
    text = path.read_text()
    assert "INFO r1light.stages: hello" in text
    assert text.count("careful") == 1
    assert not any(word in text for word in ("detail", "chatter", "afterwards"))


def test_debug_and_quiet_change_what_is_shown(capsys):
    with logging_to(None, debug=True):
        logging.getLogger("r1light").debug("detail")
    with logging_to(None, quiet=True):
        logging.getLogger("r1light").info("hidden")
        logging.getLogger("r1light").warning("shown")
    assert capsys.readouterr().err.split() == ["detail", "shown"]


def test_the_log_of_before_is_back_afterwards(tmp_path):
    ours = logging.getLogger("r1light")
    before = (ours.level, ours.propagate, list(ours.handlers), list(logging.getLogger().handlers))
    with logging_to(tmp_path / "log"):
        assert len(ours.handlers) == len(before[2]) + 2
    assert (ours.level, ours.propagate, list(ours.handlers), list(logging.getLogger().handlers)) == before


def test_a_log_that_cannot_be_opened_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot write"), logging_to(tmp_path):
        pass

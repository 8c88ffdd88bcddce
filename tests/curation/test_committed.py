"""An output that grows by batches: whatever is cut short, nothing is lost and nothing doubled."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r1light.core.errors import ResumeError, StorageError
from r1light.curation.committed import count_lines, open_output

LINES = [f"line {i}\n".encode() for i in range(20)]


def work(source, output, *, most=None, afresh=False, setup=None):
    """Upper-case the lines that are left, three at a time; stop after `most` batches."""
    with open_output(source, output, setup or {"weight": 1.0}, afresh=afresh) as out:
        batches = 0
        batch = []
        for _, line in [*out.lines(), (0, None)]:
            if line is not None:
                batch.append(line)
            if batch and (len(batch) == 3 or line is None):
                if batches == most:
                    break
                raw = b"".join(batch)
                out.commit(raw, raw.upper(), len(batch), {"done": out.last.lines + len(batch)})
                batches, batch = batches + 1, []
        return out.last


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join(LINES))
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=40)), max_size=4), st.booleans())
def test_going_on_gives_what_one_go_gives(tmp_path_factory, source, breaks, ended):
    output = tmp_path_factory.mktemp("out") / "out.jsonl"
    for most, debris in breaks:
        work(source, output, most=most)
        with output.open("ab") as file:  # a batch that was written and not noted down, or half of it
            file.write(debris)
    last = work(source, output)
    assert output.read_bytes() == b"".join(LINES).upper()
    assert (last.lines, last.progress["done"]) == (20, 20)
    assert work(source, output) == last  # nothing is left


def test_lines_can_be_added_to_the_input_and_mended_behind_what_is_done(source, tmp_path):
    output = tmp_path / "out.jsonl"
    work(source, output, most=2)  # 6 lines
    source.write_bytes(b"".join(LINES[:6]) + b"another\n")
    work(source, output)
    source.write_bytes(source.read_bytes() + b"and one\n")
    work(source, output)
    assert output.read_bytes() == b"".join(LINES[:6]).upper() + b"ANOTHER\nAND ONE\n"


def test_another_input_output_or_setup_is_refused(source, tmp_path):
    output = tmp_path / "out.jsonl"
    work(source, output, most=2)
    before = output.read_bytes()
    with pytest.raises(ResumeError, match=r"weight is 1\.0 there and 2\.0 here; choose another output"):
        work(source, output, setup={"weight": 2.0})
    other = tmp_path / "other.jsonl"
    other.write_bytes(b"LINE" + b"".join(LINES)[4:])
    with pytest.raises(ResumeError, match=r"the first 6 lines of .*other\.jsonl are not those"):
        work(other, output)
    assert output.read_bytes() == before
    output.write_bytes(b"X" + before[1:])
    with pytest.raises(ResumeError, match=r"out\.jsonl was changed after it was written"):
        work(source, output)
    output.write_bytes(before[:-1])
    with pytest.raises(ResumeError, match="was changed"):
        work(source, output)


def test_a_file_that_is_not_ours_is_not_overwritten(source, tmp_path):
    output = tmp_path / "precious.txt"
    output.write_text("mine")
    with pytest.raises(ResumeError, match="exists, with no state beside it"):
        work(source, output)
    assert output.read_text() == "mine"
    work(source, output, afresh=True)
    assert (tmp_path / "precious.txt.old-1").read_text() == "mine"
    work(source, output, afresh=True)
    assert (tmp_path / "precious.txt.old-2").read_bytes() == output.read_bytes()


def hold(source, output, ready, end):
    with open_output(source, output, {}, afresh=False):
        ready.set()
        end.wait(30)


def test_two_processes_do_not_write_in_one_output(source, tmp_path):
    context = multiprocessing.get_context("fork")
    ready, end = context.Event(), context.Event()
    other = context.Process(target=hold, args=(source, tmp_path / "out.jsonl", ready, end))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(ResumeError, match="is being written by another process"):
            work(source, tmp_path / "out.jsonl")
    finally:
        end.set()
        other.join(30)


def test_what_a_killed_process_left_of_the_state_is_cleared_away(source, tmp_path):
    output = tmp_path / "out.jsonl"
    stale = tmp_path / ".out.jsonl.state.json.12345.tmp"
    stale.write_text("{")
    work(source, output)
    assert not stale.exists()


def test_a_damaged_state_is_refused(source, tmp_path):
    output = tmp_path / "out.jsonl"
    work(source, output, most=1)
    (tmp_path / "out.jsonl.state.json").write_text("{")
    with pytest.raises(ResumeError, match=r"state\.json cannot be read"):
        work(source, output)


@pytest.mark.parametrize("size", [100, 20_000])
def test_a_full_disk_is_named_and_loses_nothing(source, tmp_path, size):
    """In a process of its own, as the limit on the size of files is the process's."""
    fork = multiprocessing.get_context("fork")
    told = fork.SimpleQueue()

    def fill():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        try:
            with open_output(source, tmp_path / "out", {}, afresh=False) as out:
                out.commit(LINES[0], b"y" * 950, 1, {})
                out.commit(LINES[1], b"z" * size, 1, {})
        except Exception as error:
            told.put((type(error), str(error)))

    process = fork.Process(target=fill)
    process.start()
    process.join(30)
    assert not told.empty()
    assert told.get() == (StorageError, f"cannot write {tmp_path / 'out'}: File too large")
    with open_output(source, tmp_path / "out", {}, afresh=False) as out:
        assert (out.last.lines, (tmp_path / "out").read_bytes()) == (1, b"y" * 950)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(source, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(StorageError, match="cannot write"):
        work(source, tmp_path / "closed" / "out.jsonl")


@pytest.mark.parametrize(("text", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\n\nb", 3)])
def test_lines_are_counted_with_or_without_a_last_end(tmp_path, text, lines):
    path = tmp_path / "a"
    path.write_bytes(text)
    assert count_lines(path) == lines
